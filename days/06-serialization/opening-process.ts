/**
 * A process that opens one file in one way, asks one question, and says what that took: `measureOpenings` starts it anew for each,
 * so that nothing is warm but the system's page cache. With the way `make` it writes the files.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Hnsw as Engine, open, save } from 'annlab';
import type { Hnsw } from '../03-layers/solution.ts';
import { mapFile } from './map-file.ts';
import { fromJson, jsonOf } from './measure.ts';
import { MOST_ENGINE_MIB, MOST_JSON_MIB, type OpeningInput, type OpeningOutput, type Way } from './measure-opening.ts';
import { pointAt, pointsIn, rowAsGraph, rowOfPoints } from './row-of-points.ts';
import { load } from './solution.ts';

const { path, bytes, way }: OpeningInput = JSON.parse(process.argv[2]);
const count = pointsIn(bytes);

/** Opens the index, and returns what answers with the id that is nearest. */
const WAYS: Record<Way, () => Ask | Promise<Ask>> = {
  json: () => nearestIn(fromJson(readFileSync(`${path}.json`, 'utf8'))),
  read() {
    const index = load(readFileSync(path));
    index.file.checkAll();
    return nearestIn(index);
  },
  map: () => nearestIn(load(mapFile(path))),
  'engine read': () => engine('read'),
  'engine map': () => engine('map'),
};

type Ask = (query: Float32Array) => number;

function nearestIn(index: Pick<Hnsw, 'search'>): Ask {
  return (query) => index.search(query, { k: 1, ef: 8 })[0].id;
}

async function engine(mode: 'read' | 'map'): Promise<Ask> {
  const index = await open(`${path}.engine`, { mode });
  return (query) => index.search(query, { k: 1, efSearch: 16 }).ids[0];
}

if (way === 'make') {
  writeFileSync(path, rowOfPoints(count));
  if (bytes <= MOST_ENGINE_MIB * 2 ** 20) {
    const dimension = pointAt(0, count).length;
    const index = Engine.create({ dimension, capacity: count, M: 8, efConstruction: 32, codes: 'f32', filter: 'none' });
    for (let id = 0; id < count; id++) index.add(pointAt(id, count));
    await save(index, `${path}.engine`);
  }
  if (bytes <= MOST_JSON_MIB * 2 ** 20) writeFileSync(`${path}.json`, jsonOf(rowAsGraph(count)));
} else {
  const wanted = Math.floor(0.7 * count);
  const query = pointAt(wanted, count);
  const before = resident();
  const start = performance.now();
  const ask = await WAYS[way]();
  const opened = performance.now();
  const id = ask(query);
  const answered = performance.now();
  const after = resident();
  if (id !== wanted) throw new Error(`${path}: node ${id} was found, not ${wanted}`);
  const output: OpeningOutput = {
    openMs: opened - start,
    answerMs: answered - start,
    ownBytes: Math.max(after.own - before.own, 0),
    sharedBytes: Math.max(after.shared - before.shared, 0),
  };
  process.stdout.write(JSON.stringify(output));
}

/** Memory in use, in bytes: the process's own, and pages of files, which the system can drop and other processes share. */
function resident(): { own: number; shared: number } {
  if (process.platform !== 'linux') return { own: process.memoryUsage().rss, shared: 0 };
  const status = readFileSync('/proc/self/status', 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return { own: 1024 * kib('RssAnon'), shared: 1024 * (kib('RssFile') + kib('RssShmem')) };
}
