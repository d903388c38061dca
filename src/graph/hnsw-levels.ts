/** Which level a node is on: drawn as HNSW has it (Malkov & Yashunin 2018, algorithm 1, line 4). */
import { hashToUnit } from '../core/random.ts';

/** floor(−ln u · mL) with mL = 1 / ln M and u hashed from (seed, slot), so that replaying inserts draws the same levels. */
export function levelOf(seed: number, slot: number, M: number): number {
  return Math.floor(-Math.log(hashToUnit(seed, slot)) / Math.log(M));
}
