/**
 * CRC-32C: the bytes as one long polynomial over {0, 1}, and what is left when it is divided by Castagnoli's (1993), as RFC 3720
 * (iSCSI) has it. One, two or three flipped bits are always noticed in blocks like ours, and so is any burst of up to 32; of other
 * damage, all but one case in 2³². It is no protection against anybody who means it.
 */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The polynomial 0x1EDC6F41 with its bits in reverse: the lowest bit of a byte comes first. */
const POLYNOMIAL = 0x82f63b78;

/** What each value of a byte does to the remainder. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});
