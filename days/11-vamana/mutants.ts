import type { Mutant } from 'annlab/exercises';

const RULE = 'alpha ** 2 * distance(here, graph.vector(other.id)) > other.distance';
const STOP = 'if (kept.length === R) break;';
const SEARCH = 'const { visited } = greedySearch(graph, graph.vector(p), graph.start, { k: 1, L }, graph.distance);';
const BACK = 'if (graph.links[j].length < R) graph.links[j].push(p);';

export const mutants: Mutant[] = [
  {
    name: 'links-to-itself',
    hole: 'gather',
    mistake: 'p is left among its candidates: at distance 0 it is its own nearest.',
    find: 'all.delete(p);',
    replace: '',
  },
  {
    name: 'forgets-old-links',
    hole: 'gather',
    mistake: 'The links that p has are no candidates: what the first pass found is lost in the second.',
    find: 'for (const id of graph.links[p]) {',
    replace: 'for (const id of [] as number[]) {',
  },
  {
    name: 'old-links-twice',
    hole: 'gather',
    mistake: 'A link that is a candidate, too, is put in twice.',
    find: `  all.delete(p);
  for (const one of all.values()) insertSorted(V, one);`,
    replace: `  all.delete(p);
  for (const one of all.values()) insertSorted(V, one);
  for (const { id, distance } of candidates) if (graph.links[p].includes(id)) insertSorted(V, { id, distance });`,
  },
  {
    name: 'measures-all',
    hole: 'gather',
    mistake: 'Right links, too much work: links that are candidates are measured again.',
    find: 'if (!all.has(id)) all.set(',
    replace: 'all.set(',
  },
  {
    name: 'measures-candidates',
    hole: 'gather',
    mistake: 'Right links, too much work: every candidate is measured, though it brings its distance with it.',
    find: 'new Map(candidates.map((one) => [one.id, one]))',
    replace: 'new Map(candidates.map(({ id }) => [id, { id, distance: distance(graph.vector(p), graph.vector(id)) }]))',
  },
  {
    name: 'links-by-l2',
    hole: 'gather',
    mistake: 'Links are measured by l2 and not by the distance of the graph, which counts them.',
    find: 'distance: distance(graph.vector(p), graph.vector(id)) });',
    replace: 'distance: l2(graph.vector(p), graph.vector(id)) });',
  },
  {
    name: 'drops-copies',
    hole: 'gather',
    mistake: 'p is taken out by its distance of 0, and its copies with it.',
    find: `all.delete(p);
  for (const one of all.values()) insertSorted`,
    replace: 'for (const one of all.values()) if (one.distance > 0) insertSorted',
  },
  {
    name: 'adds-to-candidates',
    hole: 'gather',
    mistake: 'The links are added to the list of candidates, which is the caller’s.',
    find: 'all.delete(p);',
    replace: 'all.delete(p);\n  (candidates as Neighbor[]).splice(0, candidates.length, ...all.values());',
  },
  {
    name: 'unsorted',
    hole: 'gather',
    mistake: 'The candidates stay in the order in which they were visited: the start, far away, comes first.',
    find: 'for (const one of all.values()) insertSorted(V, one);',
    replace: 'for (const one of all.values()) V.push(one);',
  },
  {
    name: 'farthest-first',
    hole: 'gather',
    mistake: 'Sorted the other way: p* is the farthest.',
    find: 'for (const one of all.values()) insertSorted(V, one);',
    replace: 'V.push(...[...all.values()].sort((a, b) => b.distance - a.distance));',
  },
  {
    name: 'keeps-old-links',
    hole: 'gather',
    mistake: 'The old links are put in at distance 0, so that they stay whatever comes.',
    find: 'distance: distance(graph.vector(p), graph.vector(id)) });',
    replace: 'distance: 0 });',
  },
  {
    name: 'alpha-not-squared',
    hole: 'prune',
    mistake: 'α times a squared distance: on squares α must be squared, so 1.2 becomes 1.1.',
    find: RULE,
    replace: 'alpha * distance(here, graph.vector(other.id)) > other.distance',
  },
  {
    name: 'without-alpha',
    hole: 'prune',
    mistake: 'α is left out, as in the heuristic of day 04 and in the sprint’s text.',
    find: RULE,
    replace: 'distance(here, graph.vector(other.id)) > other.distance',
  },
  {
    name: 'alpha-on-the-other-side',
    hole: 'prune',
    mistake: 'α on the side of d(p, p′): the greater it is, the more is ruled out.',
    find: RULE,
    replace: 'distance(here, graph.vector(other.id)) > alpha ** 2 * other.distance',
  },
  {
    name: 'keeps-crowded',
    hole: 'prune',
    mistake: 'The comparison is the wrong way round: what stays is near to p*.',
    find: RULE,
    replace: 'alpha ** 2 * distance(here, graph.vector(other.id)) < other.distance',
  },
  {
    name: 'compares-by-l2',
    hole: 'prune',
    mistake: 'Candidates are compared by l2 and not by the distance of the graph, which counts them.',
    find: RULE,
    replace: 'alpha ** 2 * l2(here, graph.vector(other.id)) > other.distance',
  },
  {
    name: 'skips-the-next',
    hole: 'prune',
    mistake: 'Whoever is ruled out is spliced out of the list that is walked through: the next is skipped, and stays.',
    find: `left = left.slice(1).filter((other) => ${RULE});`,
    replace: `left = left.slice(1);
    for (let i = 0; i < left.length; i++) {
      const other = left[i];
      if (!(${RULE})) left.splice(i, 1);
    }`,
  },
  {
    name: 'compares-with-itself',
    hole: 'prune',
    mistake: 'Right links, too much work: p* is left in the race, and ruled out by itself.',
    find: 'left.slice(1).filter(',
    replace: 'left.filter(',
  },
  {
    name: 'keeps-ties',
    hole: 'prune',
    mistake: 'At a tie the candidate stays: the paper says ≤.',
    find: RULE,
    replace: 'alpha ** 2 * distance(here, graph.vector(other.id)) >= other.distance',
  },
  {
    name: 'measures-from-p',
    hole: 'prune',
    mistake: 'p′ is compared with p* by their distances from p, not by the distance between them.',
    find: 'const here = graph.vector(nearest.id);',
    replace: 'const here = graph.vector(p);',
  },
  {
    name: 'compares-lengths',
    hole: 'prune',
    mistake: 'd(p*, p′) is compared with d(p, p*): the sprint’s “closer to any of P’s neighbours” read wrongly.',
    find: RULE,
    replace: 'alpha ** 2 * distance(here, graph.vector(other.id)) > nearest.distance',
  },
  {
    name: 'no-limit',
    hole: 'prune',
    mistake: 'Nothing stops at R: the degree is whatever α makes of it.',
    find: STOP,
    replace: '',
  },
  {
    name: 'one-too-many',
    hole: 'prune',
    mistake: 'The limit is tested one too late: R + 1 are kept.',
    find: STOP,
    replace: 'if (kept.length > R) break;',
  },
  {
    name: 'late-stop',
    hole: 'prune',
    mistake: 'Right links, too much work: the last p* is compared with all that are left, for nothing.',
    find: `    ${STOP}
    const here = graph.vector(nearest.id);
    left = left.slice(1).filter((other) => ${RULE});`,
    replace: `    const here = graph.vector(nearest.id);
    left = left.slice(1).filter((other) => ${RULE});
    ${STOP}`,
  },
  {
    name: 'ruled-out-rule-out',
    hole: 'prune',
    mistake: 'Everybody is compared with all that came before, those that were ruled out among them.',
    find: `left = left.slice(1).filter((other) => ${RULE});`,
    replace: `const at = V.indexOf(nearest);
    left = V.slice(at + 1).filter((other) =>
      V.slice(0, at + 1).every((one) => alpha ** 2 * distance(graph.vector(one.id), graph.vector(other.id)) > other.distance),
    );`,
  },
  {
    name: 'first-r-only',
    hole: 'prune',
    mistake: 'Only the nearest R candidates are looked at: a far one never gets its turn.',
    find: 'let left = V;',
    replace: 'let left = V.slice(0, R);',
  },
  {
    name: 'nearest-r',
    hole: 'prune',
    mistake: 'Nobody is ruled out: the list is the nearest R.',
    find: `left = left.slice(1).filter((other) => ${RULE});`,
    replace: 'left = here ? left.slice(1) : [];',
  },
  {
    name: 'empties-v',
    hole: 'prune',
    mistake: 'V itself is emptied, so that nothing is left for `saturate`.',
    find: 'const [nearest] = left;',
    replace: 'const nearest = V[0];\n    V.splice(0, V.length, ...left.filter((one) => one !== nearest));',
  },
  {
    name: 'search-list-only',
    hole: 'insert',
    mistake: 'The candidates are the L nearest at the end of the search, as HNSW has them, not all that were visited.',
    find: `${SEARCH}
  robustPrune(graph, p, visited, options);`,
    replace: `const { nearest } = greedySearch(graph, graph.vector(p), graph.start, { k: L, L }, graph.distance);
  robustPrune(graph, p, nearest, options);`,
  },
  {
    name: 'searches-from-itself',
    hole: 'insert',
    mistake: 'The search starts at p: it is there already, visits the neighbourhood, and no far node.',
    find: SEARCH,
    replace: 'const { visited } = greedySearch(graph, graph.vector(p), p, { k: 1, L }, graph.distance);',
  },
  {
    name: 'greedy-list-of-one',
    hole: 'insert',
    mistake: 'The search has a list of one: k is taken for L.',
    find: SEARCH,
    replace: 'const { visited } = greedySearch(graph, graph.vector(p), graph.start, { k: 1, L: 1 }, graph.distance);',
  },
  {
    name: 'searches-by-l2',
    hole: 'insert',
    mistake: 'The search is not given the distance of the graph, and takes l2.',
    find: SEARCH,
    replace: 'const { visited } = greedySearch(graph, graph.vector(p), graph.start, { k: 1, L });',
  },
  {
    name: 'forgets-alpha',
    hole: 'insert',
    mistake: 'R is handed on, and α is not: robustPrune takes its default.',
    find: 'robustPrune(graph, p, visited, options);',
    replace: 'robustPrune(graph, p, visited, { R });',
  },
  {
    name: 'links-back-first',
    hole: 'insert',
    mistake: 'Those whom p linked to before are asked for links back, and only then are p’s links chosen.',
    find: 'robustPrune(graph, p, visited, options);\n  for (const j of graph.links[p]) {',
    replace: 'const before = graph.links[p];\n  robustPrune(graph, p, visited, options);\n  for (const j of before) {',
  },
  {
    name: 'compares-with-all',
    hole: 'insert',
    mistake: 'Good links, too much work: the candidates are all other nodes, by brute force.',
    find: SEARCH,
    replace:
      'const visited = graph.vectors.map((x, id) => ({ id, distance: graph.distance(graph.vector(p), x) })).sort((a, b) => a.distance - b.distance).slice(0, 1 + 0 * L + graph.vectors.length);',
  },
  {
    name: 'measures-everybody',
    hole: 'insert',
    mistake: 'Right links, too much work: p is compared with every node, and the search is only asked afterwards.',
    find: SEARCH,
    replace: `for (const vector of graph.vectors) graph.distance(graph.vector(p), vector);
  ${SEARCH}`,
  },
  {
    name: 'exact-knn',
    hole: 'insert',
    mistake: 'The candidates are the exact L nearest: right neighbours, no far ones, and n distances a node.',
    find: SEARCH,
    replace:
      'const visited = graph.vectors.map((x, id) => ({ id, distance: graph.distance(graph.vector(p), x) })).sort((a, b) => a.distance - b.distance).slice(0, L + 1);',
  },
  {
    name: 'no-links-back',
    hole: 'insert',
    mistake: 'Nobody links back: p leads into the graph, and nothing leads to p.',
    find: 'for (const j of graph.links[p]) {',
    replace: 'for (const j of [] as number[]) {',
  },
  {
    name: 'back-beyond-r',
    hole: 'insert',
    mistake: 'The link back is made whether there is room or not: popular nodes get lists without end.',
    find: BACK,
    replace: 'if (graph.links[j].length < Infinity) graph.links[j].push(p);',
  },
  {
    name: 'back-only-with-room',
    hole: 'insert',
    mistake: 'A list that is full is left as it is: who came first stays, however far.',
    find: `    else robustPrune(graph, j, [{ id: p, distance: graph.distance(graph.vector(j), graph.vector(p)) }], options);`,
    replace: '',
  },
  {
    name: 'always-prunes',
    hole: 'insert',
    mistake: 'Lists that have room are pruned as well: links that were worth keeping go, and it costs.',
    find: BACK,
    replace: 'if (graph.links[j].length < 0) graph.links[j].push(p);',
  },
  {
    name: 'one-beyond-r',
    hole: 'insert',
    mistake: 'A list of R is taken to have room for one more.',
    find: BACK,
    replace: 'if (graph.links[j].length <= R) graph.links[j].push(p);',
  },
  {
    name: 'back-twice',
    hole: 'insert',
    mistake: 'A link back is made though there is one.',
    find: 'if (graph.links[j].includes(p)) continue;',
    replace: '',
  },
  {
    name: 'newcomer-at-zero',
    hole: 'insert',
    mistake: 'The newcomer has no distance from j: at 0 it is always the nearest and always stays.',
    find: '[{ id: p, distance: graph.distance(graph.vector(j), graph.vector(p)) }]',
    replace: '[{ id: p, distance: 0 }]',
  },
  {
    name: 'hands-on-visited',
    hole: 'insert',
    mistake: 'j is pruned with p’s candidates, whose distances are those from p.',
    find: '[{ id: p, distance: graph.distance(graph.vector(j), graph.vector(p)) }]',
    replace: '[...visited, { id: p, distance: graph.distance(graph.vector(j), graph.vector(p)) }]',
  },
  {
    name: 'visited-link-back',
    hole: 'insert',
    mistake: 'Whoever was visited links back, not only those whom p chose.',
    find: 'for (const j of graph.links[p]) {',
    replace: 'for (const { id: j } of visited.filter(({ id }) => id !== p)) {',
  },
];
