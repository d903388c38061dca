/**
 * The readable twin of every kernel: what `assembly/` computes, on plain arrays and without a trick, `scalar/sq8.ts` what
 * `assembly/sq8.ts` and the files named after it do. Tests hold the two together.
 *
 * Sums are f64, so a distance from here is the truth that an f32 kernel is allowed to miss by its rounding. Where a kernel
 * rounds on the way to an integer (the levels of a code), the twin rounds to f32 in the same places: codes and their factors
 * agree to the last bit.
 */
export * from './scalar/bits.ts';
export * from './scalar/codes.ts';
export * from './scalar/distance.ts';
export * from './scalar/fast-scan.ts';
export * from './scalar/norm.ts';
export * from './scalar/product.ts';
export * from './scalar/rabitq.ts';
export * from './scalar/rotation.ts';
export * from './scalar/signs.ts';
export * from './scalar/sq8.ts';
