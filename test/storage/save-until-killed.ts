/** A process that saves: so many times, or once, and then stops in the middle of it and waits to be killed. */
import { writeSync } from 'node:fs';
import { writeAnnFile } from '../../src/storage/write-ann-file.ts';

const [path, times] = process.argv.slice(2);
const sections = [{ name: 'records', parts: [new Uint8Array(5_000_000).fill(1)] }];
for (let i = 0; i < Number(times ?? 0); i++) await writeAnnFile(path, { meta: { i }, sections });

if (times === undefined) {
  const onProgress = () => {
    writeSync(1, 'in the middle\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  await writeAnnFile(path, { meta: {}, sections, onProgress });
}
