/**
 * What must hold of dot, l2 and l2x4. Most checks use small integers, on which f32 is exact in whatever order it adds, so
 * that right is equal and a counter-example is a handful of digits.
 *
 * A plain loop is right too, and so is one sum that every addition waits for; no clock tells them apart, as clocks differ. The
 * work does: how many loads a call makes (recorded by instrumented code), and how many additions wait for one another (read
 * off what rounding loses, see `longestWait`).
 */
import { type Check, fails, forAll } from 'annlab/exercises';
import { Random } from 'annlab/lab';
import fc from 'fast-check';

import { longestWait } from './longest-wait.ts';
import { dot, l2, l2x4 } from './scalar.ts';
import type { Access, Simd } from './simd.ts';

export { load } from './load.ts';

export const checks: Check<Simd>[] = [...ofPairs('dot'), ...ofPairs('l2'), ...ofFour()];

/** What dot and l2 share. */
function ofPairs(name: 'dot' | 'l2'): Check<Simd>[] {
  const mark = name === 'dot' ? 'a · b' : '‖a − b‖²';
  const isL2 = name === 'l2';
  const check = (layer: Check<Simd>['layer'], says: string, likely: string, run: Check<Simd>['run']) => ({
    layer,
    says,
    hole: name,
    likely,
    run,
  });
  return [
    check(
      'example',
      `${name} of 16 components, one block without a tail`,
      'the four sums start at i, i + 16, i + 32 and i + 48 bytes: a component has four bytes; and sumLanes adds up the lanes of one sum, so add the sums first',
      (simd) => {
        const a = Float32Array.from({ length: 16 }, (_, i) => i + 1);
        const b = new Float32Array(16).fill(isL2 ? 0 : 1);
        expectExact(name, simd, a, b, { a, b });
      },
    ),
    check(
      'example',
      `${name} of 3 components, nothing but a tail`,
      isL2
        ? 'the tail is added component by component after the lanes, each difference squared'
        : 'the tail is added component by component after the lanes',
      (simd) => {
        const [a, b] = [Float32Array.of(1, 2, 3), Float32Array.of(4, 6, 8)];
        expectExact(name, simd, a, b, { a, b });
      },
    ),
    isL2
      ? check(
          'invariant',
          'l2 of a vector and itself is 0, and is the same both ways round',
          'a difference times itself, never times another one',
          (simd) =>
            forAll(pairs, ({ a, b }) => {
              if (simd.l2(a, a) !== 0) fails(`l2(a, a) = ${simd.l2(a, a)}`);
              if (simd.l2(a, b) !== simd.l2(b, a)) fails(`l2(a, b) = ${simd.l2(a, b)}, l2(b, a) = ${simd.l2(b, a)}`);
            }),
        )
      : check(
          'invariant',
          'dot of a vector and itself is its squared length, and dot is the same both ways round',
          'both operands move by the same number of bytes',
          (simd) =>
            forAll(pairs, ({ a, b }) => {
              const squared = a.reduce((sum, value) => sum + value * value, 0);
              if (simd.dot(a, a) !== squared)
                fails(`dot(a, a) = ${simd.dot(a, a)}, and the squares add up to ${squared}`);
              if (simd.dot(a, b) !== simd.dot(b, a))
                fails(`dot(a, b) = ${simd.dot(a, b)}, dot(b, a) = ${simd.dot(b, a)}`);
            }),
        ),
    check(
      'invariant',
      `${name} counts every component once, in every dimension from 1 to 100`,
      'the blocks end at `blocks`, the tail goes from there to `bytes`, and all sixteen lanes end up in the sum',
      (simd) => {
        for (let n = 1; n <= 100; n++) {
          for (let i = 0; i < n; i++) {
            const a = new Float32Array(n);
            a[i] = 3;
            const b = new Float32Array(n).fill(isL2 ? 0 : 3);
            const got = simd[name](a, b);
            if (got !== 9)
              fails(`with component ${i} of ${n} alone it is ${got}, and should be 9${ofNaN(got)}`, { n, i, got });
          }
        }
      },
    ),
    check(
      'property',
      `${name} is ${mark}, in any dimension`,
      'look at the smallest case: in which lane or tail is it?',
      (simd) => forAll(pairs, ({ a, b }) => expectExact(name, simd, a, b)),
    ),
    check(
      'property',
      `${name} reads each component of a and b once, and no byte beside them`,
      'the tail is read f32 by f32 while i < bytes; what lies behind a vector is another vector, or the end of memory',
      (simd) =>
        forAll(pairs, ({ a, b }) =>
          readsOnce(
            simd.trace((traced) => traced[name](a, b)),
            a.length,
          ),
        ),
    ),
    check(
      'property',
      isL2
        ? 'l2 keeps f32’s accuracy, far from the origin too'
        : 'dot misses f64’s result by no more than f32’s rounding allows',
      isL2
        ? 'subtract first, then square: |a|² + |b|² − 2 a·b cancels where both are long'
        : 'add in f32 lanes, and leave no product out',
      (simd) => {
        for (const n of [7, 100, 384, 1024]) {
          const random = new Random(`accuracy ${n}`);
          const a = Float32Array.from({ length: n }, () => random.normal() + (isL2 ? 100 : 0));
          const b = Float32Array.from({ length: n }, () => random.normal() + (isL2 ? 100 : 0));
          const want = twin[name](a, b);
          const got = simd[name](a, b);
          // However the terms are added, each takes part in at most n additions and a product (Higham 2002, 4.2).
          const terms = a.reduce((sum, x, i) => sum + Math.abs(isL2 ? (x - b[i]) ** 2 : x * b[i]), 0);
          const allowed = (n + 2) * 2 ** -24 * terms;
          if (!(Math.abs(got - want) <= allowed)) {
            fails(`${got} instead of ${want}: off by ${Math.abs(got - want)}, allowed is ${allowed}`, { n });
          }
        }
      },
    ),
    check(
      'work',
      `${name} of 1024 components makes 512 loads: 16 bytes at a time`,
      'v128.load takes four components at once, load<f32> one: the tail alone goes one by one',
      (simd) => {
        for (const n of [1024, 1000, 784]) {
          const { a, b } = ones(n);
          const loads = simd.trace((traced) => traced[name](a, b)).length;
          const budget = 2 * ((n >> 4) * 4 + (n & 15));
          if (loads > budget) fails(`${loads} loads, and ${budget} are enough`, { n, loads });
        }
      },
    ),
    check(
      'work',
      `In ${name} of 1024 components no addition waits for more than 64 others`,
      'one sum is one chain: the adder could start an addition every cycle, and waits for the last one instead; use s0, s1, s2 and s3',
      (simd) => {
        const waits = longestWait((a, b) => simd[name](a, b), name);
        if (!(waits >= 0 && waits <= 1024))
          fails('the sum is wrong, and so its order cannot be told: see the checks above');
        if (waits > 80)
          fails(`${waits} additions follow one another; four sums of four lanes make it 64`, { n: 1024, waits });
      },
    ),
  ];
}

