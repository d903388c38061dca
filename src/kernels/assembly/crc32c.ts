/**
 * CRC-32C of memory, at about 10 GB/s (a block of 64 KiB in 6 µs), in two steps.
 *
 * 1. Fold. A CRC is the remainder of a polynomial, so multiples of the divisor P may be added to it at will. One of them has six
 *    terms only: 1 + x^14 + x^39 + x^54 + x^144 + x^209. Over bits, the 128th power of a sum is the sum of the 128th powers, so
 *    with y = x^128 the same six terms in y are a multiple of P too; and multiplying by y moves a message by one word of 128
 *    bits. So each word, first to last, is cancelled by adding it to the words 65, 155, 170, 195 and 209 behind it: five
 *    exclusive ors of whole vectors, and no multiplication, which WebAssembly does not have. Only the last 209 words are left.
 *    After Russell 2024, "Chorba: A novel CRC32 implementation", who does it for the polynomial of zlib; no multiple of six terms
 *    is shorter than this one.
 * 2. Slice. What is left, 3.3 KB, and messages shorter than a few of them go eight bytes at a time through eight tables
 *    (Kounavis & Berry 2005), at 1.8 GB/s.
 *
 * Tables and what is folded lie in a room of each thread's own, so that nobody waits for anybody.
 */

/** CRC_ROOM_BYTES of `wasm.ts` is at least the sum of these. */
const TABLES_BYTES: usize = 8 * 1024;
/** Words that stay: the degree of the multiple. */
const DEGREE: usize = 209;
const DEGREE_BYTES: usize = DEGREE << 4;
/** Words folded before the last ones are moved to the front again: 8 KiB, so that all of it stays in the first cache. */
const ROUND: usize = 512;
/** Below, folding would cost more than it saves. */
const FOLD_FROM_BYTES: usize = 2 * DEGREE_BYTES;
/** Divided by, from right to left, as in `core/crc32c.ts`. */
const POLYNOMIAL: u32 = 0x82f63b78;

let tables: usize = 0;
let folded: usize = 0;
let rest: usize = 0;

/** Takes CRC_ROOM_BYTES from `room` for this thread and fills the tables: [t][b] is what byte b leaves behind t bytes later. */
export function configureCrc32c(room: usize): void {
  tables = room;
  folded = tables + TABLES_BYTES;
  rest = folded + DEGREE_BYTES + (ROUND << 4);
  for (let b: u32 = 0; b < 256; b++) {
    let crc = b;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
    store<u32>(tables + (b << 2), crc);
  }
  for (let entry: usize = 1024; entry < TABLES_BYTES; entry += 4) {
    const before = load<u32>(tables + entry - 1024);
    store<u32>(tables + entry, (before >>> 8) ^ leftBy(0, before));
  }
}

/** The checksum of the `bytes` bytes at `at`; behind others whose checksum is `seed`, that of both in a row. */
export function crc32c(at: usize, bytes: usize, seed: u32): u32 {
  let crc = ~seed;
  if (bytes >= FOLD_FROM_BYTES) {
    const words = bytes >> 4;
    fold(at, words, crc);
    crc = slice(rest, DEGREE_BYTES, 0);
    at += words << 4;
    bytes &= 15;
  }
  return ~slice(at, bytes, crc);
}

/** Leaves at `rest` the 209 words that the `words` words at `m`, after a division that stands at `crc`, are worth. */
function fold(m: usize, words: usize, crc: u32): void {
  // The words before the first are zero, but for one that is added to the first and to no other: the division's state.
  memory.fill(folded, 0, DEGREE_BYTES);
  store<u32>(folded, crc);
  let left = words - DEGREE;
  while (left > 0) {
    const n = min(left, ROUND);
    addMultiples(m, folded, folded + DEGREE_BYTES, n);
    memory.copy(folded, folded + (n << 4), DEGREE_BYTES);
    m += n << 4;
    left -= n;
  }
  // The last words take what they are given and pass nothing on.
  memory.fill(folded + DEGREE_BYTES, 0, DEGREE_BYTES);
  addMultiples(m, folded, rest, DEGREE);
}

/** out[i] ← m[i] + what the words 65, 155, 170, 195 and 209 before it pass on; `w` is where the one 209 before the first lies. */
function addMultiples(m: usize, w: usize, out: usize, n: usize): void {
  for (const end = m + (n << 4); m < end; m += 16) {
    const a = v128.xor(v128.load(m), v128.load(w));
    const b = v128.xor(v128.load(w, 14 << 4), v128.load(w, 39 << 4));
    const c = v128.xor(v128.load(w, 54 << 4), v128.load(w, 144 << 4));
    v128.store(out, v128.xor(a, v128.xor(b, c)));
    w += 16;
    out += 16;
  }
}

/** The division goes on over the `bytes` bytes at `at`, from where it stands at `crc`. */
function slice(at: usize, bytes: usize, crc: u32): u32 {
  const end = at + bytes;
  const end8 = at + (bytes & ~7);
  while (at < end8) {
    const a = load<u32>(at) ^ crc;
    const b = load<u32>(at, 4);
    const ofA = leftBy(7, a) ^ leftBy(6, a >>> 8) ^ leftBy(5, a >>> 16) ^ leftBy(4, a >>> 24);
    const ofB = leftBy(3, b) ^ leftBy(2, b >>> 8) ^ leftBy(1, b >>> 16) ^ leftBy(0, b >>> 24);
    crc = ofA ^ ofB;
    at += 8;
  }
  while (at < end) {
    crc = (crc >>> 8) ^ leftBy(0, crc ^ load<u8>(at));
    at++;
  }
  return crc;
}

function leftBy(table: usize, word: u32): u32 {
  return load<u32>(tables + (table << 10) + ((word & 0xff) << 2));
}
