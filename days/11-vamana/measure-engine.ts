/** The engine on the day's sets, and its milestone, which a process of its own measures. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Hnsw, Vamana, type VamanaOptions } from 'annlab';
import { type MeasuredSet, type WorkPoint, workCurve } from 'annlab/lab';
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

/** What the milestone's process answers. */
export interface Milestone {
  n: number;
  dimension: number;
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
