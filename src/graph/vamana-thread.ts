/** One thread's hands on a Vamana index: what it does to the graph. Searches are `graph-thread.ts`'s. */
import { copyU32 } from '../kernels/memory.ts';
import { layoutOf } from './graph-layout.ts';
import { type GraphHandle, GraphThread, orBroken } from './graph-thread.ts';
import { surveyBlock } from './survey.ts';
import { type AllVamanaOptions, MOST_SOURCES, mostVisited, vamanaShapeOf, vamanaSlackOf } from './vamana-options.ts';
import type { Choosing, Step } from './vamana-steps.ts';

/** What another thread needs to work on the same index; can be posted to a worker. */
export type VamanaHandle = GraphHandle<AllVamanaOptions>;

export class VamanaThread extends GraphThread<AllVamanaOptions> {
  /** As thread number `thread` of those that the index was created for; the index's own is 0. One at a time may bear a number. */
  constructor(handle: VamanaHandle, thread: number) {
    const { filter, R, L, settle, saturate, steppedAlpha, buildMargin } = handle.options;
    const shape = vamanaShapeOf(handle.options);
    super(handle, layoutOf(shape), thread);
    const { queryRecord, scratch, discarded, candidates } = this.at;
    this.arena.kernels.configureVamana(
      this.arena.at.state,
      R,
      vamanaSlackOf(R),
      settle,
      saturate,
      steppedAlpha,
      filter === 'sign',
      this.space.lifted,
      buildMargin,
      queryRecord,
      scratch,
      discarded,
      candidates,
      mostVisited(L),
      shape.mostCandidates,
    );
  }

  /** What this thread does for a row of the step; what a thread that died had begun is simply done again. */
  rowsOf(step: Step): (row: number) => void {
    switch (step.kind) {
      case 'survey':
        return (block) => surveyBlock(this, step, block);
      case 'place': {
        const { vectors, first } = step;
        const dimension = vectors.length / step.rows;
        return (row) => {
          this.admit(vectors.subarray(row * dimension, (row + 1) * dimension), `row ${row}`);
          this.place(first + row);
        };
      }
      case 'choose': {
        const { nodes, choosing, R, chosen, counts } = step;
        return (row) => {
          const links = this.chooseLinks(nodes[row], choosing);
          chosen.set(links, row * R);
          counts[row] = links.length;
        };
      }
      case 'repair': {
        const { nodes, alpha } = step;
        return (row) => this.repair(nodes[row], alpha);
      }
      case 'link': {
        const { targets, starts, edges, alpha, choice } = step;
        return (row) => {
          if (choice && row < choice.rows) {
            const { R, chosen, counts } = choice;
            this.setLinks(targets[row], chosen.subarray(row * R, row * R + counts[row]));
          }
          for (let from = starts[row]; from < starts[row + 1]; from += MOST_SOURCES) {
            const to = Math.min(from + MOST_SOURCES, starts[row + 1]);
            this.linkBack(targets[row], edges.subarray(from, to), alpha);
          }
        };
      }
    }
  }

  /** Writes the vector that was admitted, which fits, as the node `slot`: without links, so that nobody finds it. */
  place(slot: number): void {
    this.keepOriginal(slot);
    this.arena.kernels.place(this.at.query, slot);
  }

  /**
   * The slots, R of them at most, that GreedySearch for the node, with a beam of L, and RobustPrune choose; the graph may be
   * searched meanwhile. Throws BrokenIndexError.
   */
  chooseLinks(slot: number, choosing: Choosing): Uint32Array {
    const { alpha, L = this.options.L, filtered } = choosing;
    const { kernels, u32 } = this.arena;
    const { query, slots } = this.at;
    this.readmit(slot);
    const stretch = this.#unitOf(alpha);
    const n = orBroken(() => kernels.chooseLinks(query, slot, stretch, L, filtered, slots), -1);
    if (n < 0) throw this.broken();
    return copyU32(u32, slots, n);
  }

  /** Makes these slots the node's links. */
  setLinks(slot: number, links: Uint32Array): void {
    this.arena.kernels.setLinks(slot, this.#lay(links), links.length);
  }

  /** Links the node to these, edges with marks; where its list is full, RobustPrune says which of all stay. Throws BrokenIndexError. */
  linkBack(slot: number, edges: Uint32Array, alpha: number): void {
    const { kernels } = this.arena;
    if (kernels.linkBack(slot, this.#lay(edges), edges.length, this.#unitOf(alpha)) === 0) throw this.broken();
  }

  /** Replaces the node's deleted neighbours by what they are linked to, pruned; and no edge is kept any more. Throws BrokenIndexError. */
  repair(slot: number, alpha: number): void {
    if (orBroken(() => this.arena.kernels.repair(slot, this.#unitOf(alpha)), 0) === 0) throw this.broken();
  }

  /** Puts words where the kernels can read them. */
  #lay(words: Uint32Array): number {
    this.arena.u32.set(words, this.at.slots >>> 2);
    return this.at.slots;
  }

  /** α in the unit of the distance: squared where distances are (and 1 − cos is half a square). */
  #unitOf(alpha: number): number {
    return this.space.metric === 'manhattan' ? alpha : alpha * alpha;
  }
}
