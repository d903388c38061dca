/**
 * Where graphs too large for memory are built piece by piece: a Vamana of a fixed size whose nodes are written, linked and read
 * in steps, and then others in their place. It is reserved once, so that no more memory is ever taken than that. Under 7-bit
 * codes it does without the exact vectors: nodes are looked for by what their codes stand for.
 */
import { NODE, STATE } from './graph-layout.ts';
import { modelOf } from './graph-options.ts';
import { Vamana } from './vamana.ts';
import { completeVamanaOptions, type VamanaOptions } from './vamana-options.ts';
import type { LinkStep, PlaceStep, Step } from './vamana-steps.ts';

export class ShardRoom extends Vamana {
  /** Throws what `Vamana.create` throws. */
  static reserve(options: VamanaOptions): ShardRoom {
    const complete = completeVamanaOptions(options);
    const model = modelOf(options.codes, complete);
    return new ShardRoom(complete, { ...(model && { model }), originals: typeof complete.codes === 'object' });
  }

  /** From now on records hold codes, because not all vectors are bytes. To be called before there are other threads. */
  leaveBytes(): void {
    if (this.thread.form === 'u8') this.thread.leaveBytes(0);
  }

  /** The nodes that come next lie about this centre, which signs are taken from; their links may lead to `rows` slots. */
  begin(rows: number, centre: Float64Array): void {
    this.setState(STATE.claimed, rows);
    if (this.options.filter !== 'sign') return;
    this.thread.moveCentre(centre, 1);
    this.thread.endEra();
  }

  /** These vectors, in shared memory, become the nodes from slot `first` on, without links. */
  placing(vectors: Float32Array, first: number): PlaceStep {
    return { kind: 'place', rows: vectors.length / this.dimension, vectors, first };
  }

  /** The steps by which the first `rows` nodes become a graph, searched from slot 0: `Vamana.build`'s, but for the tree. */
  linking(rows: number, onLinked: (share: number) => void): Generator<Step, void> {
    return this.linkingAll(rows, onLinked);
  }

  /**
   * The step that gives nodes without links, `targets`, those listed or, where they are more than a list holds, what RobustPrune
   * with α = 1 leaves of them. Target i's are `edges` from `starts[i]` to `starts[i + 1]`; all in shared memory.
   */
  choosing(rows: number, lists: Pick<LinkStep, 'targets' | 'starts' | 'edges'>): LinkStep {
    return { kind: 'link', rows, ...lists, alpha: 1 };
  }

  /** The slots that a node is linked to; a view. */
  links(slot: number): Uint32Array {
    const at = this.#listAt(slot);
    const { u32 } = this.arena;
    return u32.subarray(at + 1, at + 1 + u32[at]);
  }

  /** Makes these the node's edges: words with their marks, which may name slots that are not here. */
  writeList(slot: number, edges: Uint32Array): void {
    const at = this.#listAt(slot);
    const { u32 } = this.arena;
    const end = (this.arena.at.records + (slot + 1) * this.layout.recordBytes) >>> 2;
    u32[at] = edges.length;
    u32.set(edges, at + 1);
    u32.fill(0, at + 1 + edges.length, end);
  }

  /** What a file's section says of the first `rows` nodes. */
  section(name: 'records' | 'signs' | 'finer', rows: number): Uint8Array {
    const { recordBytes, signBytes, finerBytes } = this.layout;
    const stride = { records: recordBytes, signs: signBytes, finer: finerBytes }[name];
    const at = this.arena.at[name];
    return this.arena.bytes.subarray(at, at + rows * stride);
  }

  #listAt(slot: number): number {
    const { recordBytes, vectorBytes } = this.layout;
    return (this.arena.at.records + slot * recordBytes + vectorBytes + NODE.count * 4) >>> 2;
  }
}
