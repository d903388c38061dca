/**
 * One thread of a k-means. The first is told what to do and goes through its steps; each step is offered to the others, and
 * whoever is free takes its next unit. Waiting is by futex: a step of a millisecond leaves no time for messages.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { stepsOf } from '../quantize/kmeans.ts';
import { KMeansMemory, type Step } from '../quantize/kmeans-memory.ts';
import { CONTROL, type KMeansReply, type KMeansRequest, type KMeansStart, STEP_KINDS } from './kmeans-task.ts';

const { handle, thread, shape } = workerData as KMeansStart;
const memory = KMeansMemory.attach(handle, thread);
const { control } = memory;
memory.begin(shape);
if (thread === 0) lead();
else follow();

function lead(): void {
  const port = parentPort;
  port?.on('message', (request: KMeansRequest) => {
    memory.begin(request.shape);
    const steps = stepsOf(memory, request.task, (iteration, inertia) => {
      port.postMessage({ kind: 'iteration', iteration, inertia } satisfies KMeansReply);
    });
    let next = steps.next();
    while (!next.done) next = steps.next(share(next.value));
    port.postMessage({ kind: 'done', trained: next.value } satisfies KMeansReply);
  });
}

/** Performs a step together with the others. */
function share({ kind, argument, units }: Step): number {
  const others = handle.threads - 1;
  Atomics.store(control, CONTROL.kind, STEP_KINDS.indexOf(kind));
  Atomics.store(control, CONTROL.argument, argument);
  Atomics.store(control, CONTROL.units, units);
  Atomics.store(control, CONTROL.next, 0);
  Atomics.store(control, CONTROL.sum, 0);
  // A single unit is done before another thread has woken up.
  if (others > 0 && units > 1) {
    Atomics.store(control, CONTROL.busy, others);
    Atomics.add(control, CONTROL.steps, 1);
    Atomics.notify(control, CONTROL.steps);
  }
  takeUnits();
  for (;;) {
    const busy = Atomics.load(control, CONTROL.busy);
    if (busy === 0) return Atomics.load(control, CONTROL.sum);
    Atomics.wait(control, CONTROL.busy, busy);
  }
}

function follow(): never {
  // No step can pass unseen: the first thread waits until each of the others has been through it.
  for (let seen = 0; ; seen++) {
    Atomics.wait(control, CONTROL.steps, seen);
    takeUnits();
    if (Atomics.sub(control, CONTROL.busy, 1) === 1) Atomics.notify(control, CONTROL.busy);
  }
}

function takeUnits(): void {
  const kind = STEP_KINDS[Atomics.load(control, CONTROL.kind)];
  const argument = Atomics.load(control, CONTROL.argument);
  const units = Atomics.load(control, CONTROL.units);
  for (;;) {
    const unit = Atomics.add(control, CONTROL.next, 1);
    if (unit >= units) return;
    const sum = memory.perform({ kind, argument }, unit);
    if (sum !== 0) Atomics.add(control, CONTROL.sum, sum);
  }
}
