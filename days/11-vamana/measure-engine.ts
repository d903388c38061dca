/** The engine on the day's sets. */
import { Hnsw } from 'annlab';
import type { MeasuredSet } from 'annlab/lab';
import { BUILD } from './measure.ts';

/** An HNSW over the set, half as many links above level 0 as on it. */
export function engineHnsw({ base }: MeasuredSet): Hnsw {
  const { rows: capacity, dimension } = base;
  const options = { M: BUILD.R / 2, efConstruction: BUILD.L, codes: 'f32', filter: 'none', seed: 1 } as const;
  const index = Hnsw.create({ dimension, capacity, ...options });
  index.addBatch(base.data);
  return index;
}
