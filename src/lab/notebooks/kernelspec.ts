/** What a kernelspec asks for: the command that starts the kernel, and the environment that it gets. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface KernelCommand {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
}

/** The command of the kernelspec in a folder. Throws where its kernel.json is missing or is none; the message names it. */
export function kernelCommand(spec: string, connectionFile: string): KernelCommand {
  const { argv, env } = readManifest(path.join(spec, 'kernel.json'));
  const [command, ...args] = argv.map((word) =>
    word.replaceAll('{resource_dir}', spec).replaceAll('{connection_file}', connectionFile),
  );
  return { command, args, env: { ...plainEnvironment(), ...env } };
}

function readManifest(file: string): { argv: string[]; env: Record<string, string> } {
  let manifest: { argv?: unknown; env?: Record<string, string> } | null;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${file}: ${(cause as Error).message}`, { cause });
  }
  const { argv, env = {} } = manifest ?? {};
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((word) => typeof word === 'string')) {
    throw new Error(`${file}: it has no "argv", the words of the command that starts the kernel`);
  }
  return { argv, env };
}

/** This process's environment without what would change a notebook's outputs: options for Node, colours, the user's language. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS|FORCE_COLOR|LC_.*)$/.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: '1', LANG: 'en_US.UTF-8', TZ: 'UTC' };
}
