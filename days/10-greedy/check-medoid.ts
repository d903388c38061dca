/** Checks of the medoid: that it is in the middle, whatever the vectors are, and that finding it takes n distances. */
import { type Check, countingDistance, fails, forAll } from 'annlab/exercises';
import { l2 } from '../02-nsw/solution.ts';
import { normalVectors, spreadAround, vectorSets } from './scene.ts';

const hole = 'medoid';

export const medoidChecks: Check<typeof import('./solution.ts')>[] = [
  {
    layer: 'example',
    says: 'Of 0, 1, 2, 5 and 12 on a line the medoid is 5',
    hole,
    likely:
      'the mean is 4, and the vector nearest to it is 5. (2 is the median: squared distances weigh what is far away more)',
    run: (module) => expectMedoid(module, [[0], [1], [2], [5], [12]], 3),
  },
  {
    layer: 'example',
    says: 'Every component counts',
    hole,
    likely: 'the mean is worked out component by component, over all of them',
    run(module) {
      const places = [0, 10, 11, 12];
      expectMedoid(
        module,
        places.map((y) => [0, y]),
        1,
      );
      expectMedoid(
        module,
        places.map((x) => [x, 0]),
        1,
      );
    },
  },
  {
    layer: 'example',
    says: 'The only vector there is is the medoid; of equal ones it is the first',
    hole,
    likely: 'start from nobody at infinity, and replace the best only by a nearer one: <, not <=',
    run(module) {
      expectMedoid(module, [[3, -2]], 0);
      expectMedoid(module, [[7], [1], [1], [1], [-5]], 1);
    },
  },
  {
    layer: 'invariant',
    says: 'The vectors are as they were',
    hole,
    likely: 'sums go into an array of their own, not into the first vector',
    run: (module) =>
      forAll(vectorSets, (vectors) => {
        const copies = vectors.map((vector) => vector.slice());
        module.medoid(copies);
        if (`${copies}` !== `${vectors}`) fails('a vector has changed', copies);
      }),
  },
  {
    layer: 'property',
    says: 'No vector has a smaller sum of squared distances to all others',
    hole,
    likely: 'sum, divide by n, then look for the vector nearest to the mean, among all of them',
    run: (module) =>
      forAll(
        vectorSets,
        (vectors) => {
          const id = module.medoid(vectors);
          if (vectors[id] === undefined) fails(`${id} is no id, and there are ${vectors.length} vectors`);
          const sums = vectors.map((_, other) => spreadAround(vectors, other));
          const least = sums.indexOf(Math.min(...sums));
          if (sums[id] > sums[least] + 1e-3) fails(`node ${id} has ${sums[id]}, node ${least} ${sums[least]}`);
        },
        { runs: 300 },
      ),
  },
  {
    layer: 'property',
    says: 'Where all lie a hundred thousand away from 0, the medoid is still in their middle',
    hole,
    likely: 'add up in ordinary numbers: in a Float32Array a sum of many thousands rounds away what a vector adds',
    run(module) {
      const vectors = normalVectors(20_000, 1, 'moved').map((vector) => Float32Array.of(100_000 + vector[0]));
      const id = module.medoid(vectors);
      const mean = vectors.reduce((sum, vector) => sum + vector[0], 0) / vectors.length;
      const off = Math.abs((vectors[id]?.[0] ?? Number.NaN) - mean);
      if (!(off < 0.05))
        fails(`the mean is ${mean.toFixed(4)}, and the vector returned is ${off.toFixed(4)} away from it`);
    },
  },
  {
    layer: 'property',
    says: 'It is nearest by the distance that was given',
    hole,
    likely: 'call the parameter `distance`, not l2: who calls may count, or measure otherwise',
    run(module) {
      const vectors = [
        [0, 5],
        [10, 5.2],
        [5, 7],
        [5, 3.3],
      ].map((place) => Float32Array.from(place));
      // The mean is (5, 5.125). By l2 the last would be nearest to it.
      const id = module.medoid(vectors, (a, b) => Math.abs(a[1] - b[1]));
      if (id !== 1) fails(`by the second component node 1 is nearest to the mean, and it returned ${id}`);
    },
  },
  {
    layer: 'work',
    says: 'Among n vectors it takes n distances',
    hole,
    likely:
      'comparing all with all is right, and n² distances: the mean makes it n, one for each vector and for no fewer',
    run(module) {
      const vectors = normalVectors(500, 3, 'medoid');
      const counting = countingDistance(l2, { budget: 100 * vectors.length });
      module.medoid(vectors, counting.distance);
      if (counting.count === 0) fails('no distance was evaluated by the function that was given');
      // One more is allowed: the first vector may be the best so far before the loop.
      if (counting.count < vectors.length || counting.count > vectors.length + 1)
        fails(`${counting.count} distances for ${vectors.length} vectors`);
    },
  },
];

function expectMedoid(module: typeof import('./solution.ts'), places: number[][], want: number): void {
  const vectors = places.map((place) => Float32Array.from(place));
  const id = module.medoid(vectors);
  // As JSON, so that a string or a vector is not taken for an id.
  if (id !== want) fails(`it should be node ${want}, and is ${JSON.stringify(id)}`, places);
}
