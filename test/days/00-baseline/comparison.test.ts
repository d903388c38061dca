import { describe, expect, it } from 'vitest';
import {
  buildRatios,
  distancesAtRecall,
  medianRows,
  ratios,
  speeds,
} from '../../../days/00-baseline/peers/comparison.ts';
import type { SweepRow } from '../../../src/lab/sweep.ts';

/** A curve: [recall, queries per second] at efSearch 10, 20, 30, … */
function curve(index: string, points: [recall: number, qps: number][], distances?: number[]): SweepRow[] {
  return points.map(([recall, qps], i) => ({
    dataset: 'made-up',
    index,
    codes: 'f32',
    k: 10,
    efSearch: 10 * (i + 1),
    gamma: null,
    recall,
    qps,
    meanUs: 1e6 / qps,
    p50Us: 1e6 / qps,
    p99Us: 2e6 / qps,
    distances: distances?.[i] ?? null,
    hops: null,
    buildSeconds: 1,
    ramBytes: 1,
  }));
}

const isOurs = ({ index }: SweepRow) => index === 'annlab';
const isPeer = ({ index }: SweepRow) => index !== 'annlab';

describe('speeds', () => {
  it('gives the median of what each round reached, and null where one did not', () => {
    const rounds = [100, 400, 200].map((qps, i) => [
      ...curve('steady', [[0.95, qps]]),
      ...curve('shaky', [[i === 1 ? 0.94 : 0.96, qps]]),
    ]);
    const [steady, shaky] = speeds(rounds, [0.9, 0.95]);
    expect(steady).toEqual({ label: 'steady f32', index: 'steady', codes: 'f32', qps: [200, 200] });
    expect(shaky.qps).toEqual([200, null]);
  });

  it('is on the line between two points, in the logarithm of the speed', () => {
    const [{ qps }] = speeds(
      [
        curve('a', [
          [0.9, 1000],
          [1, 10],
        ]),
      ],
      [0.95],
    );
    expect(qps[0]).toBeCloseTo(100, 6);
  });
});

describe('ratios', () => {
  it('compares within a round with whoever is fastest there, and takes the median', () => {
    // annlab is 2, 3 and 4 times as fast as the best peer of its round; the machine slows down all the while.
    const rounds = [
      [...curve('annlab', [[0.99, 2000]]), ...curve('a', [[0.99, 1000]]), ...curve('b', [[0.99, 900]])],
      [...curve('annlab', [[0.99, 1500]]), ...curve('a', [[0.99, 400]]), ...curve('b', [[0.99, 500]])],
      [...curve('annlab', [[0.99, 400]]), ...curve('a', [[0.99, 100]]), ...curve('b', [[0.99, 90]])],
    ];
    const [{ rounds: perRound, ...verdict }] = ratios(rounds, [0.95], isOurs, isPeer);
    expect(verdict).toEqual({ label: 'annlab f32', recall: 0.95, bestPeer: 'a f32', ratio: 3 });
    expect(perRound).toEqual([2, 3, 4]);
  });

  it('passes over peers that do not get that far, and says so when none or we ourselves do not', () => {
    const rounds = [[...curve('annlab', [[0.97, 100]]), ...curve('a', [[0.92, 1000]]), ...curve('b', [[0.99, 50]])]];
    const [at90, at95, at99] = ratios(rounds, [0.9, 0.95, 0.99], isOurs, isPeer);
    expect(at90).toMatchObject({ bestPeer: 'a f32', ratio: 0.1 });
    expect(at95).toMatchObject({ bestPeer: 'b f32', ratio: 2 });
    expect(at99).toMatchObject({ bestPeer: 'b f32', ratio: null, rounds: [] });
    expect(ratios([curve('annlab', [[0.97, 100]])], [0.9], isOurs, isPeer)).toEqual([
      { label: 'annlab f32', recall: 0.9, bestPeer: null, rounds: [], ratio: null },
    ]);
  });
});

describe('ratios against some', () => {
  it('does not see the others', () => {
    const rows = [...curve('annlab', [[0.99, 600]]), ...curve('a', [[0.99, 300]]), ...curve('b', [[0.99, 900]])];
    const [verdict] = ratios([rows], [0.95], isOurs, ({ index }) => index === 'a');
    expect(verdict).toMatchObject({ bestPeer: 'a f32', ratio: 2 });
  });
});

describe('buildRatios', () => {
  const told = (bestPeer: string | null) => ({ label: 'annlab sq7', recall: 0.95, bestPeer, rounds: [], ratio: null });
  const engines = [
    { labels: ['annlab sq7', 'annlab sq7 by efSearch'], seconds: 10, ours: true },
    { labels: ['annlab f32'], seconds: 20, ours: true },
    { labels: ['a f32', 'a f32+refiner'], seconds: 50, ours: false },
    { labels: ['b f32'], seconds: 15, ours: false },
  ];

  it('sets ours beside the peer that searches fastest, however that is searched, and the one that is built fastest', () => {
    expect(buildRatios(engines, [told('b f32'), told('a f32+refiner'), told(null)])).toEqual([
      {
        label: 'annlab sq7',
        seconds: 10,
        bestPeer: { label: 'a f32', ratio: 5 },
        fastestPeer: { label: 'b f32', ratio: 1.5 },
      },
      {
        label: 'annlab f32',
        seconds: 20,
        bestPeer: { label: 'a f32', ratio: 2.5 },
        fastestPeer: { label: 'b f32', ratio: 0.75 },
      },
    ]);
  });

  it('does without peers', () => {
    expect(buildRatios(engines.slice(1, 2), [told(null)])).toEqual([
      { label: 'annlab f32', seconds: 20, bestPeer: null, fastestPeer: null },
    ]);
  });
});

describe('medianRows', () => {
  it('tells gammas apart, which share the most that a search may take, and knobs', () => {
    const one = curve('a', [
      [0.9, 100],
      [0.95, 50],
    ]).map((row, i) => ({ ...row, efSearch: 512, gamma: i }));
    const beside = curve('a', [[0.9, 60]]).map((row) => ({ ...row, efSearch: 512, by: 'efSearch' as const }));
    expect(medianRows([[...one, ...beside]])).toEqual([...one, ...beside]);
    expect(speeds([[...one, ...beside]], [0.9]).map(({ label, qps }) => [label, qps])).toEqual([
      ['a f32', [100]],
      ['a f32 by efSearch', [60]],
    ]);
  });

  it('takes the median of each figure at each width, and leaves out widths that a round did not have', () => {
    const rounds = [
      curve('a', [
        [0.9, 100],
        [0.95, 50],
      ]),
      curve('a', [[0.9, 300]]),
      curve('a', [
        [0.9, 200],
        [0.95, 70],
      ]),
    ];
    expect(medianRows(rounds)).toEqual(curve('a', [[0.9, 200]]));
  });
});

describe('distancesAtRecall', () => {
  const rows = curve(
    'a',
    [
      [0.9, 1000],
      [0.98, 250],
    ],
    [100, 400],
  );

  it('lies between the counts of the two points, as the speed does', () => {
    expect(distancesAtRecall(rows, 0.94)).toBeCloseTo(200, 6);
    expect(distancesAtRecall(rows, 0.98)).toBeCloseTo(400, 6);
    expect(distancesAtRecall(rows, 0.5)).toBe(100);
  });

  it('is null beyond the curve and where nothing was counted', () => {
    expect(distancesAtRecall(rows, 0.99)).toBeNull();
    expect(distancesAtRecall(curve('a', [[0.9, 1000]]), 0.9)).toBeNull();
  });
});
