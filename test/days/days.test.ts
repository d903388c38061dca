/**
 * Every folder of days/ is a whole day: a card, an exercise made from its solution, checks that are red without the learner
 * and green with the reference, mutants that all die, hints, a facilitator's page of 90 minutes, a notebook. A learner's own
 * exercise.ts is not looked at: what is tested is the one that the solution generates.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAYERS } from '../../src/lab/exercises/check.ts';
import { type JobReport, runSession } from '../../src/lab/exercises/check-session.ts';
import { dayFolders, type FoundDay, findDay, REPOSITORY } from '../../src/lab/exercises/day.ts';
import { pristineExercise, readDayFile } from '../../src/lab/exercises/exercise-file.ts';
import { HINT_LEVELS, parseHints } from '../../src/lab/exercises/hints.ts';
import { type Hole, linesOfCode, parseHoles, unwrittenHoles } from '../../src/lab/exercises/holes.ts';
import { killMutants } from '../../src/lab/exercises/kill-mutants.ts';
import { readMutants } from '../../src/lab/exercises/mutants.ts';
import { isGreen } from '../../src/lab/exercises/run-checks.ts';
import { engineMap } from '../../src/lab/figures/engine-map.ts';

/** The machine may be busy with other tests: what is stopped after this long does not end. */
const TIMEOUT_MS = 120_000;

