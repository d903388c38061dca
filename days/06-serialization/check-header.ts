/** Checks of `read-header`: what is right is read as it was written, and whatever is wrong with a file has its own refusal. */
import { type Check, fails, forAll } from 'annlab/exercises';
import fc from 'fast-check';
import { BLOCK_BYTES } from './checked-bytes.ts';
import { fileOf, flipped, graphOf, lying, type Plan, placeOf, plans, refusal, SMALL } from './scene.ts';
import { FIELDS, HEADER_CRC_AT, type Header, layoutOf } from './solution.ts';

type Module = typeof import('./solution.ts');

const small = () => fileOf(graphOf(SMALL));

export const headerChecks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'The fields come out as they were written: u32, little-endian, from byte 0 on',
    hole: 'read-header',
    likely:
      'getUint32 reads big-endian unless its second argument is true, and then no magic is ours; the fields lie at bytes 0, 4, 8, … in the order of FIELDS. If what is wrong is the bytes: the crc32c is over those before HEADER_CRC_AT, and is compared with the u32 that stands there (tableCrc is the table’s)',
    run(module) {
      const { image, header } = small();
      expectHeader(module.readHeader(firstBlock(image), image.length), header);
    },
  },
  {
    layer: 'example',
    says: 'The block may be a piece of a larger buffer: its byte 0 is where the view begins',
    hole: 'read-header',
    likely:
      'new DataView(block.buffer) begins at the buffer’s byte 0; it takes block.byteOffset as its second argument. A Uint32Array can begin at multiples of 4 only',
    run(module) {
      const { image, header } = small();
      for (const from of [64, 7]) {
        const larger = new Uint8Array(image.length + 64).fill(0xee);
        larger.set(image, from);
        expectHeader(module.readHeader(larger.subarray(from, from + BLOCK_BYTES), image.length), header);
      }
    },
  },
  {
    layer: 'example',
    says: 'An empty graph’s entry point and top level are 2³² − 1, as they were written',
    hole: 'read-header',
    likely: 'every field is a u32, these two as well: it is Image that makes −1 of them',
    run(module) {
      const { image, header } = fileOf({ nodes: [], M: 2, M0: 4, entryPoint: -1, topLevel: -1 });
      expectHeader(module.readHeader(firstBlock(image), image.length), header);
    },
  },
  {
    layer: 'example',
    says: 'A file that ends within its header is refused as `short`, whatever it begins with',
    hole: 'read-header',
    likely:
      'look at block.length, not at fileBytes, before you read anything: a DataView throws a RangeError where a FileFault is wanted',
    run(module) {
      const { image } = small();
      for (const length of [0, 3, 4, placeOf('tableCrc'), HEADER_CRC_AT, BLOCK_BYTES - 1]) {
        expectRefusal(module, image.subarray(0, length), length, 'short', `the first ${length} bytes of a file`);
      }
      // A reader that was given less than it asked for.
      expectRefusal(module, image.subarray(0, 100), image.length, 'short', 'a block of 100 bytes of a longer file');
    },
  },
  {
    layer: 'example',
    says: 'Somebody else’s file is refused as `magic`, whatever else is wrong with it',
    hole: 'read-header',
    likely: 'compare the magic first, all four bytes of it: of a file that is not ours, nothing else means anything',
    run(module) {
      const { image } = small();
      const texts = ['\x89PNG\r\n\x1a\n', '{"nodes":[', 'annals of an older day', 'ann5', '6nna', '\0\0\0\0'];
      for (const text of texts) {
        const other = image.slice();
        other.set(Buffer.from(text, 'latin1'));
        expectRefusal(module, other, other.length, 'magic', `a file that begins with ${JSON.stringify(text)}`);
      }
    },
  },
  {
    layer: 'example',
    says: 'A file of another version is refused as `version`, older or newer, though nothing behind the version is as we know it',
    hole: 'read-header',
    likely:
      'the version comes before the checksum: another version may keep that elsewhere, and "damaged" would be a wrong advice',
    run(module) {
      const { image, header } = small();
      for (const version of [0, 2, 3, 256, 0xffffffff]) {
        const what = `version ${version}`;
        const sealed = lying(image, { ...header, version });
        expectRefusal(module, sealed, sealed.length, 'version', `${what}, its checksum where ours is`);
        const moved = sealed.slice().fill(0xab, placeOf('dimension'), BLOCK_BYTES);
        expectRefusal(module, moved, moved.length, 'version', `${what}, with a header of another form`);
      }
    },
  },
  {
    layer: 'invariant',
    says: 'Any flipped bit of block 0 is noticed, in the zeros behind the fields and in the checksum as well',
    hole: 'read-header',
    likely:
      'the crc32c is over all bytes before HEADER_CRC_AT, and is compared with the u32 that stands there; the fault names the block, { block: 0 }',
    run(module) {
      const { image } = small();
      for (let bit = 0; bit < 8 * BLOCK_BYTES; bit++) {
        const byte = bit >>> 3;
        const wanted = byte < placeOf('version') ? 'magic' : byte < placeOf('dimension') ? 'version' : 'checksum';
        expectRefusal(module, flipped(image, bit), image.length, wanted, `bit ${bit & 7} of byte ${byte} flipped`);
      }
    },
  },
  {
    layer: 'property',
    says: 'The header of every graph is read as it was written',
    hole: 'read-header',
    likely: 'each of FIELDS has four bytes of its own, in their order; the values are unsigned',
    run: (module) =>
      forAll(plans(), (plan) => {
        const { image, header } = fileOf(graphOf(plan));
        expectHeader(module.readHeader(firstBlock(image), image.length), header);
      }),
  },
  {
    layer: 'property',
    says: 'A file that was cut anywhere, or that something was appended to, is refused',
    hole: 'read-header',
    likely: 'layoutOf says how long the file must be: exactly, so that neither fewer nor more bytes will do',
    run: (module) =>
      forAll(plans(6).chain(cuts), ({ plan, length }) => {
        const { image } = fileOf(graphOf(plan));
        const file = new Uint8Array(length);
        file.set(image.subarray(0, length));
        const wanted = length < BLOCK_BYTES ? 'short' : 'sizes';
        expectRefusal(module, file, length, wanted, `a file of ${image.length} bytes, ${length} of them here`);
      }),
  },
  {
    layer: 'work',
    says: 'A header that lies is refused as `sizes` before anything is allocated, though its checksum is right',
    hole: 'read-header',
    likely: 'compare layoutOf(header).fileBytes with the length of the file before you believe a count',
    run(module) {
      const { image, header } = small();
      const lies: Partial<Header>[] = [
        { count: 0xffffffff },
        { count: header.count + 100 },
        { count: 0 },
        { dimension: 0xffffffff, count: 0xffffffff },
        { dimension: 2 ** 20, count: 2 ** 10 },
        { upperLists: 2 ** 28 },
        { M: 2 ** 30, M0: 2 ** 31 },
      ];
      for (const lie of lies) {
        const before = process.memoryUsage().arrayBuffers;
        const forged = lying(image, { ...header, ...lie });
        expectRefusal(module, forged, forged.length, 'sizes', 'a header whose checksum is right', lie);
        const grown = process.memoryUsage().arrayBuffers - before;
        if (grown > 2 ** 24) fails(`${grown} bytes were allocated for a file of ${image.length}`, lie);
      }
    },
  },
];

