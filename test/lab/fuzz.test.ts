import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CorruptionError, DataFileError, ParameterError, UsageError } from '../../src/core/errors.ts';
import { Random } from '../../src/core/random.ts';
import { open, verify } from '../../src/engine/index-file.ts';
import { type FuzzOptions, fuzz, parseFuzzArguments } from '../../src/lab/fuzz.ts';
import { type Damage, damaged, isLie, randomDamage } from '../../src/lab/fuzz-damage.ts';
import {
  damageOf,
  type Engine,
  Finding,
  runTrial,
  type Shape,
  shapeOf,
  subjectOf,
  TRIALS_OF_A_SHAPE,
} from '../../src/lab/fuzz-trial.ts';
import { AnnFile } from '../../src/storage/ann-file.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const SHAPE: Shape = {
  options: { dimension: 10, metric: 'l2', codes: 'sq7', filter: 'sign', M: 3, efConstruction: 12, seed: 2 },
  ...{ count: 500, rows: 'normal', ownIds: true, seed: 'a shape' },
};

async function subject() {
  const folder = temporaryFolder();
  const whole = join(folder, 'whole.ann');
  return { subject: await subjectOf(SHAPE, whole), whole, path: join(folder, 'damaged.ann') };
}

describe('the command line of npm run fuzz', () => {
  it('has defaults for everything, and reads every flag', () => {
    expect(parseFuzzArguments([])).toMatchObject({ times: 10_000, seconds: Infinity, out: join('out', 'fuzz') });
    expect(parseFuzzArguments(['--times', '5', '--seed', '9', '--out', 'o'])).toEqual({
      ...{ times: 5, seconds: Infinity, seed: 9, out: 'o' },
    });
    expect(parseFuzzArguments(['--minutes', '2'])).toMatchObject({ times: Infinity, seconds: 120 });
    expect(parseFuzzArguments(['--replay', 'f.json'])).toMatchObject({ replay: 'f.json' });
    expect(parseFuzzArguments(['--help'])).toBe('help');
  });

  it.each([
    [['--times', '0'], /--times 0/],
    [['--times', '5', '--minutes', '1'], /--times or --minutes, not both/],
    [['again'], /unexpected argument 'again'/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseFuzzArguments(argv)).toThrow(UsageError);
    expect(() => parseFuzzArguments(argv)).toThrow(message);
  });
});

describe('damage', () => {
  it('is the same from the same seed, is undone by no way through JSON, and is of every kind', async () => {
    const { subject: saved, whole } = await subject();
    const kinds = new Set<string>();
    for (let i = 0; i < 300; i++) {
      const [damage, again] = [1, 2].map(() => randomDamage(new Random(`damage ${i}`), saved));
      const written: Damage = JSON.parse(JSON.stringify(damage));
      expect(again).toEqual(damage);
      expect(Buffer.compare(damaged(saved, written), damaged(saved, damage))).toBe(0);
      kinds.add(damage.kind);
    }
    expect([...kinds].toSorted()).toEqual(['append', 'copy', 'cut', 'flip', 'lie', 'noise', 'swap', 'zero']);
    expect(Buffer.compare(saved.bytes, readFileSync(whole))).toBe(0);
  });

  it('that lies has every checksum in order', async () => {
    const { subject: saved, path } = await subject();
    let changed = 0;
    for (let i = 0; i < 300; i++) {
      const damage = randomDamage(new Random(`lie ${i}`), saved);
      if (!isLie(damage)) continue;
      const bytes = damaged(saved, damage);
      writeFileSync(path, bytes);
      using file = AnnFile.open(path);
      expect(file.verify()).toEqual([]);
      if (Buffer.compare(bytes, saved.bytes) !== 0) changed++;
    }
    expect(changed).toBeGreaterThan(80);
  });
});

describe('a trial', () => {
  it('of an index that keeps its promises finds nothing, and sees damage met and not met', async () => {
    const { subject: saved, path } = await subject();
    const outcomes = new Set<string>();
    for (let i = 0; i < 150; i++) outcomes.add(await runTrial(saved, damageOf(3, i, saved), path));
    expect(outcomes).toContain('open');
    expect(outcomes).toContain('search');
    expect(outcomes).toContain('verify');
  });

  it('is of another shape after some, and the same from the same seed', () => {
    expect(shapeOf(1, 0)).toEqual(shapeOf(1, TRIALS_OF_A_SHAPE - 1));
    expect(shapeOf(1, 0)).not.toEqual(shapeOf(1, TRIALS_OF_A_SHAPE));
    expect(shapeOf(1, 0)).not.toEqual(shapeOf(2, 0));
  });

  const flip: Damage = { kind: 'flip', bits: [8 * 65_536 + 5] };
  it.each<[string, Partial<Engine>, RegExp]>([
    [
      'calls it whole',
      { verify: async (path) => ({ ...(await verify(path)), ok: true }) },
      /calls a damaged file whole/,
    ],
    ['throws', { verify: () => Promise.reject(new RangeError('oh')) }, /^verify: RangeError: oh/],
    ['answers as if nothing were', { open: () => wholeWithOtherRows() }, /^query 0: .* instead of /],
    ['stumbles', { open: () => Promise.reject(new TypeError('undefined is no function')) }, /^open: TypeError/],
    [
      'says something that mends nothing',
      { open: () => Promise.reject(new ParameterError({ parameter: 'k', got: 0, want: '1' })) },
      /^open: an error that does not say what is wrong with the file: k = 0: 1/,
    ],
    [
      'names another file',
      {
        open: () =>
          Promise.reject(new CorruptionError({ file: 'x', section: 'y', block: 0, offset: 0, want: 1, got: 2 })),
      },
      /^open: an error that does not say/,
    ],
  ])('finds an engine that %s', async (_, broken, says) => {
    const { subject: saved, path } = await subject();
    const trial = runTrial(saved, { damage: flip, mode: 'map' }, path, { open, verify, ...broken });
    await expect(trial).rejects.toThrow(Finding);
    await expect(trial).rejects.toThrow(says);
  });

  async function wholeWithOtherRows() {
    const path = join(temporaryFolder(), 'other.ann');
    await subjectOf({ ...SHAPE, seed: 'another shape' }, path);
    return open(path);
  }

  it('that changes nothing tries nothing', async () => {
    const { subject: saved, path } = await subject();
    const zero: Damage = { kind: 'zero', from: 60_000, bytes: 100 };
    expect(await runTrial(saved, { damage: zero, mode: 'read' }, path)).toBe('same');
    expect(existsSync(path)).toBe(false);
  });
});

