/** The engine: indexes, their options and results, and every error a caller can cause. */
export {
  AddressSpaceError,
  AnnError,
  BrokenIndexError,
  BusyError,
  CapacityError,
  CorruptionError,
  DimensionError,
  DuplicateIdError,
  FormatVersionError,
  IndexFileError,
  MemoryLimitError,
  OutputError,
  ParameterError,
  PoolClosedError,
  ReadOnlyError,
  VectorValueError,
  WorkerDiedError,
} from './core/errors.ts';
export type { Matrix } from './core/matrix.ts';
export type { RowSource } from './core/row-source.ts';
export {
  type OpenOptions,
  open,
  openReadOnly,
  type SaveOptions,
  save,
  type VerifyReport,
  verify,
} from './engine/index-file.ts';
export {
  buildPartitioned,
  type PartitionedOptions,
  type PartitionedPhase,
  type PartitionedResult,
} from './engine/partitioned-build.ts';
export type { AnyIndex } from './graph/any-index.ts';
export type { CalibrateOptions, Calibration, RecallCurve } from './graph/calibration.ts';
export type { FilterTrial } from './graph/filter-trial.ts';
export { Flat, type FlatOptions } from './graph/flat.ts';
export { Hnsw, type HnswStats } from './graph/hnsw.ts';
export type { HnswOptions } from './graph/hnsw-options.ts';
export type { RecallRung } from './graph/recall-ladder.ts';
export { type ConsolidateOptions, Vamana, type VamanaStats } from './graph/vamana.ts';
export type { VamanaOptions } from './graph/vamana-options.ts';
export {
  type AddBatchOptions,
  METRICS,
  type Metric,
  type SearchOptions,
  type SearchResult,
  type VectorIndex,
  type Work,
} from './graph/vector-index.ts';
export { type KMeansJob, type KMeansOptions, type KMeansResult, kmeans } from './quantize/kmeans.ts';
export { type ProductOptions, ProductQuantizer } from './quantize/product.ts';
export type { Quantizer } from './quantize/quantizer.ts';
export { type RabitqOptions, RabitqQuantizer } from './quantize/rabitq.ts';
export { type ScalarOptions, ScalarQuantizer } from './quantize/scalar.ts';
export { runOnThreads, trainKMeans } from './workers/kmeans.ts';
export {
  type AddResult,
  type BatchResult,
  Pool,
  type PoolAddOptions,
  type PoolConsolidateOptions,
  type PoolOptions,
  type PoolSearchOptions,
} from './workers/pool.ts';
