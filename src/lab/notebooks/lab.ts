/**
 * `npm run lab`: starts the Jupyter of this machine with the kernel of this checkout, or says how to get a Jupyter. Jupyter is
 * Python's, and the one thing here that npm cannot bring along.
 */
import { spawn, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { AnnError, OutputError, UsageError } from '../../core/errors.ts';
import { type Flag, flagHelp, integerFlag, isMain, readCommandLine, runCommand } from '../command.ts';
import { REPOSITORY } from '../exercises/day.ts';
import { selectNotebooks } from './find.ts';

export interface Jupyter {
  /** The command line that starts it. */
  command: readonly string[];
  interface: 'lab' | 'notebook';
  version: string;
}

/** The first Jupyter that answers: JupyterLab before the plain notebook, a command before a module of Python. */
export function findJupyter(env: NodeJS.ProcessEnv = process.env): Jupyter | undefined {
  const python = process.platform === 'win32' ? 'py' : 'python3';
  for (const face of ['lab', 'notebook'] as const) {
    const commands = [
      [`jupyter-${face}`],
      ['jupyter', face],
      [python, '-m', face === 'lab' ? 'jupyterlab' : 'notebook'],
    ];
    for (const [program, ...args] of commands) {
      const { status, stdout } = spawnSync(program, [...args, '--version'], { env, encoding: 'utf8', timeout: 60_000 });
      const version = /\d+(\.\d+)+/.exec(stdout ?? '')?.[0];
      if (status === 0 && version) return { command: [program, ...args], interface: face, version };
    }
  }
  return undefined;
}

/** The arguments that open a notebook, or their folder, in the root of the checkout. */
export function jupyterArguments(
  { interface: face, version }: Jupyter,
  {
    root,
    open,
    port,
    switches,
  }: { root: string; open: string; port?: number | undefined; switches: readonly string[] },
): string[] {
  const classic = face === 'notebook' && Number.parseInt(version, 10) < 7;
  const app = classic ? 'NotebookApp' : face === 'lab' ? 'LabApp' : 'JupyterNotebookApp';
  const url = face === 'lab' ? `/lab/tree/${open}` : `/${open.endsWith('.ipynb') ? 'notebooks' : 'tree'}/${open}`;
  return [
    classic ? `--NotebookApp.notebook_dir=${root}` : `--ServerApp.root_dir=${root}`,
    `--${app}.default_url=${url}`,
    ...switches,
    ...(port === undefined ? [] : [`--port=${port}`]),
  ];
}

/** The environment in which Jupyter finds the kernel. */
export function jupyterEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const paths = [JUPYTER, env.JUPYTER_PATH].filter((part) => part !== undefined && part !== '');
  return { ...env, JUPYTER_PATH: paths.join(path.delimiter) };
}

/** Makes the kernel known to every Jupyter of this user, VS Code included: a link to it where they look. */
export function linkKernel(dataFolder = userDataFolder()): string {
  const link = path.join(dataFolder, 'kernels', 'annlab');
  const target = path.join(JUPYTER, 'kernels', 'annlab');
  try {
    mkdirSync(path.dirname(link), { recursive: true });
    const there = lstatSync(link, { throwIfNoEntry: false });
    if (there?.isSymbolicLink()) {
      if (readlinkSync(link) === target) return link;
      rmSync(link);
    }
    symlinkSync(target, link, 'junction');
  } catch (cause) {
    throw new OutputError(link, (cause as Error).message, 'remove what is there, or make its folder writable', {
      cause,
    });
  }
  return link;
}

const JUPYTER = path.join(REPOSITORY, 'src', 'lab', 'jupyter');

const FLAGS: Record<string, Flag> = {
  link: { help: 'do not start anything, but make the kernel known to every Jupyter\nof this user, and to VS Code' },
  'no-browser': { help: 'only print the address' },
  'allow-root': { help: 'as root, which Jupyter refuses otherwise: in a container' },
  port: { value: '<n>', help: 'where Jupyter listens; default: as Jupyter is set up' },
};

const HELP = `Starts Jupyter with the kernel of this checkout, so that the notebooks can be read, run and changed.

  npm run lab
  npm run lab -- 3
  npm run lab -- --link

${flagHelp(FLAGS)}

Without Jupyter: npm run notebooks executes the notebooks, npm run site makes pages of them.`;

export const HOW_TO_GET = `no Jupyter was found on this machine. One of these brings it:
  uv tool install jupyterlab
  pipx install jupyterlab
  pip install jupyterlab          (within a virtual environment, activated here)
  sudo apt install jupyter-notebook
Or VS Code with its Jupyter extension, without Python: npm run lab -- --link, then open a notebook and choose
the kernel "TypeScript (annlab)".
Then run this again. Without any of them: npm run notebooks executes the notebooks, npm run site makes pages of them`;

/** Where this user's Jupyter keeps its data. */
function userDataFolder({ env, platform } = process): string {
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  if (platform === 'darwin') return path.join(homedir(), 'Library', 'Jupyter');
  if (platform === 'win32') return path.join(env.APPDATA ?? path.join(homedir(), 'AppData', 'Roaming'), 'jupyter');
  return path.join(env.XDG_DATA_HOME || path.join(homedir(), '.local', 'share'), 'jupyter');
}

/** Runs Jupyter until it ends, and ends as it does. */
async function start(jupyter: Jupyter, args: readonly string[]): Promise<void> {
  // Ctrl-C is Jupyter's: it asks whether to stop.
  process.removeAllListeners('SIGINT').on('SIGINT', () => {});
  const [program, ...before] = jupyter.command;
  const child = spawn(program, [...before, ...args], { cwd: REPOSITORY, env: jupyterEnvironment(), stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  await new Promise<void>((resolve, reject) => {
    child.on('error', (cause) => reject(new AnnError('JUPYTER', `${program}: ${cause.message}`, { cause })));
    child.on('exit', (status) => {
      process.exitCode = status ?? 1;
      resolve();
    });
  });
}

if (isMain(import.meta.url)) {
  await runCommand(async () => {
    const say = (text: string) => process.stdout.write(`${text}\n`);
    const line = readCommandLine(process.argv.slice(2), FLAGS, true);
    if (line.values.help) return void say(HELP);
    const words = line.positionals.join(' ');
    if (line.values.link && words) throw new UsageError(`--link starts nothing: leave out ${words}`);
    if (line.positionals.length > 1) {
      throw new UsageError(`${words}: one notebook at a time, such as npm run lab -- ${line.positionals[0]}`);
    }
    if (line.values.link) {
      const link = linkKernel();
      const undo = `${process.platform === 'win32' ? 'rmdir' : 'rm'} '${link}'`;
      return void say(`linked ${link}: choose the kernel "TypeScript (annlab)"\nto undo it: ${undo}`);
    }
    const port = integerFlag(line, 'port', { min: 1, max: 65_535 });
    const [notebook] = line.positionals.length > 0 ? selectNotebooks(line.positionals) : [];
    const open = notebook ? path.relative(REPOSITORY, notebook.file).split(path.sep).join('/') : 'notebooks';
    const jupyter = findJupyter();
    if (jupyter === undefined) throw new AnnError('JUPYTER', HOW_TO_GET);
    say(`${jupyter.command.join(' ')} (${jupyter.version}), kernel "TypeScript (annlab)"; Ctrl-C twice ends it`);
    const switches = ['no-browser', 'allow-root'].filter((name) => line.values[name]).map((name) => `--${name}`);
    await start(jupyter, jupyterArguments(jupyter, { root: REPOSITORY, open, port, switches }));
  });
}
