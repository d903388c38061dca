import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dodge } from '../../../src/lab/figures/dodge.ts';

describe('dodge', () => {
  const positions = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 1, maxLength: 15 });

  it('keeps the order, the gap and the bounds', () => {
    fc.assert(
      fc.property(positions, (wanted) => {
        const placed = dodge(wanted, 16, 0, 300);
        const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
        for (const [rank, index] of order.entries()) {
          expect(placed[index]).toBeGreaterThanOrEqual(-1e-9);
          expect(placed[index]).toBeLessThanOrEqual(300 + 1e-9);
          if (rank > 0) expect(placed[index] - placed[order[rank - 1]]).toBeGreaterThanOrEqual(16 - 1e-9);
        }
      }),
      { seed: 1 },
    );
  });

  it('leaves alone what is far enough apart', () => {
    expect(dodge([200, 20, 100], 16, 0, 300)).toEqual([200, 20, 100]);
  });

  it('moves two that touch by half each', () => {
    expect(dodge([100, 104], 16, 0, 300)).toEqual([94, 110]);
  });
});
