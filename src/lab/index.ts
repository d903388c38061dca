/** The lab: data, truth, measurement and figures, as notebooks use them (`import { sweep } from 'annlab/lab'`). */
export { type Matrix, row } from '../core/matrix.ts';
export { Random } from '../core/random.ts';
export { buildFlat, buildHnsw, type HnswSearcher, type HnswVariant } from './build.ts';
export { type DatasetInfo, findDataset, listDatasets } from './catalogue.ts';
export { type Dataset, type LoadOptions, loadDataset } from './datasets.ts';
export {
  type Axis,
  type FigureOptions,
  type GrowthPoint,
  growthFigure,
  type Level,
  type LineFigure,
  lineFigure,
  type Point,
  recallDistancesFigure,
  recallLatencyFigure,
  recallQpsFigure,
  type Series,
  toDataUri,
} from './figures.ts';
export { formatBytes, formatCount, formatMicros, formatSeconds, formatTable } from './format.ts';
export { type GroundTruth, groundTruth } from './ground-truth.ts';
export { intrinsicDimension } from './intrinsic-dimension.ts';
export { describeMachine, describeVersions, type Machine, type Versions } from './machine.ts';
export { distanceRecallAtK, recallAtK, type Truth } from './recall.ts';
export { headlines, rowsTable } from './summary.ts';
export {
  atRecall,
  defaultEfs,
  type Found,
  paretoFront,
  qpsAtRecall,
  type Searcher,
  type SweepOptions,
  type SweepRow,
  seriesLabel,
  seriesOf,
  sweep,
} from './sweep.ts';
