/** The engine on the day's sets, and its milestone, which a process of its own measures. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Hnsw, Vamana, type VamanaOptions, type VamanaStats } from 'annlab';
import { type MeasuredSet, rows, type WorkPoint, withTruth, workCurve } from 'annlab/lab';
import { BUILD, LISTS } from './measure.ts';

/** An HNSW over the set, with as many links on level 0 as the day's graph has at most. */
export function engineHnsw({ base }: MeasuredSet): Hnsw {
  const { rows: capacity, dimension } = base;
  const options = { M: BUILD.R / 2, efConstruction: BUILD.L, codes: 'f32', filter: 'none', seed: 1 } as const;
  const index = Hnsw.create({ dimension, capacity, ...options });
  index.addBatch(base.data);
  return index;
}

/** The engine's Vamana over the set, on exact vectors and without its filter, so that its distances are what the day's are. */
export function engineVamana({ base }: Pick<MeasuredSet, 'base'>, options: Partial<VamanaOptions> = {}): Vamana {
  const { rows: capacity, dimension } = base;
  const index = Vamana.create({ dimension, capacity, codes: 'f32', filter: 'none', ...BUILD, ...options });
  index.build(base.data);
  return index;
}

export function engineCurveOf(index: Vamana, { queries, truth }: Omit<MeasuredSet, 'base'>): WorkPoint[] {
  const search = (query: Float32Array, efSearch: number) => index.search(query, { k: 10, efSearch });
  return workCurve({ search, queries, truth, k: 10, efs: LISTS });
}

/** What the engine takes where nobody says otherwise. */
export function defaults(): Pick<VamanaStats, 'R' | 'L' | 'alpha' | 'passes'> {
  return Vamana.create({ dimension: 16, capacity: 1 }).stats();
}

/** The engine's Vamana at some point of its life. */
export interface Halved {
  state: string;
  /** Vectors that live, and links of a node, on average. */
  vectors: number;
  degree: number;
  /** Recall@10 among those that live, and distances of a query, with a beam of 20. */
  recall: number;
  distances: number;
  /** What `validate` finds wrong. */
  faults: number;
}

/** The engine's Vamana over the set; when every second vector has been deleted; consolidated; and the others in an index of their own. */
export function halved(set: MeasuredSet): Halved[] {
  const { rows: n, dimension } = set.base;
  const others = rows(set.base).filter((_, id) => id % 2 === 1);
  const data = new Float32Array(others.length * dimension);
  for (const [row, vector] of others.entries()) data.set(vector, row * dimension);
  const half = withTruth({ base: { data, rows: others.length, dimension }, queries: set.queries });

  const index = engineVamana(set);
  const states = [stateOf('all of them', index, set)];
  for (let id = 0; id < n; id += 2) index.delete(id);
  // The truth counts the others only.
  const living = (id: number) => (id - 1) / 2;
  states.push(stateOf('every second one deleted', index, half, living));
  index.consolidate();
  states.push(stateOf('consolidated', index, half, living));
  states.push(stateOf('the others, built anew', engineVamana(half), half));
  return states;
}

function stateOf(
  state: string,
  index: Vamana,
  { queries, truth }: MeasuredSet,
  numbered: (id: number) => number = (id) => id,
): Halved {
  const search = (query: Float32Array, efSearch: number) => {
    const { ids, work } = index.search(query, { k: 10, efSearch });
    return { ids: Array.from(ids, numbered), ...work };
  };
  const [{ recall, distances }] = workCurve({ search, queries, truth, k: 10, efs: [20] });
  const { count, meanDegree } = index.stats();
  return { state, vectors: count, degree: meanDegree, recall, distances, faults: index.validate().length };
}

/** What the milestone's process answers. */
export interface Milestone {
  n: number;
  dimension: number;
  /** The engine's own choice. */
  R: number;
  L: number;
  alpha: number;
  /** Of building, on one thread: by the clock, and of a core; where the machine is busy with other things the clock runs faster. */
  seconds: number;
  cpuSeconds: number;
  /** Links of a node, on average. */
  degree: number;
  /** What `validate` finds wrong: a node to which no way leads from the start would be a fault. */
  faults: number;
  /** Of the narrowest beam that finds 0.95 of the ten nearest. */
  efSearch: number;
  recall: number;
  /** Of a query: distances evaluated, nodes read, and microseconds, the median. */
  distances: number;
  hops: number;
  us: number;
}

/** 100,000 vectors of 128 dimensions, made like text embeddings, built and searched by the engine in a process of its own. For cells tagged `timing`. */
export async function milestone(): Promise<Milestone> {
  const flags = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', '--conditions=annlab-source'];
  // From the repository's root, where notebooks and commands run. What is timed is the fastest build of the kernels.
  const { ANNLAB_WASM: _, ...env } = process.env;
  // Where only the kind of output matters, as when notebooks are compared with what is committed.
  const n = process.env.ANNLAB_BENCH === 'brief' ? 2000 : 100_000;
  const file = 'days/11-vamana/milestone-process.ts';
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file, String(n)], { env });
  return JSON.parse(stdout);
}
