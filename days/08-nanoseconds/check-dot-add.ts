/** What must hold of dotAdd, seen through codeDot, which is given: sixteen products, exactly, into the lanes of a sum. */
import { type Check, fails, forAll } from 'annlab/exercises';
import { dot } from './codes.ts';
import type { Nano } from './nano.ts';
import { pairs } from './scene.ts';

const check = (layer: Check<Nano>['layer'], says: string, likely: string, run: Check<Nano>['run']): Check<Nano> => ({
  ...{ layer, says, likely, run },
  hole: 'dot-add',
});

/** relaxed_dot, extmul or extend, pairs or lanes of 32 bits: every straight way takes eight or fewer. */
const MOST_INSTRUCTIONS = 8;

export const dotAddChecks: Check<Nano>[] = [
  check(
    'example',
    'The dot of 1, 2, … 16 with ones is 136',
    'all sixteen products belong to the sum: relaxed_dot makes eight pairs of them, and a dot with ones makes four numbers of those',
    (nano) => {
      const a = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
      expectDot(nano, a, new Uint8Array(16).fill(1), { a });
    },
  ),
  check(
    'example',
    'Two steps of sixteen add up: the dot of 32 threes with fours is 384',
    'what is returned is `sum` and the products, lane by lane: i32x4.add(sum, …)',
    (nano) => expectDot(nano, new Uint8Array(32).fill(3), new Uint8Array(32).fill(4)),
  ),
  check(
    'example',
    'The greatest codes of all: 1024 times 127 · 127',
    'a pair is 2 · 127 · 127 = 32,258 at most, which is below 2¹⁵ = 32,768; four products are not, so go on in 32 bits',
    (nano) => expectDot(nano, new Uint8Array(1024).fill(127), new Uint8Array(1024).fill(127)),
  ),
  check(
    'invariant',
    'Each of the codes counts once, in all places of 16, 64, 80 and 128',
    'x and y are multiplied place by place; with extmul, low with low and high with high',
    (nano) => {
      for (const n of [16, 64, 80, 128]) {
        for (let i = 0; i < n; i++) {
          const a = new Uint8Array(n);
          a[i] = 100;
          const b = Uint8Array.from({ length: n }, (_, j) => (j === i ? 50 : 1));
          const got = nano.codeDot(a, b);
          if (got !== 5000) fails(`with code ${i} of ${n} alone it is ${got}, and should be 5000`, { n, i, got });
        }
      }
    },
  ),
  check(
    'invariant',
    'The dot of a row and itself is Σc², and it is the same both ways round',
    'a product has one code of x and one of y',
    (nano) =>
      forAll(pairs(), ({ a, b }) => {
        if (nano.codeDot(a, a) !== dot(a, a)) fails(`a · a is ${nano.codeDot(a, a)}, and Σc² is ${dot(a, a)}`);
        const [ab, ba] = [nano.codeDot(a, b), nano.codeDot(b, a)];
        if (ab !== ba) fails(`a · b is ${ab}, and b · a is ${ba}`);
      }),
  ),
  check(
    'property',
    'The dot of codes up to 11 is exact',
    'look at the smallest case: which place, which half?',
    (nano) => forAll(pairs(11), ({ a, b }) => expectDot(nano, a, b)),
  ),
  check(
    'property',
    'The dot of codes up to 127 is exact',
    'right for small codes and wrong for large ones: somewhere 16 bits were too few, or a byte was taken for signed',
    (nano) => forAll(pairs(), ({ a, b }) => expectDot(nano, a, b)),
  ),
  check(
    'work',
    `dotAdd is at most ${MOST_INSTRUCTIONS} instructions for sixteen products, none of them a loop or a single lane`,
    'relaxed_dot, a dot with ones and an addition are three; two extmul and an addition instead of relaxed_dot make five',
    ({ instructions }) => {
      const single = instructions.find((one) => /^loop$|lane|^[if](32|64)\.|splat/.test(one));
      if (single) fails(`it has ${single === 'loop' ? 'a loop' : single}`, instructions);
      if (instructions.length > MOST_INSTRUCTIONS) fails(`it has ${instructions.length} instructions`, instructions);
    },
  ),
];

function expectDot(nano: Nano, a: Uint8Array, b: Uint8Array, shown?: object): void {
  const [got, want] = [nano.codeDot(a, b), dot(a, b)];
  if (got !== want) fails(`a · b is ${got}, and should be ${want}`, shown ?? { n: a.length });
}
