/**
 * Starts a thread on a script of ours, from source or compiled. `name` is the script's, without its ending, beside `from`, the
 * `import.meta.url` of whoever starts it.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';

export function startWorker(name: string, from: string, options: WorkerOptions): Worker {
  const ending = from.slice(from.lastIndexOf('.'));
  return new Worker(new URL(`${name}${ending}`, from), { ...options, ...flagsFor(ending) });
}

/**
 * The flags of this process, wherever they will do: those the thread takes as they are, and of any that are named here it refuses
 * what only a process can have, such as --max-old-space-size.
 */
function flagsFor(ending: string): Pick<WorkerOptions, 'execArgv'> {
  const types = ending === '.ts' ? ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'] : [];
  // Node 22.12 … 22.17 runs TypeScript only when asked to, and tsx does not reach into its workers.
  if (ending === '.ts' && !process.features.typescript) return { execArgv: types };
  // Under "node --input-type=module -e …" that flag would be the worker's too, and it refuses a script from a file.
  if (process.execArgv.some((flag) => flag.startsWith('--input-type'))) return { execArgv: types };
  return {};
}
