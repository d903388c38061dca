/** The lab: data, truth, measurement and figures, as notebooks use them (`import { sweep } from 'annlab/lab'`). */
export { type Matrix, row } from '../core/matrix.ts';
export { Random } from '../core/random.ts';
export type { BenchCase, BenchTiming } from './benchmark.ts';
export { BenchmarkError, type BenchRow, benchmarkDay, benchTable } from './benchmark-day.ts';
export {
  buildFlat,
  buildGraph,
  buildHnsw,
  buildVamana,
  type GraphSearcher,
  type GraphVariant,
  type HnswVariant,
  type VamanaVariant,
} from './build.ts';
export { type DatasetInfo, findDataset, listDatasets } from './catalogue.ts';
export { componentsOf, reachableFrom, strongComponentsOf } from './components.ts';
export { type Dataset, type LoadOptions, loadDataset } from './datasets.ts';
export { loadDay, loadMutant } from './exercises/load-day.ts';
export { attempt } from './exercises/unwritten-hole.ts';
export {
  type Axis,
  type Box,
  type BoxKey,
  type CellsFigureOptions,
  type CurveFigureOptions,
  cellsFigure,
  curveFigure,
  type Deal,
  type EngineMapOptions,
  type Extent,
  engineMap,
  type FigureOptions,
  type FigurePoints,
  type GraphFigureOptions,
  type GrowthPoint,
  graphFigure,
  growthFigure,
  type InterleavingFigure,
  type InterleavingStep,
  interleavingFigure,
  type Level,
  type LineFigure,
  lanesFigure,
  lineFigure,
  type MemoryWord,
  type Panel,
  type PanelLine,
  type PanelMark,
  type PanelPoint,
  type PanelRegion,
  type PanelsFigureOptions,
  type Point,
  panelsFigure,
  recallDistancesFigure,
  recallLatencyFigure,
  recallQpsFigure,
  type Series,
  type Strip,
  type StripPart,
  type StripsFigureOptions,
  stripsFigure,
  type TraceFigureOptions,
  toDataUri,
  traceFigure,
} from './figures.ts';
export { formatBytes, formatCount, formatMicros, formatSeconds, formatTable } from './format.ts';
export { type GroundTruth, groundTruth } from './ground-truth.ts';
export { intrinsicDimension } from './intrinsic-dimension.ts';
export { describeMachine, describeVersions, type Machine, type Versions } from './machine.ts';
export { distanceRecallAtK, recallAtK, type Truth } from './recall.ts';
export { imageHtml, NotebookError, type ShowOptions, show, showTable } from './show.ts';
export { headlines, rowsTable } from './summary.ts';
export {
  atRecall,
  DEFAULT_GAMMAS,
  defaultEfs,
  type Found,
  type Knob,
  paretoFront,
  qpsAtRecall,
  recallAtQps,
  type Searcher,
  type SweepOptions,
  type SweepRow,
  seriesLabel,
  seriesOf,
  settingLabel,
  sweep,
} from './sweep.ts';
export { type Milestone, milestoneTable, tableHtml } from './table.ts';
export {
  exactTruth,
  gaussianSet,
  type Islands,
  type IslandsOptions,
  islands,
  type MeasuredSet,
  rows,
  type TeachingSet,
  type TeachingSetOptions,
  uniformSet,
  withTruth,
} from './teaching-sets.ts';
export {
  type Distance,
  type Links,
  layersOf,
  linksOf,
  type Role,
  SearchTrace,
  type TraceableGraph,
  type TraceEvent,
  type TraceStep,
  traced,
} from './trace.ts';
export { type NamedPoint, type Trap, TWELVE_LINKS, TWELVE_POINTS, TWELVE_TRAP } from './twelve-points.ts';
export {
  type CountedCurveOptions,
  type CountedResult,
  countedCurve,
  type EngineCurveOptions,
  engineCurve,
  type WorkCurveOptions,
  type WorkPoint,
  workCurve,
} from './work-curve.ts';
