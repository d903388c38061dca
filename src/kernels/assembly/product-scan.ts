/**
 * Fast scan of product codes of 4 bits: packed in blocks of 32 (`fast-scan.ts`), behind which lie, with coarse centroids, their 32
 * numbers u32 and 32 factors f32.
 */
import { BLOCK_CODES, packBlock, quantizeTables, scanBlock, tableStep } from './fast-scan';
import { byteTables, centroids, coarseNumber, codeBytes, errorAt, halved, halves, m } from './product-model';
import { Coarse } from './product-tables';

/** Packs `n` codes of 4 bits into blocks of 32. */
export function packProduct(codes: usize, n: i32, to: usize): void {
  const bytes = codeBytes();
  for (let first = 0; first < n; first += BLOCK_CODES) {
    const here = min(BLOCK_CODES, n - first);
    const from = codes + <usize>first * bytes;
    packBlock(from, here, bytes, m, to);
    if (centroids > 0) {
      const extra = to + ((<usize>m) << 4);
      memory.fill(extra, 0, <usize>(BLOCK_CODES << 3));
      for (let i = 0; i < here; i++) {
        const code = from + <usize>i * bytes;
        store<u32>(extra + ((<usize>i) << 2), coarseNumber(code));
        store<f32>(extra + ((<usize>(BLOCK_CODES + i)) << 2), load<f32>(code + errorAt, 8));
      }
    }
    to += blockBytes();
  }
}

/** Makes tables of bytes of the prepared query's, for `scanProduct`. Returns the most that its distances may be off theirs. */
export function prepareProductScan(): f32 {
  quantizeTables(halves, m, byteTables);
  return (halved ? <f32>0.25 : <f32>0.5) * <f32>m * tableStep;
}

/** Distances from the prepared query to the codes of `blocks` blocks, 32 floats each. */
export function scanProduct(packed: usize, blocks: i32, distances: usize): void {
  for (; blocks > 0; blocks--) {
    scanBlock(packed, byteTables, m, distances);
    if (centroids > 0) addCoarse(packed + ((<usize>m) << 4), distances);
    if (halved) {
      for (let i: usize = 0; i < 128; i += 16) {
        v128.store(distances + i, f32x4.mul(v128.load(distances + i), f32x4.splat(0.5)));
      }
    }
    packed += blockBytes();
    distances += BLOCK_CODES << 2;
  }
}

/** With coarse centroids, what each code of a block adds to the sums over the tables. */
function addCoarse(extra: usize, distances: usize): void {
  for (let i: usize = 0; i < <usize>(BLOCK_CODES << 2); i += 4) {
    const ofCode = Coarse.distance(load<u32>(extra + i));
    store<f32>(distances + i, load<f32>(distances + i) + ofCode + load<f32>(extra + i + ((<usize>BLOCK_CODES) << 2)));
  }
}

/** Bytes of a block of 32 codes of 4 bits: what `fast-scan.ts` reads, then with coarse centroids 32 u32 and 32 f32. */
function blockBytes(): usize {
  return ((<usize>m) << 4) + (centroids > 0 ? <usize>(BLOCK_CODES << 3) : 0);
}
