/** What hangs together in a graph: islands, and what can be reached from where. */
import type { Links } from './trace.ts';

/** Each node's component, links taken both ways; 0 is the largest, and so on down. */
export function componentsOf(links: Links): number[] {
  const parent = links.map((_, id) => id);
  const rootOf = (node: number): number => {
    let root = node;
    while (parent[root] !== root) {
      parent[root] = parent[parent[root]];
      root = parent[root];
    }
    return root;
  };
  for (const [from, neighbors] of links.entries()) {
    for (const to of Array.from(neighbors ?? [])) parent[rootOf(from)] = rootOf(to);
  }
  const sizes = new Map<number, number>();
  for (const node of parent.keys()) sizes.set(rootOf(node), (sizes.get(rootOf(node)) ?? 0) + 1);
  // Of equal size, the one that holds the smaller node comes first: the order of insertion into the map.
  const order = [...sizes.keys()].sort((a, b) => sizes.get(b)! - sizes.get(a)!);
  const rank = new Map(order.map((root, i) => [root, i]));
  return links.map((_, node) => rank.get(rootOf(node))!);
}

/**
 * Strongly connected components: the parts of a graph within which a way leads from every node to every other and back. A
 * walk can leave its part only for good, and one that starts outside of yours may find no way in. A graph that is one part
 * can be searched from anywhere. The number of each node's component, 0 for the largest.
 */
export function strongComponentsOf(links: Links): number[] {
  const into = reversed(links);
  // What belongs to a component already is out of the way of the others.
  const settled = new Set<number>();
  const components: number[][] = [];
  for (let id = 0; id < links.length; id++) {
    if (settled.has(id)) continue;
    // A node's component is what it reaches and is reached by.
    const reaching = reachableFrom(into, [id], settled);
    const component = [...reachableFrom(links, [id], settled)].filter((other) => reaching.has(other));
    for (const other of component) settled.add(other);
    components.push(component);
  }
  components.sort((a, b) => b.length - a.length);
  const numbers = new Array<number>(links.length);
  components.forEach((component, number) => {
    for (const id of component) numbers[id] = number;
  });
  return numbers;
}

/** The nodes to which links lead from `starts`, these included, by ways that pass through none of `except`. */
export function reachableFrom(links: Links, starts: Iterable<number>, except?: ReadonlySet<number>): Set<number> {
  const reached = new Set(starts);
  // A set is visited in the order of insertion, what is added on the way too.
  for (const node of reached) {
    for (const to of Array.from(links[node] ?? [])) if (!except?.has(to)) reached.add(to);
  }
  return reached;
}

/** The same links, read from the other end. */
function reversed(links: Links): number[][] {
  const into: number[][] = links.map(() => []);
  links.forEach((list, id) => {
    for (const other of Array.from(list ?? [])) into[other].push(id);
  });
  return into;
}
