/**
 * A disk that forgets. What a program writes stays in memory until it is synced; when the power fails, the disk keeps what was
 * synced, and of the rest whatever it likes:
 *
 * - of a file that was not synced, any of its sectors, in any order, one of them perhaps in part; and its old length, its new
 *   one, or none;
 * - of the directory's changes (a new name, a rename, a removal), any, each whole or not at all. They wait neither for one another
 *   nor for the bytes of the files that they name.
 *
 * Pillai et al. (OSDI 2014) looked at six file systems of Linux: each promises something else. This disk assumes no more than
 * they have in common, with two exceptions: ext2 may do half a rename, and what never arrived may be other files' old bytes
 * rather than zeros. A program that is right on this disk does not depend on which of the others it runs on.
 */

/** What a save asks of a disk with one directory. */
export interface Disk {
  /** Makes the file, or empties it where there is one, and writes the bytes. */
  write(name: string, bytes: Uint8Array): void;
  /** Returns when the file's bytes and length are on the disk (fsync). Says nothing about its name. */
  sync(name: string): void;
  /** Gives the file another name, in one step; a file that had that name is gone. Says nothing about its bytes. */
  rename(from: string, to: string): void;
  remove(name: string): void;
  /** Returns when all names are on the disk (fsync of the directory). Says nothing about any file's bytes. */
  syncDirectory(): void;
  /** The bytes as programs see them; undefined where there is no such file. */
  read(name: string): Uint8Array | undefined;
}

/** What is on a disk: the files by their names. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** What a program did to the disk. */
export interface Step {
  /** `rename index.ann.tmp to index.ann` */
  says: string;
  kind: 'write' | 'sync' | 'rename' | 'remove' | 'syncDirectory';
  /** Bytes written. */
  bytes: number;
}

/** The least that a disk writes at once; it may still fail in the middle of it. */
export const SECTOR_BYTES = 512;

export class SimulatedDisk implements Disk {
  readonly steps: Step[] = [];
  readonly #onStep: ((disk: SimulatedDisk, step: Step) => void) | undefined;
  /** As programs see them. */
  readonly #names = new Map<string, Content>();
  /** What would be left if nothing more were kept. */
  readonly #namesOnDisk = new Map<string, Content>();
  /** Changes of names that are not synced, the oldest first. */
  #changes: Change[] = [];

  /** A disk that holds these files, safely. `onStep` is called after every step, to look at what a crash would leave. */
  constructor(files: Files = new Map(), onStep?: (disk: SimulatedDisk, step: Step) => void) {
    for (const [name, bytes] of files) {
      const kept = bytes.slice();
      const content = { onDisk: kept, current: kept };
      this.#names.set(name, content);
      this.#namesOnDisk.set(name, content);
    }
    this.#onStep = onStep;
  }

  write(name: string, bytes: Uint8Array): void {
    let content = this.#names.get(name);
    if (content === undefined) {
      content = { onDisk: new Uint8Array(0), current: new Uint8Array(0) };
      this.#change([[name, content]]);
    }
    content.current = bytes.slice();
    this.#done({ kind: 'write', says: `write ${name}`, bytes: bytes.length });
  }

  sync(name: string): void {
    const content = this.#held(name);
    content.onDisk = content.current;
    this.#done({ kind: 'sync', says: `sync ${name}`, bytes: 0 });
  }

  rename(from: string, to: string): void {
    this.#change([
      [to, this.#held(from)],
      [from, undefined],
    ]);
    this.#done({ kind: 'rename', says: `rename ${from} to ${to}`, bytes: 0 });
  }

  remove(name: string): void {
    this.#held(name);
    this.#change([[name, undefined]]);
    this.#done({ kind: 'remove', says: `remove ${name}`, bytes: 0 });
  }

  syncDirectory(): void {
    for (const change of this.#changes) apply(change, this.#namesOnDisk);
    this.#changes = [];
    this.#done({ kind: 'syncDirectory', says: 'sync the directory', bytes: 0 });
  }

  read(name: string): Uint8Array | undefined {
    return this.#names.get(name)?.current.slice();
  }

  /** Everything that may be on the disk if the power fails now, each once. */
  crashes(): Files[] {
    const found = new Map<string, Files>();
    for (let kept = 0; kept < 2 ** this.#changes.length; kept++) {
      const names = new Map(this.#namesOnDisk);
      for (const [i, change] of this.#changes.entries()) if (kept & (1 << i)) apply(change, names);
      for (const files of combinations([...names])) found.set(keyOf(files), files);
    }
    return [...found.values()];
  }

  #held(name: string): Content {
    const content = this.#names.get(name);
    if (content === undefined) throw new Error(`no such file: ${name}`);
    return content;
  }

  #change(change: Change): void {
    apply(change, this.#names);
    this.#changes.push(change);
  }

  #done(step: Step): void {
    this.steps.push(step);
    this.#onStep?.(this, step);
  }
}

/** A file's bytes: a name is something else. */
interface Content {
  onDisk: Uint8Array;
  current: Uint8Array;
}

/** Names that change together: what they are given, or undefined where they go. */
type Change = readonly (readonly [name: string, content: Content | undefined])[];

function apply(change: Change, names: Map<string, Content>): void {
  for (const [name, content] of change) {
    if (content === undefined) names.delete(name);
    else names.set(name, content);
  }
}

/** Every file in every state that it may be in. */
function* combinations(names: [string, Content][]): Generator<Files> {
  if (names.length === 0) {
    yield new Map();
    return;
  }
  const [[name, content], ...others] = names;
  const versions = versionsOf(content);
  for (const rest of combinations(others)) {
    for (const bytes of versions) yield new Map([[name, bytes], ...rest]);
  }
}

/** What may be left of a file's bytes. */
function versionsOf({ onDisk, current }: Content): Uint8Array[] {
  if (onDisk === current) return [onDisk];
  const found = new Map<string, Uint8Array>();
  const longest = Math.max(onDisk.length, current.length);
  for (const landed of landings(Math.ceil(current.length / SECTOR_BYTES))) {
    const bytes = new Uint8Array(longest);
    bytes.set(onDisk);
    for (const [sector, part] of landed) {
      const from = sector * SECTOR_BYTES;
      bytes.set(current.subarray(from, from + part), from);
    }
    for (const length of [0, onDisk.length, current.length]) {
      const version = bytes.subarray(0, length);
      found.set(latin1(version), version);
    }
  }
  return [...found.values()];
}

/**
 * Which sectors reached the disk, and how much of each. Of up to four, every choice; of more, those from the front, those from
 * the back, each alone, and all but one. And each choice from the front with half a sector behind it.
 */
function* landings(sectors: number): Generator<Map<number, number>> {
  const all = Array.from({ length: sectors }, (_, i) => i);
  const whole = (chosen: number[]) => new Map(chosen.map((sector) => [sector, SECTOR_BYTES]));
  if (sectors <= 4) {
    for (let choice = 0; choice < 2 ** sectors; choice++) yield whole(all.filter((sector) => choice & (1 << sector)));
  } else {
    for (let n = 0; n <= sectors; n++) {
      yield whole(all.slice(0, n));
      yield whole(all.slice(n));
    }
    for (const one of all) {
      yield whole([one]);
      yield whole(all.filter((sector) => sector !== one));
    }
  }
  for (const half of all) yield whole(all.slice(0, half)).set(half, SECTOR_BYTES / 2);
}

function keyOf(files: Files): string {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(sorted.map(([name, bytes]) => [name, latin1(bytes)]));
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
