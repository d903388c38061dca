import { type FileSystem, nodeFileSystem } from '../../src/lab/cache.ts';

/** A disk with room for so many bytes; then, or at whatever else is named, it fails with `code`. */
export function failingDisk({
  code = 'ENOSPC',
  roomBytes = 0,
  at = 'write',
}: {
  code?: string;
  roomBytes?: number;
  at?: 'write' | 'open' | 'mkdir' | 'rename' | 'sync';
} = {}): FileSystem {
  const fail = () => Promise.reject(Object.assign(new Error(`${code}: simulated`), { code, syscall: at }));
  let room = roomBytes;
  return {
    ...nodeFileSystem,
    ...(at === 'mkdir' && { mkdir: fail }),
    ...(at === 'rename' && { rename: fail }),
    async open(path, flags) {
      if (at === 'open' && flags === 'w') return fail();
      const file = await nodeFileSystem.open(path, flags);
      return {
        // As a disk that fills up does, it takes what fits and then refuses.
        write: (bytes) => {
          if (at !== 'write') return file.write(bytes);
          if (room === 0) return fail();
          const fits = bytes.subarray(0, room);
          room -= fits.length;
          return file.write(fits);
        },
        sync: () => (at === 'sync' ? fail() : file.sync()),
        close: () => file.close(),
      };
    },
  };
}
