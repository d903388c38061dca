/** What holds of a right day 00, from an example on five points to the number of comparisons. */
import { type Check, countingDistance, fails, forAll } from 'annlab/exercises';
import { Random } from 'annlab/lab';
import { expectHeap, expectRecall, expectSame } from './expect.ts';
import {
  answers,
  comparingDistance,
  heapsAndCandidates,
  neighbors,
  onLine,
  randomSet,
  searches,
  sortEverything,
} from './scene.ts';
import { type Distance, squaredL2 } from './solution.ts';

type Module = typeof import('./solution.ts');

const searchChecks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'of five points on a line, the three nearest to the query come back, nearest first',
    hole: 'search-exact',
    likely: 'the candidate gets in when the top is FARTHER than it; turned round, the farthest are kept',
    run({ searchExact }) {
      const case_ = { vectors: onLine(0, 8, 3, 5, 20), query: onLine(4.5)[0], k: 3 };
      expectSame(searchExact(case_.vectors, case_.query, case_.k), sortEverything(case_), case_);
    },
  },
  {
    layer: 'example',
    says: 'a set of fewer than k vectors comes back whole',
    hole: 'search-exact',
    likely: 'the loop ends at k instead of at vectors.length, or k places are filled whatever there is',
    run({ searchExact }) {
      const case_ = { vectors: onLine(2, 1), query: onLine(0)[0], k: 10 };
      expectSame(searchExact(case_.vectors, case_.query, case_.k), sortEverything(case_), case_);
      expectSame(searchExact([], case_.query, 3), [], { vectors: [], k: 3 });
    },
  },
  {
    layer: 'invariant',
    says: 'of vectors that are equally far, the ones with the smaller ids are kept',
    hole: 'search-exact',
    likely:
      'a candidate that is as far as the top must not take its place: compare with isFarther(top, candidate), no ≤',
    run({ searchExact }) {
      const case_ = { vectors: onLine(1, 1, 1, 1, 1, 1), query: onLine(0)[0], k: 3 };
      expectSame(searchExact(case_.vectors, case_.query, case_.k), sortEverything(case_), case_);
    },
  },
  {
    layer: 'invariant',
    says: 'the distance given as a parameter is the one that counts',
    hole: 'search-exact',
    likely: 'squaredL2 is called instead of the parameter `distance`',
    run({ searchExact }) {
      const farthestFirst: Distance = (a, b) => -squaredL2(a, b);
      const case_ = { vectors: onLine(0, 8, 3, 5, 20), query: onLine(4.5)[0], k: 2 };
      expectSame(
        searchExact(case_.vectors, case_.query, case_.k, farthestFirst),
        sortEverything(case_, farthestFirst),
        case_,
      );
    },
  },
  {
    layer: 'property',
    says: 'it returns what sorting all n by distance and id, and taking the first k, would return',
    hole: 'search-exact',
    likely: 'look at the case above by hand: what is in the heap after each candidate?',
    run({ searchExact }) {
      forAll(searches, (case_) => {
        expectSame(searchExact(case_.vectors, case_.query, case_.k), sortEverything(case_));
      });
    },
  },
  {
    layer: 'work',
    says: 'every vector is measured exactly once: n distances for n vectors',
    hole: 'search-exact',
    likely:
      'the distance is computed again where the candidate is compared or stored: compute it once, keep it in a variable',
    run({ searchExact }) {
      const n = 500;
      const { vectors, query } = randomSet(n);
      for (const k of [1, 10, n]) {
        const counting = countingDistance(squaredL2);
        searchExact(vectors, query, k, counting.distance);
        if (counting.count !== n) fails(`${counting.count} distances for ${n} vectors`, { n, k });
      }
    },
  },
  {
    layer: 'work',
    says: 'in random order nearly every candidate costs one comparison, with the top: fewer than 1.5 n in all',
    hole: 'search-exact',
    likely: 'all n are collected and sorted, or pushed before they are compared with the top',
    run({ searchExact }) {
      const n = 4000;
      const k = 10;
      const { vectors, query } = randomSet(n);
      const comparing = comparingDistance(squaredL2);
      searchExact(vectors, query, k, comparing.distance);
      if (comparing.comparisons > 1.5 * n) fails(`${comparing.comparisons} comparisons for ${n} vectors`, { n, k });
    },
  },
  {
    layer: 'work',
    says: 'in the worst order, from far to near, a candidate costs 2·log2(k) + 3 comparisons at most, not k',
    hole: 'search-exact',
    likely: 'the kept are searched or sorted for every newcomer: that is what the heap is for',
    run({ searchExact }) {
      const n = 2000;
      const k = 128;
      const vectors = onLine(...Array.from({ length: n }, (_, i) => n - i));
      const comparing = comparingDistance(squaredL2);
      searchExact(vectors, onLine(0)[0], k, comparing.distance);
      const most = n * (2 * Math.log2(k) + 3);
      if (comparing.comparisons > most) fails(`${comparing.comparisons} comparisons, ${most} allowed`, { n, k });
    },
  },
];

