/** What JavaScript sees of the kernels: scalars and addresses only, so four results go to `out` as four 32-bit lanes. */

import { hamming, hammingx4 } from './bits';
import { codeDot, codeDotx4, decode, encode } from './codes';
import { dot, dotx4, l2, l2x4, manhattan, manhattanx4 } from './distance';
import { levelsDotx4 } from './sq8-words';

export { configureBlocks, ensure, ensureAll, faultyPage, setChecking } from './blocks';
export { narrow, widen } from './bytes';
export { configureCrc32c, crc32c } from './crc32c';
export { listWithinBounds, rankFiner, rankListed, scan, scanFloats } from './exact';
export { configureHnsw, insert, resume } from './hnsw';
export {
  assignRows,
  configureKMeans,
  groupRows,
  moveCentroids,
  nearerRows,
  packCentroid,
  packPrices,
  placeCentroid,
  rowAtSum,
  sumDistances,
  sumSquares,
} from './kmeans';
export { configureLinks } from './links';
export { configureThread } from './locks';
export { norm2, scale } from './norm';
export { configurePool, readPool } from './pool';
export { distancesOfProduct, prepareProduct, prepareProductCode, productDistance } from './product';
export { boundsOfProduct, productBound } from './product-bound';
export { decodeProduct, encodeProduct, pointOfProduct } from './product-codes';
export { configureProduct } from './product-model';
export { packProduct, prepareProductScan, scanProduct } from './product-scan';
export {
  configureRabitq,
  prepareRabitq,
  prepareRabitqCode,
  rabitqBound,
  rabitqBoundsInto,
  rabitqDistance,
  rabitqDistancesInto,
} from './rabitq';
export { decodeRabitq, encodeRabitq } from './rabitq-codes';
export { rotate } from './rotation';
export { configureSigns, encodeSigns, rotateCentred } from './signs';
export { configureFiner, configureSpace, distanceCount, formOfRecords, resetDistances } from './space';
export { configureSq8, prepareSq8, prepareSq8Code, sq8Distance, sq8DistancesInto } from './sq8';
export { sq8Bound, sq8BoundsInto } from './sq8-bound';
export { decodeSq8, encodeSq8 } from './sq8-codes';
export { chooseLinks, configureVamana, linkBack, place, repair, setLinks } from './vamana';
export { configureVisited } from './visited';
export { configureWaiting } from './waiting';
export { brokenSlot, estimateCount, hopCount, search } from './walk';
export { codeDot, decode, dot, encode, hamming, l2, manhattan };

export function l2x4Into(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  v128.store(out, l2x4(q, a, b, c, d, n));
}

export function dotx4Into(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  v128.store(out, dotx4(q, a, b, c, d, n));
}

export function manhattanx4Into(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  v128.store(out, manhattanx4(q, a, b, c, d, n));
}

export function codeDotx4Into(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  v128.store(out, codeDotx4(q, a, b, c, d, n));
}

export function hammingx4Into(q: usize, a: usize, b: usize, c: usize, d: usize, n: i32, out: usize): void {
  v128.store(out, hammingx4(q, a, b, c, d, n));
}

export function levelsDotx4Into(a: usize, b: usize, c: usize, d: usize, out: usize): void {
  v128.store(out, levelsDotx4(a, b, c, d));
}
