/** Everything that the bench measures, in the order of the table. */
import { annlabF32, annlabSq7, annlabVamanaF32, annlabVamanaSq7 } from './annlab.ts';
import { hnswlib } from './hnswlib.ts';
import { lancedbSq } from './lancedb.ts';
import type { Peer } from './peer.ts';
import { usearchBf16, usearchF32, usearchI8 } from './usearch.ts';
import { zvecF32, zvecInt8, zvecRabitq } from './zvec.ts';

export const PEERS: readonly Peer[] = [
  annlabSq7,
  annlabF32,
  annlabVamanaSq7,
  annlabVamanaF32,
  hnswlib,
  usearchF32,
  usearchBf16,
  usearchI8,
  zvecF32,
  zvecInt8,
  zvecRabitq,
  lancedbSq,
];
