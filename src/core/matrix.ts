/** Rows of equal dimension in one array: `data[row * dimension + j]`, the shape in which vectors travel through annlab. */
export interface Matrix {
  data: Float32Array;
  rows: number;
  dimension: number;
}

/** Row `i` as a view, not a copy. */
export function row(matrix: Matrix, i: number): Float32Array {
  return matrix.data.subarray(i * matrix.dimension, (i + 1) * matrix.dimension);
}
