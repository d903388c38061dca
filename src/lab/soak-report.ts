/** What came of a soak, and how it is told. */
import { formatCount, formatMicros, formatTable } from './format.ts';

export interface SoakReport {
  rounds: number;
  inserts: Side;
  searches: Side;
  /** Times that a thread was ended, and callers that were told so. */
  kills: number;
  deaths: number;
  /**
   * Of the queries whose neighbours were worked out: recall@10 of those that had been acknowledged, beside writers and
   * of an index that one thread built alone.
   */
  sampled: number;
  recall: number;
  recallAlone: number;
  lost: number;
  /** A sentence for everything that is wrong; none: all is as promised. */
  faults: string[];
}

/** Microseconds within the threads. */
export interface Side {
  done: number;
  perSecond: number;
  p50Us: number;
  p99Us: number;
  p999Us: number;
  maxUs: number;
}

/** Neighbours that a search of a soak is for. */
export const K = 10;
const MOST_SAID = 20;

/** The table of both sides, and a sentence for everything else. */
export function describeSoak(report: SoakReport): string {
  const { rounds, inserts, searches, kills, deaths, sampled, recall, recallAlone, lost, faults } = report;
  const row = (name: string, { done, perSecond, ...us }: Side) => [
    ...[name, formatCount(done), formatCount(perSecond)],
    ...[us.p50Us, us.p99Us, us.p999Us, us.maxUs].map(formatMicros),
  ];
  const lines = [
    formatTable(
      ['', 'done', 'per second', 'p50 µs', 'p99 µs', 'p99.9 µs', 'max µs'],
      [row('inserts', inserts), row('searches', searches)],
    ),
    '',
    `rounds: ${rounds}; threads ended: ${kills}, callers told so: ${deaths}`,
    `recall@${K} of what was acknowledged, ${formatCount(sampled)} queries: ${recall.toFixed(4)} beside writers, ` +
      `${recallAlone.toFixed(4)} with nobody writing`,
    `lost inserts: ${lost}`,
    ...(faults.length === 0 ? ['nothing is wrong'] : faults.slice(0, MOST_SAID).map((fault) => `wrong: ${fault}`)),
  ];
  if (faults.length > MOST_SAID) lines.push(`and ${formatCount(faults.length - MOST_SAID)} more`);
  return lines.join('\n');
}
