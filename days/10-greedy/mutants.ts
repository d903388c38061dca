import type { Mutant } from 'annlab/exercises';

/** What people get wrong on day 10. */
export const mutants: Mutant[] = [
  {
    name: 'allows-itself',
    hole: 'random-regular',
    mistake: 'forgets to leave out the node itself: some links lead nowhere',
    find: 'if (other !== id && !list.includes(other)) list.push(other);',
    replace: 'if (!list.includes(other)) list.push(other);',
  },
  {
    name: 'allows-repetitions',
    hole: 'random-regular',
    mistake: 'takes every number that is drawn: R links, of which some are the same',
    find: 'if (other !== id && !list.includes(other)) list.push(other);',
    replace: 'if (other !== id) list.push(other);',
  },
  {
    name: 'counts-attempts',
    hole: 'random-regular',
    mistake: 'draws R times instead of until there are R: lists are now and then too short',
    find: `    while (list.length < R) {
      const other = random.integer(n);`,
    replace: `    for (let attempt = 0; attempt < R; attempt++) {
      const other = random.integer(n);`,
  },
  {
    name: 'never-the-last',
    hole: 'random-regular',
    mistake: 'draws below n − 1, as if the node itself had been taken out: nobody links to the last node',
    find: 'random.integer(n);',
    replace: 'random.integer(n - 1);',
  },
  {
    name: 'next-one-instead',
    hole: 'random-regular',
    mistake: 'replaces the node itself, and what is taken, by its successor: successors are likelier than others',
    find: `      const other = random.integer(n);
`,
    replace: `      let other = random.integer(n);
      while (other === id || list.includes(other)) other = (other + 1) % n;
`,
  },
  {
    name: 'one-list-for-all',
    hole: 'random-regular',
    mistake: 'draws steps once and gives every node the same ones: a ring, not a random graph',
    find: `    links.push(list);
`,
    replace: `    links.push(links.length === 0 ? list : links[0].map((other) => (other + id) % n));
`,
  },
  {
    name: 'own-chance',
    hole: 'random-regular',
    mistake: 'draws from Math.random: another graph in every run, and no failure can be repeated',
    find: 'random.integer(n);',
    replace: 'Math.floor(Math.random() * n);',
  },
  {
    name: 'shuffles-all',
    hole: 'random-regular',
    mistake: 'shuffles all n ids for every node and takes the first R: right, and n² numbers drawn',
    find: `    while (list.length < R) {
      const other = random.integer(n);
      if (other !== id && !list.includes(other)) list.push(other);
    }
`,
    replace: `    const all = Array.from({ length: n }, (_, other) => other).filter((other) => other !== id);
    for (let i = all.length - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [all[i], all[j]] = [all[j], all[i]];
    }
    list.push(...all.slice(0, R));
`,
  },
  {
    name: 'both-ways',
    hole: 'random-regular',
    mistake: 'links both ways, as day 02 did: lists are of any length',
    find: `    links.push(list);
`,
    replace: `    links.push(list);
    for (const other of list) links[other]?.push(id);
`,
  },
  {
    name: 'greedy-stop',
    hole: 'greedy-search',
    mistake: 'ends as soon as p* is farther than the nearest found: a long list that gives up like a list of one',
    find: 'if (expanded === undefined) break;',
    replace: 'if (expanded === undefined || (visited.size > 0 && expanded !== list[0])) break;',
  },
  {
    name: 'looks-at-the-front',
    hole: 'greedy-search',
    mistake: 'takes the front of the list and ends where it is visited: the rest of the list is never expanded',
    find: `    const expanded = list.find((one) => !visited.has(one));
    if (expanded === undefined) break;
`,
    replace: `    const expanded = list[0];
    if (visited.has(expanded)) break;
`,
  },
  {
    name: 'farthest-first',
    hole: 'greedy-search',
    mistake: 'takes p* from the wrong end of the list',
    find: 'list.find((one)',
    replace: 'list.findLast((one)',
  },
  {
    name: 'oldest-first',
    hole: 'greedy-search',
    mistake: 'expands in the order in which nodes came: breadth first, with no eye on the query',
    find: '    const expanded = list.find((one) => !visited.has(one));',
    replace: `    const order = [...seen];
    const open = list.filter((one) => !visited.has(one)).sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    const expanded = open.at(0);`,
  },
  {
    name: 'never-marks',
    hole: 'greedy-search',
    mistake: 'never adds p* to V: the nearest is expanded again and again, for ever',
    find: `    visited.add(expanded);
`,
    replace: '',
  },
  {
    name: 'visited-is-seen',
    hole: 'greedy-search',
    mistake: 'keeps day 02’s `visited` in V: everybody who was compared, also those never expanded',
    find: `    visited.add(expanded);
    const neighbors = graph.neighbors(expanded.id);
    for (let i = 0; i < neighbors.length; i++) {
      const id = neighbors[i];
      if (seen.has(id)) continue;
      seen.add(id);
      insertSorted(list, { id, distance: distance(query, graph.vector(id)) });
    }
`,
    replace: `    visited.add(expanded);
    const neighbors = graph.neighbors(expanded.id);
    for (let i = 0; i < neighbors.length; i++) {
      const id = neighbors[i];
      if (seen.has(id)) continue;
      seen.add(id);
      const next = { id, distance: distance(query, graph.vector(id)) };
      insertSorted(list, next);
      visited.add(next);
    }
`,
  },
  {
    name: 'forgets-who-fell-out',
    hole: 'greedy-search',
    mistake: 'cuts V with the list: only those of the L nearest are left of the way, and no long link ever comes of it',
    find: 'if (list.length > L) list.length = L;',
    replace: `if (list.length > L) for (const dropped of list.splice(L)) visited.delete(dropped);`,
  },
  {
    name: 'never-cuts',
    hole: 'greedy-search',
    mistake: 'leaves the list as long as it gets: everybody who can be reached is compared, a scan by way of the graph',
    find: '    if (list.length > L) list.length = L;\n',
    replace: '',
  },
  {
    name: 'scans-everything',
    hole: 'greedy-search',
    mistake: 'follows all links first and sorts afterwards: exact search with a graph in the way',
    find: '    if (list.length > L) list.length = L;\n',
    replace: '    if (list.length > L && list.every((one) => visited.has(one))) list.length = L;\n',
  },
  {
    name: 'cuts-to-k',
    hole: 'greedy-search',
    mistake: 'cuts the list back to k, the neighbours wanted: L is without effect',
    find: 'if (list.length > L) list.length = L;',
    replace: 'if (list.length > k) list.length = k;',
  },
  {
    name: 'one-too-many',
    hole: 'greedy-search',
    mistake: 'cuts one node too late: the list holds L + 1',
    find: 'if (list.length > L) list.length = L;',
    replace: 'if (list.length > L) list.length = L + 1;',
  },
  {
    name: 'cuts-the-nearest',
    hole: 'greedy-search',
    mistake: 'cuts at the wrong end of the list',
    find: 'if (list.length > L) list.length = L;',
    replace: 'if (list.length > L) list.splice(0, list.length - L);',
  },
  {
    name: 'seen-when-expanded',
    hole: 'greedy-search',
    mistake: 'takes only V for seen: whoever waits in the list comes into it once more',
    find: `      if (seen.has(id)) continue;
      seen.add(id);
`,
    replace: `      seen.add(expanded.id);
      if (seen.has(id)) continue;
`,
  },
  {
    name: 'as-printed',
    hole: 'greedy-search',
    mistake:
      'takes only those in 𝓛 and 𝓥 for seen, as the paper prints it: the result is right, and who was cut off is compared again',
    find: `      if (seen.has(id)) continue;
      seen.add(id);
`,
    replace: `      if (list.some((one) => one.id === id) || [...visited].some((one) => one.id === id)) continue;
`,
  },
  {
    name: 'only-nearer',
    hole: 'greedy-search',
    mistake: 'lets only those in that are nearer than p*: no way leads around anything',
    find: 'insertSorted(list, { id, distance: distance(query, graph.vector(id)) });',
    replace: `const d = distance(query, graph.vector(id));
      if (d < expanded.distance) insertSorted(list, { id, distance: d });`,
  },
  {
    name: 'appends',
    hole: 'greedy-search',
    mistake: 'pushes instead of inserting: the list is not sorted, and what is cut off is whoever came last',
    find: 'insertSorted(list, { id, distance: distance(query, graph.vector(id)) });',
    replace: 'list.push({ id, distance: distance(query, graph.vector(id)) });',
  },
  {
    name: 'maps-a-typed-array',
    hole: 'greedy-search',
    mistake: 'calls map on the neighbours: right on a list, and on a Uint32Array every object becomes the number 0',
    find: `    for (let i = 0; i < neighbors.length; i++) {
      const id = neighbors[i];
      if (seen.has(id)) continue;
      seen.add(id);
      insertSorted(list, { id, distance: distance(query, graph.vector(id)) });
    }
`,
    replace: `    const fresh = (neighbors as number[]).filter((id) => !seen.has(id));
    for (const next of fresh.map((id) => ({ id, distance: distance(query, graph.vector(id)) }))) {
      seen.add(next.id);
      insertSorted(list, next);
    }
`,
  },
  {
    name: 'sorts-the-graph',
    hole: 'greedy-search',
    mistake: 'sorts the neighbours by distance, in the list of the graph itself, and compares them all for that',
    find: '    const neighbors = graph.neighbors(expanded.id);\n',
    replace: `    const away = (id: number) => distance(query, graph.vector(id));
    const neighbors = (graph.neighbors(expanded.id) as number[]).sort((a, b) => away(a) - away(b));
`,
  },
  {
    name: 'compares-with-p',
    hole: 'greedy-search',
    mistake: 'measures the neighbours from p*, not from the query: the nearest of them are p*’s own',
    find: 'distance: distance(query, graph.vector(id)) }',
    replace: 'distance: distance(graph.vector(expanded.id), graph.vector(id)) }',
  },
  {
    name: 'always-cuts',
    hole: 'greedy-search',
    mistake: 'sets the length of the list to L also where it is shorter: gaps, and a gap ends the search',
    find: 'if (list.length > L) list.length = L;',
    replace: 'list.length = L;',
  },
  {
    name: 'marks-a-copy',
    hole: 'greedy-search',
    mistake: 'puts a copy of p* into V: the one in the list is never marked',
    find: 'visited.add(expanded);',
    replace: 'visited.add({ ...expanded });',
  },
  {
    name: 'as-many-as-the-list',
    hole: 'greedy-search',
    mistake: 'ends after L nodes, since V is about as large as L: the way to the query is counted, too',
    find: 'if (expanded === undefined) break;',
    replace: 'if (expanded === undefined || visited.size === L) break;',
  },
  {
    name: 'ends-at-k',
    hole: 'greedy-search',
    mistake: 'ends when the k nearest were expanded: the rest of the list is there for nothing',
    find: 'if (expanded === undefined) break;',
    replace: 'if (expanded === undefined || list.indexOf(expanded) >= k) break;',
  },
  {
    name: 'by-l2',
    hole: 'greedy-search',
    mistake: 'calls l2 instead of the distance that was given: nothing is counted',
    find: 'distance: distance(query, graph.vector(id)) }',
    replace: 'distance: l2(query, graph.vector(id)) }',
  },
  {
    name: 'forgets-to-divide',
    hole: 'medoid',
    mistake: 'takes the sum for the mean: who lies farthest out in its direction is returned',
    find: ', 0) / vectors.length;',
    replace: ', 0);',
  },
  {
    name: 'first-component',
    hole: 'medoid',
    mistake: 'works only the first component out: the others are taken for 0',
    find: 'j < mean.length;',
    replace: 'j < 1;',
  },
  {
    name: 'farthest',
    hole: 'medoid',
    mistake: 'keeps the greatest distance: the outlier',
    find: `    if (d < best.distance) best`,
    replace: `    if (best.id === -1 || d > best.distance) best`,
  },
  {
    name: 'last-of-equals',
    hole: 'medoid',
    mistake: '<= for <: of equal vectors the last',
    find: 'if (d < best.distance) best',
    replace: 'if (d <= best.distance) best',
  },
  {
    name: 'all-pairs',
    hole: 'medoid',
    mistake: 'adds up all distances to all others: right, and n² of them',
    find: 'const d = distance(mean, vector);',
    replace: 'const d = vectors.reduce((sum, other) => sum + distance(other, vector), 0);',
  },
  {
    name: 'first-hundred',
    hole: 'medoid',
    mistake: 'looks for the nearest among the first hundred only: right on small sets',
    find: 'of vectors.entries()) {',
    replace: 'of vectors.slice(0, 100).entries()) {',
  },
  {
    name: 'adds-in-place',
    hole: 'medoid',
    mistake: 'adds everything up in the first vector, which is part of the set',
    find: `    const d = distance(mean, vector);`,
    replace: `    if (id === 0) vectors[0].set(mean);
    const d = distance(mean, vector);`,
  },
  {
    name: 'sums-in-floats',
    hole: 'medoid',
    mistake: 'adds up in the Float32Array: beside a sum of millions, a few digits of every vector are lost',
    find: `  for (let j = 0; j < mean.length; j++) mean[j] = vectors.reduce((sum, vector) => sum + vector[j], 0) / vectors.length;
`,
    replace: `  for (const vector of vectors) for (let j = 0; j < mean.length; j++) mean[j] += vector[j];
  for (let j = 0; j < mean.length; j++) mean[j] /= vectors.length;
`,
  },
  {
    name: 'median',
    hole: 'medoid',
    mistake: 'takes the middle component of each for the mean: the median, which outliers do not move',
    find: 'mean[j] = vectors.reduce((sum, vector) => sum + vector[j], 0) / vectors.length;',
    replace: 'mean[j] = vectors.map((vector) => vector[j]).sort((a, b) => a - b)[vectors.length >> 1];',
  },
  {
    name: 'own-distance',
    hole: 'medoid',
    mistake: 'calls l2 instead of the distance that was given',
    find: 'const d = distance(mean, vector);',
    replace: 'const d = l2(mean, vector);',
  },
];