function ofFour(): Check<Simd>[] {
  const check = (layer: Check<Simd>['layer'], says: string, likely: string, run: Check<Simd>['run']) => ({
    layer,
    says,
    hole: 'l2x4',
    likely,
    run,
  });
  return [
    check(
      'example',
      'l2x4 gives four distances in the order of the vectors',
      's0 belongs to a, s1 to b, s2 to c, s3 to d; the results lie 4 bytes apart',
      (simd) => {
        const q = new Float32Array(8);
        const vectors = [1, 2, 3, 4].map((value) => new Float32Array(8).fill(value));
        expectFour(simd, q, vectors);
      },
    ),
    check(
      'invariant',
      'l2x4 counts every component of every vector once, in every dimension from 1 to 40',
      'quads is where the tail begins: add l2(q + i, a + i, n & 3), and so on for b, c and d',
      (simd) => {
        for (let n = 1; n <= 40; n++) {
          for (let i = 0; i < n; i++) {
            const vectors = [1, 2, 3, 4].map((value) => {
              const vector = new Float32Array(n);
              vector[i] = value;
              return vector;
            });
            const got = simd.l2x4(new Float32Array(n), vectors);
            vectors.forEach((vector, v) => {
              const want = vector[i] ** 2;
              if (got[v] !== want)
                fails(`component ${i} of ${n}, vector ${'abcd'[v]}: ${got[v]} instead of ${want}`, { n, i, got });
            });
          }
        }
      },
    ),
    check(
      'property',
      'l2x4 gives what four calls of l2 give',
      'look at the smallest case: which vector, lane or tail?',
      (simd) => forAll(fours, ({ q, vectors }) => expectFour(simd, q, vectors)),
    ),
    check(
      'property',
      'l2x4 reads no byte beside its vectors and writes the 16 bytes of out alone',
      'stores go to out, out + 4, out + 8 and out + 12',
      (simd) =>
        forAll(fours, ({ q, vectors }) => {
          const accesses = simd.trace((traced) => traced.l2x4(q, vectors));
          for (const access of accesses) {
            if (!access.inside) fails(`a ${describe(access)}, which has ${access.operand === 'out' ? 4 : q.length}`);
            if ((access.kind === 'store') !== (access.operand === 'out')) fails(`a ${describe(access)}`);
          }
        }),
    ),
    check(
      'work',
      'In l2x4 each load of the query serves four vectors: 256 loads of the query at 1024-D, not 1024',
      'load x from q once per group of four components, and subtract all four vectors from it; four calls of l2 read the query four times',
      (simd) => {
        const { a: q } = ones(1024);
        const vectors = [q, q, q, q];
        const accesses = simd.trace((traced) => traced.l2x4(q, vectors));
        const loads = (operand: string) =>
          accesses.filter((one) => one.kind === 'load' && one.operand === operand).length;
        const found = Object.fromEntries(['q', 'a', 'b', 'c', 'd'].map((operand) => [operand, loads(operand)]));
        if (found.q > 256) fails(`the query is read in ${found.q} loads`, found);
        for (const operand of ['a', 'b', 'c', 'd']) {
          if (found[operand] > 256) fails(`${operand} is read in ${found[operand]} loads, and 256 are enough`, found);
        }
      },
    ),
  ];
}

