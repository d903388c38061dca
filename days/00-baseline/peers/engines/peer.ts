/**
 * What the bench asks of an engine that it measures, annlab's own among them. Each lives in a process of its own
 * (`engine-process.ts`) and sees the same vectors, the same queries and the same parameters.
 *
 * The libraries are an optional install beside this folder (`npm run setup:peers`). They are loaded by name and described by
 * small interfaces of our own, so that annlab compiles, lints and tests without them.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AnnError } from '../../../../src/core/errors.ts';
import type { Matrix } from '../../../../src/core/matrix.ts';
import type { Found, Knob } from '../../../../src/lab/sweep.ts';

export interface Peer {
  /** As in `--only`: the library and what it walks on. */
  name: string;
  /** The npm package that it needs; null: annlab itself. */
  package: string | null;
  /** The graph's parameters where the command line does not give any. */
  defaults: Pick<PeerSettings, 'M' | 'efConstruction'>;
  /** How it is held to one thread, for the record. */
  threads: string;
  /** Environment that has to be set before the library is loaded. */
  environment?: Record<string, string>;
  /** Builds an index over `base`, whose ids are row numbers; the caller holds the stop watch. */
  build(base: Matrix, settings: PeerSettings, onProgress: OnProgress): Promise<PeerIndex>;
}

/** The parameters that benchmarks of HNSW commonly use, for libraries whose own defaults lie far apart. */
export const COMMON = { M: 16, efConstruction: 200 } as const;

export interface PeerSettings {
  M: number;
  efConstruction: number;
  /**
   * What is near: by squared Euclidean distance, by inner product, or by either, as all vectors have one length and both say
   * the same: then an engine is asked for what it does best. Cosine comes as unit vectors.
   */
  space: 'l2' | 'dot' | 'either';
  /** An empty folder, for engines that keep their index on disk. */
  folder: string;
}

export type OnProgress = (done: number, total: number) => void;

export interface PeerIndex {
  /** More than one where an index can be searched in several ways, such as with re-ranking and without. */
  searchers: PeerSearcher[];
  /** What the engine says of its own memory, where it does: all, and what a search walks over. */
  ownBytes?: { total: number; walk: number };
  close?(): void;
}

export interface PeerSearcher {
  index: string;
  codes: string;
  /** As a `Searcher` of the sweep has them: what is turned along its curve, and where that has to be said. */
  knob?: Knob;
  by?: Knob;
  /** Brings the queries into the library's own form before any clock starts; `search` then takes rows of this matrix. */
  prepare?(queries: Matrix): void;
  search(query: Float32Array, k: number, width: number): Found | Promise<Found>;
}

/** Loads a library of the optional install. */
export async function loadPackage<Package>(name: string): Promise<Package> {
  if (!isInstalled(name)) throw new PeerMissingError([name]);
  // Not a literal, which the compiler would look up.
  const specifier: string = name;
  return import(specifier);
}

export function isInstalled(name: string): boolean {
  return existsSync(new URL(`../node_modules/${name}/package.json`, import.meta.url));
}

/** Asked for libraries of the optional install that are not there. */
export class PeerMissingError extends AnnError {
  constructor(packages: readonly string[]) {
    const folder = fileURLToPath(new URL('../node_modules', import.meta.url));
    super(
      'PEER_MISSING',
      `not found in ${folder}: ${packages.join(', ')}: run "npm run setup:peers", or measure annlab alone with --only annlab`,
    );
  }
}

/**
 * Each query in another form, made once. The sweep hands over rows of one matrix again and again; where in it a row begins
 * says which one it is.
 */
export class Prepared<Form> {
  readonly #convert: (query: Float32Array) => Form;
  #queries: Matrix = { data: new Float32Array(0), rows: 0, dimension: 1 };
  #forms: Form[] = [];

  constructor(convert: (query: Float32Array) => Form) {
    this.#convert = convert;
  }

  prepare(queries: Matrix): void {
    const { data, rows, dimension } = queries;
    this.#queries = queries;
    this.#forms = Array.from({ length: rows }, (_, i) =>
      this.#convert(data.subarray(i * dimension, (i + 1) * dimension)),
    );
  }

  of(query: Float32Array): Form {
    const { data, dimension } = this.#queries;
    const form = this.#forms[(query.byteOffset - data.byteOffset) / (4 * dimension)];
    return query.buffer === data.buffer && form !== undefined ? form : this.#convert(query);
  }
}

/** The low halves of 64-bit ids, without making a BigInt of each. */
export function lowHalves(ids: BigUint64Array): Uint32Array {
  const halves = new Uint32Array(ids.buffer, ids.byteOffset, 2 * ids.length);
  const low = new Uint32Array(ids.length);
  for (let i = 0; i < low.length; i++) low[i] = halves[2 * i];
  return low;
}
