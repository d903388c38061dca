/** All that decides how codes lie in memory, besides the vectors' dimension and metric. */
export type CodeShape =
  | { kind: 'scalar'; bits: 7 | 8; ranges: 'vector' | 'dimension' }
  | { kind: 'rabitq'; bits: number; epsilon0: number }
  | { kind: 'product'; m: number; bits: 4 | 8; opq: boolean; centroids: number };
