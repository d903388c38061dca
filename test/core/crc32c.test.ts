import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, POLYNOMIAL } from '../../src/core/crc32c.ts';

const settings = { seed: 20_160_328, numRuns: 300 };
const messages = fc.uint8Array({ maxLength: 200 });
const bytes = (length: number, byte: (i: number) => number) => Uint8Array.from({ length }, (_, i) => byte(i));

/** RFC 3720, B.4: a SCSI Read (10) command. */
const SCSI_READ = Buffer.from(
  '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000',
  'hex',
);

describe('crc32c', () => {
  it.each([
    ['nothing', new Uint8Array(0), 0],
    ['"123456789", the check value of every list of CRCs', Buffer.from('123456789'), 0xe3069283],
    ['32 bytes of zeros (RFC 3720, B.4)', bytes(32, () => 0), 0x8a9136aa],
    ['32 bytes of ones', bytes(32, () => 0xff), 0x62a8ab43],
    ['32 bytes counting up', bytes(32, (i) => i), 0x46dd794e],
    ['32 bytes counting down', bytes(32, (i) => 31 - i), 0x113fdb5c],
    ['a SCSI Read (10) command', SCSI_READ, 0xd9963a56],
  ])('of %s is the one that is published', (_, message, sum) => {
    expect(crc32c(message)).toBe(sum);
  });

  it('is what dividing bit by bit leaves', () => {
    const property = fc.property(messages, (message) => {
      expect(crc32c(message)).toBe(longDivision(message));
    });
    fc.assert(property, settings);
  });

  it('of two messages in a row goes on from that of the first', () => {
    const property = fc.property(messages, messages, (a, b) => {
      expect(crc32c(b, crc32c(a))).toBe(crc32c(Buffer.concat([a, b])));
    });
    fc.assert(property, settings);
  });

  it('is another one where no more than 32 bits in a row are spoiled', () => {
    const bursts = fc.tuple(fc.uint8Array({ minLength: 8, maxLength: 200 }), fc.nat(), fc.integer({ min: 1 }));
    const property = fc.property(bursts, ([message, where, burst]) => {
      const spoiled = Uint8Array.from(message);
      const from = where % (message.length * 8 - 31);
      for (let bit = 0; bit < 32; bit++) {
        const at = from + bit;
        if ((burst >>> bit) & 1) spoiled[at >>> 3] ^= 1 << (at & 7);
      }
      expect(crc32c(spoiled)).not.toBe(crc32c(message));
    });
    fc.assert(property, settings);
  });
});

/** The definition: ones in, x^32 times the message modulo the polynomial, ones out. */
function longDivision(message: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of message) {
    for (let bit = 0; bit < 8; bit++) {
      const carry = (rest ^ (byte >>> bit)) & 1;
      rest = (rest >>> 1) ^ (carry ? POLYNOMIAL : 0);
    }
  }
  return ~rest >>> 0;
}
