import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileInternals, type Internals } from './internals.ts';

const HEAP = 4096;

let kernels: Internals;
let bytes: Uint8Array;

beforeAll(async () => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
  kernels = (await compileInternals('baseline'))(memory);
  kernels.configureWaiting(HEAP);
  bytes = new Uint8Array(memory.buffer);
}, 120_000);

/** Few estimates among many nodes: ties are in the order of slots. */
const estimates = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
);
/** A node that comes to wait, or the taking of the least. */
const steps = fc.array(fc.option(estimates, { freq: 3 }), { maxLength: 300 });

describe('those that wait', () => {
  it('are taken least first, whatever came between', () => {
    fc.assert(
      fc.property(steps, (steps) => {
        kernels.resetWaiting();
        const model: { estimate: number; slot: number }[] = [];
        const take = () => {
          model.sort((a, b) => a.estimate - b.estimate || a.slot - b.slot);
          const least = model.shift();
          expect(kernels.leastEstimate()).toBe(least?.estimate ?? Number.POSITIVE_INFINITY);
          if (least) expect(kernels.takeLeast()).toBe(least.slot);
        };
        steps.forEach((estimate, slot) => {
          if (estimate === null) take();
          else {
            kernels.wait(estimate, slot);
            model.push({ estimate, slot });
          }
        });
        while (model.length > 0) take();
        take();
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('take eight bytes each, and no more', () => {
    kernels.resetWaiting();
    bytes.fill(0xab, HEAP);
    for (let slot = 0; slot < 100; slot++) kernels.wait((slot * 37) % 100, slot);
    for (let n = 100; n > 0; n--) kernels.takeLeast();
    expect(bytes.subarray(HEAP + 800, HEAP + 1600).every((byte) => byte === 0xab)).toBe(true);
    expect(kernels.leastEstimate()).toBe(Number.POSITIVE_INFINITY);
  });
});
