/**
 * The checks of day 11. What the links should be is said twice: in sentences that hold of any good answer, and by the paper's
 * algorithms in scene.ts, as they are printed.
 */
import { type Check, fails, forAll } from 'annlab/exercises';
import {
  around,
  choose,
  expectChoice,
  expectLinks,
  expectLists,
  expectSqueezed,
  expectTold,
  inserted,
  type Module,
} from './expect.ts';
import { builtWork, smallSet } from './measure.ts';
import { algorithm2, meadows, scenes, stage, tidyScenes } from './scene.ts';

const gather: Check<Module>[] = [
  {
    layer: 'example',
    says: 'The candidates come in the order in which they were visited; the nearest is kept first all the same',
    hole: 'gather',
    likely: '`V` is sorted: insertSorted, not push',
    run(module) {
      expectChoice(module, around('5,0  3,0  1,0', 1), [3]);
    },
  },
  {
    layer: 'example',
    says: 'A node that is among its own candidates, as in the second pass, does not link to itself',
    hole: 'gather',
    likely: 'line 1 takes p out: (V ∪ N_out(p)) \\ {p}',
    run(module) {
      expectChoice(module, { ...around('1,0  3,0', 1), candidates: [2, 0, 1] }, [1]);
    },
  },
  {
    layer: 'example',
    says: 'A copy of it, at distance 0, is a node like the others',
    hole: 'gather',
    likely: 'p is taken out by its id, not by its distance of 0',
    run(module) {
      expectChoice(module, { ...around('0,0  3,0', 1), candidates: [0, 2, 1] }, [1]);
    },
  },
  {
    layer: 'example',
    says: 'Whom it links to already is a candidate like the others',
    hole: 'gather',
    likely: 'line 1: V ∪ N_out(p)',
    run(module) {
      expectChoice(module, { ...around('1,0  3,0  5,0', 1), candidates: [2], links: [3, 1] }, [1]);
    },
  },
  {
    layer: 'example',
    says: 'A link is dropped where there is room for one, and a candidate is nearer',
    hole: 'gather',
    likely: 'the old links are not kept as they are: they are put to the same test',
    run(module) {
      expectChoice(module, { ...around('1,0  3,0', 1), candidates: [1], links: [2] }, [1]);
    },
  },
  {
    layer: 'example',
    says: 'Links are measured by the distance of the graph, here one that is not l2',
    hole: 'gather',
    likely: 'measure with `distance`, which is the graph’s; whoever calls `l2` goes round it, and round the count',
    run(module) {
      expectSqueezed(module, { ...around('2,0  0,3', 1), candidates: [], links: [1, 2] }, [1]);
    },
  },
  {
    layer: 'example',
    says: 'What is a candidate and linked already is one candidate, not two',
    hole: 'gather',
    likely: 'leave out of the links those whose id is among the candidates',
    run(module) {
      expectChoice(module, { ...around('2,0  0,3', 3, 2), candidates: [1, 2], links: [2, 1] }, [1, 2], {
        saturate: true,
      });
    },
  },
  {
    layer: 'invariant',
    says: 'The candidates that it was given are left as they are',
    hole: 'gather',
    likely: 'links are added to a map or a list of your own, not to `candidates`',
    run(module) {
      forAll(scenes, (scene) => {
        const { before, after } = choose(module, scene);
        const same = before.every(({ id, distance }, i) => after[i]?.id === id && after[i].distance === distance);
        if (!same || after.length !== before.length) fails('the candidates were changed', { before, after });
      });
    },
  },
  {
    layer: 'invariant',
    says: 'Links lead to candidates and to what was linked before, to none twice and never to the node itself',
    hole: 'gather',
    likely: 'a set or a map by id holds each once; p is taken out at the end',
    run(module) {
      forAll(scenes, (scene) => {
        for (const saturate of [false, true]) {
          const { chosen, offered } = choose(module, scene, { saturate });
          const stranger = chosen.find((id) => !offered.includes(id));
          if (stranger === 0) fails('it links to itself', { chosen });
          if (stranger !== undefined) fails(`it links to ${stranger}, which nobody offered`, { chosen, offered });
          if (new Set(chosen).size < chosen.length) fails('it links twice to one node', { chosen });
        }
      });
    },
  },
  {
    layer: 'property',
    says: 'With R = 1 it keeps the nearest of all candidates and links',
    hole: 'gather',
    likely: 'the first of `V` is the nearest of the union',
    run(module) {
      forAll(scenes, (scene) => {
        const { chosen, offered, between } = choose(module, { ...scene, R: 1 });
        const nearest = offered.toSorted((a, b) => between(0, a) - between(0, b)).slice(0, 1);
        if (chosen.join() !== nearest.join())
          fails(`it keeps [${chosen.join()}], and [${nearest.join()}] is the nearest`);
      });
    },
  },
  {
    layer: 'work',
    says: 'Only the links that are no candidates are measured: the candidates bring their distance with them',
    hole: 'gather',
    likely: 'a distance is evaluated for a candidate, or for a link that is one',
    run(module) {
      forAll(scenes, (scene) => {
        const { fromP } = choose(module, scene);
        const unknown = scene.links.filter((id) => !scene.candidates.includes(id)).length;
        if (fromP > unknown) fails(`${fromP} distances from p, and ${unknown} are not known yet`);
      });
    },
  },
];

