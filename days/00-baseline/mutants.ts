/** Mistakes that somebody makes on day 00; the checks tell each of them from the reference. */
import type { Mutant } from 'annlab/exercises';

export const mutants: Mutant[] = [
  {
    name: 'keeps-farthest',
    hole: 'search-exact',
    mistake: 'The comparison with the top is turned round: a candidate gets in if it is farther.',
    find: 'else if (isFarther(heap[0], candidate)) replaceTop',
    replace: 'else if (isFarther(candidate, heap[0])) replaceTop',
  },
  {
    name: 'last-of-equals',
    hole: 'search-exact',
    mistake: 'A candidate as far as the top takes its place, so that of equals the last is kept.',
    find: 'else if (isFarther(heap[0], candidate)) replaceTop',
    replace: 'else if (candidate.distance <= heap[0].distance) replaceTop',
  },
  {
    name: 'one-too-many',
    hole: 'search-exact',
    mistake: 'The heap is filled to k + 1.',
    find: 'if (heap.length < k) push',
    replace: 'if (heap.length <= k) push',
  },
  {
    name: 'sorts-everything',
    hole: 'search-exact',
    mistake: 'All n are collected and sorted, and the first k taken: right, and n · log n comparisons.',
    find: `    if (heap.length < k) push(heap, candidate);
    else if (isFarther(heap[0], candidate)) replaceTop(heap, candidate);
  }`,
    replace: `    heap.push(candidate);
  }
  heap.sort((a, b) => (isFarther(a, b) ? 1 : -1)).splice(k);`,
  },
  {
    name: 'measures-twice',
    hole: 'search-exact',
    mistake: 'The distance is computed for the comparison with the top, and once more for the candidate that gets in.',
    find: 'else if (isFarther(heap[0], candidate)) replaceTop(heap, candidate);',
    replace:
      'else if (isFarther(heap[0], candidate)) replaceTop(heap, { id, distance: distance(query, vectors[id]) });',
  },
  {
    name: 'left-child-only',
    hole: 'sink',
    mistake: 'The right child is forgotten.',
    find: '    if (left + 1 < heap.length && isFarther(heap[left + 1], heap[farthest])) farthest = left + 1;\n',
    replace: '',
  },
  {
    name: 'right-child-of-place',
    hole: 'sink',
    mistake: 'The right child is compared with the parent, not with the farther of parent and left child.',
    find: 'isFarther(heap[left + 1], heap[farthest])) farthest',
    replace: 'isFarther(heap[left + 1], heap[place])) farthest',
  },
  {
    name: 'one-step',
    hole: 'sink',
    mistake: 'The candidate sinks by one level and stops.',
    find: '    place = farthest;\n',
    replace: '    return;\n',
  },
  {
    name: 'sorts-the-kept',
    hole: 'sink',
    mistake: 'All k are sorted anew for one newcomer: a sorted list is a heap, and k · log k comparisons.',
    find: '  for (;;) {',
    replace: '  heap.sort((a, b) => (isFarther(a, b) ? -1 : 1));\n  for (;;) {',
  },
  {
    name: 'children-from-one',
    hole: 'sink',
    mistake: 'The children are taken at 2i and 2i + 1, as in a heap that counts from 1: the top is its own child.',
    find: 'const left = 2 * place + 1;',
    replace: 'const left = 2 * place;',
  },
  {
    name: 'by-position',
    hole: 'recall',
    mistake:
      'The i-th found is compared with the i-th true one, so that the right ones in another order count as wrong.',
    find: 'for (const { id, distance } of found.slice(0, k)) {\n    if (distance <= threshold) right.add(id);',
    replace: 'for (const [i, { id }] of found.slice(0, k).entries()) {\n    if (id === truth[i]?.id) right.add(id);',
  },
  {
    name: 'divides-by-found',
    hole: 'recall',
    mistake:
      'The right ones are divided by how many were returned (that is precision), so that a short answer looks perfect.',
    find: 'return right.size / wanted;',
    replace: 'return right.size / Math.min(found.length, wanted);',
  },
  {
    name: 'strictly-nearer',
    hole: 'recall',
    mistake: 'Only what is nearer than the k-th true neighbour counts, not what is as near.',
    find: 'if (distance <= threshold) right.add(id);',
    replace: 'if (distance < threshold) right.add(id);',
  },
];
