/**
 * `npm run soak`: vectors are added and searched for at the same time, for as long as one likes, on more threads than
 * there are cores. It reports what either side comes to, and ends with status 1 where anything is not as promised: a
 * search that finds what was never given, or less of what was acknowledged than it would with nobody writing; an insert
 * that is lost; a graph that is not whole; a side that stands still.
 *
 * Each round fills an index, checks all of it when it is full, and begins anew. Every other index filters by signs,
 * whose centre moves as it fills.
 */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { WorkerDiedError } from '../core/errors.ts';
import { Random } from '../core/random.ts';
import { Hnsw } from '../graph/hnsw.ts';
import type { HnswOptions } from '../graph/hnsw-options.ts';
import { VectorStore } from '../kernels/vectors.ts';
import { Pool } from '../workers/pool.ts';
import { choiceFlag, type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from './command.ts';
import { formatCount, formatMicros, formatSeconds, formatTable } from './format.ts';
import { StalledError, type Watch, watch } from './soak-watch.ts';
import { generate } from './synthetic.ts';

export interface SoakOptions {
  /** How long vectors are added and searched for; checks come on top. */
  seconds: number;
  /** Instead: how many batches are added, all rounds together. */
  batches?: number;
  /** Threads that search, and that insert. */
  readers: number;
  writers: number;
  dimension: number;
  /** Vectors of an index. */
  rows: number;
  codes: 'f32' | 'sq7';
  seed: number;
  /** A thread is ended every so many seconds. */
  killSeconds?: number;
  /** How long it may take for anything to move. Default 10. */
  stallSeconds?: number;
}

/** What came of it. */
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

const FLAGS: Record<string, Flag> = {
  minutes: { value: '<n>', help: 'how long it adds and searches, besides which it checks; default 2' },
  readers: { value: '<n>', help: 'threads that search; default 8' },
  writers: { value: '<n>', help: 'threads that insert; default 1' },
  dimension: { value: '<n>', help: 'components of a vector; default 64' },
  rows: {
    value: '<n>',
    help: 'vectors of an index; when it is full it is checked, and the next one\nbegun; default 50,000',
  },
  codes: { value: '<kind>', help: 'f32 or sq7; default sq7' },
  seed: { value: '<n>', help: 'decides vectors, queries and batches, though not how threads interleave; default 1' },
  kill: { value: '<seconds>', help: 'ends a thread every so many seconds; default: none' },
};

const HELP = `Adds vectors and searches for them at the same time, and sees that nothing is lost, wrong or stuck.

  npm run soak
  npm run soak -- --minutes 60 --kill 5
  npm run soak -- --writers 4 --readers 4 --codes f32

${flagHelp(FLAGS)}

Ends with status 1 where anything is not as promised, or either side stands still for 10 seconds.`;

/** Throws UsageError, whose message is one line. */
export function parseSoakArguments(argv: readonly string[]): SoakOptions | 'help' {
  const line = readCommandLine(argv, FLAGS);
  if (line.values.help) return 'help';
  const killSeconds = integerFlag(line, 'kill', { min: 1, max: 100_000 });
  return {
    seconds: 60 * (integerFlag(line, 'minutes', { min: 1, max: 100_000 }) ?? 2),
    readers: integerFlag(line, 'readers', { min: 1, max: 127 }) ?? 8,
    writers: integerFlag(line, 'writers', { min: 1, max: 127 }) ?? 1,
    dimension: integerFlag(line, 'dimension', { min: 1, max: 4096 }) ?? 64,
    rows: integerFlag(line, 'rows', { min: 100, max: 10_000_000 }) ?? 50_000,
    codes: choiceFlag(line, 'codes', ['f32', 'sq7']) ?? 'sq7',
    seed: integerFlag(line, 'seed', { min: 0, max: 2 ** 32 - 1 }) ?? 1,
    ...(killSeconds !== undefined && { killSeconds }),
  };
}

type Worked = Pick<Pool, 'threads' | 'addBatch' | 'searchBatch' | 'kill' | 'close'>;

/**
 * `say` is given what a person wants to read, `show` a line that replaces the one before. Throws StalledError, and then
 * leaves behind the threads that are stuck.
 */
export async function soak(
  options: SoakOptions,
  say: (text: string) => void,
  {
    show = () => {},
    start = Pool.start as (index: Hnsw, options: { threads: number }) => Promise<Worked>,
  }: {
    show?: (line: string) => void;
    start?: (index: Hnsw, options: { threads: number }) => Promise<Worked>;
  } = {},
): Promise<SoakReport> {
  const { stallSeconds = 10 } = options;
  const run = new Run(options);
  const guard = watch(SIDES, stallSeconds, () => run.underWay());
  const ticker = setInterval(() => show(run.line()), TICK_MS);
  try {
    for (let round = 0; !run.isOver; round++) {
      await Promise.race([guard.stalled, new Round(run, round, guard).through(start)]);
    }
  } finally {
    clearInterval(ticker);
    run.round?.end();
    await guard.stop();
  }
  const report = run.report();
  say(describeSoak(report));
  return report;
}

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

const SIDES = ['inserts', 'searches'] as const;
const K = 10;
const EF_SEARCH = 64;
/**
 * Queries of a batch, and rows of one on average: small, so that there is always somebody at the beginning or the end
 * of one.
 */
const QUERIES = 32;
const BATCH_ROWS = 32;
/** Different queries. */
const QUERY_ROWS = 2000;
const TICK_MS = 500;
/** Between queries whose true neighbours are worked out, which takes the main thread a while. */
const SAMPLE_MS = 40;
/** How much less of what was acknowledged may be found beside writers than without: chance, where several write. */
const RECALL_SLACK = 0.002;
const MOST_SAID = 20;

/** What all rounds share: options, what has been done, and what was found wrong. */
class Run {
  readonly options: SoakOptions;
  readonly random: Random;
  readonly insertTimes = createHistogram();
  readonly searchTimes = createHistogram();
  readonly faults: string[] = [];
  rounds = 0;
  batches = 0;
  /** Rows that were acknowledged; of a batch over which a thread died the times are not known. */
  inserted = 0;
  kills = 0;
  deaths = 0;
  lost = 0;
  sampled = 0;
  hits = 0;
  hitsAlone = 0;
  /**
   * Time in which there was adding and searching: that of rounds that are over, and since when the present one runs.
   */
  #seconds = 0;
  #since: number | undefined;
  round: Round | undefined;

  constructor(options: SoakOptions) {
    this.options = options;
    this.random = new Random(`soak ${options.seed}`);
  }

  get seconds(): number {
    return this.#seconds + (this.#since === undefined ? 0 : (performance.now() - this.#since) / 1000);
  }

  get isOver(): boolean {
    const { seconds, batches } = this.options;
    return this.faults.length > 0 || (batches === undefined ? this.seconds >= seconds : this.batches >= batches);
  }

  /** Counts the time until `ended` is called. */
  begin(): void {
    this.#since = performance.now();
  }

  ended(): void {
    this.#seconds = this.seconds;
    this.#since = undefined;
  }

  underWay(): string {
    return this.round?.underWay() ?? 'nothing was begun';
  }

  /** What there is to say at any time; microseconds are p50 / p99 / p99.9 / max. */
  line(): string {
    const side = (what: string, { done, perSecond, p50Us, p99Us, p999Us, maxUs }: Side) => {
      const us = [p50Us, p99Us, p999Us, maxUs].map(formatMicros).join(' / ');
      return `${formatCount(done)} ${what}, ${formatCount(perSecond)}/s, ${us} µs`;
    };
    const parts = [side('inserts', this.#inserts()), side('searches', this.#searches())];
    if (this.sampled > 0) parts.push(`recall ${(this.hits / (K * this.sampled)).toFixed(4)}`);
    if (this.kills > 0) parts.push(`${this.kills} threads ended`);
    return `${formatSeconds(this.seconds)}, ${this.round?.doing ?? 'beginning'}: ${parts.join('; ')}`;
  }

  report(): SoakReport {
    const { rounds, kills, deaths, sampled, lost, faults } = this;
    const share = (hits: number) => (sampled === 0 ? 0 : hits / (K * sampled));
    const [recall, recallAlone] = [share(this.hits), share(this.hitsAlone)];
    if (recall < recallAlone - RECALL_SLACK) {
      faults.push(`recall beside writers is ${recall.toFixed(4)}, with nobody writing ${recallAlone.toFixed(4)}`);
    }
    const sides = { inserts: this.#inserts(), searches: this.#searches() };
    return { rounds, ...sides, kills, deaths, sampled, recall, recallAlone, lost, faults };
  }

  #inserts(): Side {
    return this.#side(this.inserted, this.insertTimes);
  }

  #searches(): Side {
    return this.#side(this.searchTimes.count, this.searchTimes);
  }

  #side(done: number, times: RecordableHistogram): Side {
    const none = times.count === 0;
    const at = (share: number) => (none ? 0 : times.percentile(share) / 1000);
    return {
      ...{ done, perSecond: this.seconds > 0 ? done / this.seconds : 0 },
      ...{ p50Us: at(50), p99Us: at(99), p999Us: at(99.9), maxUs: none ? 0 : times.max / 1000 },
    };
  }
}

/** A query whose true neighbours were worked out: how many rows had been acknowledged when it was asked. */
interface Sample {
  query: number;
  acknowledged: number;
  /** The distance of the k-th nearest among those. */
  farthest: number;
}

/** One index, from empty to full. */
class Round {
  doing = 'making vectors';
  readonly #run: Run;
  readonly #number: number;
  readonly #guard: Watch<(typeof SIDES)[number]>;
  readonly #options: HnswOptions;
  /** Exact search over all rows of the round. */
  readonly #exact: VectorStore;
  readonly #samples: Sample[] = [];
  #data: Float32Array = new Float32Array(0);
  #queries: Float32Array = new Float32Array(0);
  /** Rows that were handed to the index, and those of which it was said that they are in. */
  #given = 0;
  #acknowledged = 0;
  #searching = 0;
  #lastSample = 0;
  #killed: { thread: number; at: number } | undefined;
  #done = false;

  constructor(run: Run, number: number, guard: Watch<(typeof SIDES)[number]>) {
    const { dimension, rows, codes, seed } = run.options;
    this.#run = run;
    this.#number = number;
    this.#guard = guard;
    this.#options = {
      dimension,
      codes,
      capacity: rows,
      seed: seed + number,
      filter: number % 2 === 0 ? 'none' : 'sign',
    };
    this.#exact = VectorStore.reserve({ dimension, metric: 'l2', capacity: rows });
    run.round = this;
  }

  underWay(): string {
    const parts = [`${this.#searching} searches were under way`];
    if (this.#given > this.#acknowledged)
      parts.unshift(`rows ${this.#acknowledged} … ${this.#given - 1} were being added`);
    if (this.#killed) {
      const ago = formatSeconds((performance.now() - this.#killed.at) / 1000);
      parts.push(`thread ${this.#killed.thread} was ended ${ago} before`);
    }
    return `round ${this.#number}, ${this.doing}: ${parts.join('; ')}`;
  }

  /** Fills the index and checks it. */
  async through(start: (index: Hnsw, options: { threads: number }) => Promise<Worked>): Promise<void> {
    const { readers, writers } = this.#run.options;
    await this.#guard.pausing(() => this.#makeVectors());
    this.doing = 'starting threads';
    const index = Hnsw.create({ ...this.#options, threads: readers + writers + 1 });
    const pool = await start(index, { threads: readers + writers });
    this.doing = 'adding and searching';
    this.#run.begin();
    try {
      const tasks = [this.#write(pool), ...Array.from({ length: readers }, () => this.#read(pool)), this.#kill(pool)];
      // Whoever fails ends the others' work too.
      await Promise.all(tasks.map((task) => task.finally(() => this.end())));
    } finally {
      this.#run.ended();
    }
    this.doing = 'checking';
    await this.#guard.pausing(async () => {
      await this.#check(index, pool);
      await pool.close();
      await this.#compareWithAlone();
    });
    this.#run.rounds++;
  }

  /** No task goes on. */
  end(): void {
    this.#done = true;
  }

  async #makeVectors(): Promise<void> {
    const { dimension, rows, seed } = this.#run.options;
    const model = { kind: 'clustered', clusters: 200, sizeExponent: 0.5, spread: 0.4 } as const;
    const made = await generate({ model, seed: seed + this.#number, dimension, rows, queries: QUERY_ROWS });
    // Where all threads can read them without a copy.
    this.#data = new Float32Array(new SharedArrayBuffer(made.train.data.byteLength));
    this.#data.set(made.train.data);
    this.#queries = made.queries.data;
    for (let row = 0; row < rows; row++) this.#exact.put(row, this.#row(row), `row ${row}`);
  }

  async #write(pool: Worked): Promise<void> {
    const run = this.#run;
    const { dimension, rows, writers } = run.options;
    while (this.#acknowledged < rows && !run.isOver && !this.#done) {
      this.#given = Math.min(rows, this.#acknowledged + 1 + run.random.integer(2 * BATCH_ROWS - 1));
      const batch = this.#data.subarray(this.#acknowledged * dimension, this.#given * dimension);
      const before = this.#acknowledged;
      try {
        const { latencyUs } = await pool.addBatch(batch, { threads: writers });
        record(run.insertTimes, latencyUs);
        this.#acknowledged = this.#given;
      } catch (error) {
        if (!(error instanceof WorkerDiedError)) throw error;
        run.deaths++;
        this.#acknowledged += error.added ?? 0;
      }
      run.inserted += this.#acknowledged - before;
      run.batches++;
      this.#guard.moved('inserts');
    }
    this.#given = this.#acknowledged;
  }

  async #read(pool: Worked): Promise<void> {
    const run = this.#run;
    const { dimension } = run.options;
    while (!this.#done) {
      const first = run.random.integer(QUERY_ROWS - QUERIES);
      const queries = this.#queries.slice(first * dimension, (first + QUERIES) * dimension);
      const acknowledged = this.#acknowledged;
      this.#searching++;
      try {
        const { ids, distances, found, latencyUs } = await pool.searchBatch(queries, {
          ...{ k: K, efSearch: EF_SEARCH, threads: 1 },
        });
        record(run.searchTimes, latencyUs);
        const given = this.#given;
        for (let i = 0; i < QUERIES; i++) {
          if (found[i] < Math.min(K, acknowledged))
            run.faults.push(`a search found ${found[i]} of ${acknowledged} vectors, and ${K} were wanted`);
          for (let j = i * K; j < i * K + found[i]; j++) {
            if (ids[j] >= given) run.faults.push(`a search found id ${ids[j]}, and ${given} rows had been given`);
          }
        }
        this.#sample(first, acknowledged, distances);
      } catch (error) {
        if (!(error instanceof WorkerDiedError)) throw error;
        run.deaths++;
      } finally {
        this.#searching--;
      }
      this.#guard.moved('searches');
    }
  }

  /** Now and then, how much of the first query's answer is right. */
  #sample(query: number, acknowledged: number, distances: Float32Array): void {
    const now = performance.now();
    if (acknowledged < K || now < this.#lastSample + SAMPLE_MS) return;
    this.#lastSample = now;
    const farthest = this.#exact.nearest(this.#query(query), acknowledged, K).distances[K - 1] * (1 + 1e-5);
    this.#run.sampled++;
    this.#run.hits += within(distances.subarray(0, K), farthest);
    this.#samples.push({ query, acknowledged, farthest });
  }

  /** Ends a thread now and then. */
  async #kill(pool: Worked): Promise<void> {
    const run = this.#run;
    const { killSeconds } = run.options;
    while (killSeconds !== undefined && !this.#done) {
      for (let waited = 0; waited < 1000 * killSeconds && !this.#done; waited += 100) await sleep(100);
      if (this.#done) return;
      const thread = run.random.integer(pool.threads);
      this.#killed = { thread, at: performance.now() };
      await pool.kill(thread);
      run.kills++;
    }
    // Without threads to end, this is over at once, and that must not be the end of the others.
    while (!this.#done) await sleep(100);
  }

  /** Whether the graph is whole, and every row that was acknowledged is to be found. */
  async #check(index: Hnsw, pool: Worked): Promise<void> {
    const { faults, options } = this.#run;
    const { dimension } = options;
    if (index.count !== this.#acknowledged)
      faults.push(`${index.count} vectors are held, and ${this.#acknowledged} were acknowledged`);
    faults.push(...index.validate());
    const all = this.#data.subarray(0, this.#acknowledged * dimension);
    const { distances, found } = await pool.searchBatch(all, { k: 1, efSearch: EF_SEARCH });
    for (let row = 0; row < this.#acknowledged; row++) {
      if (found[row] === 1 && distances[row] === 0) continue;
      // It may only have been missed: a beam for all misses nobody.
      const [nearest] = index.search(this.#row(row), { k: 1, efSearch: index.capacity }).distances;
      if (nearest === 0) continue;
      this.#run.lost++;
      faults.push(`row ${row} was acknowledged and is not to be found`);
    }
  }

  /** The same queries to an index that one thread builds with nobody else about, each when it holds as much. */
  async #compareWithAlone(): Promise<void> {
    this.doing = 'comparing with an index of one thread';
    const { dimension } = this.#run.options;
    const alone = Hnsw.create({ ...this.#options, threads: 1 });
    for (const { query, acknowledged, farthest } of this.#samples.toSorted((a, b) => a.acknowledged - b.acknowledged)) {
      while (alone.count < acknowledged) {
        const to = Math.min(acknowledged, alone.count + PIECE_ROWS);
        alone.addBatch(this.#data.subarray(alone.count * dimension, to * dimension));
        await nextTurn();
      }
      const { distances } = alone.search(this.#query(query), { k: K, efSearch: EF_SEARCH });
      this.#run.hitsAlone += within(distances, farthest);
    }
  }

  #row(row: number): Float32Array {
    const { dimension } = this.#run.options;
    return this.#data.subarray(row * dimension, (row + 1) * dimension);
  }

  #query(query: number): Float32Array {
    const { dimension } = this.#run.options;
    return this.#queries.subarray(query * dimension, (query + 1) * dimension);
  }
}

const PIECE_ROWS = 200;

/** In nanoseconds, as histograms take whole numbers from 1. */
function record(times: RecordableHistogram, latencyUs: Float32Array): void {
  for (const us of latencyUs) times.record(Math.max(1, Math.round(1000 * us)));
}

function within(distances: Float32Array, farthest: number): number {
  return distances.filter((distance) => distance <= farthest).length;
}

/** Shows a line that replaces itself on a terminal; elsewhere one every ten seconds. */
function liner(stream: NodeJS.WriteStream): { show(line: string): void; clear(): void } {
  let last = performance.now();
  return {
    show(line) {
      if (stream.isTTY) stream.write(`\r\x1b[K${line.slice(0, stream.columns - 1)}`);
      else if (performance.now() - last >= LINE_MS) {
        last = performance.now();
        stream.write(`${line}\n`);
      }
    },
    clear: () => void (stream.isTTY && stream.write('\r\x1b[K')),
  };
}

const LINE_MS = 10_000;

if (isMain(import.meta.url)) {
  const { show, clear } = liner(process.stderr);
  await runCommand(async () => {
    const say = (text: string) => {
      clear();
      process.stdout.write(`${text}\n`);
    };
    const options = parseSoakArguments(process.argv.slice(2));
    if (options === 'help') return say(HELP);
    try {
      if ((await soak(options, say, { show })).faults.length > 0) process.exitCode = 1;
    } catch (error) {
      clear();
      if (!(error instanceof StalledError)) throw error;
      process.stderr.write(`error: ${error.message}\n`);
      // The threads that are stuck would hold up the process.
      process.exit(1);
    }
  });
}
