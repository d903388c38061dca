/**
 * One engine in a process of its own: it loads the vectors, builds, and then sweeps whenever it is told to. Engines do not
 * share a heap, a collector, an allocator or a library's global state; the memory a process grows by is its engine's; and
 * as one works at a time, they are measured in turn as if they shared a process.
 *
 * `EngineProcess` is the side that asks; started as a script, this file is the side that answers.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AnnError } from '../../../src/core/errors.ts';
import { row } from '../../../src/core/matrix.ts';
import { isMain } from '../../../src/lab/command.ts';
import { loadDataset } from '../../../src/lab/datasets.ts';
import { describeVersions } from '../../../src/lab/machine.ts';
import type { Truth } from '../../../src/lab/recall.ts';
import { type Searcher, type SweepRow, sweep } from '../../../src/lab/sweep.ts';
import { PEERS } from './engines/index.ts';
import { loadPackage, type OnProgress, type Peer, type PeerIndex, type PeerSettings } from './engines/peer.ts';
import { forPeers } from './vectors.ts';

export interface EngineTask {
  dataset: string;
  rows: number;
  queries: number;
  truth: Truth;
  k: number;
  efs?: readonly number[];
  gammas?: readonly number[];
  /** The recall at which a sweep ends, even if the list of widths goes on. */
  enough: number;
  settings: Omit<PeerSettings, 'space'>;
}

/** What a build cost. */
export interface Built {
  seconds: number;
  /** Processor time; above `seconds` where more than one thread worked. */
  cpuSeconds: number;
  /** What the process grew by (resident set); the vectors that it was given are not in it. */
  ramBytes: number;
  ownBytes: PeerIndex['ownBytes'] | null;
  /** What can be searched. */
  searchers: Pick<Searcher, 'index' | 'codes' | 'knob' | 'by'>[];
  /** Of annlab: the build of its kernels. */
  wasm?: string;
}

export interface Swept {
  rows: SweepRow[];
  seconds: number;
  cpuSeconds: number;
}

type Request = { build: EngineTask; peer: string } | { sweep: number };
type Answer = { progress: [done: number, total: number] } | { built: Built } | { swept: Swept };

export class EngineProcess {
  readonly built: Built;
  readonly #child: Child;

  private constructor(child: Child, built: Built) {
    this.#child = child;
    this.built = built;
  }

  /** Starts a process, with more in its environment if need be, and has it build the index. Throws EngineError, with what the process said, where that fails. */
  static async start(
    peer: Peer,
    task: EngineTask,
    onProgress: OnProgress,
    environment: Record<string, string> = {},
  ): Promise<EngineProcess> {
    const child = new Child(peer, onProgress, environment);
    const answer = await child.ask({ build: task, peer: peer.name });
    if (!('built' in answer)) throw new EngineError(peer.name, 'it answered something else', '');
    return new EngineProcess(child, answer.built);
  }

  /** Sweeps the widths once with one of `built.searchers`. */
  async sweep(searcher: number): Promise<Swept> {
    const answer = await this.#child.ask({ sweep: searcher });
    if (!('swept' in answer)) throw new EngineError(this.#child.name, 'it answered something else', '');
    return answer.swept;
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

export class EngineError extends AnnError {
  constructor(name: string, how: string, said: string) {
    const mend = 'leave it out with --only, or install the peers again (npm run setup:peers)';
    super('ENGINE', `${name}: its process ended (${how}): ${mend}${said.trim() ? `\n${said.trim()}` : ''}`);
  }
}

/** A child process to which one question is put at a time. */
class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  #said = '';
  #resolve: (answer: Answer) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor({ name, environment }: Peer, onProgress: OnProgress, more: Record<string, string>) {
    this.name = name;
    this.#process = fork(fileURLToPath(import.meta.url), [], {
      env: { ...process.env, ...environment, ...more },
      // Node before 22.18 reads TypeScript only when told to.
      execArgv: [...process.execArgv, ...(process.features.typescript ? [] : ['--experimental-strip-types'])],
      serialization: 'advanced',
      // Libraries write to stdout as they please.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4000);
    });
    this.#process.on('message', (answer: Answer) => {
      if ('progress' in answer) onProgress(...answer.progress);
      else this.#resolve(answer);
    });
    this.#process.on('error', (error) => this.#reject(new EngineError(name, error.message, this.#said)));
    this.#process.on('close', (status, signal) =>
      this.#reject(new EngineError(name, signal ?? `exit status ${status}`, this.#said)),
    );
  }

  ask(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#process.send(request);
    });
  }

  stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.#reject = () => {};
      this.#process.once('close', () => resolve());
      this.#process.kill('SIGKILL');
    });
  }
}

