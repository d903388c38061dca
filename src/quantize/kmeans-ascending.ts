/** The numbers 0 … n − 1 in the order of their keys; of equal keys the lower number comes first. */
export function ascending(keys: Float32Array): Uint32Array {
  // Sorting 64-bit integers, the bits of a key above its number, takes a tenth of the time of a comparison in JavaScript.
  const pairs = new BigUint64Array(keys.length);
  const words = new Uint32Array(pairs.buffer);
  const bits = new Uint32Array(keys.buffer, keys.byteOffset, keys.length);
  for (let i = 0; i < keys.length; i++) {
    words[2 * i] = i;
    // Bits of a float that compare as unsigned integers the way the floats do.
    words[2 * i + 1] = bits[i] & 0x80000000 ? ~bits[i] : bits[i] | 0x80000000;
  }
  pairs.sort();
  return Uint32Array.from({ length: keys.length }, (_, i) => words[2 * i]);
}