const names = readdirSync(join(REPOSITORY, 'days'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
  .map(({ name }) => name);

it('days/ holds days and nothing else', () => {
  expect(dayFolders()).toEqual(names.sort());
  expect(names.length).toBeGreaterThan(0);
});

describe.each(names)('day %s', (name) => {
  let day: FoundDay;
  let holes: Hole[];
  beforeAll(async () => {
    day = await findDay(name);
    holes = parseHoles(readDayFile(day, 'solution.ts'), 'solution.ts');
  });

  it('is about the room that is lit on the map of the engine', () => {
    const [, room] = /with the room of day \d\d, (\w+), lit/.exec(engineMap(day.number)) ?? [];
    expect(existsSync(join(REPOSITORY, day.room)), day.room).toBe(true);
    expect(day.room.split('/').slice(0, 2)).toEqual(['src', room]);
  });

  it('has two or three holes, 30 lines or fewer in all, each with its task', () => {
    expect([2, 3]).toContain(holes.length);
    expect(holes.reduce((sum, hole) => sum + linesOfCode(hole), 0)).toBeLessThanOrEqual(30);
    for (const { name, task } of holes) expect(task.join(' ').length, `task of hole ${name}`).toBeGreaterThan(10);
  });

  it('has the exercise that its solution generates, unless a learner has begun to write', () => {
    const exercise = readDayFile(day, 'exercise.ts');
    const untouched = unwrittenHoles(exercise, day).length === holes.length;
    if (process.env.CI || untouched)
      expect(exercise, `run "npm run exercises -- ${day.number}"`).toBe(pristineExercise(day));
  });

  describe('checks', () => {
    let untouched: JobReport;
    let solution: JobReport;
    beforeAll(async () => {
      const file = `.untouched-${process.pid}.ts`;
      try {
        writeFileSync(join(day.folder, file), pristineExercise(day));
        const jobs = [{ file }, { file: 'solution.ts' }];
        [untouched, solution] = await runSession(day, jobs, { timeoutMs: TIMEOUT_MS });
      } finally {
        rmSync(join(day.folder, file), { force: true });
      }
    }, 10 * TIMEOUT_MS);

    it('are green with the solution', () => {
      expect(solution.problem).toBeUndefined();
      expect(solution.results.filter(({ status }) => status !== 'passed')).toEqual([]);
      expect(isGreen(solution.results)).toBe(true);
    });

    it('wait for the holes of an untouched exercise, all of them', () => {
      expect(untouched.problem).toBeUndefined();
      expect(untouched.results.filter(({ status }) => status !== 'unwritten')).toEqual([]);
      expect(isGreen(untouched.results)).toBe(false);
    });

    it('cover every hole and every layer, each in its own words', () => {
      const { results } = solution;
      expect(new Set(results.map(({ hole }) => hole))).toEqual(new Set(holes.map(({ name }) => name)));
      expect(new Set(results.map(({ layer }) => layer))).toEqual(new Set(LAYERS));
      expect(new Set(results.map(({ says }) => says)).size).toBe(results.length);
      for (const { says, likely } of results) expect([says.trim(), likely.trim()]).not.toContain('');
    });
  });

  it('has five mutants or more, in every hole, and its checks kill them all', {
    timeout: 30 * TIMEOUT_MS,
  }, async () => {
    const mutants = await readMutants(day);
    expect(mutants.length).toBeGreaterThanOrEqual(5);
    expect(new Set(mutants.map(({ hole }) => hole))).toEqual(new Set(holes.map(({ name }) => name)));
    for (const { name, hole, find } of mutants) {
      const body = holes.find((one) => one.name === hole)!.body.join('\n');
      expect(body.includes(find.trim()), `mutant ${name} makes its mistake in hole ${hole}`).toBe(true);
    }
    const verdicts = await killMutants(day, { timeoutMs: TIMEOUT_MS });
    expect(verdicts.filter(({ killed }) => !killed).map(({ mutant, by }) => `${mutant.name}: ${by}`)).toEqual([]);
    expect(verdicts).toHaveLength(mutants.length);
  });

  it('has three levels of hints for every hole, and for nothing else', () => {
    const hints = parseHints(readDayFile(day, 'hints.md'));
    expect([...hints.keys()]).toEqual(holes.map(({ name }) => name));
    for (const [hole, levels] of hints) {
      expect(levels, hole).toHaveLength(HINT_LEVELS);
      for (const hint of levels) expect(hint.length, hole).toBeGreaterThan(20);
    }
  });

  it('has a facilitator’s page whose timings run from 0 to 90 minutes without a gap', () => {
    const rows = [...readDayFile(day, 'facilitator.md').matchAll(/^\|\s*(\d+)\s*[–-]\s*(\d+)\s*\|/gm)];
    const times = rows.map(([, from, to]) => [Number(from), Number(to)]);
    expect(times.length).toBeGreaterThanOrEqual(5);
    expect(times[0][0]).toBe(0);
    expect(times[times.length - 1][1]).toBe(90);
    for (const [i, [from, to]] of times.entries()) {
      expect(to).toBeGreaterThan(from);
      if (i > 0) expect(from).toBe(times[i - 1][1]);
    }
    expect(day.minutes).toBe(90);
  });

  it('has a notebook of 12 to 18 code cells and 1,000 to 2,000 words', () => {
    const file = join(REPOSITORY, 'notebooks', `${name}.ipynb`);
    const { cells } = JSON.parse(readFileSync(file, 'utf8')) as {
      cells: { cell_type: string; source: string | string[] }[];
    };
    const code = cells.filter(({ cell_type }) => cell_type === 'code').length;
    const prose = cells
      .filter(({ cell_type }) => cell_type === 'markdown')
      .map(({ source }) => [source].flat().join(''));
    const words = wordsOf(prose.join('\n\n'));
    expect(code).toBeGreaterThanOrEqual(12);
    expect(code).toBeLessThanOrEqual(18);
    expect(words).toBeGreaterThanOrEqual(1000);
    expect(words).toBeLessThanOrEqual(2000);
  });

  it('loads the exercise rather than importing it: a learner’s file may not compile', () => {
    const files = readdirSync(day.folder).filter((file) => /^(?!exercise)[^.].*\.ts$/.test(file));
    for (const file of files) {
      expect(/from '\.\/exercise(\.ts)?'/.test(readDayFile(day, file)), `${file}: use loadDay`).toBe(false);
    }
  });
});

describe('the exercises as generated', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'annlab-'));
  const written: string[] = [];
  afterAll(() => {
    for (const file of written) rmSync(file, { force: true });
    rmSync(scratch, { recursive: true });
  });

  it('are TypeScript without an error', async () => {
    for (const name of dayFolders()) {
      const day = await findDay(name);
      if (day.language === 'assemblyscript') continue;
      const file = join(day.folder, `.generated-${process.pid}.ts`);
      written.push(file);
      writeFileSync(file, pristineExercise(day));
    }
    const config = {
      extends: join(REPOSITORY, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(REPOSITORY, 'node_modules/@types')] },
      files: written,
      include: [],
    };
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
    expect(existsSync(compiler)).toBe(true);
    const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', scratch], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
    expect(written.length).toBeGreaterThan(0);
  });
});

/** Words of prose: without code, formulas, tags and the addresses of links. */
function wordsOf(markdown: string): number {
  const prose = markdown
    .replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, ' ')
    .replaceAll(/\$\$[\s\S]*?\$\$|\$[^$\n]+\$/g, ' ')
    .replaceAll(/`[^`\n]*`/g, ' code ')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\]\([^)]*\)/g, '] ');
  return prose.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}
