/** Made-up `*.ann` files: random sections, and headers that lie with every checksum in order. */
import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { crc32c } from '../../src/core/crc32c.ts';
import { Random } from '../../src/core/random.ts';
import { BLOCK_BYTES } from '../../src/storage/ann-format.ts';
import { type AnnFileContents, writeAnnFile } from '../../src/storage/write-ann-file.ts';

/** Sizes around whole blocks, in parts that do not end where blocks do. */
const partLengths = fc.oneof(
  fc.constantFrom(0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES),
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 3 * BLOCK_BYTES }),
);
const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,31}$/);

export interface Shape {
  name: string;
  lengths: number[];
}

export const shapes: fc.Arbitrary<Shape[]> = fc.uniqueArray(
  fc.record({ name: names, lengths: fc.array(partLengths, { maxLength: 4 }) }),
  { selector: ({ name }) => name, maxLength: 6 },
);

export function sectionsOf(shape: Shape[], seed = 1): AnnFileContents['sections'] {
  return shape.map(({ name, lengths }) => ({
    name,
    parts: lengths.map((length, i) => randomBytes(length, `${seed} ${name} ${i}`)),
  }));
}

export function randomBytes(length: number, seed: string): Uint8Array {
  const random = new Random(seed);
  const words = Uint32Array.from({ length: Math.ceil(length / 4) }, () => random.integer(2 ** 32));
  return new Uint8Array(words.buffer, 0, length);
}

/** One file for many tests: five blocks in three sections, of which one is empty. */
export const SMALL: AnnFileContents = {
  meta: { dimension: 3, metric: 'cosine' },
  sections: sectionsOf([
    { name: 'state', lengths: [100] },
    { name: 'nothing', lengths: [] },
    { name: 'records', lengths: [200_000, 17] },
  ]),
};

export async function writeSmall(path: string): Promise<Uint8Array> {
  await writeAnnFile(path, SMALL);
  return readFileSync(path);
}

/** Writes a file whose header was changed by `lie`, and then given the checksum that makes it look right. */
export function forge(path: string, bytes: Uint8Array, lie: (view: DataView, block: Uint8Array) => void): void {
  const forged = Uint8Array.from(bytes);
  const header = forged.subarray(0, BLOCK_BYTES);
  const view = new DataView(forged.buffer);
  lie(view, header);
  view.setUint32(12, 0, true);
  view.setUint32(12, crc32c(header), true);
  writeFileSync(path, forged);
}