describe('npm run fuzz', () => {
  const options = (changes: Partial<FuzzOptions>): FuzzOptions => {
    return { times: 20, seconds: 600, seed: 5, out: join(temporaryFolder(), 'out'), ...changes };
  };

  async function run(changes: Partial<FuzzOptions>) {
    const said: string[] = [];
    const all = options(changes);
    const found = await fuzz(all, (text) => said.push(text));
    return { found, text: said.join('\n'), kept: readdirSync(all.out).toSorted(), out: all.out };
  }

  it('finds nothing in an engine that keeps its promises, and says how often it looked', async () => {
    const { found, text, kept } = await run({ times: 120 });
    expect(found).toEqual([]);
    expect(text).toMatch(/seed 5: 120 trials in \d\.\d s, \d+ a second; nothing was found/);
    const counts = [...text.matchAll(/ {2,}(\d+)$/gm)].map(([, count]) => Number(count));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(120);
    expect(kept).toEqual([]);
  });

  it('stops when its time is up', async () => {
    const { text } = await run({ times: Infinity, seconds: 0.2 });
    expect(text).toMatch(/seed 5: \d+ trials in/);
  });

  /** A script that begins every trial as the real one does, and then does this. */
  function script(what: string): string {
    const file = join(temporaryFolder(), 'trials.mjs');
    const lines = [
      `import { writeFileSync, writeSync } from 'node:fs';`,
      'const { from, to, folder, replay } = JSON.parse(process.argv[2]);',
      `const say = (event) => writeSync(3, JSON.stringify(event) + '\\n');`,
      `const damage = { kind: 'flip', bits: [1] };`,
      'for (let trial = from; trial < to; trial++) {',
      `  say({ type: 'began', trial, shape: replay?.shape ?? {}, damage: replay?.damage ?? damage, mode: 'map' });`,
      `  writeFileSync(folder + '/damaged.ann', 'trial ' + trial);`,
      `  if (trial === 7) { ${what} }`,
      `  say({ type: 'ended', outcome: 'open' });`,
      '}',
    ];
    writeFileSync(file, lines.join('\n'));
    return file;
  }

  it.each([
    ['crashes', `process.kill(process.pid, 'SIGSEGV'); for (;;);`, 30, /^the process ended by SIGSEGV/],
    ['hangs', 'for (;;);', 2, /^it did not come to an end within 2 s/],
    ['throws', `throw new Error('oh no');`, 30, /^the process ended with status 1\n[\s\S]*oh no/],
    ['finds something', `say({ type: 'found', what: 'a wrong answer' }); process.exit(0);`, 30, /^a wrong answer$/],
  ])('keeps what a trial that %s did, and goes on with the next', async (_, what, stallSeconds, says) => {
    const { found, text, kept, out } = await run({ times: 10, script: script(what), stallSeconds });
    expect(found.map(({ trial }) => trial)).toEqual([7]);
    expect(found[0]).toMatchObject({ seed: 5, damage: { kind: 'flip', bits: [1] }, mode: 'map' });
    expect(found[0].what).toMatch(says);
    expect(kept).toEqual(['found-5-7.ann', 'found-5-7.json']);
    expect(JSON.parse(readFileSync(join(out, 'found-5-7.json'), 'utf8'))).toEqual(found[0]);
    expect(readFileSync(join(out, 'found-5-7.ann'), 'utf8')).toBe('trial 7');
    expect(text).toContain(`npm run fuzz -- --replay ${join(out, 'found-5-7.json')}`);
    expect(text).toMatch(/found to be wrong +1\n/);
    expect(text).toContain(': 10 trials in');
    const again = await run({ script: script(what), stallSeconds, replay: join(out, 'found-5-7.json') });
    expect(again.found).toEqual([{ ...found[0], what: expect.stringMatching(says) }]);
  });

  it('says that trials cannot be run at all', async () => {
    await expect(run({ script: join(temporaryFolder(), 'none.mjs') })).rejects.toThrow(
      /ended before it began one: the process ended with status 1/,
    );
  });

  it('runs what was kept once more, as it was, and nothing else', async () => {
    const file = join(temporaryFolder(), 'found.json');
    const damage: Damage = { kind: 'cut', length: 100_000 };
    writeFileSync(file, JSON.stringify({ seed: 8, trial: 77, what: '', shape: SHAPE, damage, mode: 'read' }));
    const { found, text } = await run({ replay: file });
    expect(found).toEqual([]);
    expect(text).toMatch(/refused when it was opened +1\n/);
    expect(text).toContain('seed 8: 1 trials');
    writeFileSync(file, '{}');
    await expect(run({ replay: file })).rejects.toThrow(DataFileError);
    await expect(run({ replay: `${file}.none` })).rejects.toThrow(DataFileError);
  });
});
