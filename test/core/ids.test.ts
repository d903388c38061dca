import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DuplicateIdError, ParameterError } from '../../src/core/errors.ts';
import { Ids } from '../../src/core/ids.ts';
import { Random } from '../../src/core/random.ts';

/** What `Ids` should be, as a list; a slot whose id is free has none. */
class Model {
  readonly ids: (number | undefined)[] = [];

  next(): number {
    let id = this.ids.length;
    while (this.ids.includes(id)) id++;
    return id;
  }
}

describe('Ids', () => {
  it('is a list of distinct ids with default ones: the same answers as a plain list, at every step', () => {
    const step = fc.oneof(
      { arbitrary: fc.constant(undefined), weight: 3 },
      { arbitrary: fc.integer({ min: 0, max: 40 }), weight: 2 },
      { arbitrary: fc.integer({ min: 2 ** 32 - 3, max: 2 ** 32 - 1 }), weight: 1 },
      { arbitrary: fc.record({ forget: fc.integer({ min: 0, max: 5 }) }), weight: 1 },
      { arbitrary: fc.constant('saved and opened' as const), weight: 1 },
      { arbitrary: fc.record({ permuted: fc.integer({ min: 0, max: 1000 }) }), weight: 1 },
      { arbitrary: fc.record({ vacated: fc.integer({ min: 0, max: 1000 }) }), weight: 2 },
    );
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let ids = new Ids();
      const model = new Model();
      for (const wanted of steps) {
        if (wanted === 'saved and opened') {
          const listed = Array.from(ids.listed ?? model.ids.keys());
          expect(listed.map((id, slot) => (model.ids[slot] === undefined ? undefined : id))).toEqual(model.ids);
          ids = Ids.of(ids.count, ids.listed?.slice(), ids.vacant);
          continue;
        }
        if (typeof wanted === 'object' && 'vacated' in wanted) {
          const held = Array.from(model.ids.keys()).filter((slot) => model.ids[slot] !== undefined);
          if (held.length === 0) continue;
          const slot = held[wanted.vacated % held.length];
          ids.vacate(slot);
          model.ids[slot] = undefined;
          continue;
        }
        if (typeof wanted === 'object' && 'permuted' in wanted) {
          const from = new Random(wanted.permuted).permutation(model.ids.length);
          ids.permute(from);
          model.ids.splice(0, Number.POSITIVE_INFINITY, ...Array.from(from, (slot) => model.ids[slot]));
          continue;
        }
        if (typeof wanted === 'object') {
          const count = Math.max(0, model.ids.length - wanted.forget);
          ids.truncate(count);
          model.ids.length = count;
          continue;
        }
        const id = wanted ?? ids.next();
        if (wanted === undefined) expect(id).toBe(model.next());
        if (model.ids.includes(id)) {
          expect(() => ids.check([id])).toThrow(DuplicateIdError);
          continue;
        }
        ids.check([id]);
        ids.push(id);
        model.ids.push(id);
        expect(ids.count).toBe(model.ids.length);
      }
      expect(ids.duplicates()).toEqual([]);
      const vacant = Array.from(model.ids.keys()).filter((slot) => model.ids[slot] === undefined);
      expect(Array.from(ids.vacant)).toEqual(vacant);
      for (const [slot, id] of model.ids.entries()) {
        expect(ids.isVacant(slot)).toBe(id === undefined);
        if (id === undefined) continue;
        expect(ids.idOf(slot)).toBe(id);
        expect(ids.slotOf(id)).toBe(slot);
        expect(ids.has(id)).toBe(true);
      }
      const named = Array.from(model.ids.entries()).filter(([, id]) => id !== undefined);
      const slots = Uint32Array.from(named, ([slot]) => slot).reverse();
      expect(Array.from(ids.translate(slots))).toEqual(named.map(([, id]) => id).reverse());
      for (let id = 0; id < 110; id++) expect(ids.has(id)).toBe(model.ids.includes(id));
    });
    fc.assert(property, { seed: 20_160_328, numRuns: 300 });
  });

  it('nextOf gives as many distinct free ids, the first of which next gives, and takes none', () => {
    const ids = new Ids();
    for (const id of [3, 0, 5]) ids.push(id);
    expect(Array.from(ids.nextOf(4))).toEqual([4, 6, 7, 8]);
    expect(Array.from(ids.nextOf(4))).toEqual([4, 6, 7, 8]);
    expect(ids.next()).toBe(4);
    expect(Array.from(ids.nextOf(0))).toEqual([]);
    ids.push(4);
    ids.push(7);
    expect(Array.from(ids.nextOf(3))).toEqual([6, 8, 9]);
    ids.check(ids.nextOf(100));
  });

  it('finds the next free id without searching again past the same taken ones', () => {
    const n = 30_000;
    const ids = new Ids();
    for (let i = 0; i < n; i++) ids.push(n + i);
    let asked = 0;
    const { has } = Ids.prototype;
    ids.has = function counted(id) {
      asked++;
      return has.call(this, id);
    };
    for (let i = 0; i < n; i++) {
      const id = ids.next();
      ids.push(id);
      if (i % 10_000 === 0) expect(id).toBe(2 * n + i);
    }
    expect(asked).toBeLessThan(4 * n);
  });

  it('check refuses what is no u32, what is held, and what comes twice, and changes nothing', () => {
    const ids = new Ids();
    ids.push(0);
    ids.push(9);
    for (const id of [-1, 0.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, '3', null, 7n]) {
      const check = () => ids.check([4, id as number]);
      expect(check).toThrow(ParameterError);
      expect(check).toThrow(`id = ${id}: ids are integers from 0 to 4294967295`);
    }
    expect(() => ids.check([4, 9])).toThrow(new DuplicateIdError(9));
    expect(() => ids.check([4, 4])).toThrow(new DuplicateIdError(4));
    ids.check([4, 2 ** 32 - 1]);
    ids.check([]);
    expect(ids.count).toBe(2);
    expect(ids.has(4)).toBe(false);
  });

  it('without ids of the caller’s, ids are slots', () => {
    const ids = new Ids();
    for (let i = 0; i < 5; i++) ids.push(ids.next());
    const slots = Uint32Array.of(4, 2);
    expect(ids.translate(slots)).toBe(slots);
    expect(Array.from(slots)).toEqual([4, 2]);
    expect([ids.slotOf(4), ids.slotOf(5), ids.slotOf(-1), ids.slotOf(1.5)]).toEqual([
      4,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
