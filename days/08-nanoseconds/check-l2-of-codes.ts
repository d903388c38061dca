/** What must hold of l2OfCodes: it is handed the right integer dot, so that no other hole is in its way. */
import { type Check, fails, forAll } from 'annlab/exercises';
import { type Code, codeOf, decode, dot, encode, l2, l2OfCodes, l2Terms } from './codes.ts';
import { randomCodes } from './far-away.ts';
import type { Nano } from './nano.ts';
import { codePairs } from './scene.ts';

const check = (layer: Check<Nano>['layer'], says: string, likely: string, run: Check<Nano>['run']): Check<Nano> => ({
  ...{ layer, says, likely, run },
  hole: 'l2-of-codes',
});

/** Sixteen equal codes. */
const level = (c: number, lo: number, step: number) => codeOf(new Uint8Array(16).fill(c), lo, step);

export const l2OfCodesChecks: Check<Nano>[] = [
  check(
    'example',
    "All codes 0: what is left is n (lo − lo')²",
    "d = lo − lo', the first of each row of factors; n d² counts it once for each dimension",
    (nano) => expectDistance(nano, level(0, 5, 1), level(0, 3, 1)),
  ),
  check(
    'invariant',
    'It reads factors where they are: four bytes each, at bytes 0, 4, 8 and 12 of either code',
    'an address counts bytes: step is at fa + 4, not at fa + 1; fa and fb point at the factors already',
    (nano) => {
      const [a, b] = randomCodes(2, 64, 'places');
      for (const { kind, bytes, operand, byte, inside } of nano.trace((traced) => of(traced, a, b))) {
        if (kind !== 'load' || !inside || byte % 4 !== 0 || bytes % 4 !== 0)
          fails(`a ${kind} of ${bytes} bytes at byte ${byte} of ${operand}, which has four factors of four bytes`);
      }
    },
  ),
  check(
    'example',
    "The same lo, different steps: n (step c − step' c')²",
    "the product is step · step' · Σcc', and it counts twice: (x − y)² = x² − 2 x y + y²; the factors are lo, step, step · Σc and step² · Σc², in this order, with the steps multiplied in",
    (nano) => expectDistance(nano, level(3, 1, 2), level(5, 1, 0.5)),
  ),
  check(
    'example',
    "Different lo, and codes: x = 1 + 2 · 3 = 7 and x' = 4 + 0.5 · 6 = 7 are the same vector",
    "2 d (step Σc − step' Σc') with d = lo − lo': the same code comes first in both; the third factors have their step in them already",
    (nano) => expectDistance(nano, level(3, 1, 2), level(6, 4, 0.5)),
  ),
  check(
    'invariant',
    'The distance is the same both ways round, but for rounding',
    'd and the difference of sums change their signs together',
    (nano) =>
      forAll(codePairs(), ({ a, b }) => {
        const [ab, ba] = [of(nano, a, b), of(nano, b, a)];
        if (!(Math.abs(ab - ba) <= 2 * tolerance(a, b))) fails(`from a to b it is ${ab}, and back ${ba}`);
      }),
  ),
  check(
    'invariant',
    'A distance is never below 0, and that from a code to itself is 0 but for rounding',
    'step² Σc² was rounded, and so is step · step · Σc²: their difference may fall below 0, where max<f32>(…, 0) helps; abs does not, it makes a distance of an error',
    (nano) => {
      for (const code of randomCodes(300, 64, 'itself')) {
        const got = of(nano, code, code);
        if (!(got >= 0)) fails(`from a code to itself it is ${got}`, { factors: code.factors });
        const allowed = tolerance(code, code);
        if (got > allowed)
          fails(`from a code to itself it is ${got}; rounding explains ${allowed}`, { factors: code.factors });
        // A few units in the last place too small, as a sum may be that somebody else has taken.
        const [lo, step, sum, squares] = code.factors;
        const low = { codes: code.codes, factors: Float32Array.of(lo, step, sum, squares * (1 - 2 ** -20)) };
        const left = of(nano, low, low);
        if (left !== 0) fails(`with step² Σc² rounded down it is ${left}, and should be 0`, { factors: low.factors });
      }
    },
  ),
  check(
    'property',
    'It is the squared distance of the two vectors that the codes stand for',
    'look at the smallest case, and put its numbers into the formula one term at a time',
    (nano) => forAll(codePairs(), ({ a, b }) => expectDistance(nano, a, b)),
  ),
  check(
    'property',
    'Moved together by 4096, codes keep their distance to the last bit',
    "n lo² + 2 lo step Σc + … is |x|², and |x|² + |x'|² − 2 x·x' is the same on paper; far from the origin its large terms cancel and leave their rounding. Subtract lo − lo' first",
    (nano) =>
      forAll(codePairs(), ({ a, b }) => {
        const moved = ({ codes, factors: [lo, step] }: Code) => codeOf(codes, lo + 4096, step);
        const [near, far] = [of(nano, a, b), of(nano, moved(a), moved(b))];
        if (near !== far) fails(`near the origin it is ${near}, and 4096 from it ${far}`);
      }),
  ),
  check(
    'property',
    'Of vectors rounded to 127 steps, the distance is off by less than 1 %',
    'the factors are those of the code, in this order: lo, step, step · Σc, step² · Σc²; 4 bytes each',
    (nano) => {
      for (let seed = 0; seed < 20; seed++) {
        const [x, y] = randomCodes(2, 256, `vectors ${seed}`).map(decode);
        const [got, want] = [of(nano, encode(x), encode(y)), l2(x, y)];
        if (!(Math.abs(got / want - 1) < 0.01)) fails(`it is ${got}, and of the vectors themselves ${want}`, { seed });
      }
    },
  ),
  check(
    'work',
    'Eight loads at most: four factors of either code, each once',
    'what is used twice goes into a const; the codes are not read here, their dot is given',
    (nano) => {
      const [a, b] = randomCodes(2, 64, 'loads');
      const loads = nano.trace((traced) => of(traced, a, b));
      if (loads.length > 8)
        fails(
          `${loads.length} loads`,
          loads.map(({ operand, byte }) => `${operand} + ${byte}`),
        );
    },
  ),
];

/** With the integer dot, as f32 arithmetic has it. */
function of(nano: Pick<Nano, 'l2OfCodes'>, a: Code, b: Code): number {
  return nano.l2OfCodes(a.factors, b.factors, dot(a.codes, b.codes), a.codes.length);
}

function expectDistance(nano: Nano, a: Code, b: Code): void {
  const [got, want] = [of(nano, a, b), l2OfCodes(a, b)];
  const exact = l2(decode(a), decode(b));
  if (Math.abs(got - want) <= tolerance(a, b)) return;
  fails(`it is ${got}, and should be ${want}`, {
    ...{ n: a.codes.length, factors: Array.from(a.factors), others: Array.from(b.factors) },
    ...{ integerDot: dot(a.codes, b.codes), ofTheVectors: exact },
  });
}

/** Each term is a handful of f32 operations, and so is putting them together. */
function tolerance(a: Code, b: Code): number {
  return 12 * 2 ** -24 * l2Terms(a, b).reduce((total, term) => total + Math.abs(term), 0);
}
