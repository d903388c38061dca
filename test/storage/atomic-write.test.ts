import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OutputError } from '../../src/core/errors.ts';
import { AnnFile } from '../../src/storage/ann-file.ts';
import { BLOCK_BYTES } from '../../src/storage/ann-format.ts';
import { nodeFileSystem, writeAtomically } from '../../src/storage/atomic-write.ts';
import { type AnnFileContents, writeAnnFile } from '../../src/storage/write-ann-file.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { randomBytes, SMALL, writeSmall } from './ann-files.ts';
import { failingDisk } from './failing-disk.ts';

const OLD = 'what was there before';
const other: AnnFileContents = { meta: { other: true }, sections: [{ name: 'x', parts: [randomBytes(300_000, 'x')] }] };

/** A folder with an old file in it. */
function withOld(): { folder: string; path: string } {
  const folder = temporaryFolder();
  const path = join(folder, 'a.ann');
  writeFileSync(path, OLD);
  return { folder, path };
}

function expectUntouched({ folder, path }: { folder: string; path: string }): void {
  expect(readFileSync(path, 'utf8')).toBe(OLD);
  expect(readdirSync(folder)).toEqual([basename(path)]);
}

/** What writing begins under, beside its place. */
async function temporaryNameFor(path: string): Promise<string> {
  let name = '';
  const spying = {
    ...nodeFileSystem,
    open(file: string, flags: string) {
      if (flags === 'wx') name = file;
      return nodeFileSystem.open(file, flags);
    },
  };
  await writeAtomically(path, (writeAt) => writeAt(Buffer.from(OLD), 0), { fileSystem: spying });
  return name;
}

describe('a file that is replaced', () => {
  it('has its name only when it is whole', async () => {
    const { folder, path } = withOld();
    await writeAtomically(path, async (writeAt) => {
      await writeAt(Buffer.from('new'), 4);
      expect(readFileSync(path, 'utf8')).toBe(OLD);
      expect(readdirSync(folder).length).toBe(2);
      await writeAt(Buffer.from('all '), 0);
    });
    expect(readFileSync(path, 'utf8')).toBe('all new');
    expect(readdirSync(folder)).toEqual(['a.ann']);
  });

  it('is synced before it gets its name, and its folder after', async () => {
    const { path } = withOld();
    const steps: string[] = [];
    const recording = {
      ...nodeFileSystem,
      async open(file: string, flags: string) {
        const opened = await nodeFileSystem.open(file, flags);
        return {
          write: opened.write.bind(opened),
          close: () => opened.close(),
          sync: () => {
            steps.push(flags === 'r' ? 'sync folder' : 'sync');
            return opened.sync();
          },
        };
      },
      rename: (from: string, to: string) => {
        steps.push('rename');
        return nodeFileSystem.rename(from, to);
      },
    };
    await writeAtomically(path, (writeAt) => writeAt(Buffer.from('new'), 0), { fileSystem: recording });
    expect(steps).toEqual(process.platform === 'win32' ? ['sync', 'rename'] : ['sync', 'rename', 'sync folder']);
  });

  it('is the one that a link leads to, and the link stays', async () => {
    const { folder, path } = withOld();
    const link = join(folder, 'link.ann');
    symlinkSync('a.ann', link);
    await writeAtomically(link, (writeAt) => writeAt(Buffer.from('new'), 0));
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readFileSync(link, 'utf8')).toBe('new');
    expect(readdirSync(folder, { withFileTypes: true }).map((entry) => entry.isSymbolicLink())).toEqual([false, true]);
  });

  it('may be written by several at once: the last one to end has the name, and all are whole', async () => {
    const { folder, path } = withOld();
    const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(1000 + i));
    await Promise.all(
      contents.map((content) =>
        writeAtomically(path, async (writeAt) => {
          for (let at = 0; at < content.length; at += 100) await writeAt(Buffer.from(content.slice(at, at + 100)), at);
        }),
      ),
    );
    expect(contents).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(folder)).toEqual(['a.ann']);
  });
});