const prune: Check<Module>[] = [
  {
    layer: 'example',
    says: 'Of three nodes on a line, the far one behind the near one is not linked',
    hole: 'prune',
    likely: 'p* rules out p′ when α · d(p*, p′) ≤ d(p, p′): nearer to p* than to p, by the factor α',
    run(module) {
      expectChoice(module, around('1,0  3,0', 2), [1]);
    },
  },
  {
    layer: 'example',
    says: 'Of many nodes in a row the nearest alone is linked',
    hole: 'prune',
    likely: 'whoever takes out of the list that he walks through skips the next: make a new one, with filter',
    run(module) {
      expectChoice(module, around('1,0  2,0  3,0  4,0  5,0', 5), [1]);
    },
  },
  {
    layer: 'example',
    says: 'Two nodes on opposite sides are both linked',
    hole: 'prune',
    likely: 'the comparison is the wrong way round, or everything but the first is ruled out',
    run(module) {
      expectChoice(module, around('1,0  -3,0', 2), [1, 2]);
    },
  },
  {
    layer: 'example',
    says: 'With α = 1.5 a node stays that is nearer to p*, but not one and a half times as near; with α = 1 it goes',
    hole: 'prune',
    likely: 'α belongs on the side of d(p*, p′): the greater it is, the fewer are ruled out',
    run(module) {
      expectChoice(module, around('2,0  4,2', 2, 1), [1]);
      expectChoice(module, around('2,0  4,2', 2, 1.5), [1]);
      expectChoice(module, around('2,0  3,4', 2, 1), [1]);
      expectChoice(module, around('2,0  3,4', 2, 1.5), [1, 2]);
    },
  },
  {
    layer: 'example',
    says: 'α is a factor between distances, and they are squared: 1.25 is 1.5625',
    hole: 'prune',
    likely: 'compare alpha ** 2 times the squared distance, not alpha times it',
    run(module) {
      // √865 from p and 25 from p*: 1.18 times as far. Squared, 1.38 times.
      expectChoice(module, around('10,0  17,24', 2, 1.25), [1, 2]);
    },
  },
  {
    layer: 'example',
    says: 'Candidates are compared by the distance of the graph, here one that is not l2',
    hole: 'prune',
    likely: 'compare by `distance`, which is the graph’s; whoever calls `l2` goes round it, and round the count',
    run(module) {
      expectSqueezed(module, around('2,0  2,3', 2, 1.25), [1, 2]);
    },
  },
  {
    layer: 'example',
    says: 'At a tie a candidate is ruled out',
    hole: 'prune',
    likely: 'line 9 says ≤: what stays is strictly farther from p*',
    run(module) {
      expectChoice(module, around('2,0  1,3', 2, 1), [1]);
      expectChoice(module, around('1,0  3,0', 2, 1.5), [1]);
    },
  },
  {
    layer: 'example',
    says: 'What was ruled out rules nobody out',
    hole: 'prune',
    likely: 'whoever is ruled out leaves V, and is never p*',
    run(module) {
      expectChoice(module, around('2,0  3,2  0,5', 3), [1, 3]);
    },
  },
  {
    layer: 'example',
    says: 'The walk goes on behind the first R candidates while fewer than R are kept',
    hole: 'prune',
    likely: 'stop when R are kept, not when R have been looked at',
    run(module) {
      expectChoice(module, around('1,0  2,0  2,1  3,0  0,9', 2), [1, 5]);
    },
  },
  {
    layer: 'example',
    says: 'Without candidates and without links there is nothing to keep, and nothing breaks',
    hole: 'prune',
    likely: 'look at the length before you take the first',
    run(module) {
      expectChoice(module, { p: [0, 0], points: [], candidates: [0], links: [], R: 3, alpha: 1 }, []);
    },
  },
  {
    layer: 'invariant',
    says: 'At most R are kept, nearest first, and the nearest is always among them',
    hole: 'prune',
    likely: 'keep the first of what is left, again and again, and stop at R',
    run(module) {
      forAll(tidyScenes, (scene) => {
        const { chosen, offered, between } = choose(module, scene);
        if (chosen.length > scene.R) fails(`${chosen.length} are kept, at most R = ${scene.R} may be`, { chosen });
        const far = chosen.map((id) => between(0, id));
        if (far.some((d, i) => i > 0 && d < far[i - 1])) fails('they are not nearest first', { chosen });
        if (offered.some((id) => between(0, id) < (far[0] ?? Infinity))) fails('the nearest is not kept', { chosen });
      });
    },
  },
  {
    layer: 'invariant',
    says: 'No kept neighbour is one that another, kept before it, rules out',
    hole: 'prune',
    likely: 'a candidate must survive every p*: filter what is left each time',
    run(module) {
      forAll(tidyScenes, (scene) => {
        const { chosen, between } = choose(module, scene);
        chosen.forEach((id, i) => {
          const by = chosen.slice(0, i).find((kept) => scene.alpha ** 2 * between(kept, id) <= between(0, id));
          if (by !== undefined) fails(`${id} is kept, and ${by} rules it out`, { chosen });
        });
      });
    },
  },
  {
    layer: 'invariant',
    says: 'While there is room, nobody is missing whom no kept neighbour rules out',
    hole: 'prune',
    likely: 'only what α · d(p*, p′) ≤ d(p, p′) holds of leaves V',
    run(module) {
      forAll(tidyScenes, (scene) => {
        const { chosen, offered, between } = choose(module, scene);
        if (chosen.length >= scene.R) return;
        for (const id of offered) {
          if (chosen.includes(id) || chosen.some((kept) => scene.alpha ** 2 * between(kept, id) <= between(0, id)))
            continue;
          fails(`${id} is not kept, and nobody that is kept rules it out`, { chosen });
        }
      });
    },
  },
  {
    layer: 'invariant',
    says: 'With `saturate`, the list is filled with the nearest that were ruled out',
    hole: 'prune',
    likely: '`V` is what the rest is taken from: work on a copy of it, such as `left`',
    run(module) {
      expectChoice(module, around('1,0  2,0  3,0  4,0  -9,0', 4), [1, 5, 2, 3], { saturate: true });
      forAll(tidyScenes, (scene) => {
        const { chosen, offered } = choose(module, scene, { saturate: true });
        const wanted = Math.min(scene.R, offered.length);
        if (chosen.length !== wanted) fails(`${chosen.length} links, and ${wanted} are to be had`, { chosen });
      });
    },
  },
  {
    layer: 'property',
    says: 'It keeps what algorithm 2 keeps, line by line',
    hole: 'prune',
    likely: 'read lines 3 to 10 again, with squared distances on both sides and α²',
    run(module) {
      forAll(
        scenes,
        (scene) => {
          const { graph, options } = stage(scene);
          const { kept } = algorithm2(graph, 0, scene.candidates, options);
          const { chosen } = choose(module, scene);
          if (chosen.join() !== kept.join()) {
            fails(`it keeps [${chosen.join(', ')}], and algorithm 2 keeps [${kept.join(', ')}]`);
          }
        },
        { runs: 300 },
      );
    },
  },
  {
    layer: 'work',
    says: 'Each p* is compared with those that are left and with nobody else, and nothing is compared once R are kept',
    hole: 'prune',
    likely:
      'compare p* with nobody once R are kept, nor with itself; never measure again from p, nor against what was ruled out',
    run(module) {
      forAll(tidyScenes, (scene) => {
        const { graph, options } = stage(scene);
        const most = algorithm2(graph, 0, scene.candidates, options).distances;
        const { distances } = choose(module, scene);
        if (distances > most) fails(`${distances} distances, and ${most} are all that can be needed`);
      });
    },
  },
];

