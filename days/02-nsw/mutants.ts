import type { Mutant } from 'annlab/exercises';

/** What people get wrong on day 02. */
export const mutants: Mutant[] = [
  {
    name: 'one-step',
    hole: 'greedy-search',
    mistake: 'returns the nearest neighbour instead of going on from it',
    find: `    if (nearest === here) return here;
    here = nearest;`,
    replace: '    return nearest;',
  },
  {
    name: 'last-better',
    hole: 'greedy-search',
    mistake:
      'compares every neighbour with where it stands, and so moves to the last that is nearer, not to the nearest',
    find: 'if (d < nearest.distance) nearest = { id, distance: d };',
    replace: 'if (d < here.distance) nearest = { id, distance: d };',
  },
  {
    name: 'first-better',
    hole: 'greedy-search',
    mistake: 'moves to the first neighbour that is nearer, without a look at the others',
    find: '      if (d < nearest.distance) nearest = { id, distance: d };\n',
    replace: `      if (d >= nearest.distance) continue;
      nearest = { id, distance: d };
      break;\n`,
  },
  {
    name: 'equal-is-better',
    hole: 'greedy-search',
    mistake: 'moves to a neighbour that is just as far, and between two equal vectors walks to and fro for ever',
    find: 'if (d < nearest.distance) nearest',
    replace: 'if (d <= nearest.distance) nearest',
  },
  {
    name: 'stops-at-nearest',
    hole: 'search-layer',
    mistake: 'stops when the candidate is farther than the nearest found: a wide beam that gives up like a narrow one',
    find: 'nearest.distance > found[found.length - 1].distance',
    replace: 'nearest.distance > found[0].distance',
  },
  {
    name: 'stops-at-equal',
    hole: 'search-layer',
    mistake: 'stops at the candidate that is itself the farthest found, before its list was read',
    find: 'nearest.distance > found[found.length - 1].distance',
    replace: 'nearest.distance >= found[found.length - 1].distance',
  },
  {
    name: 'stop-inverted',
    hole: 'search-layer',
    mistake: 'turns the stop condition round: stops while there is still something to gain',
    find: 'nearest.distance > found[found.length - 1].distance) break;',
    replace: 'nearest.distance < found[found.length - 1].distance) break;',
  },
  {
    name: 'never-stops',
    hole: 'search-layer',
    mistake: 'leaves out lines 6 to 8: goes on until no candidate is left; the result is right, and dear',
    find: '    if (found.length === ef && nearest.distance > found[found.length - 1].distance) break;\n',
    replace: '',
  },
  {
    name: 'scans-everything',
    hole: 'search-layer',
    mistake: 'lets every node in as a candidate and never stops: exact search, with a graph in the way',
    find: `    if (found.length === ef && nearest.distance > found[found.length - 1].distance) break;
    const neighbors = graph.neighbors(nearest.id);
    for (let i = 0; i < neighbors.length; i++) {
      const id = neighbors[i];
      if (visited.has(id)) continue;
      visited.add(id);
      const next = { id, distance: distance(query, graph.vector(id)) };
      if (found.length === ef && next.distance >= found[ef - 1].distance) continue;
`,
    replace: `    const neighbors = graph.neighbors(nearest.id);
    for (let i = 0; i < neighbors.length; i++) {
      const id = neighbors[i];
      if (visited.has(id)) continue;
      visited.add(id);
      const next = { id, distance: distance(query, graph.vector(id)) };
`,
  },
  {
    name: 'visited-when-read',
    hole: 'search-layer',
    mistake: 'marks a node when its list is read, not when it is compared: until then it comes in again and again',
    find: `      if (visited.has(id)) continue;
      visited.add(id);
`,
    replace: `      visited.add(nearest.id);
      if (visited.has(id)) continue;
`,
  },
  {
    name: 'visited-when-kept',
    hole: 'search-layer',
    mistake:
      'marks only what was let in: the results are right, and what was turned down is compared again for every neighbour',
    find: `      visited.add(id);
      const next = { id, distance: distance(query, graph.vector(id)) };
      if (found.length === ef && next.distance >= found[ef - 1].distance) continue;
`,
    replace: `      const next = { id, distance: distance(query, graph.vector(id)) };
      if (found.length === ef && next.distance >= found[ef - 1].distance) continue;
      visited.add(id);
`,
  },
  {
    name: 'never-trims',
    hole: 'search-layer',
    mistake: 'forgets lines 16 and 17: the beam gets wider than ef, so it never counts as full and never stops',
    find: '      if (found.length > ef) found.pop();\n',
    replace: '',
  },
  {
    name: 'trims-the-nearest',
    hole: 'search-layer',
    mistake: 'drops from the wrong end of the list',
    find: 'found.pop();',
    replace: 'found.shift();',
  },
  {
    name: 'only-nearer',
    hole: 'search-layer',
    mistake: 'forgets "or |W| < ef" in line 13: a beam with room turns nodes away',
    find: 'if (found.length === ef && next.distance >= found[ef - 1].distance) continue;',
    replace: 'if (next.distance >= found[found.length - 1].distance) continue;',
  },
  {
    name: 'unsorted-candidates',
    hole: 'search-layer',
    mistake: 'appends candidates at the end: what is taken next is the oldest, not the nearest',
    find: 'insertSorted(candidates, next);',
    replace: 'candidates.push(next);',
  },
  {
    name: 'takes-the-farthest',
    hole: 'search-layer',
    mistake: 'takes the candidate at the wrong end of the list',
    find: 'candidates.shift()!',
    replace: 'candidates.pop()!',
  },
  {
    name: 'maps-a-typed-array',
    hole: 'search-layer',
    mistake: 'calls map on the neighbours: right on a list, and on a Uint32Array every object becomes the number 0',
    find: `    for (let i = 0; i < neighbors.length; i++) {
      const id = neighbors[i];
      if (visited.has(id)) continue;
      visited.add(id);
      const next = { id, distance: distance(query, graph.vector(id)) };
`,
    replace: `    const fresh = (neighbors as number[]).filter((id) => !visited.has(id));
    for (const next of fresh.map((id) => ({ id, distance: distance(query, graph.vector(id)) }))) {
      visited.add(next.id);
`,
  },
  {
    name: 'one-way',
    hole: 'link',
    mistake: 'links the new node to the others and not the others to it: no way leads to what came later',
    find: '      this.nodes[other].neighbors.push(id);\n',
    replace: '',
  },
  {
    name: 'links-to-itself',
    hole: 'link',
    mistake: 'pushes the other’s own id into its list',
    find: 'this.nodes[other].neighbors.push(id);',
    replace: 'this.nodes[other].neighbors.push(other);',
  },
  {
    name: 'farthest-links',
    hole: 'link',
    mistake: 'takes the links from the wrong end of `near`',
    find: 'near.slice(0, this.M)',
    replace: 'near.slice(-this.M)',
  },
  {
    name: 'links-all-found',
    hole: 'link',
    mistake: 'links everything that the beam found: efConstruction links instead of M',
    find: 'near.slice(0, this.M)',
    replace: 'near',
  },
  {
    name: 'scans-to-link',
    hole: 'link',
    mistake:
      'overlooks `near` and compares the new vector with all nodes: a perfect graph, whose insertion takes as long as exact search',
    find: 'near.slice(0, this.M)',
    replace: `this.nodes
      .slice(0, id)
      .map((node, other) => ({ id: other, distance: this.distance(vector, node.vector) }))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, this.M)`,
  },
];
