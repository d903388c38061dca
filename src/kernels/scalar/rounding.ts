/** Rounding as the machine has it. */

/** The greatest f32. */
export const MAX_F32 = (2 - 2 ** -23) * 2 ** 127;

/** To the nearest integer, and from the middle between two to the even one, as IEEE 754 rounds. */
export function roundToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below === 0.5) return below + Math.abs(below % 2);
  return Math.round(value);
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
