#!/usr/bin/env node
/**
 * `npm run annlab`: indexes in files, from the command line. Each command has a file of its own, which says what it does; this
 * one finds the command.
 */
import { UsageError } from '../core/errors.ts';
import { isMain, runCommand } from '../lab/command.ts';
import { buildCommand } from './build.ts';
import { infoCommand } from './info.ts';
import { searchCommand } from './search.ts';
import { verifyCommand } from './verify.ts';

/** Given the words behind its name, and where to print what a person wants to read. Throws AnnError, whose message is one line. */
type Command = (argv: readonly string[], say: (text: string) => void) => Promise<void>;

const COMMANDS: Record<string, Command> = {
  build: buildCommand,
  verify: verifyCommand,
  info: infoCommand,
  search: searchCommand,
};

const HELP = `Indexes in files: builds them, checks them, says what is in them, and searches them.

  npm run annlab -- build --dataset fashion-mnist-784-euclidean --out out/fashion.ann
  npm run annlab -- verify out/fashion.ann
  npm run annlab -- info out/fashion.ann
  npm run annlab -- search out/fashion.ann --dataset fashion-mnist-784-euclidean --ef 40

Each command lists its flags: npm run annlab -- build --help`;

export async function annlab(argv: readonly string[], say: (text: string) => void): Promise<void> {
  const [name, ...rest] = argv;
  if (name === '--help' || name === '-h' || name === 'help') return say(HELP);
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const names = Object.keys(COMMANDS).join(', ');
    throw new UsageError(name === undefined ? `which command? One of ${names}` : `${name}: choose one of ${names}`);
  }
  await command(rest, say);
}

if (isMain(import.meta.url)) {
  await runCommand(() => annlab(process.argv.slice(2), (text) => process.stdout.write(`${text}\n`)));
}
