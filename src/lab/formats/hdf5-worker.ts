/**
 * The far side of hdf5.ts: opens one file with h5wasm, posts the member's shape, then its rows in chunks, each after the
 * last has been taken (so that no more than one waits in memory), then `done`.
 */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { Component, ComponentArray } from './rows.ts';

export interface Hdf5Job {
  path: string;
  member: string;
  maxRows: number;
}

export type FromWorker =
  | { shape: number[]; component: Component; packed: boolean }
  | { values: ComponentArray; offset: number }
  | { failure: string; mend?: string }
  | { done: true };

const CHUNK_BYTES = 16 << 20;

if (parentPort !== null) {
  read(workerData as Hdf5Job).then(
    () => post({ done: true }),
    (error: unknown) => post(failure(error)),
  );
}

async function read({ path, member, maxRows }: Hdf5Job): Promise<void> {
  const { default: h5wasm, Dataset } = await import('h5wasm/node');
  const module = await h5wasm.ready;
  module.activate_throwing_error_handler();
  const file = new h5wasm.File(path, 'r');
  const members = file.keys();
  if (!members.includes(member)) {
    throw new Refusal(`has no member ${member}`, `it has ${members.join(', ') || 'none at all'}`);
  }
  const dataset = file.get(member);
  if (!(dataset instanceof Dataset)) throw new Refusal(`its member ${member} is not an array`, 'name one that is');
  const { metadata } = dataset;
  const component = COMPONENTS[`${metadata.type}/${metadata.size}/${metadata.type === 1 || metadata.signed}`];
  if (component === undefined) {
    throw new Refusal(`its member ${member} holds ${JSON.stringify(dataset.dtype)}`, 'name one of integers or floats');
  }
  const shape = metadata.shape ?? [];
  post({ shape, component, packed: dataset.filters.length > 0 });
  if (shape.length !== 2) return;
  const [rows, dimension] = [Math.min(shape[0], maxRows), shape[1]];
  const chunkRows = Math.max(1, Math.floor(CHUNK_BYTES / (dimension * metadata.size)));
  for (let row = 0; row < rows; row += chunkRows) {
    const end = Math.min(row + chunkRows, rows);
    const values = dataset.slice([[row, end], []]) as ComponentArray;
    if (values?.length !== (end - row) * dimension) {
      throw new Error(`${member} gave ${values?.length} components for rows ${row} to ${end}`);
    }
    const taken = once(parentPort!, 'message');
    parentPort!.postMessage({ values, offset: row * dimension } satisfies FromWorker, [values.buffer as ArrayBuffer]);
    await taken;
  }
  file.close();
}

/** HDF5's type class (0 integer, 1 float), size in bytes, signed. */
const COMPONENTS: Record<string, Component | undefined> = {
  '0/1/false': 'u8',
  '0/1/true': 'i8',
  '0/2/false': 'u16',
  '0/2/true': 'i16',
  '0/4/false': 'u32',
  '0/4/true': 'i32',
  '0/8/false': 'u64',
  '0/8/true': 'i64',
  '1/4/true': 'f32',
  '1/8/true': 'f64',
};

const post = (message: FromWorker): void => parentPort!.postMessage(message);

/** A file that is sound and yet not what was asked for. */
class Refusal extends Error {
  readonly mend: string;

  constructor(what: string, mend: string) {
    super(what);
    this.mend = mend;
  }
}

function failure(error: unknown): FromWorker {
  if (error instanceof Refusal) return { failure: error.message, mend: error.mend };
  return { failure: innermost(error instanceof Error ? error.message : String(error)) };
}

/** Of the library's stack of complaints (outermost first) the last one is the cause. */
function innermost(message: string): string {
  const causes = [...message.matchAll(/ in (\w+)\(\): (.+)/g)];
  return causes.length > 0 ? `the HDF5 library says: ${causes.at(-1)![2]}` : message;
}
