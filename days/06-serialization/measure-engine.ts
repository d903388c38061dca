/** The engine on a file: saved, opened, and damaged in five ways. What it says, without the folder that it happened in. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hnsw, open, save, type VectorIndex, verify } from 'annlab';
import { NAME } from './crashes.ts';
import type { Saved } from './measure.ts';

/** The engine's blocks: a page of WebAssembly memory each. */
export const ENGINE_BLOCK_BYTES = 65_536;

export interface EngineOnFile {
  bytes: number;
  blocks: number;
  /** Whether the index that was opened gives the ids and distances of the one that was saved, to the last bit. */
  same: boolean;
  /** What was done to the file, and who says what. */
  damages: { done: string; open: string; search: string; verify: string }[];
}

/** Builds the engine's index over a set, saves it, and plays with the file. */
export async function engineOnFile({ graph, queries }: Saved): Promise<EngineOnFile> {
  const folder = mkdtempSync(join(tmpdir(), 'annlab-'));
  const path = join(folder, NAME);
  try {
    const dimension = queries[0].length;
    const index = Hnsw.create({ dimension, capacity: graph.nodes.length, M: graph.M, codes: 'f32', filter: 'none' });
    for (const { vector } of graph.nodes) index.add(vector);
    await save(index, path);
    const { bytes, blocks } = await verify(path);
    const opened = await open(path);
    const same = queries.every((query) => answerOf(index, query) === answerOf(opened, query));
    const whole = readFileSync(path);
    const damages: EngineOnFile['damages'] = [];
    for (const [done, damage] of DAMAGES) {
      // What is mapped must not be written to: every damage is done to a file of its own.
      const damaged = join(folder, `${damages.length}.ann`);
      writeFileSync(damaged, whole);
      damage(damaged, whole);
      const said = async (call: () => unknown) => inShort(await refusalOf(call), damaged);
      const opening = await said(() => open(damaged));
      const searching = async () => (await open(damaged)).search(queries[0], { k: 10, efSearch: 40 });
      damages.push({
        done,
        open: opening,
        search: opening === WORKS ? await said(searching) : '–',
        verify: inShort((await verify(damaged)).faults[0] ?? 'nothing is wrong', damaged),
      });
    }
    return { bytes, blocks, same, damages };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

type Damage = (path: string, whole: Buffer) => void;
const DAMAGES: [done: string, damage: Damage][] = [
  ['a bit of the first block of records', flip(ENGINE_BLOCK_BYTES + 1000)],
  ['a bit of the header', flip(20)],
  ['a version of next year', set(8, 2)],
  ['the last byte cut off', (path, { length }) => truncateSync(path, length - 1)],
  ['a picture instead', (path) => writeFileSync(path, '\x89PNG\r\n\x1a\n and so on')],
];

function flip(at: number): Damage {
  return (path, whole) => {
    const bytes = Buffer.from(whole);
    bytes[at] ^= 1;
    writeFileSync(path, bytes);
  };
}

/** As a later version might: another number, and a header that is not ours to check. */
function set(at: number, value: number): Damage {
  return (path, whole) => {
    const bytes = Buffer.from(whole);
    bytes[at] = value;
    bytes[100] ^= 1;
    writeFileSync(path, bytes);
  };
}

function answerOf(index: VectorIndex, query: Float32Array): string {
  const { ids, distances } = index.search(query, { k: 10, efSearch: 40 });
  return JSON.stringify([Array.from(ids), Array.from(distances)]);
}

const WORKS = 'works';

async function refusalOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as Error).message;
  }
  return WORKS;
}

/** What is wrong and where, without the place and without the advice, which every message ends with. */
function inShort(message: string, path: string): string {
  return message
    .replaceAll(path, '')
    .replace(/^:? ?/, '')
    .split(/: |, and | \(want/)[0];
}
