/** Strings of bits. */

/** Bits in which two strings of as many bytes differ. */
export function hamming(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) {
    for (let differing = a[i] ^ b[i]; differing > 0; differing >>= 1) bits += differing & 1;
  }
  return bits;
}
