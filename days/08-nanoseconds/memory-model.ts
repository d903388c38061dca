/**
 * A core that waits for memory, simulated: what is left of one when all that does not matter here is taken away. It issues a load a
 * step, in order, and runs ahead of a load that is late, but no further than its window; a line that is not in the cache comes
 * LATENCY steps after it was asked for, and no more than SLOTS lines can be under way at a time.
 *
 * No prefetcher guesses the next line, arithmetic takes no time, and one step is about a third of a nanosecond. What remains says how
 * many lines an order of loads has under way, and so how long it waits; the benchmark says how true that is.
 */

/** Steps from asking for a line until it is there. */
export const LATENCY = 320;
/** Loads that may have been issued and not be done. */
export const WINDOW = 48;
/** Lines that may be under way. */
export const SLOTS = 16;
/** Lines that the cache holds; the one used longest ago makes room. */
export const CACHE_LINES = 512;
export const LINE_BYTES = 64;

export interface Waits {
  /** Until the last load is done. */
  steps: number;
  /** Lines that came from memory; one that had to make room comes again. */
  lines: number;
  /** The most that were under way at a time. */
  mostUnderWay: number;
  /** When each of the lines was there. */
  ends: number[];
}

/** Plays loads, in order, on a core whose cache holds the `cached` bytes and nothing else. */
export function waitsOf(
  loads: readonly { address: number; bytes: number }[],
  { cached = [] }: { cached?: readonly { address: number; bytes: number }[] } = {},
): Waits {
  /** When a line is, or was, there; in the order of last use. */
  const cache = new Map<number, number>();
  for (const line of cached.flatMap(linesOf)) cache.set(line, 0);
  const fetches: { start: number; end: number }[] = [];
  /** When each slot is free again. */
  const slots = new Array<number>(SLOTS).fill(0);
  const done: number[] = [];
  let issued = -1;
  for (const load of loads) {
    issued = Math.max(issued + 1, done.at(-WINDOW) ?? 0);
    let ready = issued;
    for (const line of linesOf(load)) {
      let there = cache.get(line);
      if (there === undefined) {
        const slot = slots.indexOf(Math.min(...slots));
        const start = Math.max(issued, slots[slot]);
        there = slots[slot] = start + LATENCY;
        fetches.push({ start, end: there });
      }
      cache.delete(line);
      cache.set(line, there);
      if (cache.size > CACHE_LINES) cache.delete(cache.keys().next().value!);
      ready = Math.max(ready, there);
    }
    done.push(Math.max(ready, done.at(-1) ?? 0));
  }
  return {
    steps: (done.at(-1) ?? 0) + 1,
    lines: fetches.length,
    mostUnderWay: mostAtOnce(fetches),
    ends: fetches.map(({ end }) => end),
  };
}

function linesOf({ address, bytes }: { address: number; bytes: number }): number[] {
  const first = Math.floor(address / LINE_BYTES);
  const last = Math.floor((address + bytes - 1) / LINE_BYTES);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function mostAtOnce(fetches: readonly { start: number; end: number }[]): number {
  const changes = fetches.flatMap(({ start, end }) => [
    { step: start, change: 1 },
    { step: end, change: -1 },
  ]);
  let [now, most] = [0, 0];
  // One that ends makes room before another begins.
  for (const { change } of changes.sort((a, b) => a.step - b.step || a.change - b.change)) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}
