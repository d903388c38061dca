/**
 * A thread beside the checks that notices when they stand still and asks the debugger where: a loop that never ends then has a
 * line. It runs in `check-process.ts` and speaks on the same file descriptor.
 */
import { writeSync } from 'node:fs';
import inspector from 'node:inspector';
import { SourceMap } from 'node:module';
import { workerData } from 'node:worker_threads';
import type { SessionEvent } from './check-session.ts';

export interface WatchdogData {
  /** One i32 that the checks count up whenever they get on. */
  beats: SharedArrayBuffer;
  timeoutMs: number;
  /** Frames of the stack in this folder are of interest. */
  folder: string;
}

const { beats, timeoutMs, folder }: WatchdogData = workerData;
const beat = new Int32Array(beats);
while (Atomics.wait(beat, 0, Atomics.load(beat, 0), timeoutMs) !== 'timed-out');

const session = new inspector.Session();
session.connectToMainThread();
const scripts = new Map<string, { url: string; sourceMapURL?: string | undefined }>();
session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params));
session.on('Debugger.paused', ({ params }) => {
  const frame = params.callFrames.find(({ location }) => scripts.get(location.scriptId)?.url.includes(folder));
  say({ type: 'stuck', ...(frame && { at: placeOf(frame.location) }) });
});
session.post('Debugger.enable');
session.post('Debugger.pause');
// Nothing runs that could be paused: the code waits for something.
setTimeout(() => say({ type: 'stuck' }), 500);
// Whoever reads the event ends the process; where nobody is left to, it ends itself.
setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5_000);

function say(event: SessionEvent): void {
  try {
    writeSync(3, `${JSON.stringify(event)}\n`);
  } catch {
    process.kill(process.pid, 'SIGKILL');
  }
}

/** `url:line:column` in the file as it was written. */
function placeOf({ scriptId, lineNumber, columnNumber = 0 }: inspector.Debugger.Location): string {
  const { url, sourceMapURL = '' } = scripts.get(scriptId)!;
  const map = /^data:application\/json;base64,(.*)$/.exec(sourceMapURL)?.[1];
  if (map !== undefined) {
    const entry = new SourceMap(JSON.parse(Buffer.from(map, 'base64').toString())).findEntry(lineNumber, columnNumber);
    if ('originalLine' in entry) return `${url}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  }
  return `${url}:${lineNumber + 1}:${columnNumber + 1}`;
}
