import { type FileSystem, nodeFileSystem } from '../../src/lab/cache.ts';
import { failingDisk as failingFiles } from '../storage/failing-disk.ts';

type Failure = Parameters<typeof failingFiles>[0];

/** A disk with room for so many bytes; then, or at whatever else is named, it fails with `code`. */
export function failingDisk(
  failure: Omit<NonNullable<Failure>, 'at'> & { at?: NonNullable<Failure>['at'] | 'mkdir' } = {},
): FileSystem {
  const { at, ...how } = failure;
  if (at !== 'mkdir') return { ...nodeFileSystem, ...failingFiles({ ...how, ...(at && { at }) }) };
  const { code = 'ENOSPC' } = how;
  return { ...nodeFileSystem, mkdir: () => Promise.reject(Object.assign(new Error(`${code}: simulated`), { code })) };
}
