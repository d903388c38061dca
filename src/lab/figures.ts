/**
 * The lab's figures, one kind a file in `figures/`: each function returns one SVG string that needs nothing else, in one
 * theme for all fourteen days, the same bytes for the same data on every machine.
 */
export type { Axis } from './figures/axis.ts';
export type { Box, BoxKey } from './figures/box.ts';
export { type CellsFigureOptions, cellsFigure } from './figures/cells.ts';
export { type CurveFigureOptions, curveFigure } from './figures/curve.ts';
export { type EngineMapOptions, engineMap } from './figures/engine-map.ts';
export { type GraphFigureOptions, graphFigure } from './figures/graph.ts';
export { type GrowthPoint, growthFigure } from './figures/growth.ts';
export {
  type InterleavingFigure,
  type InterleavingStep,
  interleavingFigure,
  type MemoryWord,
} from './figures/interleaving.ts';
export { type Deal, lanesFigure } from './figures/lanes.ts';
export { type LineFigure, lineFigure, type Point, type Series } from './figures/line.ts';
export {
  type Panel,
  type PanelLine,
  type PanelMark,
  type PanelPoint,
  type PanelRegion,
  type PanelsFigureOptions,
  panelsFigure,
} from './figures/panels.ts';
export type { Extent, FigurePoints } from './figures/plane.ts';
export { type Strip, type StripPart, type StripsFigureOptions, stripsFigure } from './figures/strips.ts';
export { recallDistancesFigure, recallLatencyFigure, recallQpsFigure } from './figures/sweep.ts';
export type { Level } from './figures/tear.ts';
export type { FigureOptions } from './figures/theme.ts';
export { type TraceFigureOptions, traceFigure } from './figures/trace.ts';

/** A figure as an address for `<img src=…>`: notebooks that strip inline SVG still show it. */
export function toDataUri(svg: string): string {
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
