import { type FileSystem, nodeFileSystem } from '../../src/storage/atomic-write.ts';

/** A disk with room for so many bytes; then, or at whatever else is named, it fails with `code`. */
export function failingDisk({
  code = 'ENOSPC',
  roomBytes = 0,
  at = 'write',
}: {
  code?: string;
  roomBytes?: number;
  at?: 'write' | 'open' | 'rename' | 'sync' | 'sync folder';
} = {}): FileSystem {
  const fail = () => Promise.reject(Object.assign(new Error(`${code}: simulated`), { code, syscall: at }));
  let room = roomBytes;
  return {
    ...nodeFileSystem,
    ...(at === 'rename' && { rename: fail }),
    async open(path, flags) {
      if (at === 'open' && flags === 'wx') return fail();
      const file = await nodeFileSystem.open(path, flags);
      const syncFails = at === (flags === 'r' ? 'sync folder' : 'sync');
      return {
        // As a disk that fills up does, it takes what fits and then refuses.
        write: (bytes, offset, length, position) => {
          if (at !== 'write') return file.write(bytes, offset, length, position);
          if (room === 0) return fail();
          const fits = Math.min(room, length);
          room -= fits;
          return file.write(bytes, offset, fits, position);
        },
        sync: () => (syncFails ? fail() : file.sync()),
        close: () => file.close(),
      };
    },
  };
}
