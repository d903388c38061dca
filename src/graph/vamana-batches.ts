/**
 * In which batches nodes are linked, and who is linked back to whom (Subramanya et al. 2019, algorithm 3; Manohar et al. 2024). The
 * links of a batch are chosen on the graph as it was before it; so batches grow with the graph, up to a fiftieth of it.
 */
import type { ChooseStep, Choosing, LinkBackStep } from './vamana-steps.ts';

export interface Linking {
  /** The slots to be linked, in order. */
  nodes: Uint32Array;
  /** How many nodes the graph has before the first batch. */
  linked: number;
  /** How many there will be. */
  total: number;
  choosing: Choosing;
  R: number;
  /** Makes these slots the node's links. */
  setLinks(slot: number, links: Uint32Array): void;
  /** For each of a batch the node that is to be its parent; without it, there are none. */
  parentsOf?(batch: Uint32Array, linksOf: (row: number) => Uint32Array): number[];
  onLinked(done: number): void;
}

/** A batch is at most this share of the graph. */
const MOST_SHARE = 0.02;

/** Goes over all nodes once; whoever is given a step does all its rows before he asks for the next one. */
export function* link(linking: Linking): Generator<ChooseStep | LinkBackStep, void> {
  const { nodes, total, choosing, R, setLinks, parentsOf, onLinked } = linking;
  const most = Math.max(1, Math.floor(total * MOST_SHARE));
  const chosen = sharedWords(Math.min(most, nodes.length) * R);
  const counts = sharedWords(Math.min(most, nodes.length));
  const places = new Uint32Array(total);
  let { linked } = linking;
  for (let from = 0; from < nodes.length; ) {
    const rows = Math.min(Math.max(1, linked), most, nodes.length - from);
    const batch = sharedWords(rows);
    batch.set(nodes.subarray(from, from + rows));
    yield { kind: 'choose', rows, nodes: batch, choosing, R, chosen, counts };
    const linksOf = (row: number) => chosen.subarray(row * R, row * R + counts[row]);
    const parents = parentsOf?.(batch, linksOf);
    batch.forEach((slot, row) => {
      setLinks(slot, linksOf(row));
    });
    const step = linkBackStep({ batch, linksOf, parents, places, alpha: choosing.alpha });
    if (step.rows > 0) yield step;
    from += rows;
    linked = Math.min(total, linked + rows);
    onLinked(from);
  }
}

/** The mark of an edge that pruning may not drop (`assembly/links.ts`). */
const KEPT = 0x80000000;

interface LinkingBack {
  batch: Uint32Array;
  linksOf(row: number): Uint32Array;
  parents: number[] | undefined;
  /** For each slot 0, before and after; a Map took a twentieth of a build, in which all threads but one wait. */
  places: Uint32Array;
  alpha: number;
}

/** Everybody who was chosen gets edges to those who chose him, in the order of the batch. */
function linkBackStep({ batch, linksOf, parents, places, alpha }: LinkingBack): LinkBackStep {
  const chosen: number[] = [];
  const arriving: number[] = [];
  const each = (visit: (target: number, edge: number) => void) => {
    for (let row = 0; row < batch.length; row++) {
      const slot = batch[row];
      const parent = parents?.[row];
      const links = linksOf(row);
      if (parent !== undefined && !links.includes(parent)) visit(parent, (slot | KEPT) >>> 0);
      for (let i = 0; i < links.length; i++) visit(links[i], links[i] === parent ? (slot | KEPT) >>> 0 : slot);
    }
  };
  each((target) => {
    if (places[target] === 0) {
      chosen.push(target);
      places[target] = arriving.push(1);
    } else arriving[places[target] - 1]++;
  });
  const rows = arriving.length;
  const targets = sharedWords(rows);
  targets.set(chosen);
  const starts = sharedWords(rows + 1);
  arriving.forEach((n, i) => {
    starts[i + 1] = starts[i] + n;
  });
  const next = starts.slice(0, rows);
  const edges = sharedWords(starts[rows]);
  each((target, edge) => {
    edges[next[places[target] - 1]++] = edge;
  });
  for (const target of chosen) places[target] = 0;
  return { kind: 'linkBack', rows, targets, starts, edges, alpha };
}

function sharedWords(n: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(n * 4));
}
