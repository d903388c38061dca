/**
 * What day 06 times: the first answer from a file by three ways, searching in the file's bytes beside objects, and what safety costs
 * a save. `npm run bench -- day 6`.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchCase, loadDay } from 'annlab/lab';
import type { Hnsw } from '../03-layers/solution.ts';
import type { Disk } from './disk.ts';
import { canMap, mapFile } from './map-file.ts';
import { fromJson, jsonOf, type Saved, saved } from './measure.ts';
import { RealDisk } from './real-disk.ts';
import * as reference from './solution.ts';

/** Results are kept here, so that no compiler finds them useless. */
export let answer: unknown;

const NAME = 'index.ann';
const OPTIONS = { k: 10, ef: 40 };

export async function cases(): Promise<BenchCase[]> {
  const mine: typeof reference = await loadDay(6, 'exercise');
  const index = saved(4000);
  const folder = mkdtempSync(join(tmpdir(), 'annlab-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, NAME), index.image);
  writeFileSync(join(folder, 'index.json'), jsonOf(index.graph));
  return [...firstAnswers(mine, index, folder), ...searches(mine, index), ...saves(mine, index, folder)];
}

/** From a file in the page cache to the first answer. */
function firstAnswers(mine: typeof reference, { image, queries: [query] }: Saved, folder: string): BenchCase[] {
  const group = `first answer, ${(image.length / 2 ** 20).toFixed(1)} MiB`;
  const path = join(folder, NAME);
  const from = (name: string, open: () => Pick<Hnsw, 'search'>): BenchCase => ({
    ...{ name, group },
    run() {
      answer = open().search(query, OPTIONS);
    },
  });
  const mapped = (name: string, { load }: typeof reference) => from(name, () => load(mapFile(path)));
  return [
    from('parse JSON', () => fromJson(readFileSync(join(folder, 'index.json'), 'utf8'))),
    from('read, check all', () => {
      const opened = reference.load(readFileSync(path));
      opened.file.checkAll();
      return opened;
    }),
    ...(canMap ? [mapped('map: reference', reference), mapped('map: yours', mine)] : []),
  ];
}

/** What views instead of objects cost a search, when all blocks are checked. */
function searches(mine: typeof reference, { graph, image, queries }: Saved): BenchCase[] {
  const on = (name: string, open: () => Pick<Hnsw, 'search'>): BenchCase => {
    let index: Pick<Hnsw, 'search'>;
    return {
      ...{ name, group: 'search, ef 40', perCall: queries.length },
      prepare() {
        index = open();
      },
      run() {
        for (const query of queries) answer = index.search(query, OPTIONS);
      },
    };
  };
  return [
    // Without the distance that counts, with which it was built.
    on('objects of day 04', () => fromJson(jsonOf(graph))),
    on('bytes: reference', () => reference.load(image)),
    on('bytes: yours', () => mine.load(image)),
  ];
}

/** On this machine's disk, synced for good. */
function saves(mine: typeof reference, { image }: Saved, folder: string): BenchCase[] {
  const disk = new RealDisk(folder);
  const by = (name: string, save: (disk: Disk, name: string, image: Uint8Array) => void): BenchCase => ({
    name,
    group: `save, ${(image.length / 2 ** 20).toFixed(1)} MiB`,
    run() {
      save(disk, 'saved.ann', image);
    },
  });
  return [
    by('in place, no sync', (_, name) => disk.write(name, image)),
    by('reference', reference.save),
    by('yours', mine.save),
  ];
}
