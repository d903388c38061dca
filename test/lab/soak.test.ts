import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { UsageError, WorkerDiedError } from '../../src/core/errors.ts';
import type { Hnsw } from '../../src/graph/hnsw.ts';
import { parseSoakArguments, soak } from '../../src/lab/soak.ts';
import type { SoakOptions } from '../../src/lab/soak-run.ts';
import { StalledError } from '../../src/lab/soak-watch.ts';
import { Pool } from '../../src/workers/pool.ts';

const SCRIPT = fileURLToPath(new URL('../../src/lab/soak.ts', import.meta.url));

const SMALL: SoakOptions = {
  ...{
    seconds: 0,
    batches: 30,
    readers: 2,
    writers: 1,
    dimension: 8,
    rows: 400,
    codes: 'sq7',
    seed: 3,
    stallSeconds: 60,
  },
};

describe('the command line of npm run soak', () => {
  it('has defaults for everything, and reads every flag', () => {
    expect(parseSoakArguments([])).toEqual({
      ...{ seconds: 120, readers: 8, writers: 1, dimension: 64, rows: 50_000, codes: 'sq7', seed: 1 },
    });
    const words = '--minutes 60 --readers 4 --writers 3 --dimension 32 --rows 1000 --codes f32 --seed 9 --kill 5';
    expect(parseSoakArguments(words.split(' '))).toEqual({
      ...{ seconds: 3600, readers: 4, writers: 3, dimension: 32, rows: 1000, codes: 'f32', seed: 9, killSeconds: 5 },
    });
    expect(parseSoakArguments(['--help'])).toBe('help');
  });

  it.each([
    [['--minutes', '0'], /--minutes 0/],
    [['--readers', '128'], /--readers 128: expected a whole number from 1 to 127/],
    [['--writers', '1.5'], /--writers 1.5/],
    [['--rows', '99'], /--rows 99: expected a whole number from 100/],
    [['--codes', 'pq'], /--codes pq: choose one of f32, sq7/],
    [['--kill'], /--kill/],
    [['longer'], /unexpected argument 'longer'/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseSoakArguments(argv)).toThrow(UsageError);
    expect(() => parseSoakArguments(argv)).toThrow(message);
  });

  it('says in its help what it does, and ends with status 2 and one line where it is not understood', async () => {
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [SCRIPT, '--help']);
    expect(stdout).toMatch(/^Adds vectors and searches for them at the same time/);
    expect(stdout).toContain('--kill <seconds>');
    const refused = run(process.execPath, [SCRIPT, '--speed']);
    await expect(refused).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: [^\n]*--speed[^\n]*\n$/),
    });
  });
});

