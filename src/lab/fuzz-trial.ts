/**
 * One trial of the fuzzer: a saved index of a random shape, damaged at random, and then opened, searched and verified. What must
 * hold whatever was done to the file is said at `runTrial`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { AnnError } from '../core/errors.ts';
import { Random } from '../core/random.ts';
import { open, save, verify } from '../engine/index-file.ts';
import type { AnyIndex } from '../graph/any-index.ts';
import { Hnsw } from '../graph/hnsw.ts';
import type { HnswOptions } from '../graph/hnsw-options.ts';
import { METRICS, type Metric } from '../graph/vector-index.ts';
import { ProductQuantizer } from '../quantize/product.ts';
import type { Quantizer } from '../quantize/quantizer.ts';
import { RabitqQuantizer } from '../quantize/rabitq.ts';
import { ScalarQuantizer } from '../quantize/scalar.ts';
import { AnnFile, type LoadMode } from '../storage/ann-file.ts';
import { type Damage, damaged, isLie, randomDamage, type Saved } from './fuzz-damage.ts';

/** What an index is made of; goes through JSON unchanged. */
export interface Shape {
  options: HnswOptions;
  /** A quantizer that is trained for it, in place of `options.codes`. */
  trained?: TrainedCodes;
  count: number;
  rows: 'normal' | 'bytes';
  ownIds: boolean;
  seed: string;
}

export type TrainedCodes =
  | { kind: 'scalar'; bits: 7 | 8; ranges: 'vector' | 'dimension' }
  | { kind: 'rabitq'; bits: number }
  | { kind: 'product'; m: number; bits: 4 | 8; opq: boolean; centroids: number };

export interface Trial {
  shape: Shape;
  damage: Damage;
  /** How the damaged file is opened. */
  mode: LoadMode;
}

/** What a trial came to: the first to say no, or nobody; `same`: nothing was changed, so nothing was tried. */
export type Outcome = 'open' | 'search' | 'verify' | 'nobody' | 'same';

/** A promise that was broken. */
export class Finding extends Error {}

/** What is tried. */
export interface Engine {
  open: typeof open;
  verify: typeof verify;
}

/** A saved index of a shape, and what it answers. */
export interface Subject extends Saved {
  shape: Shape;
  queries: Float32Array[];
  answers: string[];
}

/** Trials with the same shape follow one another, so that an index is built for many of them. */
export const TRIALS_OF_A_SHAPE = 200;

export function shapeOf(seed: number, trial: number): Shape {
  const name = `fuzz ${seed} shape ${Math.floor(trial / TRIALS_OF_A_SHAPE)}`;
  const random = new Random(name);
  const one = <T>(values: readonly T[]) => values[random.integer(values.length)];
  const metric = one(METRICS);
  const M = 2 + random.integer(15);
  const dimension = one([1, 2, 3, 16, 33, 100, 1 + random.integer(140)]);
  const trained = random.integer(2) ? trainedCodesOf(random, dimension, metric) : undefined;
  return {
    ...(trained && { trained }),
    options: {
      ...{ dimension, metric, M, finer: trained && random.integer(2) ? 'sq7' : 'none' },
      ...{
        codes: one(['f32', 'sq7'] as const),
        filter: metric === 'manhattan' ? 'none' : one(['sign', 'none'] as const),
      },
      ...{ efConstruction: M + random.integer(20), seed: random.integer(1000), keepPruned: random.integer(2) === 0 },
    },
    count: one([0, 1, 2, 50 + random.integer(500), 1024 + random.integer(500), 1024 + random.integer(2000)]),
    rows: one(['normal', 'normal', 'bytes']),
    ownIds: random.integer(2) === 0,
    seed: name,
  };
}

function trainedCodesOf(random: Random, dimension: number, metric: Metric): TrainedCodes {
  const kind = metric === 'manhattan' ? 0 : random.integer(3);
  if (kind === 0) {
    const bits = random.integer(2) ? 7 : 8;
    return { kind: 'scalar', bits, ranges: bits === 8 && random.integer(2) ? 'dimension' : 'vector' };
  }
  if (kind === 1) return { kind: 'rabitq', bits: 1 + random.integer(8) };
  const divisors = Array.from({ length: dimension }, (_, i) => i + 1).filter((i) => dimension % i === 0);
  const m = divisors[random.integer(divisors.length)];
  const centroids = random.integer(2) ? 1 + random.integer(20) : 0;
  return { kind: 'product', m, bits: random.integer(2) ? 4 : 8, opq: random.integer(4) === 0, centroids };
}

/** Trained on rows of its own: a product quantizer takes more than some indexes hold. */
function train(shape: Shape, codes: TrainedCodes): Quantizer | Promise<Quantizer> {
  const { dimension, metric } = shape.options;
  const rows = { data: rowsOf(shape, TRAINED_ON, 'training'), rows: TRAINED_ON, dimension };
  if (codes.kind === 'scalar') return ScalarQuantizer.train(rows, { ...codes, ...(metric && { metric }) });
  if (codes.kind === 'rabitq') return RabitqQuantizer.train(rows, { ...codes, ...(metric && { metric }) });
  const { m, bits, opq, centroids } = codes;
  return ProductQuantizer.train(rows, {
    ...{ m, bits, opq, seed: 1, iterations: 2, ...(metric && { metric }) },
    ...(centroids > 0 && { residual: { centroids } }),
  });
}

const TRAINED_ON = 300;

