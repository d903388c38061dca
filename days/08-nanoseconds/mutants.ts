import type { Mutant } from 'annlab/exercises';

const PAIRS = '  const pairs = i16x8.relaxed_dot_i8x16_i7x16_s(x, y);\n';
const DOT = '  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs, ones));';
const SWAPPED = 'v128.shuffle<i16>(pairs, pairs, 1, 0, 3, 2, 5, 4, 7, 6)';
const APART = 'const apart = load<f32>(fa) - load<f32>(fb);';
const SUMS = 'const sums = load<f32>(fa, 8) - load<f32>(fb, 8);';
const SQUARES = 'const squares = load<f32>(fa, 12) + load<f32>(fb, 12);';
const PRODUCT = 'const product = load<f32>(fa, 4) * load<f32>(fb, 4) * <f32>integerDot;';
const RESULT = '  return max<f32>(apart * (<f32>n * apart + 2 * sums) + (squares - 2 * product), 0);';
const TO = '    const to = min(from + AHEAD, count);\n';
const TOUCH = `    for (let j = from; j < to; j++) {
      const record = recordAt(list, j);
      for (let i: usize = 0; i < end; i += LINE_BYTES) touched ^= load<u8>(record + i);
    }
`;
const COMPUTE =
  '    for (let j = from; j < to; j++) store<f32>(out + ((<usize>j) << 2), distance(q, recordAt(list, j), n));\n';
const LINES = 'for (let i: usize = 0; i < end; i += LINE_BYTES) touched ^= load<u8>(record + i);';
const BATCHES = `  for (let from = 0; from < count; from += AHEAD) {\n${TO}${TOUCH}${COMPUTE}  }\n`;

