/**
 * The kernels as WebAssembly instances. There are two builds; the relaxed one is taken where the engine validates it. The
 * environment variable ANNLAB_WASM=baseline asks for the other, so that both can be tested on one machine.
 */
import { readFileSync } from 'node:fs';

export type Build = 'relaxed' | 'baseline';

/** What `assembly/index.ts` exports; every number is an i32, an f32 or a byte address. */
export interface Kernels {
  l2(a: number, b: number, n: number): number;
  dot(a: number, b: number, n: number): number;
  manhattan(a: number, b: number, n: number): number;
  codeDot(a: number, b: number, n: number): number;
  hamming(a: number, b: number, n: number): number;
  l2x4Into(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
  dotx4Into(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
  manhattanx4Into(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
  codeDotx4Into(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
  hammingx4Into(q: number, a: number, b: number, c: number, d: number, n: number, out: number): void;
  encode(from: number, to: number, n: number): void;
  decode(code: number, to: number, n: number): void;
  narrow(from: number, to: number, n: number): number;
  widen(from: number, to: number, n: number): void;
  norm2(x: number, n: number): number;
  scale(x: number, n: number, factor: number): void;
  rotate(x: number, n: number, flips: number, rounds: number): void;

  configureProduct(
    dimension: number,
    metric: number,
    m: number,
    bits: number,
    rotates: boolean,
    centroids: number,
    model: number,
    scratch: number,
  ): void;
  pointOfProduct(x: number, to: number): void;
  encodeProduct(x: number, code: number): void;
  decodeProduct(code: number, x: number): void;
  prepareProduct(x: number): void;
  prepareProductCode(code: number): void;
  productDistance(code: number): number;
  productBound(code: number): number;
  distancesOfProduct(codes: number, n: number, distances: number): void;
  boundsOfProduct(codes: number, n: number, bounds: number): void;
  packProduct(codes: number, n: number, to: number): void;
  prepareProductScan(): number;
  scanProduct(packed: number, blocks: number, distances: number): void;

  configureSpace(
    dimension: number,
    metric: number,
    form: number,
    records: number,
    recordBytes: number,
    decoded: number,
    quantizedBytes?: number,
  ): void;
  configureFiner(at: number, bytes: number): void;
  configurePool(entries: number): void;
  configureWaiting(heap: number): void;
  configureVisited(marks: number, capacity: number): void;
  configureLinks(linksAt: number, upperLists: number, upperBytes: number): void;
  configureThread(thread: number, journal: number): void;
  configureSigns(
    signs: number,
    signBytes: number,
    words: number,
    rotated: number,
    mean: number,
    flips: number,
    buffer: number,
    planes: number,
  ): void;
  configureHnsw(
    state: number,
    M: number,
    slack: number,
    efConstruction: number,
    alpha: number,
    extendCandidates: boolean,
    keepPruned: boolean,
    signed: boolean,
    buildMargin: number,
    queryRecord: number,
    scratch: number,
    discarded: number,
    candidates: number,
  ): void;
  configureVamana(
    state: number,
    R: number,
    slack: number,
    settles: boolean,
    saturate: boolean,
    stepped: boolean,
    signed: boolean,
    lifted: boolean,
    buildMargin: number,
    queryRecord: number,
    scratch: number,
    discarded: number,
    candidates: number,
    mostVisited: number,
    mostCandidates: number,
  ): void;
  /** Negative: the graph is broken. */
  chooseLinks(x: number, slot: number, alpha: number, L: number, filtered: boolean, out: number): number;
  place(x: number, slot: number): void;
  setLinks(slot: number, edges: number, n: number): void;
  /** 0: the graph is broken. */
  linkBack(slot: number, edges: number, n: number, alpha: number): number;
  /** 0: the graph is broken. */
  repair(slot: number, alpha: number): number;

  scan(query: number, entries: number, k: number, size: number, from: number, n: number, scratch: number): number;
  scanFloats(
    x: number,
    record: number,
    entries: number,
    k: number,
    size: number,
    from: number,
    n: number,
    scratch: number,
  ): number;
  rankListed(query: number, k: number, slots: number, n: number, distances: number): number;
  rankFiner(x: number, record: number, k: number, slots: number, n: number, distances: number): number;
  listWithinBounds(k: number, n: number, slots: number, uppers: number): number;
  readPool(n: number, slots: number, distances: number): void;
  insert(x: number, slot: number, level: number, upper: number, filtered: boolean): number;
  resume(x: number, slot: number, level: number, upper: number, filtered: boolean): number;
  brokenSlot(): number;
  search(
    x: number,
    ef: number,
    k: number,
    stretch: number,
    unseen: number,
    filterWords: number,
    margin: number,
    deferred: boolean,
  ): number;
  rotateCentred(x: number): void;
  encodeSigns(x: number, slot: number): void;

  configureSq8(dimension: number, metric: number, form: number, model: number, scratch: number): void;
  encodeSq8(x: number, code: number): void;
  decodeSq8(code: number, to: number): void;
  prepareSq8(x: number): void;
  prepareSq8Code(code: number): void;
  sq8Distance(code: number): number;
  sq8Bound(code: number): number;
  levelsDotx4Into(a: number, b: number, c: number, d: number, out: number): void;
  sq8DistancesInto(codes: number, count: number, out: number): void;
  sq8BoundsInto(codes: number, count: number, out: number): void;

  configureRabitq(
    dimension: number,
    metric: number,
    bits: number,
    epsilon0: number,
    model: number,
    scratch: number,
  ): void;
  encodeRabitq(x: number, code: number): void;
  decodeRabitq(code: number, x: number): void;
  prepareRabitq(x: number): void;
  prepareRabitqCode(code: number): void;
  rabitqDistance(code: number): number;
  rabitqDistancesInto(codes: number, count: number, out: number): void;
  rabitqBound(code: number): number;
  rabitqBoundsInto(codes: number, count: number, out: number): void;

  configureCrc32c(room: number): void;
  crc32c(at: number, bytes: number, seed: number): number;
  configureBlocks(states: number, sums: number, room: number): void;
  setChecking(on: boolean): void;
  ensure(at: number, bytes: number): number;
  ensureAll(fromPage: number, toPage: number): number;
  faultyPage(): number;

  configureKMeans(
    dimension: number,
    k: number,
    rows: number,
    centroids: number,
    panels: number,
    prices: number,
    best: number,
  ): void;
  sumSquares(from: number, n: number): number;
  assignRows(list: number, from: number, n: number, nearest: number, distances: number): number;
  groupRows(n: number, nearest: number, starts: number, order: number): void;
  moveCentroids(from: number, to: number, starts: number, order: number): void;
  packCentroid(c: number): void;
  packPrices(): void;
  placeCentroid(c: number, row: number): void;
  nearerRows(from: number, n: number, c: number, distances: number): number;
  rowAtSum(from: number, n: number, target: number, distances: number): number;
  sumDistances(n: number, distances: number): number;

  resetDistances(): void;
  distanceCount(): number;
  formOfRecords(): number;
  hopCount(): number;
  estimateCount(): number;
}

/** A WebAssembly page, and the most that one memory may have below 4 GiB. */
export const PAGE_BYTES = 65536;
export const MAX_PAGES = 65535;

/** What `configureCrc32c` and `configureBlocks` take at `room`: a thread's own, on a multiple of 16. */
export const CRC_ROOM_BYTES = 24 * 1024;

/** A new instance of the kernels over `memory`; its scratch settings are its own, the memory may be shared. */
export function instantiate(memory: WebAssembly.Memory, build: Build = chooseBuild()): Kernels {
  const instance = new WebAssembly.Instance(moduleOf(build), { env: { memory, abort } });
  return instance.exports as unknown as Kernels;
}

/** The build that this machine runs, or the one that ANNLAB_WASM names. */
export function chooseBuild(): Build {
  chosen ??=
    process.env.ANNLAB_WASM === 'baseline' || !WebAssembly.validate(bytesOf('relaxed')) ? 'baseline' : 'relaxed';
  return chosen;
}

let chosen: Build | undefined;
const modules = new Map<Build, WebAssembly.Module>();

function moduleOf(build: Build): WebAssembly.Module {
  let module = modules.get(build);
  if (!module) {
    module = new WebAssembly.Module(bytesOf(build));
    modules.set(build, module);
  }
  return module;
}

function bytesOf(build: Build): Uint8Array<ArrayBuffer> {
  const file = new URL(`compiled/${build}.wasm`, import.meta.url);
  try {
    return new Uint8Array(readFileSync(file));
  } catch (cause) {
    throw new Error(`${file.pathname} is missing: run "npm run wasm", which compiles the kernels`, { cause });
  }
}

function abort(): never {
  throw new Error('internal error: the kernels aborted (please report it)');
}