function firstBlock(image: Uint8Array): Uint8Array {
  return image.subarray(0, BLOCK_BYTES);
}

function expectHeader(got: Header, want: Header): void {
  const wrong = FIELDS.find((field) => got?.[field] !== want[field]);
  if (wrong) fails(`${wrong} is ${got?.[wrong]}; ${want[wrong]} was written`, { written: want, read: got });
}

function expectRefusal(
  module: Module,
  file: Uint8Array,
  fileBytes: number,
  fault: string,
  what: string,
  about?: object,
): void {
  const got = refusal(() => module.readHeader(file.subarray(0, BLOCK_BYTES), fileBytes));
  if (got?.reason !== fault) {
    const instead = got ? `refused as ${got.reason}` : 'accepted';
    fails(`${what} should be refused as \`${fault}\`; it was ${instead}`, about);
  }
  if (fault === 'checksum' && got.block !== 0) {
    fails(
      `${what} is refused as \`checksum\`, and should be; but its block is ${got.block}, and block 0 is damaged`,
      about,
    );
  }
}

/** Every length but the right one, up to two blocks too long. */
function cuts(plan: Plan): fc.Arbitrary<{ plan: Plan; length: number }> {
  const { fileBytes } = layoutOf(fileOf(graphOf(plan)).header);
  return fc
    .integer({ min: 0, max: fileBytes + 2 * BLOCK_BYTES })
    .filter((length) => length !== fileBytes)
    .map((length) => ({ plan, length }));
}