/** A way from node 0, at 0,0, to node 3; node 4, at its end, is inserted. */
const WAY = {
  points: [
    [0, 0],
    [10, 1],
    [20, -1],
    [30, 2],
    [41, 0],
  ],
  links: [[1], [2], [3], [2], [1]],
  ...{ start: 0, p: 4, R: 2, L: 1, alpha: 1 },
};

const insert: Check<Module>[] = [
  {
    layer: 'example',
    says: 'It links to what its search visited, and is linked back',
    hole: 'insert',
    likely: 'search for p’s own vector from the start; then, for each j in links[p], p goes into links[j]',
    run(module) {
      expectLinks(module, WAY, { 0: [1], 1: [2], 2: [3], 3: [2, 4], 4: [3] });
    },
  },
  {
    layer: 'example',
    says: 'Candidates are all that were visited on the way, not only the L at its end',
    hole: 'insert',
    likely: 'algorithm 3 hands 𝓥, `visited`, to RobustPrune, not 𝓛; and `options` with its α, not R alone',
    run(module) {
      expectLinks(module, { ...WAY, links: [[1], [2], [3], [2], []], alpha: 2 }, { 4: [3, 1] });
    },
  },
  {
    layer: 'example',
    says: 'A list that is full is pruned with the newcomer as a candidate, and may lose somebody else',
    hole: 'insert',
    likely: 'lines 8 and 9: robustPrune of j with p as the candidate, and what j links to comes in by line 1',
    run(module) {
      const scene = { ...WAY, links: [[1], [2], [3], [2, 0], [1]] };
      expectLinks(module, scene, { 3: [2, 4], 4: [3] });
    },
  },
  {
    layer: 'example',
    says: 'A newcomer that somebody else leads to is turned away by a list that is full',
    hole: 'insert',
    likely: 'a full list is pruned, not cut: who stays is RobustPrune’s business',
    run(module) {
      const points = [
        [0, 0],
        [4, 0],
        [0, 5],
        [7, 1],
      ];
      const scene = { points, links: [[1, 2], [0], [0], []], ...{ start: 0, p: 3, R: 2, L: 1, alpha: 2 } };
      expectLinks(module, scene, { 0: [1, 2], 1: [0, 3], 3: [1, 0] });
    },
  },
  {
    layer: 'invariant',
    says: 'No list is ever longer than R, leads to its own node, or to one node twice',
    hole: 'insert',
    likely: 'a link back needs room, and is not made twice',
    run(module) {
      forAll(
        meadows,
        (meadow) => {
          const { graph, isPrunesFault } = inserted(module, meadow);
          if (!isPrunesFault) expectLists(graph.links, meadow.R);
        },
        { runs: 300 },
      );
    },
  },
  {
    layer: 'invariant',
    says: 'Whoever it links to links back, is full, or has somebody who leads to it',
    hole: 'insert',
    likely: 'every j of links[p] gets p, in one way or the other',
    run(module) {
      forAll(meadows, (meadow) => {
        const { graph, between, isPrunesFault } = inserted(module, meadow);
        if (isPrunesFault) return;
        const { p, alpha, R } = meadow;
        for (const j of graph.links[p]) {
          const list = graph.links[j];
          const covered = list.some((kept) => alpha ** 2 * between(kept, p) <= between(j, p));
          if (!list.includes(p) && !covered && list.length < R) fails(`${j} does not link back to ${p}`, { list });
        }
      });
    },
  },
  {
    layer: 'property',
    says: 'It makes the links that lines 5 to 11 of algorithm 3 make, of every node',
    hole: 'insert',
    likely: 'search, prune p, then each j: union while there is room, RobustPrune when there is none',
    run(module) {
      forAll(
        meadows,
        (meadow) => {
          expectTold(inserted(module, meadow));
        },
        { runs: 300 },
      );
    },
  },
  {
    layer: 'property',
    says: 'It does so by the distance of the graph, here one that is not l2',
    hole: 'insert',
    likely: 'hand `graph.distance` to greedySearch, which takes l2 otherwise, and measure p from j by it',
    run(module) {
      forAll(meadows, (meadow) => {
        expectTold(inserted(module, meadow, { isSqueezed: true }));
      });
    },
  },
  {
    layer: 'work',
    says: 'It takes the distances of one search, one RobustPrune, and those of the lists that are full',
    hole: 'insert',
    likely: 'search once; do not compare with everybody, nor prune lists that have room',
    run(module) {
      forAll(meadows, (meadow) => {
        const { needed, distances } = inserted(module, meadow);
        if (distances > needed) fails(`${distances} distances, and algorithm 3 needs ${needed}`);
      });
    },
  },
  {
    layer: 'work',
    says: 'Built over 600 vectors, it finds 0.95 of the ten nearest for a third of a scan, and building costs less than comparing all',
    hole: 'insert',
    likely: 'candidates come from a search with a list of L; the checks above say where it differs',
    run(module) {
      const { recall, distances, built } = builtWork(module, smallSet());
      const found = { recall, distances, built };
      if (recall < 0.95) fails(`recall@10 is ${recall.toFixed(3)}`, found);
      if (distances > 200) fails(`${distances.toFixed(0)} distances a query: 600 are a scan`, found);
      if (built > 600) fails(`${built.toFixed(0)} distances a node and pass: 600 would compare it with all`, found);
    },
  },
];

export const checks: Check<Module>[] = [...gather, ...prune, ...insert];