describe('a save that fails', () => {
  it.each([
    [{ roomBytes: 0 }, /the disk is full \(ENOSPC\): make room, or name another place/],
    [{ roomBytes: 1 }, /the disk is full/],
    [{ roomBytes: 100_000 }, /the disk is full/],
    [{ roomBytes: 5 * BLOCK_BYTES }, /the disk is full/],
    [{ code: 'EDQUOT' }, /quota/],
    [{ code: 'EIO', at: 'sync' as const }, /the disk fails \(EIO\)/],
    [{ code: 'EROFS', at: 'open' as const }, /read-only/],
    [{ code: 'EACCES', at: 'open' as const }, /no permission/],
    [{ code: 'EXDEV', at: 'rename' as const }, /cannot be written: \(EXDEV\)/],
  ])('of %o leaves the old file as it was and nothing beside it', async (failure, says) => {
    const place = withOld();
    const error = await writeAnnFile(place.path, other, failingDisk(failure)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutputError);
    expect((error as Error).message).toMatch(says);
    expect((error as Error).message).toContain(place.path);
    expectUntouched(place);
  });

  it('because what is saved throws, does so too', async () => {
    const place = withOld();
    const parts = [new Uint8Array(3 * BLOCK_BYTES), new Uint8Array(5)];
    const sections = [{ name: 'x', parts }];
    const thrown = new Error('no more');
    const onProgress = () => {
      throw thrown;
    };
    await expect(writeAnnFile(place.path, { meta: {}, sections, onProgress })).rejects.toBe(thrown);
    expectUntouched(place);
    const meta = {
      toJSON() {
        throw thrown;
      },
    };
    await expect(writeAnnFile(place.path, { meta, sections })).rejects.toBe(thrown);
    expectUntouched(place);
  });

  it('because metadata or names are none, is a mistake of ours', async () => {
    const place = withOld();
    const save = (contents: Partial<AnnFileContents>) =>
      writeAnnFile(place.path, { meta: {}, sections: [], ...contents });
    const named = (...names: string[]) => ({ sections: names.map((name) => ({ name, parts: [] })) });
    for (const contents of [
      { meta: { text: 'x'.repeat(BLOCK_BYTES) } },
      named('a', 'a'),
      named('no spaces'),
      named(''),
    ]) {
      await expect(save(contents)).rejects.toThrow('internal error');
    }
    expectUntouched(place);
  });

  it('in syncing the folder says so, though the file is there', async () => {
    const { path } = withOld();
    await expect(writeAnnFile(path, other, failingDisk({ code: 'EIO', at: 'sync folder' }))).rejects.toThrow('EIO');
    using file = AnnFile.open(path);
    expect(file.verify()).toEqual([]);
  });

  it('where a folder cannot be synced at all, is none', async () => {
    const { path } = withOld();
    await writeAnnFile(path, other, failingDisk({ code: 'EINVAL', at: 'sync folder' }));
    using file = AnnFile.open(path);
    expect(file.verify()).toEqual([]);
  });

  it('goes on after a write that took only a part', async () => {
    const { path } = withOld();
    const piecemeal = {
      ...nodeFileSystem,
      async open(file: string, flags: string) {
        const opened = await nodeFileSystem.open(file, flags);
        return {
          write: (bytes: Uint8Array, offset: number, length: number, position: number) =>
            opened.write(bytes, offset, Math.min(length, 10_007), position),
          sync: () => opened.sync(),
          close: () => opened.close(),
        };
      },
    };
    await writeAnnFile(path, SMALL, piecemeal);
    const bytes = readFileSync(path);
    expect(bytes.equals(await writeSmall(path))).toBe(true);
  });
});

describe('a place that cannot be written', () => {
  it('is refused before anything is written', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'file'), OLD);
    const cases: [path: string, says: RegExp][] = [
      [join(folder, 'sub'), /sub: cannot be written: it is a directory: name a file/],
      [join(folder, 'missing', 'a.ann'), /its folder does not exist \(ENOENT\): make the folder first/],
      [join(folder, 'file', 'a.ann'), /its folder is a file \(ENOTDIR\)/],
      [join(folder, 'x'.repeat(300)), /cannot be written: \(ENAMETOOLONG\)/],
    ];
    if (process.platform !== 'win32')
      cases.push(['/dev/null', /\/dev\/null: cannot be written: it is no regular file/]);
    for (const [path, says] of cases) {
      const error = await writeAnnFile(path, SMALL).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(OutputError);
      expect((error as Error).message).toMatch(says);
    }
    expect(readdirSync(folder)).toEqual(['file', 'sub']);
    expect(readdirSync(join(folder, 'sub'))).toEqual([]);
  });

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('for lack of permission, says so', async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    await expect(writeAnnFile(join(folder, 'a.ann'), SMALL)).rejects.toThrow(/no permission \(EACCES\)/);
  });
});

