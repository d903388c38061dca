/**
 * usearch: HNSW on f32, bf16 (AVX-512 BF16 where there is) and i8. We call the native class under the package's JavaScript:
 * it answers some µs sooner, and it is the only way to the i8 kernels at their best. The JavaScript turns an Int8Array into
 * f32, and the native f32 → i8 cast then scales every vector to length 127, which ruins L2 and leaves few of the 8 bits.
 * So the codes are made here, on one scale for the whole set, without loss where the set is made of bytes.
 *
 * efSearch is fixed when an index is made: for each width the index is read from a file into one of its own.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Found } from '../../../../src/lab/sweep.ts';
import { COMMON, loadPackage, lowHalves, type Peer, Prepared } from './peer.ts';

export const usearchF32 = usearch('f32');
export const usearchBf16 = usearch('bf16');
export const usearchI8 = usearch('i8');

type Codes = 'f32' | 'bf16' | 'i8';

function usearch(codes: Codes): Peer {
  return {
    name: `usearch-${codes}`,
    package: 'usearch',
    defaults: COMMON,
    threads: 'add and search are called with threads = 1',

    async build({ data, rows, dimension }, { M, efConstruction, space, folder }, onProgress) {
      const { CompiledIndex } = await loadNative();
      // The i8 codes are centred, which distances do not mind and inner products do.
      const metric = space === 'l2' || (space === 'either' && codes === 'i8') ? 'l2sq' : 'ip';
      const create = (ef: number) => new CompiledIndex(dimension, metric, codes, M, efConstruction, ef, false);
      const scale = codes === 'i8' ? scaleOf(data, dimension, metric === 'l2sq') : null;
      const form = (vectors: Float32Array) => (scale ? encode(vectors, scale) : vectors);

      const built = create(efConstruction);
      const keys = BigUint64Array.from({ length: rows }, (_, i) => BigInt(i));
      for (let from = 0; from < rows; from += 1000) {
        const to = Math.min(from + 1000, rows);
        built.add(keys.subarray(from, to), form(data.subarray(from * dimension, to * dimension)), 1);
        onProgress(to, rows);
      }
      let open: { index: CompiledIndex; ef: number } | null = { index: built, ef: efConstruction };
      const file = join(folder, 'usearch.index');
      let saved = false;
      const reopen = async (ef: number): Promise<CompiledIndex> => {
        if (!saved) open!.index.save(file);
        saved = true;
        open = null;
        await freeUnreachable();
        const index = create(ef);
        index.load(file);
        open = { index, ef };
        return index;
      };
      const forms = new Prepared(form);
      return {
        searchers: [
          {
            index: 'usearch',
            codes,
            prepare: (queries) => forms.prepare(queries),
            search(query, k, efSearch) {
              const vector = forms.of(query);
              if (open?.ef === efSearch) return find(open.index, vector, k);
              return reopen(efSearch).then((index) => find(index, vector, k));
            },
          },
        ],
      };
    },
  };
}

type Vectors = Float32Array | Int8Array;

interface CompiledIndex {
  add(keys: BigUint64Array, vectors: Vectors, threads: number): void;
  search(query: Vectors, k: number, threads: number): [ids: BigUint64Array, distances: Float32Array];
  save(file: string): void;
  load(file: string): void;
}

interface Native {
  CompiledIndex: new (
    dimension: number,
    metric: 'l2sq' | 'ip',
    codes: Codes,
    M: number,
    efConstruction: number,
    efSearch: number,
    multi: boolean,
  ) => CompiledIndex;
}

/** The native class, found as the package itself finds it. */
async function loadNative(): Promise<Native> {
  await loadPackage('usearch');
  const require = createRequire(import.meta.url);
  return require('node-gyp-build')(fileURLToPath(new URL('../node_modules/usearch', import.meta.url)));
}

function find(index: CompiledIndex, query: Vectors, k: number): Found {
  const [ids, distances] = index.search(query, k, 1);
  return { ids: lowHalves(ids), distances };
}

/** x ≈ centre + step · code, code in −128 … 127; a centre for each dimension, one step for all. */
interface Scale {
  centre: Float32Array;
  step: number;
}

/** Standard deviations to each side that the codes span: 6 to 10 find most on the embedding-like set, 4 cuts off too much. */
const REACH = 8;

/** Bytes as they are where the set has whole numbers no wider than a byte; else around the mean, as wide as its values are. */
function scaleOf(data: Float32Array, dimension: number, centred: boolean): Scale {
  const centre = new Float32Array(dimension);
  if (centred && isOfBytes(data)) return { centre: centre.fill(128), step: 1 };
  const rows = data.length / dimension;
  if (centred) {
    for (let start = 0; start < data.length; start += dimension) {
      for (let j = 0; j < dimension; j++) centre[j] += data[start + j] / rows;
    }
  }
  let squares = 0;
  let most = 0;
  for (let start = 0; start < data.length; start += dimension) {
    for (let j = 0; j < dimension; j++) {
      const x = data[start + j] - centre[j];
      squares += x * x;
      most = Math.max(most, Math.abs(x));
    }
  }
  return { centre, step: Math.min(REACH * Math.sqrt(squares / data.length), most) / 127 || 1 };
}

function isOfBytes(data: Float32Array): boolean {
  return data.every((x) => x >= 0 && x <= 255 && Number.isInteger(x));
}

function encode(vectors: Float32Array, { centre, step }: Scale): Int8Array {
  const codes = new Int8Array(vectors.length);
  for (let i = 0; i < codes.length; i++) {
    codes[i] = Math.max(-128, Math.min(127, Math.round((vectors[i] - centre[i % centre.length]) / step)));
  }
  return codes;
}

/** The collector does not know how much memory hangs on a native index: ask it, and let the finalizers run. */
async function freeUnreachable(): Promise<void> {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  await nextTurn();
}
