/** The metrics' numbers; `METRIC_CODES` in `vectors.ts` has the same. */
export const L2: i32 = 0;
export const DOT: i32 = 1;
export const COSINE: i32 = 2;
export const MANHATTAN: i32 = 3;
