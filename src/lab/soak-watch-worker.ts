/** The thread of `soak-watch.ts`. */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { ANSWERED, MOVES, PAUSES, type StandingStill, type WatchTask } from './soak-watch-task.ts';

/**
 * How often it looks in the time that is allowed. Looks are counted, so that a machine that was asleep has not stalled.
 */
const LOOKS = 20;

const { words, what, stallSeconds } = workerData as WatchTask;
const moves = what.map(() => -1);
const still = what.map(() => 0);
while (still.every((looks) => looks < LOOKS)) {
  await sleep((1000 * stallSeconds) / LOOKS);
  const paused = Atomics.load(words, PAUSES) > 0;
  for (let i = 0; i < what.length; i++) {
    const now = Atomics.load(words, MOVES + i);
    still[i] = paused || now !== moves[i] ? 0 : still[i] + 1;
    moves[i] = now;
  }
}
const standing: StandingStill = what.filter((_, i) => still[i] >= LOOKS);
parentPort?.postMessage(standing);
await sleep(1000 * stallSeconds);
if (Atomics.load(words, ANSWERED) === 0) {
  writeSync(2, `error: no ${standing.join(', no ')} for ${stallSeconds} s, and the main thread is stuck itself\n`);
  process.kill(process.pid, 'SIGKILL');
}
