/**
 * The caller's ids and our slots. As long as ids are 0, 1, 2, … in order of insertion, nothing is stored; the first other id
 * makes a table and a map. A slot may have given its id back, and is still one of those that are counted.
 */
import { DuplicateIdError, ParameterError } from './errors.ts';

export class Ids {
  #count = 0;
  /** id of each slot; undefined while ids are the slots. */
  #ids: Uint32Array | undefined;
  /** Slot of each id; made when it is first asked for. */
  #slots: Map<number, number> | undefined;
  /** Slots that have no id any more. */
  #vacant = new Set<number>();
  /** All ids from the count up to here are taken; only `vacate` and `truncate` give ids back. */
  #takenBelow = 0;

  /** `count` slots with these ids; without ids, they are the slots. `vacant` ones have none. */
  static of(count: number, ids?: Uint32Array, vacant?: Uint32Array): Ids {
    const made = new Ids();
    made.#count = count;
    made.#ids = ids;
    made.#vacant = new Set(vacant);
    return made;
  }

  get count(): number {
    return this.#count;
  }

  /** Ids that several slots have, as only a file that was forged makes them. */
  duplicates(): number[] {
    const listed = this.listed?.filter((_, slot) => !this.#vacant.has(slot)).toSorted() ?? new Uint32Array(0);
    return Array.from(new Set(listed.filter((id, i) => i > 0 && id === listed[i - 1])));
  }

  /** The id of every slot, or undefined while ids are the slots. */
  get listed(): Uint32Array | undefined {
    return this.#ids?.subarray(0, this.#count);
  }

  /** The slots that have no id any more, ascending. */
  get vacant(): Uint32Array {
    return Uint32Array.from(this.#vacant).sort();
  }

  isVacant(slot: number): boolean {
    return this.#vacant.has(slot);
  }

  /** The slot's id is free again, and the slot without one. */
  vacate(slot: number): void {
    const id = this.idOf(slot);
    this.#slots?.delete(id);
    this.#vacant.add(slot);
    this.#takenBelow = Math.min(this.#takenBelow, id);
  }

  idOf(slot: number): number {
    return this.#ids ? this.#ids[slot] : slot;
  }

  /** Slots → ids, in place. */
  translate(slots: Uint32Array): Uint32Array {
    const ids = this.#ids;
    if (ids) for (let i = 0; i < slots.length; i++) slots[i] = ids[slots[i]];
    return slots;
  }

  slotOf(id: number): number | undefined {
    if (this.#ids) return this.#slotsOf(this.#ids).get(id);
    return Number.isInteger(id) && id >= 0 && id < this.#count && !this.#vacant.has(id) ? id : undefined;
  }

  has(id: number): boolean {
    return this.slotOf(id) !== undefined;
  }

  /** Throws where one of the ids is no u32, is held already, or comes twice. */
  check(ids: ArrayLike<number>): void {
    const own = new Set<number>();
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) {
        throw new ParameterError({ parameter: 'id', got: id, want: 'ids are integers from 0 to 4294967295' });
      }
      if (this.has(id) || own.has(id)) throw new DuplicateIdError(id);
      own.add(id);
    }
  }

  /** The id that the next vector gets when the caller names none: its slot or, where that is taken, the next free one. */
  next(): number {
    return this.nextOf(1)[0];
  }

  /** The same for the next `n` vectors. */
  nextOf(n: number): Uint32Array {
    const ids = new Uint32Array(n);
    let id = Math.max(this.#takenBelow, this.#count);
    for (let i = 0; i < n; i++) {
      while (this.has(id)) id++;
      if (i === 0) this.#takenBelow = id;
      ids[i] = id++;
    }
    return ids;
  }

  /** Forgets the ids from slot `count` on. */
  truncate(count: number): void {
    for (let slot = count; slot < this.#count; slot++)
      if (!this.#vacant.delete(slot)) this.#slots?.delete(this.idOf(slot));
    this.#takenBelow = Math.min(this.#takenBelow, count);
    this.#count = count;
  }

  /** Gives each slot the id of slot `from[slot]`; `from` is a permutation of all of them. */
  permute(from: Uint32Array): void {
    if (from.every((old, slot) => old === slot)) return;
    this.#ids = from.map((old) => this.idOf(old));
    this.#slots = undefined;
    if (this.#vacant.size === 0) return;
    const vacant = this.#vacant;
    this.#vacant = new Set();
    from.forEach((old, slot) => {
      if (vacant.has(old)) this.#vacant.add(slot);
    });
  }

  /** Gives the next slot this id, which `check` let pass. */
  push(id: number): void {
    const slot = this.#count++;
    if (!this.#ids && id !== slot) {
      this.#ids = Uint32Array.from({ length: slot }, (_, i) => i);
    }
    if (!this.#ids) return;
    const slots = this.#slotsOf(this.#ids, slot);
    if (slot >= this.#ids.length) {
      const grown = new Uint32Array(Math.max(1024, 2 * slot));
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids[slot] = id;
    slots.set(id, slot);
  }

  #slotsOf(ids: Uint32Array, count = this.#count): Map<number, number> {
    if (!this.#slots) {
      this.#slots = new Map();
      for (let slot = 0; slot < count; slot++) if (!this.#vacant.has(slot)) this.#slots.set(ids[slot], slot);
    }
    return this.#slots;
  }
}
