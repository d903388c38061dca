/** Checks of `lloyd-step`: everybody to the nearest, every centroid to its mean, and nobody left without points. */
import { type Check, countingDistance, fails, forAll } from 'annlab/exercises';
import { Random } from 'annlab/lab';
import { l2 } from '../02-nsw/solution.ts';
import { type Scene, scenes, stepAsTold } from './scene.ts';
import type { LloydStep } from './solution.ts';

type Module = typeof import('./solution.ts');

const about = (
  layer: Check<Module>['layer'],
  says: string,
  likely: string,
  run: Check<Module>['run'],
): Check<Module> => {
  return { layer, says, hole: 'lloyd-step', likely, run };
};

const line = (...places: number[]) => places.map((place) => Float32Array.of(place));

export const lloydChecks: Check<Module>[] = [
  about(
    'example',
    'Points on a line go to the nearest of two centroids, and the centroids to the middle of their points',
    'assignments[i] is the number of the centroid that is nearest to point i, inertia what it costs before the centroids move; the mean is the sum divided by how many there are',
    (module) => expectStep(module, { points: line(0, 1, 2, 10, 14), centroids: line(1, 9) }),
  ),
  about(
    'example',
    'In the plane every component has a mean of its own',
    'a sum for each component of each centroid: start all of them at 0',
    (module) => {
      const points = [
        [0, 0],
        [2, 6],
        [4, 0],
        [20, 21],
        [22, 23],
      ].map((p) => Float32Array.from(p));
      const centroids = [
        [3, 3],
        [19, 19],
      ].map((p) => Float32Array.from(p));
      expectStep(module, { points, centroids });
    },
  ),
  about(
    'example',
    'Inertia is what the centroids that were given cost, before they move',
    'add up what `nearest` returned: squared distances already, no root and no second square',
    (module) => {
      const { inertia } = module.lloydStep(line(0, 4, 5, 11), line(1, 8));
      if (inertia !== 28) fails(`inertia is ${inertia}; 0 and 4 are 1 and 3 from 1, 5 and 11 are 3 and 3 from 8: 28`);
    },
  ),
  about(
    'example',
    'Of two centroids that are equally far, the first is taken',
    'that is what `nearest` does; a comparison by <= takes the last',
    (module) => expectStep(module, { points: line(0, 2, 4, 6), centroids: line(1, 3, 5) }),
  ),
  about(
    'invariant',
    'Neither the points nor the centroids that were given are changed',
    'the means go into new arrays; and a copy of a point, slice(), is not the point: the next step would move it',
    (module) => {
      const scene = { points: line(0, 1, 2, 10), centroids: line(1, 100) };
      const before = structuredClone(scene);
      const { centroids } = module.lloydStep(scene.points, scene.centroids);
      if (JSON.stringify(scene) !== JSON.stringify(before))
        fails('what was given has been written to', { before, after: scene });
      for (const [c, one] of centroids.entries()) {
        if (scene.points.some((point) => point.buffer === one.buffer))
          fails(`centroid ${c} is a point, and not a copy of it`);
        if (scene.centroids.some((given) => given.buffer === one.buffer))
          fails(`centroid ${c} is the array that was given`);
      }
    },
  ),
  about(
    'invariant',
    'A centroid without points moves to the point that is farthest from its own centroid',
    'farthest from the centroid that it is assigned to, not from the empty one, and still one of its points in this step; 0 / 0 is NaN',
    (module) => {
      expectStep(module, { points: line(0, 1, 2, 9), centroids: line(1, 100) });
      expectStep(module, { points: line(-30, 20, 21, 22), centroids: line(500, -20, 21) });
    },
  ),
  about(
    'invariant',
    'Several centroids without points take different points: the farthest, the next farthest, and so on',
    'two centroids in one place are one: the second of them would be empty again in the next step',
    (module) => expectStep(module, { points: line(0, 1, 3, 9, 14), centroids: line(-50, 1, -60, -70) }),
  ),
  about(
    'property',
    'Every step is Lloyd’s, on any points and centroids',
    'look at the smallest case: whose mean is it, and who is the farthest?',
    (module) => forAll(scenes, (scene) => expectStep(module, scene), { runs: 500 }),
  ),
  about(
    'property',
    'Inertia never grows from one step to the next',
    'assignment and mean can each only make it smaller, and so does a centroid that is moved to where it is needed',
    (module) => {
      for (const seed of [1, 2, 3, 4, 5, 6]) {
        const { points, centroids } = clumps(seed);
        let given = centroids;
        let last = Number.POSITIVE_INFINITY;
        for (let i = 0; i < 12; i++) {
          const step = module.lloydStep(points, given);
          if (!(step.inertia <= last * (1 + 1e-6)))
            fails(`step ${i + 1}: inertia ${step.inertia} after ${last}`, { seed });
          last = step.inertia;
          given = step.centroids;
        }
      }
    },
  ),
  about(
    'property',
    'After a step every centroid is somewhere, however many there are, and k stays k',
    'a cluster that is empty keeps its place in the list: codes are numbers of centroids',
    (module) => {
      for (const seed of [1, 2, 3]) {
        const { points, centroids } = clumps(seed);
        const away = centroids.map((centroid) => centroid.map((value) => value + 1000));
        const step = module.lloydStep(points, [...centroids, ...away]);
        const wanted = 2 * centroids.length;
        if (step.centroids.length !== wanted)
          fails(`${step.centroids.length} centroids; ${wanted} were given`, { seed });
        const lost = step.centroids.findIndex((one) => !one.every(Number.isFinite));
        if (lost >= 0) fails(`centroid ${lost} is nowhere`, { seed, centroid: step.centroids[lost] });
      }
    },
  ),
  about(
    'work',
    'A step of n points and k centroids takes n · k distances',
    'keep what `nearest` found, its number and its distance, instead of asking again; and hand `distance` on to it',
    (module) => {
      const { points, centroids } = clumps(7);
      const counting = countingDistance(l2);
      module.lloydStep(points, [...centroids, Float32Array.of(900, 900)], counting.distance);
      const wanted = points.length * (centroids.length + 1);
      if (counting.count !== wanted) {
        fails(
          `${counting.count} distances; ${points.length} points and ${centroids.length + 1} centroids make ${wanted}`,
        );
      }
    },
  ),
];

