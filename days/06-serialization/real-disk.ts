/** A folder of this machine as the day's `Disk`: what the save does on the simulated one, it does here. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from './disk.ts';

export class RealDisk implements Disk {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  write(name: string, bytes: Uint8Array): void {
    writeFileSync(this.#path(name), bytes);
  }

  sync(name: string): void {
    this.#fsync(this.#path(name), 'r+');
  }

  rename(from: string, to: string): void {
    renameSync(this.#path(from), this.#path(to));
  }

  remove(name: string): void {
    rmSync(this.#path(name));
  }

  syncDirectory(): void {
    // Windows opens no directories, and writes names through by itself.
    if (process.platform !== 'win32') this.#fsync(this.#folder, 'r');
  }

  read(name: string): Uint8Array | undefined {
    try {
      return readFileSync(this.#path(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Whoever wrote the file, and through which descriptor: what is synced is the file. */
  #fsync(path: string, flags: string): void {
    const descriptor = openSync(path, flags);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}
