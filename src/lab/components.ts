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

/** The nodes to which links lead from `start`, followed in their direction; `start` itself included. */
export function reachableFrom(links: Links, start: number): Set<number> {
  const reached = new Set([start]);
  // A set is visited in the order of insertion, what is added on the way too.
  for (const node of reached) for (const to of Array.from(links[node] ?? [])) reached.add(to);
  return reached;
}
