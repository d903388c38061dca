/**
 * The checks of day 04. What the selection should return is said twice: in sentences that hold of any good answer, and by
 * `algorithm4` in scene.ts, a slow transcription of the paper's lines.
 */
import { type Check, fails, forAll } from 'annlab/exercises';
import { l2 } from '../02-nsw/solution.ts';
import { around, choose, expectChoice, expectSame, expectUntouched, expectWork, type Module } from './expect.ts';
import { milestone } from './measure.ts';
import { algorithm4, comparisonsOf, extended, manhattan, scenes, scenesWithLinks, stage } from './scene.ts';

export const checks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'Of three nodes on a line, the far one behind the near one is not linked',
    hole: 'diversify',
    likely:
      'compare the candidate’s distance to the kept ones with its distance to the node, and keep it only if it is nearer to the node',
    run(module) {
      expectChoice(module, around('1,0  3,0', 2), [0]);
    },
  },
  {
    layer: 'example',
    says: 'Two nodes on opposite sides are both linked',
    hole: 'diversify',
    likely: 'the comparison is the wrong way round, or everything but the first is pruned',
    run(module) {
      expectChoice(module, around('1,0  -3,0', 2), [0, 1]);
    },
  },
  {
    layer: 'example',
    says: 'Of two clusters, one node each is linked, although there is room for more',
    hole: 'diversify',
    likely: 'the list is filled up although keepPruned is off',
    run(module) {
      const east = '4,0  5,0  5,1';
      const north = '0,6  1,6  0,7';
      expectChoice(module, around(`${east}  ${north}`, 4), [0, 3]);
    },
  },
  {
    layer: 'example',
    says: 'One kept neighbour that is nearer to the candidate than the node is suffices to prune it',
    hole: 'diversify',
    likely: 'every kept neighbour counts: not some of them, not the last one only',
    run(module) {
      expectChoice(module, around('2,0  0,3  4,1', 3), [0, 1]);
    },
  },
  {
    layer: 'example',
    says: 'A pruned candidate prunes nobody',
    hole: 'diversify',
    likely: 'compare with the kept ones only (line 11: any element from R)',
    run(module) {
      expectChoice(module, around('2,0  3,2  0,5', 3), [0, 2]);
    },
  },
  {
    layer: 'example',
    says: 'At a tie a candidate is not closer to the node, so it is pruned',
    hole: 'diversify',
    likely: 'line 11 says closer: the distance to every kept one must be greater, not greater or equal',
    run(module) {
      expectChoice(module, around('2,0  1,3', 2), [0]);
    },
  },
  {
    layer: 'example',
    says: 'The walk goes on behind the first M candidates while fewer than M are kept',
    hole: 'diversify',
    likely: 'stop when M are kept, not when M have been looked at',
    run(module) {
      const scene = around('1,0  2,0  2,1  3,0  0,9', 2);
      expectChoice(module, scene, [0, 4]);
    },
  },
  {
    layer: 'invariant',
    says: 'What is kept are candidates, at most M, none twice, nearest first, and the nearest is always among them',
    hole: 'diversify',
    likely: 'walk `working` from the front, stop at M, push each candidate at most once',
    run(module) {
      forAll(scenes, (scene) => {
        const { candidates, chosen } = choose(module, scene);
        const ids = candidates.map(({ id }) => id);
        if (chosen.some((id) => !ids.includes(id))) fails('a node is linked that was no candidate', { ids, chosen });
        if (chosen.length > scene.M) fails(`${chosen.length} are kept, at most M = ${scene.M} may be`, { chosen });
        if (new Set(chosen).size < chosen.length) fails('a candidate is kept twice', { chosen });
        if (ids.length > 0 && chosen[0] !== ids[0])
          fails('the nearest candidate is not the first that is kept', { chosen });
        const order = chosen.map((id) => ids.indexOf(id));
        if (order.some((at, i) => i > 0 && at < order[i - 1])) fails('they are not nearest first', { chosen });
      });
    },
  },
  {
    layer: 'invariant',
    says: 'No kept neighbour is as near to a kept one before it as to the node, or nearer',
    hole: 'diversify',
    likely: 'a candidate must be nearer to the node than to every neighbour kept so far',
    run(module) {
      forAll(scenes, (scene) => {
        const { chosen, between, toNode } = choose(module, scene);
        chosen.forEach((id, i) => {
          const close = chosen.slice(0, i).find((kept) => between(id, kept) <= toNode(id));
          if (close !== undefined) {
            const distances = { toNode: toNode(id), toKept: between(id, close) };
            fails(`${id} is kept beside ${close}, which is as near to it as the node or nearer`, { chosen, distances });
          }
        });
      });
    },
  },
  {
    layer: 'invariant',
    says: 'While there is room, nothing is pruned without a kept neighbour that explains it',
    hole: 'diversify',
    likely: 'keep a candidate as soon as no kept neighbour is as near to it as the node is, or nearer',
    run(module) {
      forAll(scenes, (scene) => {
        const { candidates, chosen, between } = choose(module, scene);
        if (chosen.length >= scene.M) return;
        for (const { id, distance } of candidates) {
          if (chosen.includes(id) || chosen.some((kept) => between(id, kept) <= distance)) continue;
          fails(`${id} is pruned, and every kept neighbour is farther from it than the node is`, { chosen });
        }
      });
    },
  },
  {
    layer: 'invariant',
    says: 'The candidates are left as they were: day 03 enters the next layer by them',
    hole: 'diversify',
    likely: 'walk through the list rather than shifting from it or sorting it in place',
    run(module) {
      forAll(scenes, (scene) => {
        const { candidates, context } = stage(scene);
        const before = candidates.map((candidate) => ({ ...candidate }));
        module.selectHeuristic()(candidates, scene.M, context);
        expectUntouched(candidates, before);
      });
    },
  },
  {
    layer: 'property',
    says: 'It keeps what Algorithm 4 keeps, line by line, whatever the distance',
    hole: 'diversify',
    likely: 'use the distance of the context; then read lines 9 to 14 again',
    run(module) {
      for (const distance of [l2, manhattan]) {
        forAll(
          scenes,
          (scene) => {
            const { chosen } = choose(module, scene, {}, distance);
            expectSame(chosen, algorithm4(scene, {}, distance));
          },
          { runs: 300 },
        );
      }
    },
  },
  {
    layer: 'work',
    says: 'A candidate is compared with the neighbours kept so far and with nobody else, and nothing is compared once M are kept',
    hole: 'diversify',
    likely:
      'distances between candidates that were never kept are not needed, nor any after the M-th is kept; `every` stops at the first that fails',
    run(module) {
      forAll(scenes, (scene) => {
        expectWork(module, scene, {}, comparisonsOf(scene));
      });
    },
  },
  {
    layer: 'example',
    says: 'keepPruned fills up with the nearest that were pruned, behind those that were kept',
    hole: 'keep-pruned',
    likely: 'take from the front of `pruned`, which is nearest first already',
    run(module) {
      expectChoice(module, around('1,0  2,0  3,0  4,0  -9,0', 4), [0, 4, 1, 2], { keepPruned: true });
    },
  },
  {
    layer: 'invariant',
    says: 'With keepPruned there are M neighbours wherever there are M candidates, and never more than M',
    hole: 'keep-pruned',
    likely: 'there is room for M − kept.length of them, which may be none',
    run(module) {
      forAll(scenes, (scene) => {
        const { candidates, chosen } = choose(module, scene, { keepPruned: true });
        const wanted = Math.min(scene.M, candidates.length);
        if (chosen.length !== wanted) fails(`${chosen.length} neighbours, ${wanted} were to be had`, { chosen });
        if (new Set(chosen).size < chosen.length) fails('a candidate is kept twice', { chosen });
      });
    },
  },
  {
    layer: 'property',
    says: 'With keepPruned, it keeps what Algorithm 4 keeps, line by line',
    hole: 'keep-pruned',
    likely: 'lines 16 and 17: while fewer than M are kept, the nearest pruned one comes next',
    run(module) {
      forAll(
        scenes,
        (scene) => {
          expectSame(choose(module, scene, { keepPruned: true }).chosen, algorithm4(scene, { keepPruned: true }));
        },
        { runs: 300 },
      );
    },
  },
  {
    layer: 'work',
    says: 'Filling up costs no distance',
    hole: 'keep-pruned',
    likely: 'the pruned candidates carry their distance, and lie nearest first already',
    run(module) {
      forAll(scenes, (scene) => {
        expectWork(module, scene, { keepPruned: true }, comparisonsOf(scene));
      });
    },
  },
  {
    layer: 'example',
    says: 'With extendCandidates, a neighbour of a candidate is found that was no candidate',
    hole: 'extend',
    likely: 'add what `graph.neighbors(candidate, level)` lists, measured from the node',
    run(module) {
      const scene = { ...around('2,0  -3,0', 2), candidates: [0], links: [[1], [0]] };
      expectChoice(module, scene, [0, 1], { extendCandidates: true });
    },
  },
  {
    layer: 'example',
    says: 'What the extension finds is put where its distance from the node belongs, even in front of all candidates',
    hole: 'extend',
    likely: 'measure from `vector`, not from the candidate, and insertSorted rather than push',
    run(module) {
      const scene = { ...around('4,0  -1,0  0,6', 2), candidates: [0], links: [[2, 1], [0], [0]] };
      expectChoice(module, scene, [1, 0], { extendCandidates: true });
    },
  },
  {
    layer: 'invariant',
    says: 'The node never links to itself, though its candidates may be linked to it',
    hole: 'extend',
    likely:
      'when a list is shrunk, the candidates are the node’s own neighbours: skip whoever has the very vector `vector`',
    run(module) {
      forAll(scenesWithLinks, (scene) => {
        const { chosen } = choose(module, scene, { extendCandidates: true, keepPruned: true });
        if (chosen.includes(scene.points.length)) fails('the node is linked to itself', { chosen });
      });
    },
  },
  {
    layer: 'property',
    says: 'With extendCandidates, it keeps what Algorithm 4 keeps, line by line',
    hole: 'extend',
    likely: 'the neighbours of the candidates on this level, each once; not the neighbours of those in turn',
    run(module) {
      for (const keepPruned of [false, true]) {
        forAll(
          scenesWithLinks,
          (scene) => {
            const options = { extendCandidates: true, keepPruned };
            expectSame(choose(module, scene, options).chosen, algorithm4(scene, options));
          },
          { runs: 300 },
        );
      }
    },
  },
  {
    layer: 'work',
    says: 'The extension reads the list of each candidate once, and measures each new node once',
    hole: 'extend',
    likely: 'remember whom you have `seen`, and walk through `candidates`, not through the list that grows',
    run(module) {
      forAll(scenesWithLinks, (scene) => {
        const own = scene.candidates!;
        const all = extended(scene);
        const most = all.length - own.length + comparisonsOf({ ...scene, candidates: all });
        const read = expectWork(module, scene, { extendCandidates: true }, most);
        const lists = { candidates: own, read };
        if (new Set(read).size < read.length) fails('a list is read twice', lists);
        if (read.some((id) => !own.includes(id))) fails('the list of a node is read that is no candidate', lists);
      });
    },
  },
  {
    layer: 'work',
    says: 'On islands, a search finds 0.95 of the ten nearest for the work at which the nearest M find less than 0.60',
    hole: 'diversify',
    likely: 'the selection is not the one that day 03 calls, or keeps too few: look at the checks above first',
    run(module) {
      const { nearest, heuristic } = milestone(module);
      if (heuristic === undefined) fails(`no search costs as few distances as ${nearest.distances.toFixed(0)}`);
      if (heuristic.recall < 0.95) fails(`recall@10 is ${heuristic.recall.toFixed(3)}`, { nearest, heuristic });
    },
  },
];
