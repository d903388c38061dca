/**
 * The checks of day 03. `draw-level` and `descend` are checked alone, the latter on graphs laid out by hand (scene.ts); `shrink`
 * is a private method, so it is watched from outside: through the selection that the graph is given.
 */
import { type Check, countingDistance, fails, forAll } from 'annlab/exercises';
import { linksOf, Random, reachableFrom } from 'annlab/lab';
import fc from 'fast-check';
import { l2 } from '../02-nsw/solution.ts';
import { buildWatched, faultsOf, type SmallSet, smallSets } from './graphs.ts';
import { cube, measure, measureGround } from './measure.ts';
import { ladder, type Plan, plans, type Scene, stage } from './scene.ts';
import * as reference from './solution.ts';

type Module = typeof reference;

export const checks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'A draw above 1/M stays on the ground, one below 1/M reaches level 1, one below 1/M² level 2',
    hole: 'draw-level',
    likely: 'mL is 1 / ln M: the formula divides −ln(u) by ln(M), and rounds down',
    run(module) {
      const known = [
        [1, 16, 0],
        [0.07, 16, 0],
        [0.06, 16, 1],
        [0.004, 16, 1],
        [0.0038, 16, 2],
        [0.3, 4, 0],
        [0.2, 4, 1],
        [0.001, 4, 4],
        [0.0004, 2, 11],
      ];
      for (const [u, M, level] of known) {
        const got = module.drawLevel(u, M);
        if (got !== level) fails(`drawLevel(${u}, ${M}) is ${got}; ${level} was expected`);
      }
    },
  },
  {
    layer: 'invariant',
    says: 'A level is a whole number from 0 up, and a smaller draw never gets a lower one',
    hole: 'draw-level',
    likely: 'the minus sign is missing (ln of a number below 1 is negative), or the result is not rounded down',
    run(module) {
      const draw = fc.double({ min: 1e-9, max: 1, noNaN: true });
      forAll(fc.tuple(draw, draw, fc.integer({ min: 2, max: 64 })), ([u, v, M]) => {
        const lower = module.drawLevel(Math.max(u, v), M);
        const upper = module.drawLevel(Math.min(u, v), M);
        for (const level of [lower, upper]) {
          if (!Number.isInteger(level) || level < 0) fails(`${level} is no level`);
        }
        if (upper < lower) fails('the smaller draw got the lower level', { lower, upper });
      });
    },
  },
  {
    layer: 'property',
    says: 'Of 100,000 nodes, one in M lives on level 1, and one in M² on level 2',
    hole: 'draw-level',
    likely: 'a fair coin (logarithm to base 2) sends every second node up; the paper’s sends one in M',
    run(module) {
      const nodes = 100_000;
      for (const M of [4, 8, 16]) {
        const random = new Random(`coin ${M}`);
        const levels = Array.from({ length: nodes }, () => module.drawLevel(1 - random.uniform(), M));
        for (const level of [1, 2]) {
          const share = levels.filter((drawn) => drawn >= level).length / nodes;
          const expected = M ** -level;
          const tolerance = 5 * Math.sqrt((expected * (1 - expected)) / nodes);
          if (Math.abs(share - expected) > tolerance) {
            fails(`M = ${M}: ${percent(share)} of the nodes live on level ${level}; ${percent(expected)} should`);
          }
        }
      }
    },
  },
  {
    layer: 'example',
    says: 'It returns the id of a node',
    hole: 'descend',
    likely: 'the last line returns the node where the last walk ended: its id, which is a number',
    run(module) {
      const scene = ladder({ count: 9, every: 2, topLevel: 2 });
      const options = { entry: 0, from: 2, to: 0, distance: l2 };
      const got: unknown = module.descend(scene, Float32Array.of(6.9), options);
      if (got === undefined) fails('it returned undefined: does it return the node?');
      if (typeof got === 'object') fails('it returned an object: return its id', { returned: got });
      if (typeof got !== 'number') fails('it returned something that is no id of a node', { returned: got });
    },
  },
  {
    layer: 'example',
    says: 'Coming down two layers of a line ends where the walk on the lower one ends',
    hole: 'descend',
    likely: 'the loop runs over the levels from, from − 1, …, to + 1: count which ones yours walks',
    run(module) {
      // Layer 2: 0, 4, 8; layer 1: 0, 2, 4, 6, 8; layer 0: all. The walk goes 0 → 4 → 8 on layer 2, then 8 → 6.
      const scene = ladder({ count: 9, every: 2, topLevel: 2 });
      const options = { entry: 0, from: 2, distance: l2 };
      const expected = [
        [0, 6, 'after layers 2 and 1; layer 0, where 7 is nearer, is for the beam'],
        [1, 8, 'after layer 2 alone'],
      ] as const;
      for (const [to, node, why] of expected) {
        const got = module.descend(scene, Float32Array.of(6.9), { ...options, to });
        if (got !== node)
          fails(`from layer 2 to layer ${to}, towards 6.9: it ended on ${got}; ${node} is right, ${why}`);
      }
    },
  },
  {
    layer: 'example',
    says: 'With no layer above `to`, the entry is returned as it came: nothing is read, nothing compared',
    hole: 'descend',
    likely: 'a node that is drawn a level above the top has nothing to come down: the loop must run zero times',
    run(module) {
      for (const { from, to } of [
        { from: 1, to: 1 },
        { from: 0, to: 2 },
      ]) {
        const scene = ladder({ count: 9, every: 2, topLevel: 2 });
        const counting = countingDistance(l2);
        const got = module.descend(scene, Float32Array.of(6.9), { entry: 4, from, to, distance: counting.distance });
        const work = { lists: scene.hops.length, distances: counting.count };
        if (got !== 4) fails(`from layer ${from} to layer ${to}, entering by 4: it ended on ${got}`, work);
        if (work.lists + work.distances > 0) fails(`from layer ${from} to layer ${to} there is nothing to do`, work);
      }
    },
  },
  {
    layer: 'invariant',
    says: 'It reads every layer from `from` down to `to` + 1, in that order and no other; each is entered where the one above ended',
    hole: 'descend',
    likely: 'keep the node where a walk ended, and begin the next walk there, not at `entry`',
    run(module) {
      forAll(plans, (plan) => {
        const { scene, ended } = comeDown(module, plan);
        const { hops } = scene;
        const levels = [...new Set(hops.map(({ level }) => level))];
        const expected = Array.from({ length: Math.max(0, scene.topLevel - plan.to) }, (_, i) => scene.topLevel - i);
        const found = { hops };
        if (levels.join() !== expected.join()) {
          fails(`layers read: ${levels.join(', ') || 'none'}; to be read: ${expected.join(', ') || 'none'}`, found);
        }
        hops.forEach(({ id, level }, i) => {
          const above = i === 0 ? { id: scene.entryPoint, level: level + 1 } : hops[i - 1];
          if (level > above.level) fails(`layer ${level} was read after layer ${above.level}`, found);
          if (level < above.level && id !== above.id) {
            fails(`layer ${level} was entered by ${id}; the walk above it had come to ${above.id}`, found);
          }
        });
        const last = hops.at(-1)?.id ?? scene.entryPoint;
        if (ended !== last) fails(`the last walk came to ${last}, and ${ended} was returned`, found);
      });
    },
  },
  {
    layer: 'property',
    says: 'Where it ends is no farther from the query than where it began, and no neighbour on the last layer is nearer',
    hole: 'descend',
    likely: 'each layer is walked until no neighbour is nearer: `greedySearch` does that',
    run(module) {
      forAll(plans, (plan) => {
        const { scene, ended } = comeDown(module, plan);
        const far = (id: number) => l2(Float32Array.from(plan.query), scene.vector(id));
        if (far(ended) > far(scene.entryPoint)) fails(`it ended on ${ended}, farther away than the entry`, { ended });
        if (plan.to >= scene.topLevel) return;
        const nearer = Array.from(scene.neighbors(ended, plan.to + 1)).find((next) => far(next) < far(ended));
        if (nearer !== undefined) fails(`it ended on ${ended}, though its neighbour ${nearer} is nearer`, { ended });
      });
    },
  },
  {
    layer: 'work',
    says: 'Over 4,096 nodes in a row, coming down six layers takes at most 50 distances',
    hole: 'descend',
    likely: 'a beam of one is enough up here, and every layer begins where the one above ended',
    run(module) {
      const scene = ladder({ count: 4096, every: 4, topLevel: 6 });
      for (const at of [5, 1365, 2047, 2730, 4095]) {
        const counting = countingDistance(l2);
        const options = { entry: 0, from: 6, to: 0, distance: counting.distance };
        const ended = module.descend(scene, Float32Array.of(at), options);
        const found = { from: 0, query: at, ended, distances: counting.count };
        if (counting.count > 50) fails(`${counting.count} distances to come from node 0 near ${at}`, found);
        if (Math.abs(ended - at) > 4) fails(`it ended on ${ended}, ${Math.abs(ended - at)} nodes off`, found);
      }
    },
  },
  {
    layer: 'example',
    says: 'A list that grew too long keeps the nearest, whenever they arrived',
    hole: 'shrink',
    likely: 'sort by distance, the smallest first, before `select` takes the first ones',
    run(module) {
      // Five arrive around a first one, each nearer than the one before. With this seed all live on layer 0 alone.
      const around = [
        [0, 0],
        [9, 0],
        [0, 8],
        [-7, 0],
        [0, -6],
        [3, 4],
      ].map((at) => Float32Array.from(at));
      const index = new module.Hnsw({ M: 4, M0: 4, efConstruction: 8, seed: 5 });
      for (const vector of around) index.insert(vector);
      const links = [...index.neighbors(0, 0)].sort();
      if (links.join() !== '2,3,4,5') {
        const distances = around.map((vector) => l2(around[0], vector));
        fails(`node 0 keeps ${links.join(', ')}; its nearest four are 2, 3, 4, 5`, {
          'distances from node 0': distances,
        });
      }
    },
  },
  {
    layer: 'invariant',
    says: 'When a list is shrunk, `select` is handed all its links, measured from the node that owns it, nearest first, and Mmax',
    hole: 'shrink',
    likely:
      'candidates are { id, distance } for every id in links[level], distance from `vector`; the limit is Mmax, not M',
    run(module) {
      forAll(smallSets, (set) => {
        for (const { node, level, candidates, M, before } of buildWatched(module, set).shrinks) {
          const where = `node ${node}, level ${level}`;
          const ids = candidates.map(({ id }) => id);
          const limit = level === 0 ? set.M0 : set.M;
          if ([...ids].sort().join() !== [...before].sort().join()) {
            fails(`${where}: the candidates are not the links that the node has there`, {
              candidates: ids,
              links: before,
            });
          }
          const off = candidates.find(({ id, distance }) => distance !== l2(point(set, node), point(set, id)));
          if (off) fails(`${where}: the distance to ${off.id} is not the one from node ${node}`, { candidates });
          if (candidates.some(({ distance }, i) => i > 0 && distance < candidates[i - 1].distance)) {
            fails(`${where}: the candidates are not nearest first`, { candidates });
          }
          if (M !== limit) fails(`${where}: select is asked for ${M} neighbours; Mmax is ${limit} there`);
        }
      });
    },
  },
  {
    layer: 'invariant',
    says: 'Whom `select` chooses stays, and nobody else: tomorrow it will not choose the nearest',
    hole: 'shrink',
    likely: 'call this.select and return the ids of what it returns, rather than taking the first Mmax yourself',
    run(module) {
      forAll(smallSets, (set) => {
        const { shrinks, unasked } = buildWatched(module, set);
        for (const { node, level, chosen, after } of shrinks) {
          if (chosen.join() !== after.join()) {
            fails(`node ${node}, level ${level}: select chose ${chosen.join(', ')}`, { chosen, links: after });
          }
        }
        if (unasked) fails('a list was full, and select was not asked', unasked);
      });
    },
  },
  {
    layer: 'invariant',
    says: 'On every layer, links lead to others who live there, none twice, at most M of them, M0 on layer 0; the entry point is on top',
    hole: 'shrink',
    likely: 'read links[level], the list of this layer, and return no more than Mmax of it',
    run(module) {
      forAll(smallSets, (set) => {
        const index = new module.Hnsw(set);
        for (const at of set.points) index.insert(Float32Array.from(at));
        const faults = faultsOf(index);
        if (faults.length > 0) fails(faults[0]);
      });
    },
  },
  {
    layer: 'property',
    says: 'With ef = the number of nodes, a search returns exactly the nearest of all that can be reached',
    hole: 'shrink',
    likely: 'an id went astray: a list holds something that is not a node’s id',
    run(module) {
      forAll(smallSets, (set) => {
        const index = new module.Hnsw(set);
        for (const at of set.points) index.insert(Float32Array.from(at));
        const query = Float32Array.from(set.query);
        const entry = { entry: index.entryPoint, from: index.topLevel, to: 0, distance: l2 };
        const reachable = reachableFrom(linksOf(index, index.nodes.length), [module.descend(index, query, entry)]);
        const exact = [...reachable].map((id) => l2(query, index.vector(id))).sort((a, b) => a - b);
        const k = Math.min(3, exact.length);
        const found = index.search(query, { k, ef: set.points.length }).map(({ distance }) => distance);
        if (found.join() !== exact.slice(0, k).join())
          fails('nearer ones can be reached', { found, exact: exact.slice(0, k) });
      });
    },
  },
  {
    layer: 'work',
    says: 'Shrinking measures every link once: building 1,000 nodes costs no more distances than the reference',
    hole: 'shrink',
    likely:
      'measure first (map), then sort by what was measured: a comparison that calls `distance` measures each link many times',
    run(module) {
      const set = cube(1000, { dimension: 2 });
      const build = ({ Hnsw }: Module) =>
        measure(set, (options) => new Hnsw({ ...options, seed: 3 }), []).buildDistances;
      const yours = build(module);
      const needed = build(reference);
      if (yours > 1.1 * needed)
        fails(`${Math.round(yours)} distances per node; the reference takes ${Math.round(needed)}`);
    },
  },
  {
    layer: 'work',
    says: 'Among 4,000 points in the plane, a search by the layers finds 99 % of the nearest for two thirds of the distances that layer 0 alone takes',
    hole: 'shrink',
    likely:
      'for recall: `shrink` keeps the nearest, up to Mmax of them; for work: it keeps no more, and `descend` returns the node where the last walk ended',
    run(module) {
      const set = cube(4000, { dimension: 2 });
      const { index, curve } = measure(set, (options) => new module.Hnsw({ ...options, seed: 3 }), [10]);
      const [{ recall, distances: withLayers }] = curve;
      const [{ distances: layer0Alone }] = measureGround(index, set, [10]);
      const work = `${Math.round(withLayers)} distances per query; layer 0 alone takes ${Math.round(layer0Alone)}`;
      if (recall < 0.99) fails(`recall@10 is ${recall.toFixed(3)}, for ${work}`);
      if (3 * withLayers > 2 * layer0Alone) fails(work);
    },
  },
];

/** Comes down a scene from its entry point. */
function comeDown(module: Module, plan: Plan): { scene: Scene; ended: number } {
  const scene = stage(plan);
  const options = { entry: scene.entryPoint, from: scene.topLevel, to: plan.to, distance: l2 };
  return { scene, ended: module.descend(scene, Float32Array.from(plan.query), options) };
}

function point(set: SmallSet, id: number): Float32Array {
  return Float32Array.from(set.points[id] ?? [Number.NaN]);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
