/** Rows of equal dimension that need not be in memory: whoever reads them asks for a few at a time, perhaps more than once. */
export interface RowSource {
  rows: number;
  dimension: number;
  /** Rows `from` … `to` − 1, one behind the other. The array is the caller's until the next call. */
  read(from: number, to: number): Float32Array | Promise<Float32Array>;
}
