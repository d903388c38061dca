/**
 * Strongly connected components: the parts of a graph within which a way leads from every node to every other and back. A
 * walk can leave its part only for good, and one that starts outside of yours may find no way in. A graph that is one part
 * can be searched from anywhere.
 */
import type { Links } from 'annlab/lab';

/**
 * The number of each node's component, 0 for the largest. A node's component is what it reaches and is reached by; what
 * belongs to a component already is out of the way of the others.
 */
export function strongComponentsOf(links: Links): number[] {
  const into = reversed(links);
  const settled = new Set<number>();
  const components: number[][] = [];
  for (let id = 0; id < links.length; id++) {
    if (settled.has(id)) continue;
    const reaching = reached(into, id, settled);
    const component = [...reached(links, id, settled)].filter((other) => reaching.has(other));
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

/** The nodes to which a way leads from `start`, itself included, that passes through none of `settled`. */
function reached(links: Links, start: number, settled: ReadonlySet<number>): Set<number> {
  const found = new Set([start]);
  for (const id of found) {
    for (const next of Array.from(links[id] ?? [])) if (!settled.has(next)) found.add(next);
  }
  return found;
}

/** The same links, read from the other end. */
function reversed(links: Links): number[][] {
  const into: number[][] = links.map(() => []);
  links.forEach((list, id) => {
    for (const other of Array.from(list ?? [])) into[other].push(id);
  });
  return into;
}
