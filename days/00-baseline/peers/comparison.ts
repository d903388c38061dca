/**
 * From sweeps to a verdict. Each round is a sweep over every engine; engines are compared within a round, where the
 * machine was the same for all, and the median over the rounds is what is told.
 */
import {
  paretoFront,
  qpsAtRecall,
  type SweepRow,
  seriesLabel,
  seriesOf,
  settingLabel,
} from '../../../src/lab/sweep.ts';

/** Queries per second of one engine at given recalls. */
export interface Speeds {
  label: string;
  index: string;
  codes: string;
  /** One per recall; null where the engine does not get that far in every round. */
  qps: (number | null)[];
}

/** How many times as fast as the fastest peer one of ours is, at one recall. */
export interface Ratio {
  label: string;
  recall: number;
  /** The peer that was fastest in most rounds, and null where no peer gets that far. */
  bestPeer: string | null;
  /** One per round, then their median; empty and null where one side does not get that far. */
  rounds: number[];
  ratio: number | null;
}

export function speeds(rounds: readonly (readonly SweepRow[])[], recalls: readonly number[]): Speeds[] {
  return seriesOf(rounds[0]).map(([first]) => {
    const { index, codes } = first;
    const label = seriesLabel(first);
    const qps = recalls.map((recall) => medianOrNull(rounds.map((rows) => speedOf(rows, label, recall))));
    return { label, index, codes, qps };
  });
}

/** Each engine for which `isOurs` against the best of those for which `isPeer`. */
export function ratios(
  rounds: readonly (readonly SweepRow[])[],
  recalls: readonly number[],
  isOurs: (row: SweepRow) => boolean,
  isPeer: (row: SweepRow) => boolean,
): Ratio[] {
  const labels = (belongs: (row: SweepRow) => boolean) =>
    seriesOf(rounds[0])
      .filter(([row]) => belongs(row))
      .map(([row]) => seriesLabel(row));
  return labels(isOurs).flatMap((label) =>
    recalls.map((recall) => {
      const perRound = rounds.map((rows) => {
        const peers = labels(isPeer).map((peer) => ({ peer, qps: speedOf(rows, peer, recall) ?? 0 }));
        const best = peers.reduce((a, b) => (b.qps > a.qps ? b : a), { peer: '', qps: 0 });
        const own = speedOf(rows, label, recall);
        return { bestPeer: best.peer || null, ratio: own !== null && best.qps > 0 ? own / best.qps : null };
      });
      const known = perRound.flatMap(({ ratio }) => (ratio === null ? [] : [ratio]));
      return {
        label,
        recall,
        bestPeer: mostFrequent(perRound.map(({ bestPeer }) => bestPeer)),
        rounds: known.length === rounds.length ? known : [],
        ratio: medianOrNull(perRound.map(({ ratio }) => ratio)),
      };
    }),
  );
}

/** How long one of ours takes to build, beside the peer that searches fastest and the one that is built fastest. */
export interface BuildRatio {
  label: string;
  seconds: number;
  /** Those peers, and how many times as fast ours was built; null: there is none. */
  bestPeer: { label: string; ratio: number } | null;
  fastestPeer: { label: string; ratio: number } | null;
}

/** An engine that was built, with the labels of all that it can be searched as. */
export interface BuiltEngine {
  labels: readonly string[];
  seconds: number;
  ours: boolean;
}

/** Who searches fastest is what `told` says (of `ratios`) at the highest recall that any peer reaches. */
export function buildRatios(engines: readonly BuiltEngine[], told: readonly Ratio[]): BuildRatio[] {
  const best = told.findLast(({ bestPeer }) => bestPeer !== null)?.bestPeer;
  const peers = engines.filter(({ ours }) => !ours);
  const searchesFastest = peers.find(({ labels }) => labels.some((label) => label === best));
  const [isBuiltFastest] = peers.toSorted((a, b) => a.seconds - b.seconds);
  return engines
    .filter(({ ours }) => ours)
    .map(({ labels: [label], seconds }) => {
      const against = (peer: BuiltEngine | undefined) =>
        peer ? { label: peer.labels[0], ratio: peer.seconds / seconds } : null;
      return { label, seconds, bestPeer: against(searchesFastest), fastestPeer: against(isBuiltFastest) };
    });
}

/** One row for each engine and width: the median over the rounds of everything measured. */
export function medianRows(rounds: readonly (readonly SweepRow[])[]): SweepRow[] {
  return rounds[0].flatMap((first) => {
    const isSame = (row: SweepRow) =>
      seriesLabel(row) === seriesLabel(first) && settingLabel(row) === settingLabel(first);
    const same = rounds.flatMap((rows) => rows.filter(isSame));
    // A sweep ends where the recall is enough, which at the edge may be one width earlier in one round.
    if (same.length < rounds.length) return [];
    const middle = (pick: (row: SweepRow) => number) => median(same.map(pick));
    return {
      ...first,
      recall: middle((row) => row.recall),
      qps: middle((row) => row.qps),
      meanUs: middle((row) => row.meanUs),
      p50Us: middle((row) => row.p50Us),
      p99Us: middle((row) => row.p99Us),
    };
  });
}

/** Distance evaluations per query where the curve passes `recall`, as `qpsAtRecall` has the speed; null where it does not. */
export function distancesAtRecall(rows: readonly SweepRow[], recall: number): number | null {
  const front = paretoFront(rows);
  const above = front.findIndex((row) => row.recall >= recall);
  if (above === -1 || front[above].distances === null) return null;
  if (above === 0) return front[0].distances;
  const [a, b] = [front[above - 1], front[above]];
  const share = (recall - a.recall) / (b.recall - a.recall);
  return Math.exp(Math.log(a.distances!) + share * (Math.log(b.distances!) - Math.log(a.distances!)));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  return values.every((value) => value !== null) ? median(values) : null;
}

function speedOf(rows: readonly SweepRow[], label: string, recall: number): number | null {
  return qpsAtRecall(
    rows.filter((row) => seriesLabel(row) === label),
    recall,
  );
}

function mostFrequent<T>(values: readonly T[]): T {
  const count = (value: T) => values.filter((other) => other === value).length;
  return values.reduce((a, b) => (count(b) > count(a) ? b : a));
}
