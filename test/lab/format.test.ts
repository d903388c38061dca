import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatMicros,
  formatMillis,
  formatSeconds,
  formatShort,
  formatTable,
} from '../../src/lab/format.ts';

describe('numbers as people read them', () => {
  it.each([
    [formatMicros, 17.46, '17.5'],
    [formatMicros, 99.96, '100'],
    [formatMicros, 3225.8, '3,226'],
    [formatMillis, 0.62, '0.6 ms'],
    [formatMillis, 9.96, '10 ms'],
    [formatMillis, 999.4, '999 ms'],
    [formatMillis, 1234, '1.2 s'],
    [formatSeconds, 0.04, '0.0 s'],
    [formatSeconds, 9.96, '10 s'],
    [formatSeconds, 84.4, '84 s'],
    [formatSeconds, 192, '3 min 12 s'],
    [formatBytes, 100, '100 B'],
    [formatBytes, 2 ** 20 - 1, '1 MiB'],
    [formatBytes, 188_160_000, '179 MiB'],
    [formatBytes, 23.5 * 2 ** 30, '23.5 GiB'],
    [formatShort, 0.25, '0.25'],
    [formatShort, 1e-7, '0.0000001'],
    [formatShort, 312.5, '310'],
    [formatShort, 3200, '3,200'],
    [formatShort, 9999, '10k'],
    [formatShort, 117_647, '118k'],
    [formatShort, 3_400_000, '3.4M'],
  ])('%o of %d is %s', (format, value, text) => {
    expect(format(value)).toBe(text);
  });

  it('sets columns', () => {
    const rows = [['one', '1', 'a'], null, ['three', '1,000', 'bc']];
    expect(formatTable(['name', 'n', 'w'], rows, { words: [0, 2] }).split('\n')).toEqual([
      'name       n  w',
      '────────────────',
      'one        1  a',
      '',
      'three  1,000  bc',
    ]);
    expect(formatTable(['name'], []).split('\n')).toEqual(['name', '────']);
  });
});