/**
 * Searching before anything is measured, as wide as building, at least so often and so long: it maps what is mapped lazily, fills what is
 * cached, and leads the compilers of JavaScript and WebAssembly to their best code.
 */
const WARMUP_SEARCHES = 200;
const WARMUP_SECONDS = 1;
/** About as wide, of a search that stops by itself. */
const WARMUP_GAMMA = 0.05;

/** The other side: builds when asked to, then sweeps whenever asked to, until it is killed or its parent is gone. */
function answerRequests(): void {
  let engine: { task: EngineTask; built: Built; index: PeerIndex; queries: ReturnType<typeof forPeers>['queries'] };
  process.on('disconnect', () => process.exit());
  process.on('message', async (request: Request) => {
    if ('build' in request) {
      engine = await build(request.peer, request.build);
      process.send!({ built: engine.built } satisfies Answer);
      return;
    }
    const { task, built, index, queries } = engine;
    const searcher: Searcher = {
      ...index.searchers[request.sweep],
      buildSeconds: built.seconds,
      ramBytes: built.ramBytes,
    };
    const { dataset, truth, k, enough, efs, gammas } = task;
    // A whole pass first: while the others had their turn, their memory took the place of this engine's in the caches.
    const warmup = queries.rows;
    const work = () =>
      sweep({
        ...{ dataset, searcher, queries, truth, k, rounds: 1, warmup, enough },
        ...(efs && { efs }),
        ...(gammas && { gammas }),
      });
    const { result: rows, ...cost } = await timed(work);
    process.send!({ swept: { rows, ...cost } } satisfies Answer);
  });
}

async function build(name: string, task: EngineTask) {
  const { dataset, rows, queries: count, settings } = task;
  const peer = PEERS.find((one) => one.name === name)!;
  const vectors = forPeers(await loadDataset(dataset, { maxRows: rows, maxQueries: count }));
  const { base, queries, space } = vectors;
  if (peer.package) await loadPackage(peer.package);
  const rssBefore = process.memoryUsage().rss;
  const onProgress: OnProgress = (done, total) => process.send!({ progress: [done, total] } satisfies Answer);
  const { result: index, ...cost } = await timed(() => peer.build(base, { ...settings, space }, onProgress));

  for (const { prepare } of index.searchers) prepare?.(queries);
  const warmupEnds = performance.now() + WARMUP_SECONDS * 1000;
  for (let i = 0; i < WARMUP_SEARCHES || performance.now() < warmupEnds; i++) {
    const searcher = index.searchers[i % index.searchers.length];
    const width = searcher.knob === 'gamma' ? WARMUP_GAMMA : Math.max(task.k, settings.efConstruction);
    await searcher.search(row(queries, i % queries.rows), task.k, width);
  }
  const ramBytes = process.memoryUsage().rss - rssBefore;
  const searchers = index.searchers.map(({ index, codes, knob, by }) => ({
    ...{ index, codes },
    ...(knob && { knob }),
    ...(by && { by }),
  }));
  const wasm = peer.package === null && { wasm: describeVersions().wasm };
  const built: Built = { ...cost, ramBytes, ownBytes: index.ownBytes ?? null, searchers, ...wasm };
  return { task, built, index, queries };
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number; cpuSeconds: number }> {
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const result = await work();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { result, seconds, cpuSeconds: (user + system) / 1e6 };
}

if (isMain(import.meta.url)) answerRequests();