const sinkChecks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'put on top of the heap 9 5 8 1 4 in the place of 9, a 3 sinks below the 8',
    hole: 'sink',
    likely: 'the children of place i are at 2i + 1 and 2i + 2; the swap is with the farther of the two',
    run({ replaceTop }) {
      const heap = neighbors(9, 5, 8, 1, 4);
      replaceTop(heap, { id: 9, distance: 3 });
      const got = heap.map(({ distance }) => distance).join(' ');
      if (heap[0].distance !== 8) fails(`the heap is ${got}: on top should be the 8`);
      expectHeap(heap, got);
    },
  },
  {
    layer: 'invariant',
    says: 'afterwards no child is farther than its parent, however often the top was replaced',
    hole: 'sink',
    likely: 'the sinking stops after one level, or swaps with a child that is not the farther of the two',
    run({ replaceTop }) {
      const random = new Random(1);
      const heap = neighbors(...Array.from({ length: 31 }, (_, i) => 1000 - i));
      for (let id = 100; id < 300; id++) {
        const before = heap.map(({ distance }) => distance);
        const distance = random.integer(1000);
        replaceTop(heap, { id, distance });
        expectHeap(heap, { heap: before, candidate: distance });
      }
    },
  },
  {
    layer: 'property',
    says: 'of any heap and any candidate a heap of the same size is left: the old top gone, the candidate in it',
    hole: 'sink',
    likely: 'a value was overwritten instead of swapped, or a child beyond the end of the heap was read',
    run({ replaceTop }) {
      forAll(heapsAndCandidates, ({ distances, candidate }) => {
        const heap = neighbors(...distances.toSorted((a, b) => b - a));
        const wanted = [...heap.slice(1).map(({ distance }) => distance), candidate].sort((a, b) => a - b);
        replaceTop(heap, { id: 1000, distance: candidate });
        expectHeap(heap);
        const got = heap.map(({ distance }) => distance).sort((a, b) => a - b);
        if (String(got) !== String(wanted)) fails(`the heap holds ${got.join(' ')}, expected ${wanted.join(' ')}`);
      });
    },
  },
  {
    layer: 'work',
    says: 'a heap of 1023 is ten levels deep, nine below the top: sinking takes 18 comparisons at most',
    hole: 'sink',
    likely: 'the whole heap is put in order again; only the way down from the top can be wrong',
    run({ replaceTop }) {
      const comparing = comparingDistance((_, [x]) => x);
      const counted = (x: number) => comparing.distance(onLine(0)[0], onLine(x)[0]);
      const heap = neighbors(...Array.from({ length: 1023 }, (_, i) => counted(2000 - i)));
      replaceTop(heap, { id: 5000, distance: counted(0) });
      if (comparing.comparisons > 18) fails(`${comparing.comparisons} comparisons, 18 allowed`, { k: 1023 });
    },
  },
];

const recallChecks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'seven of ten found, in any order, is a recall of 0.7',
    hole: 'recall',
    likely: 'what counts is being among the k nearest, not being at the same place in the list',
    run({ recallAtK }) {
      const truth = neighbors(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
      const found = [9, 13, 1, 0, 12, 4, 11, 2, 6, 5].map((id) => truth[id]);
      expectRecall(recallAtK(found, truth, 10), 0.7, { found, truth, k: 10 });
    },
  },
  {
    layer: 'invariant',
    says: 'another vector exactly as far as the k-th true one is right',
    hole: 'recall',
    likely: 'distances are compared with < instead of ≤, or ids instead of distances',
    run({ recallAtK }) {
      const truth = neighbors(1, 2, 3);
      const found = [truth[0], truth[1], { id: 77, distance: 3 }];
      expectRecall(recallAtK(found, truth, 3), 1, { found, truth, k: 3 });
    },
  },
  {
    layer: 'invariant',
    says: 'an answer that is too short is measured against k, not against its own length',
    hole: 'recall',
    likely: 'divided by found.length: that is precision; recall divides by how many were wanted',
    run({ recallAtK }) {
      const truth = neighbors(1, 2, 3, 4);
      expectRecall(recallAtK(truth.slice(0, 1), truth, 4), 0.25, { found: truth.slice(0, 1), truth, k: 4 });
      expectRecall(recallAtK([], truth, 4), 0, { found: [], truth, k: 4 });
      // Of a set of four, ten neighbours cannot be had: all four are wanted.
      expectRecall(recallAtK(truth, truth, 10), 1, { found: truth, truth, k: 10 });
    },
  },
  {
    layer: 'invariant',
    says: 'the same id twice counts once, and what comes after the k-th does not count',
    hole: 'recall',
    likely: 'keep the right ids in a Set, and look at found.slice(0, k) only',
    run({ recallAtK }) {
      const truth = neighbors(1, 2, 3, 4);
      const copies = [truth[0], truth[0], truth[0], truth[0]];
      expectRecall(recallAtK(copies, truth, 4), 0.25, { found: copies, truth, k: 4 });
      const long = [{ id: 50, distance: 50 }, truth[1], truth[0]];
      expectRecall(recallAtK(long, truth, 2), 0.5, { found: long, truth, k: 2 });
    },
  },
  {
    layer: 'property',
    says: 'of the true neighbours, shuffled and some replaced by far ones, the recall is the share that is left',
    hole: 'recall',
    likely: 'look at the case above: how many of `found` are as near as the last of the first k of `truth`?',
    run({ recallAtK }) {
      forAll(answers, ({ truth, found, k, right }) => {
        expectRecall(recallAtK(found, truth, k), right / Math.min(k, truth.length));
      });
    },
  },
];

/** The heap first: the search stands on it. */
export const checks: Check<Module>[] = [...sinkChecks, ...searchChecks, ...recallChecks];
