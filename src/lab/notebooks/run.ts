/**
 * `npm run notebooks`: executes notebooks without Python. Outputs are written back only where the whole notebook ran
 * cleanly; with --check they are compared with the committed ones instead, which is what the tests do.
 */
import { performance } from 'node:perf_hooks';
import { AnnError } from '../../core/errors.ts';
import { type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from '../command.ts';
import { startProgress } from '../progress.ts';
import { compareNotebooks } from './compare.ts';
import { type ExecuteOptions, executeNotebook, NotebookError } from './execute.ts';
import { type NotebookFile, selectNotebooks, shownPath } from './find.ts';
import { isCode, readNotebook, writeNotebook } from './notebook.ts';

export interface RunOptions {
  notebooks: readonly NotebookFile[];
  /** Compare with the outputs that are there, and write nothing. */
  check: boolean;
  cellTimeoutMs: number;
  /** How many are executed at once. */
  jobs: number;
}

const FLAGS: Record<string, Flag> = {
  check: { help: 'compare with the outputs that are there, and write nothing' },
  timeout: { value: '<s>', help: 'seconds for a single cell; default 120' },
  jobs: { value: '<n>', help: 'notebooks executed at once, with --check; default 1' },
};

const HELP = `Executes notebooks in fresh kernels, and writes their outputs back where all went well.

  npm run notebooks
  npm run notebooks -- 03 04
  npm run notebooks -- path/to/one.ipynb
  npm run notebooks -- --check

${flagHelp(FLAGS)}

A type error, a throw, anything on stderr, a late rejection, a cell without end and a dead kernel fail a notebook, and
then it stays as it was. Cells tagged "timing" show times: --check wants them executed, not the same.`;

/** Throws UsageError, whose message is one line for the person at the keyboard. */
export function parseRunArguments(argv: readonly string[], all?: readonly NotebookFile[]): RunOptions | 'help' {
  const line = readCommandLine(argv, FLAGS, true);
  if (line.values.help) return 'help';
  const check = line.values.check === true;
  return {
    notebooks: selectNotebooks(line.positionals, all),
    check,
    cellTimeoutMs: 1000 * (integerFlag(line, 'timeout', { min: 1, max: 86_400 }) ?? 120),
    // Together they would disturb each other's times.
    jobs: integerFlag(line, 'jobs', { min: 1, max: check ? 64 : 1 }) ?? 1,
  };
}

/** Executes the notebooks; `say` gets a line about each. Throws NotebookError, after all of them, where any failed. */
export async function runNotebooks(options: RunOptions, say: (text: string) => void): Promise<void> {
  const { notebooks, jobs } = options;
  if (notebooks.length === 0) throw new AnnError('NOTEBOOK', 'notebooks/ holds no notebook');
  const waiting = [...notebooks];
  const failures: string[] = [];
  const written: string[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        say(await runNotebook(next, options));
        if (!options.check) written.push(shownPath(next.file));
      } catch (error) {
        if (!(error instanceof AnnError)) throw error;
        failures.push(next.name);
        say(`FAILED ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (written.length > 0) {
    const undo = `undo (changes of your own in the cells too): git checkout ${written.join(' ')}`;
    say(`outputs written into ${written.length === 1 ? 'it' : 'them'}; see them: npm run site; ${undo}`);
  }
  if (failures.length === 0) return;
  throw new NotebookError(`${failures.length} of ${notebooks.length} failed`, `: ${failures.join(', ')}`);
}

/** One notebook; resolves to the line that says so. */
async function runNotebook({ file }: NotebookFile, { check, cellTimeoutMs, jobs }: RunOptions): Promise<string> {
  const name = shownPath(file);
  const start = performance.now();
  const notebook = await readNotebook(file);
  const total = notebook.cells.filter(isCode).length;
  // A bar for each of several at once would overwrite the others'.
  const progress =
    jobs === 1 && process.stderr.isTTY ? startProgress({ label: name, total, unit: 'cells' }) : undefined;
  const execution: ExecuteOptions = { cellTimeoutMs, brief: check, onProgress: (...at) => progress?.update(...at) };
  const fresh = await executeNotebook(notebook, name, execution).finally(() => progress?.stop());
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (!check) {
    await writeNotebook(file, fresh);
    return `${name}: ${total} cells executed in ${seconds} s`;
  }
  const differences = compareNotebooks(notebook, fresh, name);
  if (differences.length === 0) return `${name}: ${total} cells as a fresh run has them, ${seconds} s`;
  const mend = `To mend: npm run notebooks -- ${name}, then look at what has changed`;
  throw new NotebookError(differences.join('\n'), `\n${mend}`);
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const options = parseRunArguments(process.argv.slice(2));
    if (options === 'help') say(HELP);
    else await runNotebooks(options, say);
  });
}