export function damageOf(seed: number, trial: number, subject: Subject): Pick<Trial, 'damage' | 'mode'> {
  const random = new Random(`fuzz ${seed} damage ${trial}`);
  return { damage: randomDamage(random, subject), mode: random.integer(2) ? 'map' : 'read' };
}

/** Builds the index and saves it to `path`. */
export async function subjectOf(shape: Shape, path: string): Promise<Subject> {
  const { options, count, ownIds } = shape;
  const { dimension } = options;
  const codes = shape.trained ? await train(shape, shape.trained) : options.codes;
  const index = Hnsw.create({ threads: 1, ...options, ...(codes && { codes }), capacity: count + ADDED });
  const rows = rowsOf(shape, count, 'base');
  index.addBatch(rows, ownIds ? { ids: Uint32Array.from({ length: count }, (_, i) => 5 * count - 3 * i) } : {});
  await save(index, path);
  const strange = rowsOf(shape, QUERIES, 'queries');
  const queries = Array.from({ length: QUERIES }, (_, i) => strange.subarray(i * dimension, (i + 1) * dimension));
  using file = AnnFile.open(path);
  const sections = file.sections.map(({ name, offset }) => ({ name, offset, bytes: file.read(name) }));
  const { recordBytes, vectorBytes } = index.layout;
  return {
    ...{ shape, queries, answers: queries.map((query) => answer(index, query)) },
    ...{ bytes: readFileSync(path), meta: file.meta, sections, count, recordBytes, vectorBytes },
  };
}

const QUERIES = 4;
/** Vectors that are added where a lie passes for the truth. */
const ADDED = 4;

function rowsOf({ options: { dimension }, rows, seed }: Shape, n: number, part: string): Float32Array {
  const random = new Random(`${seed} ${part}`);
  return Float32Array.from({ length: n * dimension }, () =>
    rows === 'bytes' ? 1 + random.integer(255) : random.normal(),
  );
}

function answer(index: AnyIndex, query: Float32Array): string {
  const { ids, distances, work } = index.search(query, { k: 5, efSearch: 16 });
  return `${Array.from(ids)} ${Array.from(distances)} ${JSON.stringify(work)}`;
}

/**
 * Leaves the damaged file at `path` and sees what becomes of it. Throws Finding where one of these does not hold:
 *
 * 1. Of a damaged file every search returns what the whole index returns, or an error that names the file; and `verify` finds it.
 * 2. Of a file that lies, every call comes to an end, with a result or an AnnError, and takes no memory beyond what an index takes.
 * 3. What `verify` calls whole can be added to, and is whole then.
 */
export async function runTrial(
  subject: Subject,
  { damage, mode }: Pick<Trial, 'damage' | 'mode'>,
  path: string,
  engine: Engine = { open, verify },
): Promise<Outcome> {
  const bytes = damaged(subject, damage);
  if (Buffer.compare(bytes, subject.bytes) === 0) return 'same';
  writeFileSync(path, bytes);
  const lie = isLie(damage);
  const fails = (error: unknown, when: string) => {
    if (!(error instanceof AnnError)) throw new Finding(`${when}: ${error instanceof Error ? error.stack : error}`);
    if (lie || (DAMAGED.includes(error.code) && error.message.includes(path))) return;
    throw new Finding(`${when}: an error that does not say what is wrong with the file: ${error.message}`);
  };
  let outcome: Outcome = 'nobody';
  let index: AnyIndex | undefined;
  try {
    index = await engine.open(path, { threads: 1, mode });
  } catch (error) {
    fails(error, 'open');
    outcome = 'open';
  }
  for (const [i, query] of index ? subject.queries.entries() : []) {
    try {
      const got = answer(index!, query);
      if (!lie && got !== subject.answers[i]) throw new Finding(`query ${i}: ${got} instead of ${subject.answers[i]}`);
    } catch (error) {
      if (error instanceof Finding) throw error;
      fails(error, `query ${i}`);
      if (outcome === 'nobody') outcome = 'search';
    }
  }
  if (index) {
    for (const [name, ask] of Object.entries({ stats: () => index.stats(), validate: () => index.validate() })) {
      try {
        ask();
      } catch (error) {
        fails(error, name);
      }
    }
  }
  const report = await engine.verify(path).catch((error: unknown) => {
    throw new Finding(`verify: ${error instanceof Error ? error.stack : error}`);
  });
  if (report.ok && !lie) throw new Finding('verify calls a damaged file whole');
  if (report.ok && index) await addSome(subject, index);
  const { rss } = process.memoryUsage();
  if (rss > MOST_BYTES) throw new Finding(`${rss} bytes of memory are in use`);
  return outcome === 'nobody' && !report.ok ? 'verify' : outcome;
}

const DAMAGED = ['CORRUPTION', 'INDEX_FILE', 'FORMAT_VERSION'];
/** Indexes that nobody needs any more stay until they are collected. */
const MOST_BYTES = 4 * 2 ** 30;

async function addSome({ shape }: Subject, index: AnyIndex): Promise<void> {
  const { dimension, capacity } = index;
  const room = Math.min(ADDED, capacity - index.count);
  try {
    index.addBatch(rowsOf({ ...shape, options: { dimension } }, room, 'added'));
  } catch (error) {
    if (error instanceof AnnError) return;
    throw new Finding(`what verify calls whole cannot be added to: ${error instanceof Error ? error.stack : error}`);
  }
  const faults = index.validate();
  if (faults.length > 0) throw new Finding(`whole, and after ${room} more no longer: ${faults.slice(0, 5).join('; ')}`);
}
