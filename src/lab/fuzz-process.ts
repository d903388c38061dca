/**
 * The process in which the fuzzer's trials run, which may crash or hang. It says what it is about to do on file descriptor 3, a line of
 * JSON for every event, written synchronously: whatever comes next cannot hold the line back.
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import type { FuzzEvent, FuzzInput } from './fuzz.ts';
import { damageOf, Finding, runTrial, type Subject, shapeOf, subjectOf, TRIALS_OF_A_SHAPE } from './fuzz-trial.ts';

const input: FuzzInput = JSON.parse(process.argv[2]);
const { seed, from, to, folder, replay } = input;
const whole = path.join(folder, 'whole.ann');
const spoiled = path.join(folder, 'damaged.ann');

let subject: Subject | undefined;
for (let trial = from; trial < to; trial++) {
  if (subject === undefined || trial % TRIALS_OF_A_SHAPE === 0) {
    subject = await subjectOf(replay?.shape ?? shapeOf(seed, trial), whole);
  }
  const { damage, mode } = replay ?? damageOf(seed, trial, subject);
  say({ type: 'began', trial, shape: subject.shape, damage, mode });
  try {
    say({ type: 'ended', outcome: await runTrial(subject, { damage, mode }, spoiled) });
  } catch (error) {
    // Whatever else is thrown is a fault of the fuzzer's own.
    if (!(error instanceof Finding)) throw error;
    say({ type: 'found', what: error.message });
    // The next trial would write over the file that shows it.
    process.exit(0);
  }
}

function say(event: FuzzEvent): void {
  const bytes = Buffer.from(`${JSON.stringify(event)}\n`);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(3, bytes, done);
    } catch (error) {
      // The pipe is full: the reader is about to empty it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
