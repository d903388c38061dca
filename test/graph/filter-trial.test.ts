import { describe, expect, it } from 'vitest';
import { clustered, indexOf, SAMPLE } from './calibrated.ts';

describe('the filter', () => {
  it('is kept where vectors are large, and spares what it touches', async () => {
    const dimension = 512;
    const data = clustered(2000, dimension, 'base');
    const index = indexOf(data, { dimension, filter: 'sign', M: 8, efConstruction: 40 });
    const { filterWords, defer, filters } = await index.calibrate({ sample: 60, ks: [10] });
    // Eight words and a header would take two lines; all but one of them are kept.
    const { words } = index.layout;
    expect(filters.slice(0, 3).map(({ words, defer }) => [words, defer])).toEqual([
      [words, 0.8],
      [Math.floor(words / 2), 0.8],
      [0, false],
    ]);
    expect(filterWords).toBeGreaterThan(0);
    // Whether anybody waits is tried at the width that was best.
    expect(filters.slice(3).map(({ words, defer }) => [words, defer])).toEqual([
      [filterWords, 0.3],
      [filterWords, false],
    ]);
    const chosen = filters.find((trial) => trial.words === filterWords && trial.defer === defer)!;
    expect(chosen.lines).toBe(Math.min(...filters.map(({ lines }) => lines ?? Number.POSITIVE_INFINITY)));
    const off = filters[2];
    expect(chosen.lines!).toBeLessThan(0.9 * off.lines!);
    expect(index.search(data.subarray(0, dimension), { k: 10 }).work.estimates).toBeGreaterThan(0);
    const { estimates } = index.search(data.subarray(0, dimension), { k: 10, filterWords: 0 }).work;
    expect(estimates).toBe(0);
  });

  it('is left off where vectors are as small as their signs, by all searches until the calibration is too old', async () => {
    const dimension = 12;
    const data = clustered(2000, dimension, 'base');
    const index = indexOf(data, { dimension, filter: 'sign', M: 8, efConstruction: 40, capacity: 5000 });
    const query = clustered(1, dimension, 'asked');
    expect(index.search(query, { k: 10 }).work.estimates).toBeGreaterThan(0);
    const { filterWords, filters } = await index.calibrate(SAMPLE);
    expect(filters.map(({ words }) => words)).toEqual([1, 0]);
    expect(filterWords).toBe(0);
    for (const options of [{ recallTarget: 0.9 }, {}, { efSearch: 50 }])
      expect(index.search(query, { k: 10, ...options }).work.estimates).toBe(0);
    expect(index.search(query, { k: 10, filterWords: 1 }).work.estimates).toBeGreaterThan(0);
    index.addBatch(clustered(2001, dimension, 'more'));
    expect(index.search(query, { k: 10 }).work.estimates).toBeGreaterThan(0);
  });

  it('is not there below 1,024 vectors, and not chosen from nothing', async () => {
    const index = indexOf(clustered(300, 64, 'base'), { dimension: 64, filter: 'sign' });
    expect(await index.calibrate(SAMPLE)).toMatchObject({ filters: [], filterWords: 0, defer: false });
  });

  it('at fewer words finds nearly as much, with more distances; beyond all words is all', () => {
    const dimension = 512;
    const index = indexOf(clustered(3000, dimension, 'base'), { dimension, filter: 'sign', M: 8, efConstruction: 40 });
    const { words } = index.layout;
    const distances = [words, 3, 1, 0].map((filterWords) => {
      let sum = 0;
      for (let i = 0; i < 40; i++) {
        const query = clustered(1, dimension, `asked ${i}`);
        sum += index.search(query, { k: 10, efSearch: 60, filterWords, defer: false }).work.distances;
      }
      return sum;
    });
    expect(distances).toEqual(distances.toSorted((a, b) => a - b));
    expect(distances[0]).toBeLessThan(0.8 * distances[3]);
    const query = clustered(1, dimension, 'asked');
    expect(index.search(query, { k: 10, filterWords: 64 })).toEqual(index.search(query, { k: 10 }));
    for (const filterWords of [-1, 65, 1.5, Number.NaN])
      expect(() => index.search(query, { k: 10, filterWords })).toThrow(/filterWords = .*: an integer from 0 to 64/);
  });
});
