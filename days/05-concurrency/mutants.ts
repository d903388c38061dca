import type { Mutant } from 'annlab/exercises';

const READ = 'for (let i = yield* load(list); i > 0; i--) links.push(yield* load(list + i));';
const APPEND = `  yield* store(list + count, link);
  yield* store(list, count);
`;
const COMPACT = `  let kept = 0;
  for (let i = 1; i <= count; i++) {
    const other = yield* load(list + i);
    if (stay.has(other)) yield* store(list + ++kept, other);
  }
  yield* store(list, kept);
`;
const OWN = `  for (const [i, neighbor] of neighbors.entries()) yield* store(own + 1 + i, neighbor);
  yield* store(own, neighbors.length);
`;
const TAKE = '    while ((yield* compareExchange(lock, FREE, me)) !== FREE);\n';
const UNDER_LOCK = `    const lock = graph.lockOf(neighbor);
${TAKE}    yield* addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
    yield* store(lock, FREE);
`;

export const mutants: Mutant[] = [
  {
    name: 'reads-upwards',
    hole: 'read-links',
    mistake: 'Reads from the first link to the last: a survivor that a prune moves to the front slips past.',
    find: READ,
    replace: `const count = yield* load(list);
  for (let i = 1; i <= count; i++) links.push(yield* load(list + i));`,
  },
  {
    name: 'follows-the-count',
    hole: 'read-links',
    mistake: 'Goes upwards and asks for the count again at every link, so as to be up to date.',
    find: READ,
    replace: 'for (let i = 1; i <= (yield* load(list)); i++) links.push(yield* load(list + i));',
  },
  {
    name: 'reads-until-stable',
    hole: 'read-links',
    mistake: 'Reads until two passes agree: right, and beside a busy writer it may take for ever.',
    find: `  ${READ}
  return links;`,
    replace: `  for (let last = ''; ; last = links.join()) {
    links.length = 0;
    ${READ}
    if (links.join() === last) return links;
  }`,
  },
  {
    name: 'locks-to-read',
    hole: 'read-links',
    mistake: 'Takes the lock for reading as well: right, and every search now stands in line.',
    find: `  ${READ}
  return links;`,
    replace: `  while ((yield* compareExchange(list - 1, FREE, 99)) !== FREE);
  ${READ}
  yield* store(list - 1, FREE);
  return links;`,
  },
  {
    name: 'stops-before-the-first',
    hole: 'read-links',
    mistake: 'Counts places from 0 and ends one too early.',
    find: 'i > 0; i--',
    replace: 'i > 1; i--',
  },
  {
    name: 'count-before-link',
    hole: 'add-link',
    mistake: 'Publishes before it writes: for one step the count promises a place that nobody has filled.',
    find: APPEND,
    replace: `  yield* store(list, count);
  yield* store(list + count, link);
`,
  },
  {
    name: 'overwrites-the-last',
    hole: 'add-link',
    mistake: 'Is one place off: the new link lands on the last one.',
    find: 'yield* store(list + count, link);',
    replace: 'yield* store(list + count - 1, link);',
  },
  {
    name: 'never-prunes',
    hole: 'add-link',
    mistake: 'Lets the list grow.',
    find: 'if (count <= most) return;',
    replace: 'if (count > 0) return;',
  },
  {
    name: 'shrinks-first',
    hole: 'add-link',
    mistake: 'Writes the new count before the survivors have moved: for a while those at the back are out of reach.',
    find: COMPACT,
    replace: `  yield* store(list, stay.size);
  let kept = 0;
  for (let i = 1; i <= count; i++) {
    const other = yield* load(list + i);
    if (stay.has(other)) yield* store(list + ++kept, other);
  }
`,
  },
  {
    name: 'empties-first',
    hole: 'add-link',
    mistake: 'Empties the list and fills it again: whoever reads meanwhile finds nothing.',
    find: COMPACT,
    replace: `  yield* store(list, 0);
  let kept = 0;
  for (const other of stay) yield* store(list + ++kept, other);
  yield* store(list, kept);
`,
  },
  {
    name: 'writes-in-their-order',
    hole: 'add-link',
    mistake:
      'Writes the survivors down in the order in which they come, nearest first, over others that have not moved yet.',
    find: COMPACT,
    replace: `  let kept = 0;
  for (const other of stay) yield* store(list + ++kept, other);
  yield* store(list, kept);
`,
  },
  {
    name: 'moves-to-the-back',
    hole: 'add-link',
    mistake:
      'Gathers the survivors at the back before it moves them to the front: a reader on its way down is passed twice.',
    find: COMPACT,
    replace: `  let from = count;
  for (let i = count; i > 0; i--) {
    const other = yield* load(list + i);
    if (stay.has(other)) yield* store(list + from--, other);
  }
  const kept = count - from;
  for (let i = 1; i <= kept; i++) yield* store(list + i, yield* load(list + from + i));
  yield* store(list, kept);
`,
  },
  {
    name: 'forgets-the-count',
    hole: 'add-link',
    mistake: 'Moves the survivors and leaves the count as it was: what was dropped stays.',
    find: '  yield* store(list, kept);\n',
    replace: '',
  },
  {
    name: 'no-lock',
    hole: 'connect',
    mistake: 'Takes no lock: a list has one writer only as long as nobody else comes.',
    find: `${TAKE}    yield* addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
    yield* store(lock, FREE);
`,
    replace: `    if (lock >= 0) yield* addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
`,
  },
  {
    name: 'ignores-the-answer',
    hole: 'connect',
    mistake: 'Asks once and goes on, whatever the answer was.',
    find: TAKE,
    replace: '    yield* compareExchange(lock, FREE, me);\n',
  },
  {
    name: 'check-then-act',
    hole: 'connect',
    mistake:
      'Waits until the lock is free, and then writes its number: two steps, between which another does the same.',
    find: TAKE,
    replace: `    while ((yield* load(lock)) !== FREE);
    yield* store(lock, me);
`,
  },
  {
    name: 'swapped-arguments',
    hole: 'connect',
    mistake: 'Exchanges its own number for FREE: the word holds FREE, so the answer is FREE, and nothing was taken.',
    find: 'compareExchange(lock, FREE, me)',
    replace: 'compareExchange(lock, me, FREE)',
  },
  {
    name: 'frees-what-it-does-not-hold',
    hole: 'connect',
    mistake: 'Frees the lock before it takes it, to be on the safe side.',
    find: TAKE,
    replace: `    yield* store(lock, FREE);
${TAKE}`,
  },
  {
    name: 'unlocks-too-early',
    hole: 'connect',
    mistake: 'Frees the lock before the list is written.',
    find: UNDER_LOCK,
    replace: `    const lock = graph.lockOf(neighbor);
${TAKE}    yield* store(lock, FREE);
    yield* addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
`,
  },
  {
    name: 'unlock-without-yield',
    hole: 'connect',
    mistake: 'Calls store without yield*: a generator is made that nobody runs, and the lock stays held.',
    find: 'yield* store(lock, FREE);',
    replace: 'store(lock, FREE);',
  },
  {
    name: 'locks-itself',
    hole: 'connect',
    mistake: 'Takes the lock of the new node, which nobody wants, and writes the list of another.',
    find: 'const lock = graph.lockOf(neighbor);',
    replace: 'const lock = graph.lockOf(node);',
  },
  {
    name: 'one-lock-for-all',
    hole: 'connect',
    mistake: 'Takes the lock of node 0, whatever it writes: right, and one writer at a time.',
    find: 'const lock = graph.lockOf(neighbor);',
    replace: 'const lock = graph.lockOf(0);',
  },
  {
    name: 'takes-all-first',
    hole: 'connect',
    mistake: 'Takes all locks, nearest neighbor first, before it writes: two newcomers wait for each other.',
    find: `  for (const neighbor of neighbors) {
${UNDER_LOCK}  }`,
    replace: `  for (const neighbor of neighbors) {
    while ((yield* compareExchange(graph.lockOf(neighbor), FREE, me)) !== FREE);
  }
  for (const neighbor of neighbors) yield* addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
  for (const neighbor of neighbors) yield* store(graph.lockOf(neighbor), FREE);`,
  },
  {
    name: 'takes-all-in-order',
    hole: 'connect',
    mistake:
      'Takes all locks in the order of the nodes: nobody is stuck, and everybody waits for whoever holds the most.',
    find: `  for (const neighbor of neighbors) {
${UNDER_LOCK}  }`,
    replace: `  const sorted = [...neighbors].sort((a, b) => a - b);
  for (const neighbor of sorted) {
    while ((yield* compareExchange(graph.lockOf(neighbor), FREE, me)) !== FREE);
  }
  for (const neighbor of neighbors) yield* addLink(graph.listOf(neighbor), node, graph.pruning(neighbor));
  for (const neighbor of sorted) yield* store(graph.lockOf(neighbor), FREE);`,
  },
  {
    name: 'back-before-own',
    hole: 'connect',
    mistake:
      'Links the neighbors back before the newcomer has a list of its own: whoever comes to it is at a dead end.',
    find: `${OWN}  for (const neighbor of neighbors) {
${UNDER_LOCK}  }
`,
    replace: `  for (const neighbor of neighbors) {
${UNDER_LOCK}  }
${OWN}`,
  },
  {
    name: 'bit-by-bit',
    hole: 'connect',
    mistake:
      'Links with one neighbor after the other, both ways each: the first knows a newcomer whose list is not done.',
    find: `${OWN}  for (const neighbor of neighbors) {
`,
    replace: `  for (const [i, neighbor] of neighbors.entries()) {
    yield* store(own + 1 + i, neighbor);
    yield* store(own, i + 1);
`,
  },
  {
    name: 'locks-its-own-list',
    hole: 'connect',
    mistake: 'Takes a lock for the newcomer’s own list, which nobody can see: right, and one lock too many.',
    find: OWN,
    replace: `  while ((yield* compareExchange(graph.lockOf(node), FREE, me)) !== FREE);
${OWN}  yield* store(graph.lockOf(node), FREE);
`,
  },
];
