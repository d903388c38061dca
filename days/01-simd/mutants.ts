import type { Mutant } from 'annlab/exercises';

export const mutants: Mutant[] = [
  {
    name: 'dropped-tail',
    hole: 'dot',
    mistake: 'The components behind the last whole block are forgotten: right at 1024-D, wrong at 100-D.',
    find: `  for (; i < bytes; i += 4) sum += load<f32>(a + i) * load<f32>(b + i);`,
    replace: '',
  },
  {
    name: 'past-the-end',
    hole: 'dot',
    mistake: 'The tail runs one component too far, and adds what lies behind the vectors.',
    find: `  for (; i < bytes; i += 4) sum += load<f32>(a + i) * load<f32>(b + i);`,
    replace: `  for (; i <= bytes; i += 4) sum += load<f32>(a + i) * load<f32>(b + i);`,
  },
  {
    name: 'rounded-up',
    hole: 'dot',
    mistake: 'One more block takes the tail, as if vectors were padded with zeros.',
    find: `  for (; i < blocks; i += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i), v128.load(b + i)));`,
    replace: `  for (; i < bytes; i += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i), v128.load(b + i)));`,
  },
  {
    name: 'offset-in-components',
    hole: 'dot',
    mistake:
      'The second argument of v128.load counts bytes, and 4, 8, 12 are components: every block reads its first 16 bytes again and again.',
    find: `    s1 = f32x4.add(s1, f32x4.mul(v128.load(a + i, 16), v128.load(b + i, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a + i, 32), v128.load(b + i, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a + i, 48), v128.load(b + i, 48)));`,
    replace: `    s1 = f32x4.add(s1, f32x4.mul(v128.load(a + i, 4), v128.load(b + i, 4)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a + i, 8), v128.load(b + i, 8)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a + i, 12), v128.load(b + i, 12)));`,
  },
  {
    name: 'one-lane',
    hole: 'dot',
    mistake: 'The sum of sums is still four lanes, and one of them is returned.',
    find: `v128.load(b + i, 48)));
  }
  sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; i < bytes; i += 4) sum`,
    replace: `v128.load(b + i, 48)));
  }
  sum = f32x4.extract_lane(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), 0);
  for (; i < bytes; i += 4) sum`,
  },
  {
    name: 'one-sum',
    hole: 'dot',
    mistake:
      'All products go into s0: right, and three times as slow as it could be, since every addition waits for the one before.',
    find: `    s1 = f32x4.add(s1, f32x4.mul(v128.load(a + i, 16), v128.load(b + i, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a + i, 32), v128.load(b + i, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a + i, 48), v128.load(b + i, 48)));`,
    replace: `    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i, 16), v128.load(b + i, 16)));
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i, 32), v128.load(b + i, 32)));
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i, 48), v128.load(b + i, 48)));`,
  },
  {
    name: 'plain-loop',
    hole: 'dot',
    mistake: 'The blocks are never entered: the tail does it all, one component at a time, and every result is right.',
    find: `  for (; i < blocks; i += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i), v128.load(b + i)));`,
    replace: `  for (; i > blocks; i += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a + i), v128.load(b + i)));`,
  },
  {
    name: 'forgotten-sum',
    hole: 'l2',
    mistake: 'Three of the four sums are added up.',
    find: `v128.load(b + i, 48)));
  }
  sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; i < bytes; i += 4) {`,
    replace: `v128.load(b + i, 48)));
  }
  sum = sumLanes(f32x4.add(f32x4.add(s0, s1), s2));
  for (; i < bytes; i += 4) {`,
  },
  {
    name: 'tail-not-squared',
    hole: 'l2',
    mistake: 'The differences of the tail are added as they are.',
    find: `    sum += difference * difference;`,
    replace: `    sum += difference;`,
  },
  {
    name: 'by-expansion',
    hole: 'l2',
    mistake: '|a|² + |b|² − 2 a·b reuses dot, reads everything twice, and cancels what matters where vectors are long.',
    find: `    const difference = load<f32>(a + i) - load<f32>(b + i);
    sum += difference * difference;
  }`,
    replace: `    const difference = load<f32>(a + i) - load<f32>(b + i);
    sum += difference * difference;
  }
  sum = dot(a, a, n) + dot(b, b, n) - 2 * dot(a, b, n);`,
  },
  {
    name: 'four-calls',
    hole: 'l2x4',
    mistake: 'l2 called four times: right, and each call reads the query again.',
    find: `  for (; i < quads; i += 16) {
    const x`,
    replace: `  store<f32>(out, l2(q, a, n));
  store<f32>(out, l2(q, b, n), 4);
  store<f32>(out, l2(q, c, n), 8);
  store<f32>(out, l2(q, d, n), 12);
  if (n > 0) return;
  for (; i < quads; i += 16) {
    const x`,
  },
  {
    name: 'copied-line',
    hole: 'l2x4',
    mistake: 'A line copied and half changed: s3 measures c again, and d is never read.',
    find: `    s3 = addSquares(s3, f32x4.sub(x, v128.load(d + i)));`,
    replace: `    s3 = addSquares(s3, f32x4.sub(x, v128.load(c + i)));`,
  },
  {
    name: 'stored-too-close',
    hole: 'l2x4',
    mistake: 'Results stored 1, 2 and 3 bytes apart, and so on top of each other.',
    find: `  store<f32>(out, sumLanes(s1) + l2(q + i, b + i, n & 3), 4);
  store<f32>(out, sumLanes(s2) + l2(q + i, c + i, n & 3), 8);
  store<f32>(out, sumLanes(s3) + l2(q + i, d + i, n & 3), 12);`,
    replace: `  store<f32>(out, sumLanes(s1) + l2(q + i, b + i, n & 3), 1);
  store<f32>(out, sumLanes(s2) + l2(q + i, c + i, n & 3), 2);
  store<f32>(out, sumLanes(s3) + l2(q + i, d + i, n & 3), 3);`,
  },
  {
    name: 'tail-from-the-start',
    hole: 'l2x4',
    mistake: 'The tail of d is taken from the first components instead of the last.',
    find: `l2(q + i, d + i, n & 3), 12);`,
    replace: `l2(q, d, n & 3), 12);`,
  },
];
