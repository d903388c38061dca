/** Where the levels of a RaBitQ code lie, and a query's integers, as the table of `assembly/rabitq-levels.ts` promises. */

/** The `rotated` levels of `bits` bits that are stored so. */
export function levelsOf(stored: Uint8Array, bits: number, rotated: number): Uint8Array {
  const crumb = (from: number, i: number) => {
    const inBlock = i % 64;
    return (stored[from + (i - inBlock) / 4 + (inBlock % 16)] >> (2 * Math.floor(inBlock / 16))) & 3;
  };
  const nibble = (i: number) => {
    const inBlock = i % 32;
    return (stored[(i - inBlock) / 2 + (inBlock % 16)] >> (4 * Math.floor(inBlock / 16))) & 15;
  };
  const single = (from: number, i: number) => {
    const inBlock = i % 64;
    const lane = inBlock % 16;
    const place = 4 * (lane % 2) + Math.floor(inBlock / 16);
    return (stored[from + (i - inBlock) / 8 + Math.floor(lane / 2)] >> place) & 1;
  };
  const levelAt = [
    (i: number) => (stored[i >> 3] >> (i & 7)) & 1,
    (i: number) => crumb(0, i),
    (i: number) => crumb(0, i) + 4 * single(rotated / 4, i),
    nibble,
    (i: number) => nibble(i) + 16 * single(rotated / 2, i),
    (i: number) => nibble(i) + 16 * crumb(rotated / 2, i),
    (i: number) => stored[i],
    (i: number) => stored[i],
  ][bits - 1];
  return Uint8Array.from({ length: rotated }, (_, i) => levelAt(i));
}

/** The integers of a query for codes of `bits` bits: planes of odd levels −15 … 15, bytes, or words. */
export function integersOf(query: Uint8Array, bits: number, rotated: number): Int16Array {
  if (bits === 8) return new Int16Array(query.buffer, query.byteOffset, rotated);
  if (bits > 1) return Int16Array.from(new Int8Array(query.buffer, query.byteOffset, rotated));
  return Int16Array.from({ length: rotated }, (_, i) => {
    const word = (i >> 6) * 32 + ((i & 63) >> 3);
    const level = [0, 1, 2, 3].reduce((sum, plane) => sum + (((query[word + plane * 8] >> (i & 7)) & 1) << plane), 0);
    return 2 * level - 15;
  });
}
