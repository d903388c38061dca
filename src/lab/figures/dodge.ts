/**
 * Moves positions apart until neighbours are at least `gap` away, each as little as possible (least squares, by pooling
 * adjacent violators), within `low` … `high` where that has room for all. Keeps their order.
 */
export function dodge(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const pools: { sum: number; size: number }[] = [];
  order.forEach((index, rank) => {
    let pool = { sum: wanted[index] - rank * gap, size: 1 };
    for (let last = pools.at(-1); last && last.sum / last.size > pool.sum / pool.size; last = pools.at(-1)) {
      pools.pop();
      pool = { sum: pool.sum + last.sum, size: pool.size + last.size };
    }
    pools.push(pool);
  });
  const free = pools.flatMap(({ sum, size }) => Array<number>(size).fill(sum / size));
  const highest = Math.max(low, high - (wanted.length - 1) * gap);
  const placed = Array<number>(wanted.length);
  order.forEach((index, rank) => {
    placed[index] = Math.min(Math.max(free[rank], low), highest) + rank * gap;
  });
  return placed;
}
