import type { Mutant } from 'annlab/exercises';

const TOP = 'const top = 2 ** bits - 1;';
const LEVEL = '(step > 0 ? Math.round((value - lo) / step) : 0)';
const CLIPPED = 'Math.min(Math.max(nearestLevel(value), 0), top)';
const SCALAR = 'return { lo, step, levels };';
const FOUND = 'points.map((point) => nearest(point, centroids, distance))';
const SUMS = 'centroids.map(({ length }) => new Float64Array(length))';
const COUNT = 'counts[index]++;';
const FARTHEST = 'sort((a, b) => found[b].distance - found[a].distance)';
const INERTIA = 'found.reduce((sum, one) => sum + one.distance, 0)';
const MEAN = 'Float32Array.from(sum, (s) => s / counts[c])';
const MENDED = 'points[farthestFirst[empty++]].slice()';
const EITHER = `counts[c] > 0 ? ${MEAN} : ${MENDED}`;
const ENTRY = 'table[j * k + c] = distance(part, centroid(books, j, c));';
const LOOK_UP = 'distances[i] += table[j * k + codes[i * m + j]];';
const TABLE = `  for (let j = 0; j < m; j++) {
    const part = piece(query, m, j);
    for (let c = 0; c < k; c++) ${ENTRY}
  }
`;
const CODES = `  for (let i = 0; i < distances.length; i++) {
    for (let j = 0; j < m; j++) ${LOOK_UP}
  }
`;

