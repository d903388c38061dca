import type { Mutant } from 'annlab/exercises';

const RULE = 'kept.every(({ id }) => distance(here, graph.vector(id)) > candidate.distance)';

export const mutants: Mutant[] = [
  {
    name: 'keeps-crowded',
    hole: 'diversify',
    mistake: 'The comparison is the wrong way round: whoever is near to a kept neighbour is kept.',
    find: RULE,
    replace: 'kept.every(({ id }) => distance(here, graph.vector(id)) < candidate.distance)',
  },
  {
    name: 'keeps-ties',
    hole: 'diversify',
    mistake:
      'A candidate as near to a kept neighbour as to the node is kept (as hnswlib has it; the paper says closer).',
    find: RULE,
    replace: 'kept.every(({ id }) => distance(here, graph.vector(id)) >= candidate.distance)',
  },
  {
    name: 'some-for-every',
    hole: 'diversify',
    mistake: 'One kept neighbour that is far enough is taken to suffice: some for every.',
    find: RULE,
    replace: 'kept.length === 0 || kept.some(({ id }) => distance(here, graph.vector(id)) > candidate.distance)',
  },
  {
    name: 'compares-with-query',
    hole: 'diversify',
    mistake: 'The kept neighbour is measured from the node, not from the candidate: only the nearest is ever kept.',
    find: RULE,
    replace: 'kept.every(({ id }) => distance(context.vector, graph.vector(id)) > candidate.distance)',
  },
  {
    name: 'last-kept-only',
    hole: 'diversify',
    mistake: 'The candidate is compared with the neighbour kept last, not with all.',
    find: RULE,
    replace: 'kept.slice(-1).every(({ id }) => distance(here, graph.vector(id)) > candidate.distance)',
  },
  {
    name: 'nearest-kept-only',
    hole: 'diversify',
    mistake: 'The candidate is compared with the nearest kept neighbour only.',
    find: RULE,
    replace: 'kept.slice(0, 1).every(({ id }) => distance(here, graph.vector(id)) > candidate.distance)',
  },
  {
    name: 'pruned-prune',
    hole: 'diversify',
    mistake: 'Candidates that were pruned prune others in turn.',
    find: RULE,
    replace: '[...kept, ...pruned].every(({ id }) => distance(here, graph.vector(id)) > candidate.distance)',
  },
  {
    name: 'first-m-only',
    hole: 'diversify',
    mistake: 'The walk ends when M candidates have been looked at, not when M are kept.',
    find: 'if (kept.length === M) break;',
    replace: 'if (kept.length + pruned.length === M) break;',
  },
  {
    name: 'no-limit',
    hole: 'diversify',
    mistake: 'Nothing stops at M: every node is kept that is diverse enough.',
    find: 'if (kept.length === M) break;',
    replace: '',
  },
  {
    name: 'one-too-many',
    hole: 'diversify',
    mistake: 'The limit is tested one too late: M + 1 are kept.',
    find: 'if (kept.length === M) break;',
    replace: 'if (kept.length > M) break;',
  },
  {
    name: 'late-stop',
    hole: 'diversify',
    mistake: 'Right links, too much work: candidates are still compared when M are kept.',
    find: `      if (kept.length === M) break;
      const here = graph.vector(candidate.id);
      const lonely = ${RULE};
      (lonely ? kept : pruned)`,
    replace: `      const here = graph.vector(candidate.id);
      const lonely = ${RULE};
      (lonely && kept.length < M ? kept : pruned)`,
  },
  {
    name: 'all-pairs',
    hole: 'diversify',
    mistake: 'Right links, too much work: every candidate is compared with all the others.',
    find: RULE,
    replace:
      '!working.filter(({ id }) => distance(here, graph.vector(id)) <= candidate.distance).some((near) => kept.includes(near))',
  },
  {
    name: 'pruned-farthest',
    hole: 'keep-pruned',
    mistake: 'The list is filled with the farthest that were pruned.',
    find: 'pruned.slice(0, M - kept.length)',
    replace: 'pruned.toReversed().slice(0, M - kept.length)',
  },
  {
    name: 'pruned-overfill',
    hole: 'keep-pruned',
    mistake: 'M pruned ones are added, whatever was kept.',
    find: 'pruned.slice(0, M - kept.length)',
    replace: 'pruned.slice(0, M)',
  },
  {
    name: 'pruned-from-the-end',
    hole: 'keep-pruned',
    mistake: 'A negative slice: takes from the end, and all of them when there is no room (−0 is 0).',
    find: 'pruned.slice(0, M - kept.length)',
    replace: 'pruned.slice(kept.length - M)',
  },
  {
    name: 'pruned-in-front',
    hole: 'keep-pruned',
    mistake: 'The pruned ones are put in front of the kept ones.',
    find: 'kept.push(...pruned',
    replace: 'kept.unshift(...pruned',
  },
  {
    name: 'extends-to-itself',
    hole: 'extend',
    mistake: 'The node is found among its own neighbours’ neighbours, and becomes its own nearest.',
    find: 'if (seen.has(next) || graph.vector(next) === vector) continue;',
    replace: 'if (seen.has(next)) continue;',
  },
  {
    name: 'extends-twice',
    hole: 'extend',
    mistake: 'A node that two candidates are linked to is added twice.',
    find: 'seen.add(next);',
    replace: '',
  },
  {
    name: 'extends-unsorted',
    hole: 'extend',
    mistake: 'What is found is put at the end, so that the candidates no longer come nearest first.',
    find: 'insertSorted(all, { id: next, distance: distance(vector, graph.vector(next)) });',
    replace: 'all.push({ id: next, distance: distance(vector, graph.vector(next)) });',
  },
  {
    name: 'extends-from-candidate',
    hole: 'extend',
    mistake: 'What is found is measured from the candidate that led to it, not from the node.',
    find: 'distance: distance(vector, graph.vector(next))',
    replace: 'distance: distance(graph.vector(id), graph.vector(next))',
  },
  {
    name: 'extends-without-end',
    hole: 'extend',
    mistake: 'The neighbours of the neighbours are read too: the walk goes through the list that grows.',
    find: 'for (const { id } of candidates) {',
    replace: 'for (const { id } of all) {',
  },
  {
    name: 'extends-on-level-0',
    hole: 'extend',
    mistake: 'The neighbours are read on layer 0, whatever the layer.',
    find: 'graph.neighbors(id, level)',
    replace: 'graph.neighbors(id, 0)',
  },
];
