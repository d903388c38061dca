/** What can be wrong with a layered graph, looked for node by node. */

/** Nodes that are deleted: those that are marked, those whose ids are free, ascending, and how many walks believe there are. */
export interface DeletedNodes {
  marked: Uint32Array;
  vacant: Uint32Array;
  counted: number;
}

/** A sentence for each node of which the marks say one thing and the ids another. */
export function faultsOfDeleted({ marked, vacant, counted }: DeletedNodes): string[] {
  const faults: string[] = [];
  const [marks, free] = [new Set(marked), new Set(vacant)];
  for (const slot of marked) if (!free.has(slot)) faults.push(`node ${slot} is deleted, and its id is not free`);
  for (const slot of vacant) if (!marks.has(slot)) faults.push(`node ${slot} has no id, and is not deleted`);
  if (counted !== marked.length) faults.push(`${counted} nodes are said to be deleted, and ${marked.length} are`);
  return faults;
}

/** The graph as `faultsOf` sees it. */
export interface LayeredLinks {
  /** Nodes that the index holds, and as many as the graph itself counts. */
  count: number;
  held: number;
  entryPoint: number;
  topLevel: number;
  /** Links that a list of the level may hold. */
  mostLinks(level: number): number;
  /** The level that the seed gives to a slot, and the one that it is on. */
  drawnLevel(slot: number): number;
  levelOf(slot: number): number;
  linksOf(slot: number, level: number): Uint32Array;
  /** Of these, those that lead a parent to its children; and those that lead an entry point to the one before it. */
  childrenOf(slot: number, level: number): Uint32Array;
  waysOf(slot: number, level: number): Uint32Array;
  /** How many children and ways a list may have, as pruning drops none of them. */
  mostKept: number;
  /** Where the node's lists above level 0 begin, and how many such lists are in use; they are given out in the order of slots. */
  upperOf(slot: number): number;
  upperLists: number;
  /** Whether a writer holds the node's lock; with nobody writing, none may be held. */
  isLocked(slot: number): boolean;
  entryIsLocked: boolean;
}

/**
 * A sentence for everything that is broken: degrees beyond their bound, links to nobody, to the node itself, twice to the same,
 * or to a node that is not on that level; a lock that nobody gave back; a level that is not the drawn one; a wrong entry point;
 * nodes of a level that cannot be reached from it; parents and children that are no tree. None: the graph is whole.
 */
export function faultsOf(graph: LayeredLinks): string[] {
  const { count, held, entryPoint, topLevel } = graph;
  const faults: string[] = [];
  if (held !== count) faults.push(`the graph counts ${held} nodes and the index ${count}`);
  if (entryPoint >= count) return [...faults, `the entry point ${entryPoint} is not one of ${count} nodes`];
  // Whole words: a level that is 256 too high is not the right one.
  const levels = Uint32Array.from({ length: count }, (_, slot) => graph.levelOf(slot));
  const highest = levels.reduce((a, b) => Math.max(a, b), 0);
  if (topLevel !== highest) faults.push(`the top level is said to be ${topLevel} and is ${highest}`);
  if (levels[entryPoint] !== highest)
    faults.push(`the entry point ${entryPoint} is on level ${levels[entryPoint]}, not on ${highest}`);
  if (graph.entryIsLocked) faults.push('the lock of the entry point is held');
  let upper = 0;
  for (let slot = 0; slot < count; slot++) {
    if (graph.isLocked(slot)) faults.push(`node ${slot}: its lock is held`);
    const drawn = graph.drawnLevel(slot);
    const expected = upper;
    upper += drawn;
    if (levels[slot] !== drawn) {
      faults.push(`node ${slot} is on level ${levels[slot]}, drawn was ${drawn}`);
      continue;
    }
    const lists = graph.upperOf(slot);
    if (levels[slot] > 0 && lists !== expected) {
      faults.push(`node ${slot}: its upper lists begin with number ${lists}, and should with ${expected}`);
      continue;
    }
    for (let level = 0; level <= levels[slot]; level++) faults.push(...faultsOfList(graph, slot, level, levels));
  }
  if (upper !== graph.upperLists) faults.push(`${graph.upperLists} upper lists are in use, and levels make ${upper}`);
  return faults.length > 0 ? faults : [...unreached(graph, levels), ...faultsOfTrees(graph, levels)];
}

function faultsOfList(graph: LayeredLinks, slot: number, level: number, levels: Uint32Array): string[] {
  const where = `node ${slot}, level ${level}`;
  const list = graph.linksOf(slot, level);
  const most = graph.mostLinks(level);
  if (list.length > most) return [`${where}: ${list.length} links, at most ${most} may be`];
  const faults: string[] = [];
  for (const link of list) {
    if (link >= graph.count) faults.push(`${where}: a link to ${link}, and there are ${graph.count} nodes`);
    else if (link === slot) faults.push(`${where}: a link to itself`);
    else if (levels[link] < level) faults.push(`${where}: a link to ${link}, which is on level ${levels[link]} only`);
  }
  if (new Set(list).size < list.length) faults.push(`${where}: two links to the same node`);
  const ways = graph.waysOf(slot, level).length;
  const kept = ways + graph.childrenOf(slot, level).length;
  if (kept > graph.mostKept) faults.push(`${where}: ${kept} links that must stay, at most ${graph.mostKept} may be`);
  if (ways > 1) faults.push(`${where}: ${ways} links to the entry point before it`);
  return faults;
}

/** On each level, the nodes to which no way leads from the entry point or from a node reached on a level above. */
function unreached({ count, entryPoint, linksOf }: LayeredLinks, levels: Uint32Array): string[] {
  const faults: string[] = [];
  const reached = new Uint8Array(count);
  const order = [entryPoint];
  reached[entryPoint] = 1;
  for (let level = levels[entryPoint]; level >= 0; level--) {
    for (let i = 0; i < order.length; i++) {
      for (const link of linksOf(order[i], level)) {
        if (reached[link]) continue;
        reached[link] = 1;
        order.push(link);
      }
    }
    for (let slot = 0; slot < count; slot++) {
      if (levels[slot] >= level && !reached[slot]) faults.push(`node ${slot}, level ${level}: no way leads to it`);
    }
  }
  return faults;
}

/**
 * Every level is a tree of parents and children: all but the first node have one parent, and from the first all can be reached.
 * Whoever inserts goes down it until there is room (`assembly/hnsw.ts`), and would not come back from a circle.
 */
function faultsOfTrees({ count, childrenOf }: LayeredLinks, levels: Uint32Array): string[] {
  const faults: string[] = [];
  const highest = levels.reduce((a, b) => Math.max(a, b), 0);
  for (let level = highest; level >= 0; level--) {
    const parents = new Uint32Array(count);
    const members: number[] = [];
    for (let slot = 0; slot < count; slot++) {
      if (levels[slot] < level) continue;
      members.push(slot);
      for (const child of childrenOf(slot, level)) parents[child]++;
    }
    for (const slot of members)
      if (parents[slot] > 1) faults.push(`node ${slot}, level ${level}: ${parents[slot]} parents`);
    const order = members.filter((slot) => parents[slot] === 0);
    if (order.length !== 1)
      faults.push(`level ${level}: ${order.length} nodes have no parent, and one should have none`);
    if (faults.length > 0) continue;
    for (let i = 0; i < order.length; i++) order.push(...childrenOf(order[i], level));
    if (order.length < members.length)
      faults.push(`level ${level}: ${members.length - order.length} nodes are their own forefathers`);
  }
  return faults;
}
