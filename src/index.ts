/** The engine: indexes, their options and results, and every error a caller can cause. */
export {
  AddressSpaceError,
  AnnError,
  CapacityError,
  DimensionError,
  DuplicateIdError,
  MemoryLimitError,
  ParameterError,
  VectorValueError,
} from './core/errors.ts';
export { Flat, type FlatOptions } from './graph/flat.ts';
export { Hnsw, type HnswOptions, type HnswStats } from './graph/hnsw.ts';
export {
  type AddBatchOptions,
  METRICS,
  type Metric,
  type SearchOptions,
  type SearchResult,
  type VectorIndex,
  type Work,
} from './graph/vector-index.ts';
