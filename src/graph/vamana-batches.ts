/**
 * In which batches nodes are linked, and who is linked back to whom (Subramanya et al. 2019, algorithm 3; Manohar et al. 2024). The
 * links of a batch are chosen on the graph as it was before it; so batches grow with the graph, up to a fiftieth of it.
 */
import { EDGE } from './graph-layout.ts';
import { type ChooseStep, type Choosing, type LinkStep, sharedWords } from './vamana-steps.ts';

export interface Linking {
  /** The slots to be linked, in order. */
  nodes: Uint32Array;
  /** How many nodes the graph has before the first batch. */
  linked: number;
  /** How many there will be. */
  total: number;
  choosing: Choosing;
  R: number;
  /** For each slot 0, before and after: room to note in; a Map took a twentieth of a build, in which all threads but one wait. */
  places: Uint32Array;
  /** For each of a batch the node that is to be its parent; without it, there are none. */
  parentsOf?(batch: Uint32Array, linksOf: (row: number) => Uint32Array): number[];
  onLinked(done: number): void;
}

/** A batch is at most this share of the graph. */
const MOST_SHARE = 0.02;

/** Goes over all nodes once; whoever is given a step does all its rows before he asks for the next one. */
export function* link(linking: Linking): Generator<ChooseStep | LinkStep, void> {
  const { total, choosing, R, places, parentsOf, onLinked } = linking;
  const most = Math.max(1, Math.floor(total * MOST_SHARE));
  const nodes = sharedWords(linking.nodes.length);
  nodes.set(linking.nodes);
  const room = roomFor(Math.min(most, nodes.length), R);
  const { chosen, counts } = room;
  let { linked } = linking;
  for (let from = 0; from < nodes.length; ) {
    const rows = Math.min(Math.max(1, linked), most, nodes.length - from);
    const batch = nodes.subarray(from, from + rows);
    const choice: ChooseStep = { kind: 'choose', rows, nodes: batch, choosing, R, chosen, counts };
    yield choice;
    const parents = parentsOf?.(batch, (row) => chosen.subarray(row * R, row * R + counts[row]));
    yield linkStep(choice, parents, places, room);
    from += rows;
    linked = Math.min(total, linked + rows);
    onLinked(from);
  }
}

/** What batches of so many nodes take, made once: what each left behind until it is collected would be more than the graph. */
type Room = ReturnType<typeof roomFor>;

function roomFor(batch: number, R: number) {
  // Every node gets its links, and one edge more where none of them is its parent.
  const edges = batch * (R + 1);
  return {
    ...{ chosen: sharedWords(batch * R), counts: sharedWords(batch) },
    ...{ from: new Uint32Array(edges), to: new Uint32Array(edges), next: new Uint32Array(batch + edges) },
    ...{ targets: sharedWords(batch + edges), starts: sharedWords(batch + edges + 1), edges: sharedWords(edges) },
  };
}

/** Everybody gets the links chosen for him, and everybody who was chosen edges to those who chose him, in the order of the batch. */
function linkStep(choice: ChooseStep, parents: number[] | undefined, places: Uint32Array, room: Room): LinkStep {
  const { nodes: batch, choosing } = choice;
  const { from, to, next, targets, starts, edges } = room;
  const n = edgesBack(choice, parents, room);
  // Whoever is met gets a place: the batch first, then the others as they come; behind it, how many edges he gets.
  targets.set(batch);
  let rows = batch.length;
  starts.fill(0, 0, rows + 1);
  for (let row = 0; row < rows; row++) places[batch[row]] = row + 1;
  for (let i = 0; i < n; i++) {
    const target = from[i];
    if (places[target] === 0) {
      targets[rows] = target;
      places[target] = ++rows;
      starts[rows] = 0;
    }
    starts[places[target]]++;
  }
  for (let row = 0; row < rows; row++) {
    next[row] = starts[row];
    starts[row + 1] += starts[row];
  }
  for (let i = 0; i < n; i++) edges[next[places[from[i]] - 1]++] = to[i];
  for (let row = 0; row < rows; row++) places[targets[row]] = 0;
  return { kind: 'link', rows, targets, starts, edges, alpha: choosing.alpha, choice };
}

/** Writes the edges from those who were chosen, or are parents, to those of the batch, in its order; returns how many. */
function edgesBack({ nodes: batch, R, chosen, counts }: ChooseStep, parents: number[] | undefined, room: Room): number {
  const { from, to } = room;
  let n = 0;
  for (let row = 0; row < batch.length; row++) {
    const slot = batch[row];
    const kept = (slot | EDGE.kept) >>> 0;
    const parent = parents ? parents[row] : NOBODY;
    let known = !parents;
    for (let i = row * R; i < row * R + counts[row]; i++) {
      const isParent = chosen[i] === parent;
      known ||= isParent;
      from[n] = chosen[i];
      to[n++] = isParent ? kept : slot;
    }
    if (!known) {
      from[n] = parent;
      to[n++] = kept;
    }
  }
  return n;
}

/** No slot. */
const NOBODY = -1;
