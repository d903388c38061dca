/**
 * CRC-32C (Castagnoli 1993, as iSCSI has it: RFC 3720), the checksum of what lies on disks: a byte at a time, by a table. A flipped
 * bit always shows, as does whatever spoils no more than 32 bits in a row; of all else one in 2^32 goes unseen.
 *
 * The readable twin of `kernels/assembly/crc32c.ts`, which is thirty times as fast.
 */

/** The checksum of `bytes`, 0 … 2^32 − 1; behind others whose checksum is `seed`, that of both in a row. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[i]) & 0xff];
  return ~crc >>> 0;
}

/** x^32 modulo this is all there is to it. Bits go from the least significant one up, so it is written from right to left. */
export const POLYNOMIAL = 0x82f63b78;

/** What each byte leaves behind: eight steps of the division, done once. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? POLYNOMIAL : 0);
  return rest;
});