export const mutants: Mutant[] = [
  {
    name: 'high-forgotten',
    hole: 'dot-add',
    mistake: 'Eight products fit into a v128, and the other eight are forgotten.',
    find: PAIRS,
    replace: '  const pairs = i16x8.extmul_low_i8x16_s(x, y);\n',
  },
  {
    name: 'low-twice',
    hole: 'dot-add',
    mistake: 'A line copied and not changed: the first eight count twice, the last eight not at all.',
    find: PAIRS,
    replace: '  const pairs = i16x8.add(i16x8.extmul_low_i8x16_s(x, y), i16x8.extmul_low_i8x16_s(x, y));\n',
  },
  {
    name: 'x-with-itself',
    hole: 'dot-add',
    mistake: 'x is multiplied by x: right for a row and itself, and for nothing else.',
    find: PAIRS,
    replace: '  const pairs = i16x8.relaxed_dot_i8x16_i7x16_s(x, x);\n',
  },
  {
    name: 'halves-crossed',
    hole: 'dot-add',
    mistake: 'Widened first, and then the low half of x meets the high half of y.',
    find: PAIRS,
    replace: `  const pairs = i16x8.add(
    i16x8.mul(i16x8.extend_low_i8x16_s(x), i16x8.extend_high_i8x16_s(y)),
    i16x8.mul(i16x8.extend_high_i8x16_s(x), i16x8.extend_low_i8x16_s(y)),
  );
`,
  },
  {
    name: 'bytes-as-words',
    hole: 'dot-add',
    mistake: 'dot_i16x8_s on the bytes as they are: two codes are taken for one number of 16 bits.',
    find: DOT,
    replace: '  return i32x4.add(sum, i32x4.dot_i16x8_s(x, y));',
  },
  {
    name: 'pairs-by-pairs',
    hole: 'dot-add',
    mistake: 'The dot multiplies: the pairs by themselves, instead of by ones.',
    find: DOT,
    replace: '  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs, pairs));',
  },
  {
    name: 'codes-added',
    hole: 'dot-add',
    mistake: 'Widened and added instead of multiplied.',
    find: PAIRS,
    replace: '  const pairs = i16x8.add(i16x8.extadd_pairwise_i8x16_s(x), i16x8.extadd_pairwise_i8x16_s(y));\n',
  },
  {
    name: 'pairs-subtracted',
    hole: 'dot-add',
    mistake: 'sub for add.',
    find: PAIRS,
    replace: '  const pairs = i16x8.sub(i16x8.extmul_low_i8x16_s(x, y), i16x8.extmul_high_i8x16_s(x, y));\n',
  },
  {
    name: 'multiplied-in-bytes',
    hole: 'dot-add',
    mistake: 'Multiplied as numbers of 16 bits, two codes each.',
    find: PAIRS,
    replace: '  const pairs = i16x8.mul(x, y);\n',
  },
  {
    name: 'half-of-the-pairs',
    hole: 'dot-add',
    mistake: 'Four of the eight pairs are widened and added, instead of a dot that takes them all.',
    find: DOT,
    replace: '  return i32x4.add(sum, i32x4.extend_low_i16x8_s(pairs));',
  },
  {
    name: 'sum-forgotten',
    hole: 'dot-add',
    mistake: 'The products are returned, and what was in the sum is lost: the last block is all that counts.',
    find: DOT,
    replace: '  return i32x4.dot_i16x8_s(pairs, ones);',
  },
  {
    name: 'sums-of-16-bits',
    hole: 'dot-add',
    mistake: 'The pairs are added to the sum in lanes of 16 bits, eight of them, and read as four of 32.',
    find: DOT,
    replace: '  return i16x8.add(sum, pairs);',
  },
  {
    name: 'quads-in-16-bits',
    hole: 'dot-add',
    mistake:
      'Neighbours are added in 16 bits too: four products, 64,516 at most, and 2¹⁵ is passed from codes of 91 on.',
    find: DOT,
    replace: `  const quads = i16x8.add(pairs, ${SWAPPED});
  return i32x4.add(sum, i32x4.shr_s(i32x4.shl(quads, 16), 16));`,
  },
  {
    name: 'quads-saturated',
    hole: 'dot-add',
    mistake: 'The same with an addition that stops at 2¹⁵ − 1: never wildly wrong, and wrong all the same.',
    find: DOT,
    replace: `  const quads = i16x8.add_sat_s(pairs, ${SWAPPED});
  return i32x4.add(sum, i32x4.shr_s(i32x4.shl(quads, 16), 16));`,
  },
  {
    name: 'saturated-to-bytes',
    hole: 'dot-add',
    mistake: 'The products are made bytes again before they are added: whatever is above 127 is 127.',
    find: PAIRS,
    replace: `  const exact = i16x8.relaxed_dot_i8x16_i7x16_s(x, y);
  const pairs = i16x8.extend_low_i8x16_s(i8x16.narrow_i16x8_s(exact, exact));
`,
  },
  {
    name: 'lane-by-lane',
    hole: 'dot-add',
    mistake: 'Sixteen times two lanes taken out, multiplied and added: right, and slower than the loop.',
    find: `${PAIRS}${DOT}`,
    replace: `  const total = ${Array.from(
      { length: 16 },
      (_, i) => `<i32>i8x16.extract_lane_u(x, ${i}) * <i32>i8x16.extract_lane_u(y, ${i})`,
    ).join(' + ')};
  return i32x4.add(sum, i32x4.replace_lane(i32x4.splat(0), 0, total));`,
  },
  {
    name: 'n-forgotten',
    hole: 'l2-of-codes',
    mistake: 'lo differs in every dimension, and counts in one.',
    find: '<f32>n * apart',
    replace: 'apart',
  },
  {
    name: 'sums-once',
    hole: 'l2-of-codes',
    mistake: '(u + v)² = u² + 2 u v + v²: the 2 is missing.',
    find: '2 * sums',
    replace: 'sums',
  },
  {
    name: 'sums-the-other-way',
    hole: 'l2-of-codes',
    mistake: 'lo less lo′, and then Σ′ less Σ.',
    find: SUMS,
    replace: 'const sums = load<f32>(fb, 8) - load<f32>(fa, 8);',
  },
  {
    name: 'lo-forgotten',
    hole: 'l2-of-codes',
    mistake: 'As if all vectors began at the same lo.',
    find: APART,
    replace: 'const apart: f32 = 0;',
  },
  {
    name: 'lo-added',
    hole: 'l2-of-codes',
    mistake: 'lo + lo′ for lo − lo′.',
    find: APART,
    replace: 'const apart = load<f32>(fa) + load<f32>(fb);',
  },
  {
    name: 'squares-of-one',
    hole: 'l2-of-codes',
    mistake: 'The squares of one code only.',
    find: SQUARES,
    replace: 'const squares = load<f32>(fa, 12);',
  },
  {
    name: 'steps-forgotten',
    hole: 'l2-of-codes',
    mistake: 'The integer dot as it is, in units of nothing.',
    find: PRODUCT,
    replace: 'const product = <f32>integerDot;',
  },
  {
    name: 'one-step-for-both',
    hole: 'l2-of-codes',
    mistake: 'step² instead of step · step′: right while all vectors have the same range.',
    find: PRODUCT,
    replace: 'const product = load<f32>(fa, 4) * load<f32>(fa, 4) * <f32>integerDot;',
  },
  {
    name: 'product-once',
    hole: 'l2-of-codes',
    mistake: 'The dot subtracted once instead of twice.',
    find: '2 * product',
    replace: 'product',
  },
  {
    name: 'steps-again',
    hole: 'l2-of-codes',
    mistake: 'The formula says step Σc, and the third factor is taken for Σc: the step is multiplied in twice.',
    find: SUMS,
    replace: 'const sums = load<f32>(fa, 4) * load<f32>(fa, 8) - load<f32>(fb, 4) * load<f32>(fb, 8);',
  },
  {
    name: 'squares-again',
    hole: 'l2-of-codes',
    mistake: 'The same with step² and the fourth factor.',
    find: SQUARES,
    replace: `const squares = load<f32>(fa, 4) * load<f32>(fa, 4) * load<f32>(fa, 12)
    + load<f32>(fb, 4) * load<f32>(fb, 4) * load<f32>(fb, 12);`,
  },
  {
    name: 'second-for-third',
    hole: 'l2-of-codes',
    mistake: 'The second and the third factor are taken for one another.',
    find: `${SUMS}\n  ${SQUARES}\n  ${PRODUCT}`,
    replace: `const sums = load<f32>(fa, 4) - load<f32>(fb, 4);
  ${SQUARES}
  const product = load<f32>(fa, 8) * load<f32>(fb, 8) * <f32>integerDot;`,
  },
  {
    name: 'factors-by-number',
    hole: 'l2-of-codes',
    mistake: 'The third and fourth factor at bytes 2 and 3: an address counts bytes.',
    find: `${SUMS}\n  ${SQUARES}`,
    replace: `const sums = load<f32>(fa, 2) - load<f32>(fb, 2);
  const squares = load<f32>(fa, 3) + load<f32>(fb, 3);`,
  },
  {
    name: 'not-clamped',
    hole: 'l2-of-codes',
    mistake:
      'What rounding leaves below 0 is returned: a root of it is NaN, and a code is nearer to itself than it can be.',
    find: RESULT,
    replace: '  return apart * (<f32>n * apart + 2 * sums) + (squares - 2 * product);',
  },
  {
    name: 'folded-up',
    hole: 'l2-of-codes',
    mistake: 'abs for max: an error below 0 becomes a distance above it.',
    find: RESULT,
    replace: '  return abs<f32>(apart * (<f32>n * apart + 2 * sums) + (squares - 2 * product));',
  },
  {
    name: 'by-norms',
    hole: 'l2-of-codes',
    mistake: '|x|² + |x′|² − 2 x·x′: right on paper, and far from the origin nothing but rounding.',
    find: RESULT,
    replace: `  const la = load<f32>(fa);
  const lb = load<f32>(fb);
  const norms = la * (<f32>n * la + 2 * load<f32>(fa, 8)) + lb * (<f32>n * lb + 2 * load<f32>(fb, 8)) + squares;
  const dot = <f32>n * la * lb + la * load<f32>(fb, 8) + lb * load<f32>(fa, 8) + product;
  return max<f32>(norms - 2 * dot, 0);`,
  },
  {
    name: 'with-a-root',
    hole: 'l2-of-codes',
    mistake: 'The distance instead of its square.',
    find: RESULT,
    replace: '  return sqrt<f32>(max<f32>(apart * (<f32>n * apart + 2 * sums) + (squares - 2 * product), 0));',
  },
  {
    name: 'loads-again',
    hole: 'l2-of-codes',
    mistake: 'n d² is added up in a loop over the dimensions, which reads both lo again in each.',
    find: RESULT,
    replace: `  let first: f32 = 0;
  for (let i = 0; i < n; i++) {
    const d = load<f32>(fa) - load<f32>(fb);
    first += d * d;
  }
  return max<f32>(first + 2 * apart * sums + (squares - 2 * product), 0);`,
  },
  {
    name: 'one-by-one',
    hole: 'touch',
    mistake: 'Nothing is touched: right, and every record waits for its own lines.',
    find: TOUCH,
    replace: '',
  },
  {
    name: 'touches-then-computes-each',
    hole: 'touch',
    mistake: 'Each record touched just before its own distance: what is asked for together is one record.',
    find: `${TOUCH}${COMPUTE}`,
    replace: `    for (let j = from; j < to; j++) {
      const record = recordAt(list, j);
      ${LINES}
      store<f32>(out + ((<usize>j) << 2), distance(q, record, n));
    }
`,
  },
  {
    name: 'first-line-only',
    hole: 'touch',
    mistake: 'One byte a record: the other sixteen lines come as before.',
    find: LINES,
    replace: 'touched ^= load<u8>(record);',
  },
  {
    name: 'factors-untouched',
    hole: 'touch',
    mistake: 'The lines of the codes, n bytes; the factors lie in the next one.',
    find: 'i < end; i += LINE_BYTES',
    replace: 'i < <usize>n; i += LINE_BYTES',
  },
  {
    name: 'every-sixteen-bytes',
    hole: 'touch',
    mistake: 'As the kernel reads: four loads a line, of which three find it asked for already.',
    find: 'i < end; i += LINE_BYTES',
    replace: 'i < end; i += 16',
  },
  {
    name: 'a-line-too-far',
    hole: 'touch',
    mistake: '<= for <: where a record ends with a line, the next record’s first is fetched.',
    find: 'i < end; i += LINE_BYTES',
    replace: 'i <= end + 16; i += LINE_BYTES / 2',
  },
  {
    name: 'lines-of-four',
    hole: 'touch',
    mistake: 'i counts components, and a line has sixteen of them.',
    find: 'load<u8>(record + i)',
    replace: 'load<u8>(record + (i << 2))',
  },
  {
    name: 'touches-the-list',
    hole: 'touch',
    mistake: 'The list is touched instead of the records whose addresses are in it.',
    find: 'touched ^= load<u8>(record + i);',
    replace: 'touched ^= load<u8>(list + ((<usize>j) << 2)) ^ <u8>(record + i);',
  },
  {
    name: 'touches-the-first',
    hole: 'touch',
    mistake: 'recordAt(list, from): the same record is touched sixteen times.',
    find: 'const record = recordAt(list, j);',
    replace: 'const record = recordAt(list, from);',
  },
  {
    name: 'touches-all-first',
    hole: 'touch',
    mistake: 'The whole list touched before the first distance: the cache cannot hold it, and every line comes twice.',
    find: BATCHES,
    replace: `  const from = 0;
  const to = count;
${TOUCH}${COMPUTE}`,
  },
  {
    name: 'past-the-list',
    hole: 'touch',
    mistake: 'Always AHEAD records, also where fewer are left.',
    find: TO,
    replace: '    const to = from + AHEAD;\n',
  },
  {
    name: 'rest-forgotten',
    hole: 'touch',
    mistake: 'Whole batches only: the last few of a list get no distance.',
    find: 'from < count; from += AHEAD',
    replace: 'from + AHEAD <= count; from += AHEAD',
  },
  {
    name: 'out-from-the-start',
    hole: 'touch',
    mistake: 'Every batch writes to the beginning of out.',
    find: COMPUTE,
    replace: COMPUTE.replace('(<usize>j)', '(<usize>(j - from))'),
  },
  {
    name: 'stored-too-close',
    hole: 'touch',
    mistake: 'Results one byte apart, on top of each other.',
    find: COMPUTE,
    replace: COMPUTE.replace('((<usize>j) << 2)', '<usize>j'),
  },
  {
    name: 'one-too-many',
    hole: 'touch',
    mistake: 'Touches the record behind the batch as well, with whatever stands behind the list as its address.',
    find: 'for (let j = from; j < to; j++) {\n      const record',
    replace: 'for (let j = from; j <= to; j++) {\n      const record',
  },
  {
    name: 'computed-while-touching',
    hole: 'touch',
    mistake: 'Distances are computed twice, the first time as a way to touch.',
    find: LINES,
    replace: 'touched ^= <u32>distance(q, record, n);',
  },
];
