import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { REPOSITORY } from '../../../src/lab/exercises/day.ts';
import { listNotebooks, selectNotebooks, shownPath } from '../../../src/lab/notebooks/find.ts';
import { formatNotebook, parseNotebook } from '../../../src/lab/notebooks/notebook.ts';
import { parseRunArguments, type RunOptions, runNotebooks } from '../../../src/lab/notebooks/run.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { notebookOf, shownBy } from './made-up.ts';

const NAMES = ['00-baseline', '03-layers', '10-greedy-search', 'scratch'];

/** A folder of notebooks that are not executed here. */
function folderOf(names: string[]): string {
  const folder = temporaryFolder();
  for (const name of names) writeFileSync(path.join(folder, `${name}.ipynb`), '');
  return folder;
}

describe('which notebooks are meant', () => {
  it.each<[string[], string[]]>([
    [[], NAMES],
    [['3'], ['03-layers']],
    [
      ['03', '0'],
      ['03-layers', '00-baseline'],
    ],
    [['10-greedy-search'], ['10-greedy-search']],
    [['scratch'], ['scratch']],
    [['some/where.ipynb'], ['where']],
  ])('%j', (words, names) => {
    const all = listNotebooks(folderOf([...NAMES].reverse()));
    expect(selectNotebooks(words, all).map(({ name }) => name)).toEqual(names);
  });

  it('refuses a day without a notebook, listing those that are there', () => {
    const all = listNotebooks(folderOf(NAMES.slice(0, 2)));
    expect(() => selectNotebooks(['4'], all)).toThrow(UsageError);
    expect(() => selectNotebooks(['4'], all)).toThrow(
      /^4: there is no notebook of that day; there are 00-baseline, 03-layers$/,
    );
    expect(() => selectNotebooks(['4'], [])).toThrow(/there is none at all yet$/);
  });

  it('takes no notice of Jupyter’s copies', () => {
    const folder = folderOf(['03-layers']);
    mkdirSync(path.join(folder, '.ipynb_checkpoints'));
    writeFileSync(path.join(folder, '.ipynb_checkpoints', '03-layers-checkpoint.ipynb'), '');
    expect(listNotebooks(folder).map(({ name }) => name)).toEqual(['03-layers']);
    expect(listNotebooks(path.join(folder, 'nothing'))).toEqual([]);
  });
});

describe('the command line', () => {
  const parse = (...argv: string[]) => parseRunArguments(argv, listNotebooks(folderOf(NAMES)));

  it('is read', () => {
    expect(parse('--help')).toBe('help');
    expect(parse()).toMatchObject({ check: false, cellTimeoutMs: 120_000, jobs: 1, notebooks: { length: 4 } });
    expect(parse('3', '--check', '--timeout', '9', '--jobs', '2')).toMatchObject({
      ...{ check: true, cellTimeoutMs: 9000, jobs: 2 },
      notebooks: [{ name: '03-layers', day: '03' }],
    });
  });

  it.each([
    [['--timeout', '0'], /--timeout 0: expected a whole number from 1/],
    [['--jobs', '2'], /--jobs 2: expected a whole number from 1 to 1/],
    [['--watch'], /unknown option '--watch'/],
  ])('refuses %j', (argv, message) => {
    expect(() => parse(...argv)).toThrow(UsageError);
    expect(() => parse(...argv)).toThrow(message);
  });

  it('explains itself, and ends with status 2 where there is no such day', async () => {
    const run = (...argv: string[]) =>
      promisify(execFile)(process.execPath, ['--conditions=annlab-source', 'src/lab/notebooks/run.ts', ...argv], {
        cwd: REPOSITORY,
      });
    expect((await run('--help')).stdout).toMatch(/npm run notebooks -- --check[\s\S]*--timeout <s>/);
    await expect(run('99')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: 99: there is no notebook/),
    });
  });
});

describe('a run', () => {
  const run = async (options: Partial<RunOptions> & Pick<RunOptions, 'notebooks'>) => {
    const said: string[] = [];
    const error = await runNotebooks({ check: false, cellTimeoutMs: 20_000, jobs: 1, ...options }, (text) =>
      said.push(text),
    ).then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { said, error };
  };

  it('writes back what passed, leaves what failed, and --check tells them apart', async () => {
    const folder = temporaryFolder();
    const files = {
      '01-good': notebookOf('console.log(1)'),
      '02-bad': notebookOf('console.log(2)', 'throw new Error("x")'),
    };
    for (const [name, notebook] of Object.entries(files)) {
      writeFileSync(path.join(folder, `${name}.ipynb`), formatNotebook(notebook));
    }
    writeFileSync(path.join(folder, '03-none.ipynb'), 'no notebook');
    const text = (name: string) => readFileSync(path.join(folder, `${name}.ipynb`), 'utf8');
    const notebooks = listNotebooks(folder);

    const written = await run({ notebooks });
    expect(written.said[0]).toMatch(/01-good\.ipynb: 1 cells executed in [\d.]+ s$/);
    expect(written.said[1]).toMatch(/^FAILED .*02-bad\.ipynb, cell 2, \[2\], which begins .*: it threw\n/);
    expect(written.said[2]).toMatch(/^FAILED .*03-none\.ipynb: not a notebook/);
    const undo = `git checkout ${shownPath(path.join(folder, '01-good.ipynb'))}`;
    expect(written.said[3]).toBe(
      `outputs written into it; see them: npm run site; undo (changes of your own in the cells too): ${undo}`,
    );
    expect(written.error).toBe('2 of 3 failed: 02-bad, 03-none');
    expect(shownBy(parseNotebook(text('01-good'), ''))).toEqual(['1\n']);
    expect(text('02-bad')).toBe(formatNotebook(files['02-bad']));

    const good = selectNotebooks(['1'], notebooks);
    expect(await run({ notebooks: good, check: true })).toEqual({
      said: [expect.stringMatching(/01-good\.ipynb: 1 cells as a fresh run has them/)],
      error: undefined,
    });
    const changed = text('01-good').replace('console.log(1)', 'console.log(7)');
    writeFileSync(good[0].file, changed);
    const checked = await run({ notebooks: good, check: true });
    expect(checked.said[0]).toMatch(
      /line 1 differs:\n {2}notebook: 1\n {2}a run: {4}7\nTo mend: npm run notebooks -- /,
    );
    expect(checked.error).toBe('1 of 1 failed: 01-good');
    expect(text('01-good')).toBe(changed);
  });

  it('of nothing is an error', async () => {
    expect((await run({ notebooks: [] })).error).toBe('notebooks/ holds no notebook');
  });
});
