import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32c } from '../../src/core/crc32c.ts';
import { Random } from '../../src/core/random.ts';
import { CRC_ROOM_BYTES, instantiate, PAGE_BYTES } from '../../src/kernels/wasm.ts';
import { onBothBuilds } from './isolated.ts';
import { seeded } from './samples.ts';

const PAGES = 8;
/** Page 0 holds the room; the pages under test come behind it, and behind them their states and sums. */
const FIRST = 1;
const STATES = (FIRST + PAGES) * PAGE_BYTES;
const SUMS = STATES + 1024;
const ROOM = 64;
const UNCHECKED = 1;

onBothBuilds('blocks', (build) => {
  const total = FIRST + PAGES + 1;
  const memory = new WebAssembly.Memory({ initial: total, maximum: total, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);
  const kernels = instantiate(memory, build);

  const random = new Random('pages');
  for (let i = FIRST * PAGE_BYTES; i < STATES; i += 4) words[i / 4] = random.integer(2 ** 32);
  const right = Array.from({ length: PAGES }, (_, i) => {
    const at = (FIRST + i) * PAGE_BYTES;
    return crc32c(bytes.slice(at, at + PAGE_BYTES));
  });

  /** Every page unchecked, and those listed with a wrong sum. */
  function prepare(broken: number[] = []): void {
    expect(CRC_ROOM_BYTES + ROOM).toBeLessThan(PAGE_BYTES);
    for (let page = FIRST; page < FIRST + PAGES; page++) {
      bytes[STATES + page] = UNCHECKED;
      words[SUMS / 4 + page] = right[page - FIRST] ^ (broken.includes(page) ? 1 << page : 0);
    }
    kernels.configureBlocks(STATES, SUMS, ROOM);
  }

  const unchecked = () => {
    const pages = Array.from({ length: PAGES }, (_, i) => FIRST + i);
    return pages.filter((page) => bytes[STATES + page] === UNCHECKED);
  };

  const ranges = fc.tuple(
    fc.integer({ min: FIRST * PAGE_BYTES, max: STATES }),
    fc.integer({ min: FIRST * PAGE_BYTES, max: STATES }),
  );
  const alongPages = ranges.map((range) => range.map((at) => Math.floor(at / PAGE_BYTES) * PAGE_BYTES));
  const brokenPages = fc.uniqueArray(fc.integer({ min: FIRST, max: FIRST + PAGES - 1 }), { maxLength: 2 });

  it('ensure checks the pages of its range and no other, once, and stops at the first that is wrong', () => {
    const property = fc.property(fc.oneof(ranges, alongPages), brokenPages, ([a, b], broken) => {
      fc.pre(a !== b);
      prepare(broken);
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const touched = (page: number) => page * PAGE_BYTES < to && (page + 1) * PAGE_BYTES > from;
      const faulty = broken.filter(touched).sort((x, y) => x - y)[0];
      expect(kernels.ensure(from, to - from)).toBe(faulty === undefined ? 1 : 0);
      expect(kernels.faultyPage()).toBe(faulty ?? -1);
      const before = (page: number) => faulty === undefined || page < faulty;
      expect(unchecked()).toEqual(
        Array.from({ length: PAGES }, (_, i) => FIRST + i).filter((page) => !(touched(page) && before(page))),
      );
    });
    fc.assert(property, seeded(300));
  });

  it('ensureAll says which page is the first that is wrong, and stops there', () => {
    const property = fc.property(brokenPages, (broken) => {
      prepare(broken);
      const first = Math.min(...broken, FIRST + PAGES);
      expect(kernels.ensureAll(FIRST, FIRST + PAGES)).toBe(broken.length > 0 ? first : -1);
      expect(unchecked()[0]).toBe(broken.length > 0 ? first : undefined);
      expect(kernels.faultyPage()).toBe(broken.length > 0 ? first : -1);
    });
    fc.assert(property, seeded(30));
  });

  it('a page that was found right is not looked at again, and one that was found wrong is', () => {
    prepare([3]);
    expect(kernels.ensure(2 * PAGE_BYTES, 1)).toBe(1);
    words[SUMS / 4 + 2] ^= 1;
    expect(kernels.ensure(2 * PAGE_BYTES, PAGE_BYTES)).toBe(1);
    for (let i = 0; i < 2; i++) expect(kernels.ensure(3 * PAGE_BYTES + 5, 1)).toBe(0);
    words[SUMS / 4 + 3] = right[3 - FIRST];
    expect(kernels.ensure(3 * PAGE_BYTES + 5, 1)).toBe(1);
  });

  it('an empty range of pages is right', () => {
    prepare([FIRST]);
    expect(kernels.ensureAll(FIRST, FIRST)).toBe(-1);
  });

  it('finds any flipped bit of a page', () => {
    const bits = fc.nat({ max: PAGE_BYTES * 8 - 1 });
    const property = fc.property(fc.integer({ min: FIRST, max: PAGES }), bits, fc.nat(), (page, bit, where) => {
      prepare();
      const at = page * PAGE_BYTES + (bit >>> 3);
      bytes[at] ^= 1 << (bit & 7);
      expect(kernels.ensure(page * PAGE_BYTES + (where % PAGE_BYTES), 1)).toBe(0);
      expect(kernels.ensureAll(FIRST, FIRST + PAGES)).toBe(page);
      bytes[at] ^= 1 << (bit & 7);
      expect(kernels.ensureAll(FIRST, FIRST + PAGES)).toBe(-1);
      expect(unchecked()).toEqual([]);
    });
    fc.assert(property, seeded(100));
  });
});
