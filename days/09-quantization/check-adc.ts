/** Checks of `adc`: the distances to what the codes stand for, by m look-ups each, and the table made once. */
import { type Check, countingDistance, fails, forAll } from 'annlab/exercises';
import { l2 } from '../02-nsw/solution.ts';
import { counted } from './counted.ts';
import { booksOf, MANY, type Plan, plans, SMALL } from './scene.ts';
import { decodeProduct } from './solution.ts';

type Module = typeof import('./solution.ts');

const about = (
  layer: Check<Module>['layer'],
  says: string,
  likely: string,
  run: Check<Module>['run'],
): Check<Module> => {
  return { layer, says, hole: 'adc', likely, run };
};

export const adcChecks: Check<Module>[] = [
  about(
    'example',
    'One piece, one component: the distance is the square of how far the centroid is',
    'the table holds, at c, the distance from the query to centroid c; the code says which',
    (module) =>
      expectDistances(module, { width: 1, m: 1, k: 3, query: [5], centroids: [4, 7, 15], codes: [0, 1, 2, 1] }),
  ),
  about(
    'example',
    'Two pieces: the distances of both are added',
    'piece j of the query meets book j: table entry j * k + c. A sum starts at 0 for every code',
    (module) => expectDistances(module, SMALL),
  ),
  about(
    'invariant',
    'A query that is one of the decoded vectors has distance 0 from its code, and from no other that is elsewhere',
    'byte j of code i is codes[i * m + j]',
    (module) => {
      const { books, codes } = booksOf(SMALL);
      for (let i = 0; i < codes.length / books.m; i++) {
        const x = decodeProduct(codes.subarray(i * books.m, (i + 1) * books.m), books);
        const found = module.scan(x, books, codes);
        if (found[i] !== 0)
          fails(`code ${i} stands for the query, and its distance is ${found[i]}`, { query: x, found });
      }
    },
  ),
  about(
    'invariant',
    'The query is not rounded: two that share all nearest centroids still have distances of their own',
    'asymmetric: the table is made from the query itself, not from the centroids nearest to it',
    (module) => {
      for (const query of [
        [0.25, 0.5, 0.5, -1],
        [0.5, 0.25, 0.25, -1.25],
      ])
        expectDistances(module, { ...SMALL, query });
    },
  ),
  about(
    'invariant',
    'No codes, no distances; and nothing that was given is changed',
    'the table may be written to, and only that',
    (module) => {
      expectDistances(module, { ...SMALL, codes: [] });
      const given = booksOf(SMALL);
      const before = structuredClone(given);
      module.scan(given.query, given.books, given.codes);
      if (JSON.stringify(given) !== JSON.stringify(before))
        fails('query, books or codes have been written to', { before, after: given });
    },
  ),
  about(
    'property',
    'For any books and codes it is the distance from the query to the decoded vector',
    'write the three indexes down for the smallest case: the piece, the centroid, the byte',
    (module) => forAll(plans, (plan) => expectDistances(module, plan), { runs: 300 }),
  ),
  about(
    'property',
    'A table that was used before does no harm',
    'assign to table[j * k + c], do not add to it: the next query brings its own',
    (module) =>
      forAll(plans, (plan) => {
        const { books, query, codes } = booksOf(plan);
        const table = new Float32Array(books.m * books.k).fill(123);
        compare(module.scan(query, books, codes, { table }), plan);
      }),
  ),
  about(
    'work',
    'The table is made once: m · k distances between pieces, however many codes there are',
    'the loop over codes comes after the table, not around it; and the distance is the one that is given, between pieces',
    (module) => {
      const { books, query, codes } = booksOf(MANY);
      let components = 0;
      const counting = countingDistance((a: Float32Array, b: Float32Array) => {
        components += b.length;
        return l2(a, b);
      });
      compare(module.scan(query, books, codes, { distance: counting.distance }), MANY);
      const [wanted, most] = [books.m * books.k, books.dimension * books.k];
      if (counting.count === 0) fails('`distance` was never called: it is what the table is made with');
      if (counting.count > wanted || components > most) {
        const took = `${counting.count} distances and ${components} multiplications for ${codes.length / books.m} codes`;
        fails(`${took}; the table takes ${wanted} and ${most}, and nothing else any`);
      }
    },
  ),
  about(
    'work',
    'Each code costs m look-ups in the table, and its m bytes are read once',
    'one addition of table[j * k + codes[i * m + j]] for each piece and each of the codes.length / m codes, and nothing looked for',
    (module) => {
      const { books, query, codes } = booksOf(MANY);
      const [table, bytes] = [counted(new Float32Array(books.m * books.k)), counted(codes)];
      compare(module.scan(query, books, bytes.array, { table: table.array }), MANY);
      if (table.writes > 2 * books.m * books.k) {
        fails(
          `${table.writes} entries were written; the table has ${books.m * books.k}: it is made once for all codes`,
        );
      }
      if (table.reads === 0) fails('the table was never looked into: write it where `table` is, and look it up there');
      // Whoever clears the table first, or asks a byte for its range, is right as well.
      if (table.reads > codes.length + 2 * books.m * books.k)
        fails(`${table.reads} look-ups for ${codes.length / books.m} codes of ${books.m} bytes`);
      if (bytes.reads > 2 * codes.length) fails(`${bytes.reads} bytes read, and there are ${codes.length}`);
    },
  ),
  about(
    'work',
    'No code is decoded: the books are read for the table, and not again',
    'D reads for each code is what the table saves; the sum needs its m numbers only',
    (module) => {
      const plan = booksOf(MANY);
      const floats = counted(plan.books.centroids);
      compare(module.scan(plan.query, { ...plan.books, centroids: floats.array }, plan.codes), MANY);
      const all = plan.books.centroids.length;
      if (floats.reads > 2 * all)
        fails(`${floats.reads} components of centroids were read; there are ${all}, and once is enough`);
    },
  ),
];

function expectDistances(module: Module, plan: Plan): void {
  const { books, query, codes } = booksOf(plan);
  compare(module.scan(query, books, codes), plan);
}

function compare(found: Float32Array, plan: Plan): void {
  const { books, query, codes } = booksOf(plan);
  const count = codes.length / books.m;
  if (found?.length !== count)
    fails(`${found?.length} distances for ${count} codes`, plan.codes.length > 20 ? undefined : plan);
  for (let i = 0; i < count; i++) {
    const code = codes.subarray(i * books.m, (i + 1) * books.m);
    const want = l2(query, decodeProduct(code, books));
    if (found[i] === want) continue;
    const stands = `stands for (${decodeProduct(code, books).join(', ')})`;
    fails(
      `code ${i}, ${code.join(' ')}, ${stands}, ${want} from the query; found was ${found[i]}`,
      plan.codes.length > 20 ? undefined : plan,
    );
  }
}