export const mutants: Mutant[] = [
  {
    name: 'levels-for-steps',
    hole: 'encode-scalar',
    mistake:
      'The range is divided by the number of levels, one more than there are steps: the highest is never reached.',
    find: TOP,
    replace: 'const top = 2 ** bits;',
  },
  {
    name: 'always-eight-bits',
    hole: 'encode-scalar',
    mistake: 'There are 256 levels, whatever `bits` says.',
    find: TOP,
    replace: 'const top = 255;',
  },
  {
    name: 'rounds-down',
    hole: 'encode-scalar',
    mistake: 'What follows the point is cut off: off by up to a whole step, and always to the same side.',
    find: LEVEL,
    replace: '(step > 0 ? Math.floor((value - lo) / step) : 0)',
  },
  {
    name: 'left-to-the-array',
    hole: 'encode-scalar',
    mistake: 'The Uint8Array is left to make whole numbers of them: it cuts off, too.',
    find: LEVEL,
    replace: '(step > 0 ? (value - lo) / step : 0)',
  },
  {
    name: 'from-zero',
    hole: 'encode-scalar',
    mistake: 'The levels are counted from 0 and not from lo: right only where lo is 0.',
    find: LEVEL,
    replace: '(step > 0 ? Math.round(value / step) : 0)',
  },
  {
    name: 'divides-by-nothing',
    hole: 'encode-scalar',
    mistake:
      'Where lo = hi the step is made 1, so that it can be divided by: the code has a step that its range has not.',
    find: SCALAR,
    replace: 'return { lo, step: step || 1, levels };',
  },
  {
    name: 'constant-at-the-top',
    hole: 'encode-scalar',
    mistake:
      'A component is divided by a step of 0: Infinity is clipped to the highest level, where there is only one.',
    find: LEVEL,
    replace: 'Math.round((value - lo) / step)',
  },
  {
    name: 'wraps-around',
    hole: 'encode-scalar',
    mistake: 'Nothing is clipped: in a byte 256 is 0 and −1 is 255, so that what is greatest becomes least.',
    find: CLIPPED,
    replace: 'nearestLevel(value)',
  },
  {
    name: 'clipped-above-only',
    hole: 'encode-scalar',
    mistake: 'Only the upper end is clipped: what lies below lo comes out near hi.',
    find: CLIPPED,
    replace: 'Math.min(nearestLevel(value), top)',
  },
  {
    name: 'clipped-to-a-byte',
    hole: 'encode-scalar',
    mistake: 'Clipped to 255, whatever number of levels there is.',
    find: CLIPPED,
    replace: 'Math.min(Math.max(nearestLevel(value), 0), 255)',
  },
  {
    name: 'own-range',
    hole: 'encode-scalar',
    mistake: 'The range that was given is forgotten for that of the vector itself.',
    find: TOP,
    replace: `({ lo, hi } = rangeOf(x));
  ${TOP}`,
  },
  {
    name: 'in-place',
    hole: 'encode-scalar',
    mistake: 'The levels are written over the vector.',
    find: `const levels = Uint8Array.from(x, (value) => ${CLIPPED});`,
    replace: `for (const [i, value] of x.entries()) x[i] = ${CLIPPED};
  const levels = Uint8Array.from(x);`,
  },
  {
    name: 'levels-as-floats',
    hole: 'encode-scalar',
    mistake: 'x.map makes a Float32Array: the levels are right, and take four bytes each.',
    find: 'Uint8Array.from(x, (value) =>',
    replace: 'x.map((value) =>',
  },
  {
    name: 'to-the-farthest',
    hole: 'lloyd-step',
    mistake: 'Points are assigned to the farthest centroid: the comparison is the wrong way round.',
    find: FOUND,
    replace: 'points.map((point) => nearest(point, centroids, (a, b) => -distance(a, b)))',
  },
  {
    name: 'last-of-equals',
    hole: 'lloyd-step',
    mistake: 'Of two centroids that are equally far, the last is taken.',
    find: FOUND,
    replace: `points.map((point) => {
    const { index, distance: d } = nearest(point, centroids.toReversed(), distance);
    return { index: centroids.length - 1 - index, distance: d };
  })`,
  },
  {
    name: 'own-distance',
    hole: 'lloyd-step',
    mistake: 'The distance that is given is not handed on: right for l2, and nobody can count it or replace it.',
    find: FOUND,
    replace: 'points.map((point) => nearest(point, centroids))',
  },
  {
    name: 'asks-again',
    hole: 'lloyd-step',
    mistake: 'Right, and for twice the work: the distance is computed once more for the inertia.',
    find: INERTIA,
    replace: 'points.reduce((sum, point) => sum + nearest(point, centroids, distance).distance, 0)',
  },
  {
    name: 'mean-for-sum',
    hole: 'lloyd-step',
    mistake: 'Divided by the number of points: inertia is the sum, and the mean of something else.',
    find: INERTIA,
    replace: 'found.reduce((sum, one) => sum + one.distance, 0) / points.length',
  },
  {
    name: 'inertia-of-roots',
    hole: 'lloyd-step',
    mistake: 'Lengths are added up, and not their squares, which is what the mean makes smallest.',
    find: INERTIA,
    replace: 'found.reduce((sum, one) => sum + Math.sqrt(one.distance), 0)',
  },
  {
    name: 'old-centroid-counts',
    hole: 'lloyd-step',
    mistake: 'The sums begin at the old centroid and not at 0: it pulls the mean back.',
    find: SUMS,
    replace: 'centroids.map((centroid) => Float64Array.from(centroid))',
  },
  {
    name: 'sums-in-place',
    hole: 'lloyd-step',
    mistake: 'The sums are collected in the centroids that were given: whoever gave them has lost them.',
    find: SUMS,
    replace: 'centroids.map((centroid) => centroid.fill(0))',
  },
  {
    name: 'one-sum-for-all',
    hole: 'lloyd-step',
    mistake: 'fill puts the same array everywhere: all clusters add to one sum.',
    find: SUMS,
    replace: 'new Array(centroids.length).fill(new Float64Array(centroids[0].length))',
  },
  {
    name: 'counts-one-too-many',
    hole: 'lloyd-step',
    mistake: 'The counts begin at 1, so that nothing is divided by 0: every mean is pulled towards the origin.',
    find: MEAN,
    replace: 'Float32Array.from(sum, (s) => s / (counts[c] + 1))',
  },
  {
    name: 'divided-by-all',
    hole: 'lloyd-step',
    mistake: 'The sum is divided by the number of all points.',
    find: MEAN,
    replace: 'Float32Array.from(sum, (s) => s / points.length)',
  },
  {
    name: 'nobody-counts',
    hole: 'lloyd-step',
    mistake: 'Only whether there are points is noted, not how many: the sum is taken for the mean.',
    find: COUNT,
    replace: 'counts[index] = 1;',
  },
  {
    name: 'empty-is-nan',
    hole: 'lloyd-step',
    mistake: '0 / 0: a centroid without points is NaN from then on, and nothing is ever near to it.',
    find: EITHER,
    replace: MEAN,
  },
  {
    name: 'empty-stays',
    hole: 'lloyd-step',
    mistake: 'A centroid without points stays where it is, and stays empty: one number of the code is wasted.',
    find: MENDED,
    replace: 'centroids[c].slice()',
  },
  {
    name: 'empty-at-the-origin',
    hole: 'lloyd-step',
    mistake: 'A centroid without points moves to the origin: a place like any other.',
    find: MENDED,
    replace: 'new Float32Array(points[0].length)',
  },
  {
    name: 'empty-dropped',
    hole: 'lloyd-step',
    mistake: 'Centroids without points are left out: those behind them get other numbers.',
    find: `centroids: sums.map((sum, c) =>
      ${EITHER},
    ),`,
    replace: `centroids: sums.flatMap((sum, c) => counts[c] > 0 ? [${MEAN}] : []),`,
  },
  {
    name: 'all-to-the-farthest',
    hole: 'lloyd-step',
    mistake: 'All centroids without points move to the same point: all but one of them are empty again.',
    find: MENDED,
    replace: 'points[farthestFirst[0]].slice()',
  },
  {
    name: 'nearest-first',
    hole: 'lloyd-step',
    mistake: 'The order is the wrong way round: the point that needs a centroid least gets one.',
    find: FARTHEST,
    replace: 'sort((a, b) => found[a].distance - found[b].distance)',
  },
  {
    name: 'any-point',
    hole: 'lloyd-step',
    mistake: 'A centroid without points takes the first point there is.',
    find: MENDED,
    replace: 'points[empty++].slice()',
  },
  {
    name: 'point-not-copied',
    hole: 'lloyd-step',
    mistake: 'The centroid is the point itself: whoever moves one moves the other.',
    find: MENDED,
    replace: 'points[farthestFirst[empty++]]',
  },
  {
    name: 'moved-out-of-its-mean',
    hole: 'lloyd-step',
    mistake: 'The point that an empty centroid moves to is taken out of the mean of its own already in this step.',
    find: `  const farthestFirst = [...points.keys()].${FARTHEST};
`,
    replace: `  const farthestFirst = [...points.keys()].${FARTHEST};
  for (const i of farthestFirst.slice(0, counts.filter((count) => count === 0).length)) {
    counts[found[i].index]--;
    for (let d = 0; d < points[i].length; d++) sums[found[i].index][d] -= points[i][d];
  }
`,
  },
  {
    name: 'zero-for-the-taken',
    hole: 'lloyd-step',
    mistake:
      'The distance of a point that was taken is set to 0, so that the next farthest is found: inertia lacks it.',
    find: '  let empty = 0;\n',
    replace: `  let empty = 0;
  for (const i of farthestFirst.slice(0, counts.filter((count) => count === 0).length)) found[i].distance = 0;
`,
  },
  {
    name: 'assignments-as-a-list',
    hole: 'lloyd-step',
    mistake: 'The assignments are left as an array of numbers.',
    find: 'Uint32Array.from(found, ({ index }) => index)',
    replace: 'found.map(({ index }) => index)',
  },
  {
    name: 'decodes-each-code',
    hole: 'adc',
    mistake: 'Right, and D multiplications for each code: every code is decoded, and compared with the query.',
    find: `${TABLE}${CODES}`,
    replace: `  for (let i = 0; i < distances.length; i++) {
    distances[i] = distance(query, decodeProduct(codes.subarray(i * m, (i + 1) * m), books));
  }
`,
  },
  {
    name: 'table-for-each-code',
    hole: 'adc',
    mistake: 'The table is made inside of the loop over codes: right, and again for every one of them.',
    find: `${TABLE}${CODES}`,
    replace: `  for (let i = 0; i < distances.length; i++) {
    ${TABLE.trim()}
    for (let j = 0; j < m; j++) ${LOOK_UP}
  }
`,
  },
  {
    name: 'computes-as-it-goes',
    hole: 'adc',
    mistake: 'No table at all: the distance to a centroid is computed whenever a code names it.',
    find: `${TABLE}${CODES}`,
    replace: `  for (let i = 0; i < distances.length; i++) {
    for (let j = 0; j < m; j++) {
      table[j * k + codes[i * m + j]] = distance(piece(query, m, j), centroid(books, j, codes[i * m + j]));
      ${LOOK_UP}
    }
  }
`,
  },
  {
    name: 'distance-of-its-own',
    hole: 'adc',
    mistake: 'The table is made by arithmetic of its own: right for l2, and nobody can count it or replace it.',
    find: ENTRY,
    replace: 'table[j * k + c] = centroid(books, j, c).reduce((sum, value, d) => sum + (value - part[d]) ** 2, 0);',
  },
  {
    name: 'a-loop-of-its-own',
    hole: 'adc',
    mistake: 'Decodes in a loop of its own, without `distance`: the books are read for every code.',
    find: CODES,
    replace: `  for (let i = 0; i < distances.length; i++) {
    for (let j = 0; j < m; j++) {
      const one = centroid(books, j, codes[i * m + j]);
      const part = piece(query, m, j);
      for (let d = 0; d < part.length; d++) distances[i] += (part[d] - one[d]) ** 2;
    }
  }
`,
  },
  {
    name: 'looks-for-the-entry',
    hole: 'adc',
    mistake: 'Goes through all k entries of a book until it meets the one that the code names.',
    find: LOOK_UP,
    replace: `{
      for (let c = 0; c < k; c++) {
        const entry = table[j * k + c];
        if (c === codes[i * m + j]) distances[i] += entry;
      }
    }`,
  },
  {
    name: 'symmetric',
    hole: 'adc',
    mistake: 'The query is rounded to its nearest centroids first: right only for queries that are codes themselves.',
    find: ENTRY,
    replace:
      'table[j * k + c] = distance(decodeProduct(encodeProduct([query], books), books).subarray((j * books.dimension) / m, ((j + 1) * books.dimension) / m), centroid(books, j, c));',
  },
  {
    name: 'first-piece-only',
    hole: 'adc',
    mistake: 'Every book is compared with the first piece of the query.',
    find: ENTRY,
    replace: 'table[j * k + c] = distance(piece(query, m, 0), centroid(books, j, c));',
  },
  {
    name: 'one-book',
    hole: 'adc',
    mistake: 'The first book is looked up for every piece.',
    find: LOOK_UP,
    replace: 'distances[i] += table[codes[i * m + j]];',
  },
  {
    name: 'rows-of-m',
    hole: 'adc',
    mistake: 'The rows of the table are taken to be m long; they are k.',
    find: LOOK_UP,
    replace: 'distances[i] += table[j * m + codes[i * m + j]];',
  },
  {
    name: 'codes-by-column',
    hole: 'adc',
    mistake: 'The bytes are read column by column, as if all first bytes stood together.',
    find: LOOK_UP,
    replace: 'distances[i] += table[j * k + codes[j * distances.length + i]];',
  },
  {
    name: 'last-piece-wins',
    hole: 'adc',
    mistake: 'The look-up is assigned and not added: only the last piece counts.',
    find: LOOK_UP,
    replace: 'distances[i] = table[j * k + codes[i * m + j]];',
  },
  {
    name: 'adds-to-the-table',
    hole: 'adc',
    mistake: 'The entries are added to what stands in the table: right once, and wrong for the next query.',
    find: ENTRY,
    replace: 'table[j * k + c] += distance(part, centroid(books, j, c));',
  },
  {
    name: 'root-of-each-piece',
    hole: 'adc',
    mistake: 'The root is taken of every piece: squares can be added up, lengths cannot.',
    find: ENTRY,
    replace: 'table[j * k + c] = Math.sqrt(distance(part, centroid(books, j, c)));',
  },
  {
    name: 'last-centroid-missing',
    hole: 'adc',
    mistake: 'The table ends one centroid too early in every row.',
    find: 'for (let c = 0; c < k; c++)',
    replace: 'for (let c = 0; c < k - 1; c++)',
  },
];
