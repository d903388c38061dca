/** What the days are about that are still to come, by number. A day that has a folder in `days/` speaks for itself. */
export const AHEAD: ReadonlyMap<number, string> = new Map([
  [7, 'Server'],
  [12, 'mmap'],
  [13, 'Parallel build, asynchronous I/O'],
  [14, 'gRPC and the billion seek'],
  [15, 'The assembled engine'],
]);
