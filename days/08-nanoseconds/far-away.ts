/** Records from far away, and what a core waits for when their distances are asked for: what checks and notebook count. */
import { Random } from 'annlab/lab';
import { type Code, codeOf } from './codes.ts';
import { type Waits, waitsOf } from './memory-model.ts';
import type { Access, Nano } from './nano.ts';

/** Codes as random vectors have them. */
export function randomCodes(count: number, n: number, seed: string): Code[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const levels = Uint8Array.from({ length: n }, () => Math.floor(128 * random.uniform()));
    return codeOf(levels, -1 - random.uniform(), 0.01 + 0.01 * random.uniform());
  });
}

/** A search's list from far away: a query, which is near, and 64 records of 1024 dimensions, which are not. */
export function farAway(): { query: Code; others: Code[] } {
  const [query, ...others] = randomCodes(65, 1024, 'far away');
  return { query, others };
}

/** What a core waits for when it asks for these distances, one query's; the query and the list are in its cache. */
export function waits(nano: Nano, way: 'distances' | 'oneByOne', { query, others } = farAway()): Waits {
  const loads = loadsOf(nano, way, { query, others });
  return waitsOf(loads, { cached: loads.filter(({ operand }) => operand === 'q' || operand === 'list') });
}

export function loadsOf(
  nano: Nano,
  way: 'distances' | 'oneByOne',
  { query, others }: { query: Code; others: readonly Code[] },
): Access[] {
  return nano.trace((distances) => distances[way](query, others)).filter(({ kind }) => kind === 'load');
}
