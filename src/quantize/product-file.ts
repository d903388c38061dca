/**
 * A trained product quantizer as bytes, little-endian:
 *
 *     at   bytes
 *      0       8   "\x89APQ\r\n\x1a\n"
 *      8       4   version
 *     12       4   CRC-32C of everything, taken with these four bytes zero
 *     16      24   dimension, metric (0 l2, 1 dot, 2 cosine), m, bits, OPQ (0 or 1), coarse centroids: u32 each
 *     40      24   zeros
 *     64           f32: the mean; with OPQ the rotation by rows; the coarse centroids; the codebooks
 */
import { crc32c } from '../core/crc32c.ts';
import { ParameterError } from '../core/errors.ts';
import { METRIC_CODES } from '../kernels/vectors.ts';
import type { ProductModel } from './product-layout.ts';

export function encodeModel({ shape, mean, rotation, coarse, codebooks }: ProductModel): Uint8Array {
  const { dimension, metric, m, bits, opq, centroids } = shape;
  const floats = [mean, rotation, coarse, codebooks];
  const bytes = new Uint8Array(floats.reduce((sum, array) => sum + array.length * 4, HEADER_BYTES));
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  const words = [VERSION, 0, dimension, METRIC_CODES[metric], m, bits, Number(opq), centroids];
  for (const [i, word] of words.entries()) view.setUint32(MAGIC.length + 4 * i, word, true);
  let at = HEADER_BYTES;
  for (const array of floats) {
    for (const value of array) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  view.setUint32(SUM_AT, crc32c(bytes), true);
  return bytes;
}

/** Throws ParameterError where these are not the bytes of a product quantizer, or were damaged. */
export function decodeModel(bytes: Uint8Array): ProductModel {
  const fail = (want: string) => new ParameterError({ parameter: 'bytes', got: `${bytes.length} bytes`, want });
  if (bytes.length < HEADER_BYTES || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw fail('they are not those of a product quantizer: give what toBytes of one returned');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (i: number) => view.getUint32(MAGIC.length + 4 * i, true);
  if (word(0) !== VERSION) {
    throw fail(`format version ${word(0)}, this annlab reads ${VERSION}: train the quantizer again`);
  }
  const unsummed = bytes.slice();
  unsummed.fill(0, SUM_AT, SUM_AT + 4);
  if (crc32c(unsummed) !== view.getUint32(SUM_AT, true)) {
    throw fail('the checksum does not fit, they are damaged or cut off: restore them from a backup or train again');
  }
  const [dimension, metricCode, m, bits, opq, centroids] = Array.from({ length: 6 }, (_, i) => word(i + 2));
  const metric = SUPPORTED.find((name) => METRIC_CODES[name] === metricCode);
  const isShape =
    metric !== undefined &&
    dimension >= 1 &&
    dimension <= MOST_DIMENSIONS &&
    m >= 1 &&
    dimension % m === 0 &&
    (bits === 4 || bits === 8) &&
    opq <= 1 &&
    centroids <= MOST_CENTROIDS;
  const unused = bytes.subarray(UNUSED_AT, HEADER_BYTES);
  if (!isShape || unused.some((byte) => byte !== 0)) throw fail('the header makes no sense: train the quantizer again');

  const lengths = [dimension, opq * dimension ** 2, centroids * dimension, 2 ** bits * dimension];
  const wantBytes = lengths.reduce((sum, length) => sum + length * 4, HEADER_BYTES);
  if (bytes.length !== wantBytes) throw fail(`a quantizer of its shape has ${wantBytes} bytes: train it again`);
  let at = HEADER_BYTES;
  const [mean, rotation, coarse, codebooks] = lengths.map((length) => {
    const array = new Float32Array(length);
    for (let i = 0; i < length; i++, at += 4) {
      const value = view.getFloat32(at, true);
      // Vectors have |x|² ≤ 1e34, and what is trained on them lies among them.
      if (!(Math.abs(value) <= MOST_COMPONENT)) throw fail(`the number at byte ${at} is ${value}: train it again`);
      array[i] = value;
    }
    return array;
  });
  return { shape: { dimension, metric, m, bits, opq: opq === 1, centroids }, mean, rotation, coarse, codebooks };
}

/** What a quantizer may be made for. */
export const MOST_DIMENSIONS = 4096;
export const MOST_CENTROIDS = 65_536;

const MAGIC = Uint8Array.of(0x89, 0x41, 0x50, 0x51, 0x0d, 0x0a, 0x1a, 0x0a);
const VERSION = 1;
const SUM_AT = 12;
const UNUSED_AT = 40;
const HEADER_BYTES = 64;
const SUPPORTED = ['l2', 'dot', 'cosine'] as const;
const MOST_COMPONENT = 1e18;
