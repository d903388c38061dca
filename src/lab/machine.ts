/** What a number was measured on. A figure without its machine is a rumour. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { type Build, chooseBuild } from '../kernels/wasm.ts';

export interface Machine {
  cpu: string;
  /** Cores that this process may use. */
  cores: number;
  ramBytes: number;
  os: string;
  architecture: string;
  /** Whether the indexes lay on huge pages, 2 MiB instead of 4 KiB; absent where nobody looked. */
  hugePages?: boolean;
}

export interface Versions {
  annlab: string;
  node: string;
  v8: string;
  /** Which build of the kernels ran: with relaxed SIMD, or the baseline without. */
  wasm: Build;
}

export function describeMachine({ hugePages }: { hugePages?: boolean } = {}): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() || 'unknown',
    cores: os.availableParallelism(),
    ramBytes: os.totalmem(),
    os: `${os.type()} ${os.release()}`,
    architecture: os.arch(),
    ...(hugePages !== undefined && { hugePages }),
  };
}

export function describeVersions(): Versions {
  return { annlab: annlabVersion(), node: process.versions.node, v8: process.versions.v8, wasm: chooseBuild() };
}

/** The package file lies two folders up from here, in `src/` as in `dist/`. */
function annlabVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
