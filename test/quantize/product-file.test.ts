import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32c } from '../../src/core/crc32c.ts';
import { ParameterError } from '../../src/core/errors.ts';
import { decodeModel, encodeModel } from '../../src/quantize/product-file.ts';
import type { ProductModel } from '../../src/quantize/product-layout.ts';

const model: ProductModel = {
  shape: { dimension: 6, metric: 'cosine', m: 2, bits: 4, opq: true, centroids: 2 },
  mean: Float32Array.from({ length: 6 }, (_, i) => i / 7),
  rotation: Float32Array.from({ length: 36 }, (_, i) => -i),
  coarse: Float32Array.from({ length: 12 }, (_, i) => 1e-40 * i),
  codebooks: Float32Array.from({ length: 96 }, (_, i) => 1e17 - i * 1e15),
};
const bytes = encodeModel(model);

/** The bytes with some of them changed and the checksum made right again. */
function forged(change: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  change(view);
  view.setUint32(12, 0, true);
  view.setUint32(12, crc32c(copy), true);
  return copy;
}

it('a model comes back as it was, from bytes that lie anywhere', () => {
  expect(decodeModel(bytes)).toEqual(model);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(decodeModel(shifted.subarray(3))).toEqual(model);
});

it('a byte changed anywhere, the end cut off or something behind it is an error', () => {
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
  const changed = fc.property(change, ([at, flip]) => {
    const damaged = bytes.slice();
    damaged[at] ^= flip;
    expect(() => decodeModel(damaged)).toThrow(ParameterError);
  });
  fc.assert(changed, { seed: 7, numRuns: 300 });
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeModel(bytes.subarray(0, length))).toThrow(ParameterError);
  }
  expect(() => decodeModel(Uint8Array.of(...bytes, 0))).toThrow('checksum');
});

it.each<[string, (view: DataView) => void, string]>([
  ['another magic', (view) => view.setUint8(0, 0x88), 'not those of a product quantizer'],
  ['another version', (view) => view.setUint32(8, 2, true), 'format version 2, this annlab reads 1'],
  ['no dimension', (view) => view.setUint32(16, 0, true), 'header makes no sense'],
  ['too many dimensions', (view) => view.setUint32(16, 2 ** 31, true), 'header makes no sense'],
  ['a metric that there is not', (view) => view.setUint32(20, 3, true), 'header makes no sense'],
  ['an m that does not divide', (view) => view.setUint32(24, 4, true), 'header makes no sense'],
  ['no subspaces', (view) => view.setUint32(24, 0, true), 'header makes no sense'],
  ['5 bits', (view) => view.setUint32(28, 5, true), 'header makes no sense'],
  ['OPQ = 2', (view) => view.setUint32(32, 2, true), 'header makes no sense'],
  ['too many coarse centroids', (view) => view.setUint32(36, 2 ** 20, true), 'header makes no sense'],
  ['something where zeros should be', (view) => view.setUint8(50, 1), 'header makes no sense'],
  ['more floats than there are', (view) => view.setUint32(36, 3, true), 'a quantizer of its shape has 688 bytes'],
  ['NaN', (view) => view.setFloat32(64 + 40, Number.NaN, true), 'the number at byte 104 is NaN'],
  ['a number beyond all vectors', (view) => view.setFloat32(64, 1e30, true), 'the number at byte 64'],
])('forged, with %s', (_, change, says) => {
  expect(() => decodeModel(forged(change))).toThrow(ParameterError);
  expect(() => decodeModel(forged(change))).toThrow(says);
});
