import { describe, expect, it } from 'vitest';
import { describeSoak, type SoakReport } from '../../src/lab/soak-report.ts';

describe('the report of a soak', () => {
  it('is a table of both sides, and a sentence for each fault', () => {
    const side = { done: 1000, perSecond: 500, p50Us: 12.34, p99Us: 123.4, p999Us: 1234, maxUs: 12_345 };
    const report: SoakReport = {
      ...{ rounds: 2, inserts: side, searches: { ...side, done: 20_000 }, kills: 3, deaths: 4, sampled: 50 },
      ...{
        recall: 0.99,
        recallAlone: 0.995,
        lost: 1,
        faults: Array.from({ length: 22 }, (_, i) => `this is fault ${i}`),
      },
    };
    const lines = describeSoak(report).split('\n');
    expect(lines[2]).toMatch(/^inserts +1,000 +500 +12\.3 +123 +1,234 +12,345$/);
    expect(lines[3]).toMatch(/^searches +20,000 +500 /);
    expect(lines).toContain('rounds: 2; threads ended: 3, callers told so: 4');
    expect(lines).toContain('lost inserts: 1');
    expect(lines.at(-2)).toBe('wrong: this is fault 19');
    expect(lines.at(-1)).toBe('and 2 more');
  });
});