describe('what a killed process left behind', () => {
  const script = fileURLToPath(new URL('save-until-killed.ts', import.meta.url));
  const flags = process.features.typescript
    ? []
    : ['--experimental-strip-types', '--disable-warning=ExperimentalWarning'];

  it('is a whole old file and a temporary one, which the next save takes away', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.ann');
    await writeSmall(path);
    const child = spawn(process.execPath, [...flags, script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const begun = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
    expect(begun).toBe('in the middle\n');
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await ended;
    const left = readdirSync(folder).filter((name) => name !== 'a.ann');
    expect(left).toHaveLength(1);
    expect(left[0]).toMatch(/^a\.ann\..*\.tmp$/);
    {
      using file = AnnFile.open(path);
      expect(file.meta).toEqual(SMALL.meta);
      expect(file.verify()).toEqual([]);
    }
    await writeAnnFile(path, other);
    expect(readdirSync(folder)).toEqual(['a.ann']);
    using file = AnnFile.open(path);
    expect(file.meta).toEqual({ other: true });
  });

  it('is told from what is still being written, and from what is none of ours', async () => {
    const { folder, path } = withOld();
    const name = basename(await temporaryNameFor(path));
    const [machine, pid] = /\.([0-9a-f]{8})-(\d+)-\d+-\d+\.tmp$/.exec(name)?.slice(1) ?? [];
    expect(Number(pid)).toBe(process.pid);
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const elsewhere = machine === '00000000' ? '11111111' : '00000000';
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    const stays = [
      `a.ann.${machine}-${pid}-0-999.tmp`,
      `a.ann.${elsewhere}-${gone}-0-0.tmp`,
      `b.ann.${machine}-${gone}-0-0.tmp`,
      `a.ann.b.${machine}-${gone}-0-0.tmp`,
      'a.ann.tmp',
      'a.ann.backup.tmp',
    ];
    const goes = [
      `a.ann.${machine}-${gone}-0-0.tmp`,
      `a.ann.${machine}-${gone}-3-17.tmp`,
      `a.ann.${machine}-${pid}-0-998.tmp`,
      `a.ann.${elsewhere}-${pid}-0-0.tmp`,
    ];
    for (const each of [...stays, ...goes]) writeFileSync(join(folder, each), 'begun');
    for (const each of [...goes.slice(2), 'a.ann.tmp', 'a.ann.backup.tmp'])
      utimesSync(join(folder, each), longAgo, longAgo);
    await writeAnnFile(path, SMALL);
    expect(readdirSync(folder).sort()).toEqual(['a.ann', ...stays].sort());
  });

  it('under the very name that is wanted now, is passed over', async () => {
    const { folder, path } = withOld();
    const name = await temporaryNameFor(path);
    const next = name.replace(/\d+(?=\.tmp$)/, (n) => String(Number(n) + 1));
    writeFileSync(next, 'of another process that had this number');
    await writeAnnFile(path, SMALL);
    expect(readdirSync(folder).sort()).toEqual(['a.ann', basename(next)]);
    expect(existsSync(next)).toBe(true);
  });

  it('while another process saves again and again, whoever opens finds a whole file', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'a.ann');
    await writeSmall(path);
    const child = spawn(process.execPath, [...flags, script, path, '30'], { stdio: ['ignore', 'inherit', 'inherit'] });
    let status: number | null | undefined;
    child.once('close', (code) => {
      status = code;
    });
    let opened = 0;
    while (status === undefined) {
      {
        using file = AnnFile.open(path);
        expect(file.verify()).toEqual([]);
      }
      if (opened++ % 3 === 0) await writeAnnFile(path, SMALL);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(status).toBe(0);
    expect(opened).toBeGreaterThan(1);
    expect(readdirSync(folder)).toEqual(['a.ann']);
  });
});
