/** A torn axis: a level that is far off lies nearer, behind a torn edge, instead of pressing the curves flat. */
import type * as Plot from '@observablehq/plot';
import { draw, element, INK, round } from './theme.ts';

/**
 * A straight line across the figure, such as what exact search reaches. Where it lies so far off that the curves would shrink
 * for its sake, a logarithmic axis is torn between them: the line's name says its value.
 */
export interface Level {
  y: number;
  label: string;
}

/** Places levels beside the curves' values, which reach from `low` to `high`: those that are far off on a logarithmic axis nearer, behind a tear. */
export function tear(
  levels: readonly Level[],
  [low, high]: readonly [number, number],
  logarithmic: boolean,
): { levels: Level[]; tears: { below?: number; above?: number } } {
  const tears: { below?: number; above?: number } = {};
  const step = Math.max(high / low, 4) ** 0.11;
  const placed = levels.map((level) => {
    if (logarithmic && level.y * FAR_OFF < low) {
      tears.below = low / step;
      return { ...level, y: low / step ** 2 };
    }
    if (logarithmic && level.y > high * FAR_OFF) {
      tears.above = high * step;
      return { ...level, y: high * step ** 2 };
    }
    return level;
  });
  return { levels: placed, tears };
}

/** Times the nearest of the curves' values, from where on a level is far off. */
const FAR_OFF = 5;

/** A torn edge across the figure: what is behind it is not to scale. */
export function drawTears(
  document: Document,
  {
    tears,
    from,
    scales,
    dimensions,
  }: { tears: readonly number[]; from: number; scales: Plot.ScaleFunctions; dimensions: Plot.Dimensions },
): SVGElement {
  const { width, marginRight } = dimensions;
  const toY = scales.y as (value: number) => number;
  const group = element(document, 'g', { 'aria-label': 'tears' });
  const waves = Math.floor((width - marginRight - from) / WAVE_PX);
  for (const value of tears) {
    const y = round(toY(value));
    const wave = `q${WAVE_PX / 4},-4 ${WAVE_PX / 2},0t${WAVE_PX / 2},0`;
    const d = (offset: number) => `M${from},${round(y + offset)}${wave.repeat(waves)}`;
    for (const offset of [-2.5, 2.5]) {
      draw(group, 'path', { d: d(offset), fill: 'none', stroke: INK.tear, 'stroke-width': 1 });
    }
  }
  return group as SVGElement;
}

const WAVE_PX = 16;
