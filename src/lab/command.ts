/**
 * What the lab's commands share: flags read by node:util's parseArgs, with errors of one line, and a good end whatever
 * happens. Exit status 0: done, 1: an error of the engine or the machine, 2: a command line that makes no sense,
 * 130: Ctrl-C.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AnnError, UsageError } from '../core/errors.ts';

/** One flag as the help shows it and as it is read. */
export interface Flag {
  /** What follows it, such as `<n>`; without: a switch. */
  value?: string;
  help: string;
}

/** The words after the command: flags by name, where given, and the rest in order. */
export interface CommandLine {
  values: Record<string, string | true | undefined>;
  positionals: string[];
}

/**
 * Reads the command line; a flag that is not in the list is an error, as is a missing or needless value, and one of the list that
 * npm kept: what stands before `--` it takes for its own, and the command would run without.
 */
export function readCommandLine(
  argv: readonly string[],
  flags: Record<string, Flag>,
  positionals = false,
): CommandLine {
  const kept = Object.keys(flags).find(npmKept);
  if (kept !== undefined)
    throw new UsageError(
      `npm kept --${kept} for itself: put a -- before the flags, as in ${npmCommand()} -- --${kept}`,
    );
  const options: ParseArgsConfig['options'] = { help: { type: 'boolean', short: 'h' } };
  for (const [name, flag] of Object.entries(flags)) options[name] = { type: flag.value ? 'string' : 'boolean' };
  try {
    const parsed = parseArgs({ args: [...argv], options, allowPositionals: positionals, strict: true });
    return { values: parsed.values as CommandLine['values'], positionals: parsed.positionals };
  } catch (error) {
    const [, dashed] = /^Option '([^']+)' argument is ambiguous/.exec((error as Error).message) ?? [];
    if (dashed !== undefined)
      throw new UsageError(
        `${dashed}: its value is missing, or begins with a dash, as only in ${dashed}=-1 it may: --help lists the flags`,
      );
    // The first sentence says what is wrong; the rest is about writing such arguments on purpose.
    const what = (error as Error).message.split(/\.\s/)[0].replace(/\.$/, '');
    throw new UsageError(`${what.charAt(0).toLowerCase()}${what.slice(1)}: --help lists the flags`);
  }
}

/** npm hands what it takes for its own to its scripts as variables; `--no-x` as an x that is empty. */
function npmKept(name: string): boolean {
  const kept = (flag: string) => process.env[`npm_config_${flag.replaceAll('-', '_')}`];
  return kept(name) !== undefined || (name.startsWith('no-') && kept(name.slice(3)) === '');
}

function npmCommand(): string {
  const script = process.env.npm_lifecycle_event ?? 'start';
  return script === 'start' ? 'npm start' : `npm run ${script}`;
}

/** The flags as a column of the help text. */
export function flagHelp(flags: Record<string, Flag>): string {
  const rows = Object.entries({ ...flags, help: { help: 'this text' } }).map(
    ([name, { value, help }]: [string, Flag]) => [`--${name}${value ? ` ${value}` : ''}`, help],
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows
    .map(([left, help]) => `  ${left.padEnd(width)}  ${help.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`)
    .join('\n');
}

/** What a number may be. `least`: the flag that `min` comes from, where it is another's value. */
export interface NumberRange {
  min: number;
  max: number;
  least?: string;
}

/** `--name 12` as an integer from `min` to `max`. */
export function integerFlag(line: CommandLine, name: string, range: NumberRange): number | undefined {
  const text = line.values[name];
  return text === undefined ? undefined : integer(String(text), name, range);
}

/** `--name 10,20,40` as integers from `min` to `max`. */
export function integersFlag(line: CommandLine, name: string, range: NumberRange): number[] | undefined {
  return parts(line, name)?.map((part) => integer(part, name, range));
}

/** `--name 0.95` as a number from `min` to `max`. */
export function numberFlag(line: CommandLine, name: string, range: { min: number; max: number }): number | undefined {
  const text = line.values[name];
  return text === undefined ? undefined : decimal(String(text), name, range);
}

/** `--name 0,0.02,1.5`. */
export function numbersFlag(
  line: CommandLine,
  name: string,
  range: { min: number; max: number },
): number[] | undefined {
  return parts(line, name)?.map((part) => decimal(part, name, range));
}

/** `--name word`, one of a few. */
export function choiceFlag<T extends string>(line: CommandLine, name: string, choices: readonly T[]): T | undefined {
  const text = line.values[name];
  if (text === undefined) return undefined;
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new UsageError(`--${name} ${text}: choose one of ${choices.join(', ')}`);
  return choice;
}

/** Runs a command to its end, however it ends, and sets the exit status. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  process.once('SIGINT', () => {
    process.stderr.write('\ninterrupted\n');
    process.exit(130);
  });
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of a pipe has gone (`| head`): nobody is left to tell.
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await command();
  } catch (error) {
    if (!(error instanceof AnnError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

function parts(line: CommandLine, name: string): string[] | undefined {
  const text = line.values[name];
  return text === undefined
    ? undefined
    : String(text)
        .split(',')
        .map((part) => part.trim());
}

function decimal(text: string, name: string, { min, max }: { min: number; max: number }): number {
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name} ${text}: expected a number from ${min} to ${max}`);
}

function integer(text: string, name: string, { min, max, least }: NumberRange): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    const from = least === undefined ? String(min) : `${min} (${least})`;
    throw new UsageError(`--${name} ${text}: expected a whole number from ${from} to ${max}`);
  }
  return value;
}

/** Whether the module at `url` is the script that was started, rather than imported by it. */
export function isMain(url: string): boolean {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
}