/** Points in the plane, in clumps of unequal size, and some of them to begin with. */
function clumps(seed: number): Scene {
  const random = new Random(`check/${seed}`);
  const points = Array.from({ length: 120 }, () => {
    const clump = random.integer(5);
    return Float32Array.of(10 * clump + random.normal(), ((7 * clump) % 5) * 8 + random.normal());
  });
  return { points, centroids: points.slice(0, 6).map((point) => point.slice()) };
}

/** The code under test has a copy of its own: whether it writes to it is asked by a check of its own. */
function expectStep(module: Module, scene: Scene): void {
  const want = stepAsTold(scene);
  const copied = (vectors: readonly Float32Array[]) => vectors.map((vector) => vector.slice());
  const got = module.lloydStep(copied(scene.points), copied(scene.centroids));
  if (got === undefined) fails('nothing was returned; a step is { assignments, inertia, centroids }');
  const shown = { ...scene, got, want };
  if (!(got.assignments instanceof Uint32Array))
    fails('assignments should be a Uint32Array: a number for each point', shown);
  if (got.assignments.length !== want.assignments.length)
    fails(`${got.assignments.length} assignments for ${want.assignments.length} points`, shown);
  const stray = want.assignments.findIndex((c, i) => got.assignments[i] !== c);
  if (stray >= 0)
    fails(`point ${stray} is assigned to ${got.assignments[stray]}, and ${want.assignments[stray]} is nearest`, shown);
  if (got.centroids?.length !== want.centroids.length) {
    fails(`${got.centroids?.length} centroids; ${want.centroids.length} were given`, shown);
  }
  for (const [c, centroid] of want.centroids.entries()) {
    if (!sameVector(got.centroids[c], centroid)) {
      const own = want.assignments.filter((one) => one === c).length;
      const because =
        own === 0
          ? 'it has no points, and that is the farthest not yet taken'
          : `the mean of its points, ${own} of them`;
      fails(`centroid ${c} moves to (${text(got.centroids[c])}), not to (${text(centroid)}): ${because}`, shown);
    }
  }
  if (!(Math.abs(got.inertia - want.inertia) <= 1e-6 * want.inertia)) {
    fails(`inertia is ${got.inertia}, and should be ${want.inertia}`, shown);
  }
}

function sameVector(a: LloydStep['centroids'][number] | undefined, b: Float32Array): boolean {
  return a?.length === b.length && b.every((value, d) => Math.abs(a[d] - value) <= 1e-5);
}

function text(vector: Float32Array | undefined): string {
  return Array.from(vector ?? [], (value) => Number(value.toFixed(3))).join(', ');
}
