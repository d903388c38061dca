/**
 * Axes: where a value lies, how far an axis reaches, and which values are written on it. Recall has an axis of its own on
 * which 0.9, 0.99 and 0.999 are equally far apart, because each halving of the errors costs about as much as the one before.
 */
import { formatShort } from '../format.ts';

/** `recall` spreads the values next to 1. */
export interface Axis {
  label: string;
  scale: 'linear' | 'log' | 'recall';
  /**
   * On a recall axis: the right end, which would otherwise be infinitely far away. Recalls above it share its place. Default
   * 0.9999.
   */
  closest?: number;
}

/** From a value to its place on a linear or logarithmic scale. */
export function placeOn({ scale, closest = CLOSEST_RECALL }: Axis): (value: number) => number {
  return scale === 'recall' ? (recall) => -Math.log10(1 - Math.min(recall, closest)) : Number;
}

/** The places from the lowest to the highest value, with a little air on both sides, so that no dot sits on the frame. */
export function padded(places: readonly number[], { scale }: Axis): [number, number] {
  const low = Math.min(...places);
  const high = Math.max(...places);
  if (scale === 'log') {
    const air = high > low ? (high / low) ** 0.07 : 2;
    return [low / air, high * air];
  }
  const air = high > low ? (high - low) * 0.04 : Math.abs(high) * 0.1 || 1;
  // A lone dot still stands among recalls to compare it with: from ten times its errors to a little fewer.
  if (scale === 'recall' && high - low < 0.5) return [Math.max(low - 1, -0.04), high + 0.1];
  return [low - air, high + air];
}

/** On a logarithmic axis differences of less than this show as what they are: small. */
const LEAST_FACTOR = 3;

/** The lowest and the highest value, set apart to a factor of three on a logarithmic axis. */
export function extentOn({ scale }: Axis, values: readonly number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const missing = scale === 'log' ? Math.sqrt(Math.max(LEAST_FACTOR / (high / low), 1)) : 1;
  return [low / missing, high * missing];
}

/** Round values within the domain (of places), as many as keep `spacing` pixels between them; rising. */
export function ticks(axis: Axis, domain: readonly [number, number], pixels: number, spacing: number): number[] {
  const { scale } = axis;
  const position = scale === 'log' ? Math.log10 : placeOn(axis);
  const [low, high] = scale === 'log' ? domain.map(Math.log10) : domain;
  const pixel = (tick: number) => ((position(tick) - low) / (high - low)) * pixels;
  const inside = (candidates: readonly number[]) =>
    candidates.filter((tick) => position(tick) >= low && position(tick) <= high);
  const roomy = (tick: number, others: readonly number[]) =>
    others.every((other) => other === tick || Math.abs(pixel(other) - pixel(tick)) >= spacing);

  if (scale === 'log') {
    const sets = LOG_STEPS.map((steps) => inside(steps.flatMap((step) => DECADES.map((decade) => step * decade))));
    const finest = sets.find((set) => set.length >= 2 && set.every((tick) => roomy(tick, set)));
    if (finest) return finest.sort((a, b) => a - b);
  }
  const candidates = scale === 'recall' ? recallTicks(axis) : linearTicks(domain);
  const kept: number[] = [];
  for (const tick of inside(candidates)) if (roomy(tick, kept)) kept.push(tick);
  return kept.sort((a, b) => a - b);
}

/** What is written at a tick; `values` are those that are drawn. */
export function tickText(axis: Axis, tick: number, values: readonly number[]): string {
  if (axis.scale !== 'recall') return formatShort(tick);
  const { closest = CLOSEST_RECALL } = axis;
  const above = tick === closest ? values.filter((value) => value > closest) : [];
  if (above.length === 0) return String(tick);
  return above.every((value) => value === 1) && values.every((value) => value !== closest) ? '1' : `≥ ${tick}`;
}

const CLOSEST_RECALL = 0.9999;
const DECADES = Array.from({ length: 41 }, (_, i) => Number(`1e${i - 20}`));
const LOG_STEPS = [[1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]];

/** The most telling first: where there is no room for all, the later ones give way. */
function recallTicks({ closest = CLOSEST_RECALL }: Axis): number[] {
  const first = [closest, 0.9, 0.99, 0.999, 0.9999];
  const then = [0.5, 0.95, 0.8, 0.995, 0.98, 0.97, 0.7, 0, 0.998, 0.9995, 0.6, 0.85, 0.3];
  return [...new Set([...first, ...then])].filter((tick) => tick <= closest);
}

/** Four to ten multiples of 1, 2 or 5 times a power of ten. */
function linearTicks([low, high]: readonly [number, number]): number[] {
  const unit = 10 ** Math.floor(Math.log10((high - low) / 4));
  const units = (high - low) / unit;
  const step = unit * (units >= 20 ? 5 : units >= 8 ? 2 : 1);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
