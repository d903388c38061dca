/**
 * The recorded runs of `npm run bench:peers` and `npm run bench:break` (`peers/recorded/*.json`), as the notebook reads them:
 * what they say, and what follows from it by arithmetic.
 */
import { readFileSync } from 'node:fs';
import { type SweepRow, seriesLabel, seriesOf } from 'annlab/lab';

/** What `bench:peers` wrote: annlab and the peers on one set. Times are of the machine that it names. */
export interface PeersRun {
  machine: { cpu: string; cores: number; ramBytes: number; os: string };
  versions: Record<string, string>;
  run: {
    date: string;
    command: string;
    dataset: { name: string; vectors: number; queries: number; dimension: number };
  };
  engines: {
    name: string;
    M: number;
    efConstruction: number;
    seconds: number;
    ramBytes: number;
    searchers: { index: string; codes: string }[];
  }[];
  /** The median over the rounds, for each engine and width of the beam. */
  rows: SweepRow[];
}

/** What `bench:break` wrote: facts, no times. */
export interface BreakRun {
  machine: PeersRun['machine'];
  versions: Record<string, string>;
  run: { date: string; command: string };
  settings: Record<string, string>;
  probes: { name: string; asks: string; seen: Record<string, { outcome: string; says: string }> }[];
  size: {
    dataset: string;
    efSearch: number;
    rows: { label: string; vectors: number; recall: number; ramBytesPerVector: number }[];
  };
}

export function peersRun(dataset: 'embedding-1024-100k' | 'fashion-mnist-784-euclidean'): PeersRun {
  const run = read<PeersRun>(`${dataset}.json`);
  // Runs from before there was another knob than efSearch do not say which it was.
  return { ...run, rows: run.rows.map((row) => ({ ...row, gamma: row.gamma ?? null })) };
}

export function breakRun(): BreakRun {
  return read('break.json');
}

function read<T>(name: string): T {
  // From the repository's root, where notebooks and commands run.
  return JSON.parse(readFileSync(`days/00-baseline/peers/recorded/${name}`, 'utf8')) as T;
}

/** `hnswlib f32`, `usearch bf16`, … with their rows, from the narrowest beam to the widest. */
export function curves(run: PeersRun): { label: string; rows: SweepRow[] }[] {
  return seriesOf(run.rows).map((rows) => ({ label: seriesLabel(rows[0]), rows }));
}

/** A curve by the width of the beam, the knob that all engines have: annlab's stands beside its own, which is by gamma. */
export function beamRows(run: PeersRun, label: string): SweepRow[] {
  const all = curves(run);
  const curve = all.find((one) => one.label === `${label} by efSearch`) ?? all.find((one) => one.label === label);
  return curve!.rows;
}

/** What engines can be told apart by, each once, however many knobs it has. */
export function engineLabels(run: PeersRun): string[] {
  return [...new Set(run.rows.map(({ index, codes }) => `${index} ${codes}`))];
}

/**
 * The line µs = start + step · ef that lies nearest to a curve (least squares, beams up to 160): what any query costs before
 * its beam matters, and what each further candidate costs.
 */
export function startAndStep(rows: readonly SweepRow[]): { startUs: number; stepUs: number } {
  const points = rows.flatMap(({ efSearch, meanUs }) =>
    efSearch !== null && efSearch <= 160 ? [{ x: efSearch, y: meanUs }] : [],
  );
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x0, y0] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const stepUs = mean(points.map(({ x, y }) => (x - x0) * (y - y0))) / mean(points.map(({ x }) => (x - x0) * (x - x0)));
  return { startUs: y0 - stepUs * x0, stepUs };
}

/** Where widening the beam stops helping: the best recall of a curve, and the first width that comes within 0.0005 of it. */
export function ceiling(rows: readonly SweepRow[]): { recall: number; ef: number } {
  const recall = Math.max(...rows.map((row) => row.recall));
  return { recall, ef: rows.find((row) => row.recall >= recall - 0.0005)!.efSearch! };
}
