/**
 * Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere (a log, a CI page), both with the rate
 * and the time left. stdout stays clean for results.
 */
import { performance } from 'node:perf_hooks';
import { type Options, SingleBar } from 'cli-progress';
import type { LoadProgress } from './datasets.ts';
import { formatCount, formatSeconds } from './format.ts';

export interface Progress {
  /** May be called as often as one likes; what is shown changes a few times a second at most. */
  update(done: number, total?: number): void;
  /** Takes the bar off the screen. */
  stop(): void;
}

export interface ProgressOptions {
  /** What is being done: `building hnsw sq7`. */
  label: string;
  total: number;
  /** What is being counted: `vectors`, `queries`, … */
  unit: string;
  /** Default stderr. */
  stream?: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** Between two plain lines. Default 3. */
  everySeconds?: number;
  /** The clock in milliseconds; tests bring their own. */
  now?: () => number;
}

export function startProgress(options: ProgressOptions): Progress {
  return (options.stream ?? process.stderr).isTTY ? startBar(options) : startLines(options);
}

/** Shows how far `work` is while it runs. */
export async function withProgress<T>(
  label: string,
  unit: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = startProgress({ label, total: 0, unit });
  try {
    return await work((done, total) => progress.update(done, total));
  } finally {
    progress.stop();
  }
}

/** Shows how far `load` is: a bar for every file that is fetched or set that is made. */
export async function withLoadProgress<T>(
  load: (onProgress: (progress: LoadProgress) => void) => Promise<T>,
): Promise<T> {
  let shown: { what: string; progress: Progress } | undefined;
  try {
    return await load(({ step, what, done, total, unit }) => {
      if (step === 'verify') return;
      if (shown?.what !== what) {
        shown?.progress.stop();
        const verb = step === 'download' ? 'downloading' : 'generating';
        shown = { what, progress: startProgress({ label: `${verb} ${what}`, total: total ?? 0, unit }) };
      }
      shown.progress.update(done, total ?? 0);
    });
  } finally {
    shown?.progress.stop();
  }
}

function startBar({
  label,
  total,
  unit,
  stream = process.stderr,
  now = () => performance.now(),
}: ProgressOptions): Progress {
  const started = now();
  const format: Options['format'] = (_options, { value, total, progress }) => {
    const filled = Math.round(Math.min(Math.max(progress, 0), 1) * BAR_WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
    const line = `${label} ${bar} ${summary(value, total, unit, (now() - started) / 1000)}`;
    return stream.columns ? line.slice(0, stream.columns - 1) : line;
  };
  const bar = new SingleBar({ format, stream, clearOnComplete: true, linewrap: true, fps: 8, emptyOnZero: true });
  bar.start(total, 0);
  return {
    update(done, newTotal) {
      if (newTotal !== undefined && newTotal !== bar.getTotal()) bar.setTotal(newTotal);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

function startLines({
  label,
  total,
  unit,
  stream = process.stderr,
  everySeconds = 3,
  now = () => performance.now(),
}: ProgressOptions): Progress {
  const started = now();
  let lastLine = started;
  return {
    update(done, newTotal = total) {
      if (now() - lastLine < everySeconds * 1000) return;
      lastLine = now();
      stream.write(`${label}: ${summary(done, newTotal, unit, (lastLine - started) / 1000)}\n`);
    },
    stop() {},
  };
}

const BAR_WIDTH = 24;

/** `12,000 of 60,000 vectors, 20 %, 5,200/s, 9 s left` */
function summary(done: number, total: number, unit: string, seconds: number): string {
  const parts =
    total > 0 ? [`${formatCount(done)} of ${formatCount(total)} ${unit}`] : [`${formatCount(done)} ${unit}`];
  if (total > 0) parts.push(`${Math.floor((done / total) * 100)} %`);
  const rate = done / seconds;
  if (done > 0 && Number.isFinite(rate)) {
    parts.push(`${rate >= 10 ? formatCount(rate) : rate.toPrecision(2)}/s`);
    if (total > done) parts.push(`${formatSeconds((total - done) / rate)} left`);
  }
  return parts.join(', ');
}