describe('a soak', () => {
  it('goes from index to index, and finds that all is as promised', async () => {
    const said: string[] = [];
    const shown: string[] = [];
    const options = { ...SMALL, readers: 3, writers: 2, killSeconds: 0.2 };
    const report = await soak(options, (text) => said.push(text), { show: (line) => shown.push(line) });
    expect(report.faults).toEqual([]);
    expect(report).toMatchObject({ lost: 0 });
    // Thirty batches of some thirty rows are more than one index holds.
    expect(report.rounds).toBeGreaterThan(1);
    expect(report.inserts.done).toBeGreaterThan(400);
    expect(report.searches.done).toBeGreaterThan(0);
    expect(report.sampled).toBeGreaterThan(0);
    expect(report.recall).toBeGreaterThan(0.95);
    for (const { p50Us, p99Us, p999Us, maxUs } of [report.inserts, report.searches]) {
      expect(p50Us).toBeGreaterThan(0);
      expect([p50Us, p99Us, p999Us, maxUs].toSorted((a, b) => a - b)).toEqual([p50Us, p99Us, p999Us, maxUs]);
    }
    expect(said.join('\n')).toMatch(/lost inserts: 0\nnothing is wrong$/);
    for (const line of shown) expect(line).toMatch(/inserts, .* µs; .*searches, .* µs/);
  });

  /** A pool whose answers are not what they should be. */
  function lying(lies: (pool: Pool) => Partial<Pool>) {
    return async (index: Hnsw, options: { threads: number }) => {
      const pool = await Pool.start(index, options);
      const own = lies(pool);
      return {
        threads: pool.threads,
        addBatch: own.addBatch ?? pool.addBatch.bind(pool),
        searchBatch: own.searchBatch ?? pool.searchBatch.bind(pool),
        kill: pool.kill.bind(pool),
        close: pool.close.bind(pool),
      };
    };
  }

  it.each<{ what: string; lies: (pool: Pool) => Partial<Pool>; fault: RegExp }>([
    {
      what: 'an id that was never given',
      lies: (pool) => ({
        async searchBatch(...asked) {
          const answer = await pool.searchBatch(...asked);
          return { ...answer, ids: answer.ids.map((id) => id + 1000) };
        },
      }),
      fault: /^a search found id \d+, and \d+ rows had been given$/,
    },
    {
      what: 'too few',
      lies: (pool) => ({
        async searchBatch(...asked) {
          const answer = await pool.searchBatch(...asked);
          return { ...answer, found: answer.found.map((found) => Math.min(found, 1)) };
        },
      }),
      fault: /^a search found 1 of \d+ vectors, and 10 were wanted$/,
    },
    {
      what: 'what is not near',
      lies: (pool) => ({
        async searchBatch(...asked) {
          const answer = await pool.searchBatch(...asked);
          return {
            ...answer,
            distances: answer.distances.map((distance, i) => (i % 10 === 9 ? distance * 2 + 1 : distance)),
          };
        },
      }),
      fault: /^recall beside writers is 0\.\d+, with nobody writing /,
    },
    {
      what: 'a row that was acknowledged and is not in',
      lies: (pool) => ({
        async addBatch(vectors, options) {
          const { latencyUs } = await pool.addBatch(vectors.subarray(8), options);
          return { latencyUs: Float32Array.of(1, ...latencyUs) };
        },
      }),
      fault: /^\d+ vectors are held, and \d+ were acknowledged$/,
    },
  ])('sees $what', async ({ lies, fault }) => {
    const report = await soak(SMALL, () => {}, { start: lying(lies) });
    expect(report.faults.join('\n')).toMatch(new RegExp(fault.source, 'm'));
  });

  it('adds the rest where a thread died over a batch', async () => {
    let calls = 0;
    const start = lying((pool) => ({
      async addBatch(vectors, options) {
        if (++calls % 3 !== 0) return pool.addBatch(vectors, options);
        const rows = vectors.length / 8;
        const added = Math.floor(rows / 2);
        await pool.addBatch(vectors.subarray(0, added * 8), options);
        throw new WorkerDiedError({ why: 'so be it', added, rows });
      },
    }));
    const report = await soak(SMALL, () => {}, { start });
    expect(report.faults).toEqual([]);
    expect(report.deaths).toBe(10);
  });

  describe('that stands still', () => {
    const never = () => new Promise<never>(() => {});
    const threads = { threads: 3, kill: never, close: never };

    it('on both sides ends, and says what was under way', async () => {
      const start = async () => ({ ...threads, addBatch: never, searchBatch: never });
      const stalled = soak({ ...SMALL, stallSeconds: 0.5 }, () => {}, { start });
      await expect(stalled).rejects.toThrow(StalledError);
      await expect(stalled).rejects.toThrow(
        /^no inserts, no searches for 0\.5 s: round 0, adding and searching: rows 0 … \d+ were being added; 2 searches were under way$/,
      );
    });

    it('on one side ends too: readers who wait for nobody do not hide writers who wait for each other', async () => {
      const searchBatch = async (queries: Float32Array, { k }: { k: number }) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        const n = queries.length / 8;
        const nothing = { ids: new Uint32Array(n * k), distances: new Float32Array(n * k), found: new Uint32Array(n) };
        return { ...nothing, work: { distances: 0, hops: 0, estimates: 0 }, latencyUs: new Float32Array(n) };
      };
      const start = async () => ({ ...threads, addBatch: never, searchBatch });
      const stalled = soak({ ...SMALL, stallSeconds: 0.5 }, () => {}, { start });
      await expect(stalled).rejects.toThrow(/^no inserts for 0\.5 s: round 0, adding and searching: rows 0 … /);
    });

    it('because the main thread is stuck is ended from outside', async () => {
      const code = `
        import { watch } from ${JSON.stringify(new URL('../../src/lab/soak-watch.ts', import.meta.url).href)};
        watch(['inserts'], 0.2, () => 'nothing');
        // Until its thread runs.
        await new Promise((resolve) => setTimeout(resolve, 100));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      `;
      const argv = ['--input-type=module-typescript', '--eval', code];
      const root = fileURLToPath(new URL('../..', import.meta.url));
      await expect(promisify(execFile)(process.execPath, argv, { cwd: root })).rejects.toMatchObject({
        signal: 'SIGKILL',
        stderr: 'error: no inserts for 0.2 s, and the main thread is stuck itself\n',
      });
    });
  });
});