/** The readable twin, which is right. */
const twin = { dot, l2, l2x4 };

const small = fc.integer({ min: -8, max: 8 });
const vectorOf = (n: number) =>
  fc.array(small, { minLength: n, maxLength: n }).map((values) => Float32Array.from(values));
const dimensions = fc.integer({ min: 1, max: 140 });
const pairs = dimensions.chain((n) => fc.record({ a: vectorOf(n), b: vectorOf(n) }));
const fours = dimensions.chain((n) =>
  fc.record({ q: vectorOf(n), vectors: fc.array(vectorOf(n), { minLength: 4, maxLength: 4 }) }),
);

function ones(n: number): { a: Float32Array; b: Float32Array } {
  return { a: new Float32Array(n).fill(1), b: new Float32Array(n).fill(1) };
}

function expectExact(name: 'dot' | 'l2', simd: Simd, a: Float32Array, b: Float32Array, shown?: object): void {
  const got = simd[name](a, b);
  const want = twin[name](a, b);
  if (got !== want) fails(`${name}(a, b) is ${got}, and should be ${want}${ofNaN(got)}`, shown ?? { n: a.length });
}

function expectFour(simd: Simd, q: Float32Array, vectors: Float32Array[]): void {
  const got = simd.l2x4(q, vectors);
  const want = twin.l2x4(q, vectors);
  const wrong = want.findIndex((distance, v) => got[v] !== distance);
  if (wrong === -1) return;
  fails(`the distance to ${'abcd'[wrong]} is ${got[wrong]}, and should be ${want[wrong]}${ofNaN(got[wrong])}`, {
    n: q.length,
    got,
    want,
  });
}

function ofNaN(value: number): string {
  return Number.isNaN(value) ? ' (the checks put NaN around every vector: something beside one was read)' : '';
}

function readsOnce(accesses: Access[], n: number): void {
  const read = { a: new Uint8Array(n), b: new Uint8Array(n) };
  for (const access of accesses) {
    const { kind, operand, component, bytes, inside } = access;
    if (!inside || kind === 'store') fails(`a ${describe(access)}, which has ${n}`);
    for (let i = 0; i < bytes / 4; i++) read[operand as 'a' | 'b'][component + i]++;
  }
  for (const operand of ['a', 'b'] as const) {
    const i = read[operand].findIndex((times) => times !== 1);
    if (i !== -1) fails(`component ${i} of ${operand} is read ${read[operand][i]} times`, { n });
  }
}

function describe({ kind, bytes, operand, component }: Access): string {
  return `${kind} of ${bytes} bytes at component ${component} of ${operand}`;
}
