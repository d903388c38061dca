/** One thread's hands on an HNSW index: what it does to the layered graph. Searches are `graph-thread.ts`'s. */
import { JOURNAL, layoutOf } from './graph-layout.ts';
import { FILTER_FROM, type GraphHandle, GraphThread, orBroken } from './graph-thread.ts';
import { levelOf } from './hnsw-levels.ts';
import { type AllHnswOptions, shapeOf, slackOf } from './hnsw-options.ts';

/** What another thread needs to work on the same index; can be posted to a worker. */
export type HnswHandle = GraphHandle<AllHnswOptions>;

export class HnswThread extends GraphThread<AllHnswOptions> {
  readonly #journal: Uint32Array;

  /** As thread number `thread` of those that the index was created for; the index's own is 0. One at a time may bear a number. */
  constructor(handle: HnswHandle, thread: number) {
    const { metric, filter, M, efConstruction, alpha, extendCandidates, keepPruned, buildMargin } = handle.options;
    super(handle, layoutOf(shapeOf(handle.options)), thread);
    const { kernels, u32 } = this.arena;
    const { journal, queryRecord, scratch, discarded, candidates } = this.at;
    this.#journal = u32.subarray(journal >>> 2, (journal >>> 2) + 16);
    kernels.configureHnsw(
      this.arena.at.state,
      M,
      slackOf(M),
      efConstruction,
      metric === 'manhattan' || metric === 'dot' ? alpha : alpha * alpha,
      extendCandidates,
      keepPruned,
      filter === 'sign',
      buildMargin,
      queryRecord,
      scratch,
      discarded,
      candidates,
    );
  }

  /**
   * Links the vector that was admitted, which fits, into the graph as `slot`; its upper lists begin with number `upper`.
   * `onDone` is called before the slot is forgotten: if this thread dies after it, the slot still counts as interrupted.
   */
  insert(slot: number, upper: number, onDone = () => {}): void {
    this.keepOriginal(slot);
    const level = this.#levelOf(slot);
    const { kernels } = this.arena;
    const done = orBroken(() => kernels.insert(this.at.query, slot, level, upper, slot >= FILTER_FROM), 0);
    if (!done) throw this.broken();
    onDone();
    this.forget();
  }

  /** The slot that a thread of this number was inserting when it died, or undefined. */
  get interrupted(): number | undefined {
    const noted = this.#journal[JOURNAL.inserting];
    return noted === 0 ? undefined : noted - 1;
  }

  /**
   * Finishes that insert, wherever it was broken off; its vector has been admitted. Whatever locks the dead thread held are given
   * back. Where the insert was complete already, nothing happens.
   */
  resume(upper: number): void {
    const slot = this.interrupted;
    if (slot === undefined) return;
    this.keepOriginal(slot);
    const done = this.arena.kernels.resume(this.at.query, slot, this.#levelOf(slot), upper, slot >= FILTER_FROM);
    if (!done) throw this.broken();
  }

  /** No slot is interrupted. */
  forget(): void {
    this.#journal[JOURNAL.inserting] = 0;
  }

  #levelOf(slot: number): number {
    return levelOf(this.options.seed, slot, this.options.M);
  }
}
