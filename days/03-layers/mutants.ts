import type { Mutant } from 'annlab/exercises';

const LEVEL = 'Math.floor(-Math.log(uniform) / Math.log(M))';
const LOOP = 'let level = from; level > to; level--';
const WALK = 'greedySearch(layer(graph, level), query, here, distance).id';
const MEASURE = 'distance: distance(vector, this.vector(other))';
const SORT = 'candidates.sort((a, b) => a.distance - b.distance);';
const SELECT = 'this.select(candidates, Mmax, { vector, level, graph: this, distance }).map((neighbor) => neighbor.id)';

export const mutants: Mutant[] = [
  {
    name: 'fair-coin',
    hole: 'draw-level',
    mistake: 'The coin of a skip list: every second node goes up.',
    find: LEVEL,
    replace: 'Math.floor(-Math.log2(uniform))',
  },
  {
    name: 'multiplies-by-ln-m',
    hole: 'draw-level',
    mistake: 'mL is taken for ln M, where it is 1 / ln M.',
    find: LEVEL,
    replace: 'Math.floor(-Math.log(uniform) * Math.log(M))',
  },
  {
    name: 'rounds-to-nearest',
    hole: 'draw-level',
    mistake: 'Rounded to the nearest where the paper rounds down: one in √M goes up.',
    find: LEVEL,
    replace: 'Math.round(-Math.log(uniform) / Math.log(M))',
  },
  {
    name: 'begins-at-level-1',
    hole: 'draw-level',
    mistake: 'Rounded up: nobody stays on layer 0 alone.',
    find: LEVEL,
    replace: 'Math.ceil(-Math.log(uniform) / Math.log(M))',
  },
  {
    name: 'forgets-the-minus',
    hole: 'draw-level',
    mistake: 'The logarithm of a number below 1 is negative, and so are the levels.',
    find: LEVEL,
    replace: 'Math.floor(Math.log(uniform) / Math.log(M))',
  },
  {
    name: 'one-layer-too-far',
    hole: 'descend',
    mistake: 'Layer `to` is walked as well, which is the beam’s.',
    find: LOOP,
    replace: 'let level = from; level >= to; level--',
  },
  {
    name: 'one-layer-too-few',
    hole: 'descend',
    mistake: 'The layer just above `to` is left out.',
    find: LOOP,
    replace: 'let level = from; level > to + 1; level--',
  },
  {
    name: 'climbs',
    hole: 'descend',
    mistake: 'The layers are walked from the lowest to the highest.',
    find: LOOP,
    replace: 'let level = to + 1; level <= from; level++',
  },
  {
    name: 'stays-on-top',
    hole: 'descend',
    mistake: 'Every round walks the top layer again.',
    find: WALK,
    replace: 'greedySearch(layer(graph, from), query, here, distance).id',
  },
  {
    name: 'enters-anew',
    hole: 'descend',
    mistake: 'Every layer is entered by the entry point; what the layer above found is thrown away.',
    find: WALK,
    replace: 'greedySearch(layer(graph, level), query, entry, distance).id',
  },
  {
    name: 'returns-the-entry',
    hole: 'descend',
    mistake: 'The zoom-in is walked, and its result forgotten: right answers, layer 0 crossed on foot.',
    find: 'return here;',
    replace: 'return entry;',
  },
  {
    name: 'wide-beam-above',
    hole: 'descend',
    mistake: 'The upper layers are searched with a beam of 100, where one node is all they are asked for.',
    find: WALK,
    replace: 'searchLayer(layer(graph, level), query, [here], 100, distance)[0].id',
  },
  {
    name: 'keeps-the-first-come',
    hole: 'shrink',
    mistake: 'The candidates are not sorted: whoever came first stays.',
    find: SORT,
    replace: '',
  },
  {
    name: 'keeps-the-farthest',
    hole: 'shrink',
    mistake: 'Sorted the wrong way round.',
    find: SORT,
    replace: 'candidates.sort((a, b) => b.distance - a.distance);',
  },
  {
    name: 'shrinks-to-m-everywhere',
    hole: 'shrink',
    mistake: 'Layer 0 is cut to M like the others, although it may keep M0.',
    find: SELECT,
    replace: SELECT.replace('Mmax', 'this.M'),
  },
  {
    name: 'one-too-many',
    hole: 'shrink',
    mistake: 'One link more than Mmax stays.',
    find: SELECT,
    replace: SELECT.replace('Mmax', 'Mmax + 1'),
  },
  {
    name: 'keeps-everything',
    hole: 'shrink',
    mistake: 'The list is returned as it is; right answers, and hubs that cost hundreds of distances a hop.',
    find: `return ${SELECT}`,
    replace: 'return links[level]',
  },
  {
    name: 'passes-over-select',
    hole: 'shrink',
    mistake: 'The first Mmax are taken by hand: right today, deaf to tomorrow’s selection.',
    find: SELECT,
    replace: 'candidates.slice(0, Mmax).map((neighbor) => neighbor.id)',
  },
  {
    name: 'always-layer-0',
    hole: 'shrink',
    mistake: 'The list of layer 0 is read whatever the level: links to nodes that do not live there.',
    find: 'links[level].map((other)',
    replace: 'links[0].map((other)',
  },
  {
    name: 'measured-from-the-newcomer',
    hole: 'shrink',
    mistake: 'Distances are taken from the node that has just arrived, not from the one whose list it is.',
    find: MEASURE,
    replace: 'distance: distance(this.vector(links[level][links[level].length - 1]), this.vector(other))',
  },
  {
    name: 'measures-while-sorting',
    hole: 'shrink',
    mistake: 'Every comparison of the sort measures two distances anew: the same links, for several times the work.',
    find: SORT,
    replace: 'candidates.sort((a, b) => distance(vector, this.vector(a.id)) - distance(vector, this.vector(b.id)));',
  },
];
