/** Checks of `encode-scalar`: the nearest level, at both ends, outside of the range, and where there is no range at all. */
import { type Check, fails, forAll } from 'annlab/exercises';
import { scalarCases } from './scene.ts';
import { decodeScalar, rangeOf, type ScalarCode } from './solution.ts';

type Module = typeof import('./solution.ts');

const about = (
  layer: Check<Module>['layer'],
  says: string,
  likely: string,
  run: Check<Module>['run'],
): Check<Module> => {
  return { layer, says, hole: 'encode-scalar', likely, run };
};

export const scalarChecks: Check<Module>[] = [
  about(
    'example',
    'From 0 to 255 in 8 bits every whole number is a level of its own',
    '8 bits have 256 levels, and 255 steps lie between them: step = (hi − lo) / 255',
    (module) => {
      const x = Float32Array.of(0, 1, 17, 128, 254, 255);
      expectCode(module.encodeScalar(x), { lo: 0, step: 1, levels: [0, 1, 17, 128, 254, 255] }, { x });
    },
  ),
  about(
    'example',
    'A component gets the nearest level, not the next one below',
    'Math.round, where a typed array or `| 0` would cut off what follows the point',
    (module) => {
      const x = Float32Array.of(0, 0.25, 0.75, 1.25, 253.75, 255);
      expectCode(module.encodeScalar(x), { lo: 0, step: 1, levels: [0, 0, 1, 1, 254, 255] }, { x });
    },
  ),
  about(
    'example',
    'Two bits are four levels, one bit is two',
    'the number of levels follows from `bits`: 2 ** bits',
    (module) => {
      const x = Float32Array.of(-1, 0, 1, 2);
      expectCode(module.encodeScalar(x, 2), { lo: -1, step: 1, levels: [0, 1, 2, 3] }, { x, bits: 2 });
      const y = Float32Array.of(-4, -3, 1, 4);
      expectCode(module.encodeScalar(y, 1), { lo: -4, step: 8, levels: [0, 0, 1, 1] }, { x: y, bits: 1 });
    },
  ),
  about(
    'example',
    'Far from 0 the levels are as fine as near to it',
    'subtract lo before you divide: the levels begin at lo, wherever that is',
    (module) => {
      for (const lo of [1000, -1000]) {
        const x = Float32Array.of(lo, lo + 3, lo + 100, lo + 255);
        expectCode(module.encodeScalar(x), { lo, step: 1, levels: [0, 3, 100, 255] }, { x });
      }
    },
  ),
  about(
    'invariant',
    'A constant vector has one level, level 0, and is decoded as it was',
    'with lo = hi the step is 0, and stays 0: do not divide by it, and do not make it 1',
    (module) => {
      for (const value of [0, 5, -0.25]) {
        for (const bits of [1, 4, 8]) {
          const x = new Float32Array(3).fill(value);
          const code = module.encodeScalar(x, bits);
          expectCode(code, { lo: value, step: 0, levels: [0, 0, 0] }, { x, bits });
        }
      }
    },
  ),
  about(
    'invariant',
    'Under a range that is given, what lies outside of it gets the level at that end',
    'Math.min and Math.max against 0 and 2^bits − 1; a Uint8Array takes 256 for 0, and −1 for 255. And use the range that is given',
    (module) => {
      const x = Float32Array.of(-300, -0.75, 0, 100, 255, 255.75, 256, 700);
      const code = module.encodeScalar(x, 8, { lo: 0, hi: 255 });
      expectCode(
        code,
        { lo: 0, step: 1, levels: [0, 0, 0, 100, 255, 255, 255, 255] },
        { x, range: { lo: 0, hi: 255 } },
      );
      const y = Float32Array.of(-2, 0, 1, 2, 3, 4, 260);
      const coarse = module.encodeScalar(y, 2, { lo: 0, hi: 3 });
      expectCode(coarse, { lo: 0, step: 1, levels: [0, 0, 1, 2, 3, 3, 3] }, { x: y, bits: 2, range: { lo: 0, hi: 3 } });
    },
  ),
  about(
    'invariant',
    'A range that is given may be a single value: then every component has level 0',
    '(value − lo) / 0 is Infinity above lo, and clipped to the last level: where the step is 0, the level is 0',
    (module) => {
      const x = Float32Array.of(4, 5, 6);
      const code = module.encodeScalar(x, 8, { lo: 5, hi: 5 });
      expectCode(code, { lo: 5, step: 0, levels: [0, 0, 0] }, { x, range: { lo: 5, hi: 5 } });
    },
  ),
  about(
    'invariant',
    'The vector itself is not changed',
    'a level goes into an array of its own; x belongs to the caller',
    (module) => {
      const x = Float32Array.of(1, 2, 3.5);
      module.encodeScalar(x);
      module.encodeScalar(x, 3, { lo: 1.5, hi: 2.5 });
      if (x.join() !== '1,2,3.5') fails('x has been written to', { x });
    },
  ),
  about(
    'property',
    'Every level is a whole number from 0 to 2^bits − 1, the least component has the first and the greatest the last',
    'the highest level, 2^bits − 1, stands for hi: divide by the number of steps, not of levels',
    (module) =>
      forAll(scalarCases, ({ x, bits }) => {
        const code = module.encodeScalar(x, bits);
        expectShape(code, x.length);
        const { lo, hi } = rangeOf(x);
        const top = lo === hi ? 0 : 2 ** bits - 1;
        for (const [i, value] of x.entries()) {
          const level = code.levels[i];
          if (!(level >= 0 && level <= top)) fails(`level ${level}, and ${top} is the last`, { i });
          if (value === lo && level !== 0) fails(`the least component has level ${level}`, { i });
          if (value === hi && level !== top)
            fails(`the greatest component has level ${level}, and should have ${top}`, { i });
        }
      }),
  ),
  about(
    'property',
    'What is decoded is off by half a step at most, in every component',
    'half a step is what rounding to the nearest level costs; rounding down costs a whole one',
    (module) =>
      forAll(
        scalarCases,
        ({ x, bits }) => {
          const code = module.encodeScalar(x, bits);
          expectShape(code, x.length);
          const { lo, hi } = rangeOf(x);
          const half = (hi - lo) / (2 ** bits - 1) / 2;
          for (const [i, value] of decodeScalar(code).entries()) {
            const off = Math.abs(value - x[i]);
            if (!(off <= half + 1e-5)) fails(`component ${i}, ${x[i]}, comes back as ${value}; half a step is ${half}`);
          }
        },
        { runs: 300 },
      ),
  ),
  about(
    'property',
    'Whoever is greater never has a lower level',
    'one rule for all components: the same lo and the same step',
    (module) =>
      forAll(scalarCases, ({ x, bits }) => {
        const { levels } = module.encodeScalar(x, bits, { lo: -5, hi: 5 });
        const order = [...x.keys()].sort((a, b) => x[a] - x[b]);
        for (let i = 1; i < order.length; i++) {
          const [a, b] = [order[i - 1], order[i]];
          if (levels[a] > levels[b]) fails(`${x[a]} has level ${levels[a]}, and ${x[b]} has level ${levels[b]}`);
        }
      }),
  ),
];

function expectCode(got: ScalarCode, want: { lo: number; step: number; levels: number[] }, about: object): void {
  expectShape(got, want.levels.length);
  const levels = Array.from(got.levels);
  if (got.lo !== want.lo || !near(got.step, want.step) || levels.join() !== want.levels.join()) {
    fails(
      `lo ${got.lo}, step ${got.step}, levels ${levels.join(', ')}; it should be lo ${want.lo}, step ${want.step}, levels ${want.levels.join(', ')}`,
      about,
    );
  }
}

function expectShape(code: ScalarCode | undefined, length: number): asserts code is ScalarCode {
  if (code === undefined) fails('nothing was returned; a code is { lo, step, levels }');
  if (!(code.levels instanceof Uint8Array))
    fails(
      `levels are a ${(code.levels as object | undefined)?.constructor.name}, and should be a Uint8Array: a byte each`,
    );
  if (code.levels.length !== length) fails(`${code.levels.length} levels for ${length} components`, { code });
}

/** Whoever divides last, or keeps the step as a float, is right as well. */
function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.abs(b);
}
