/**
 * Day 06: that the disk which forgets does so as disk.ts says, that a file is the graph it was made of, what the notebook claims,
 * and that the checks let other right answers through.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { checks } from '../../days/06-serialization/check.ts';
import { BLOCK_BYTES, CheckedBytes } from '../../days/06-serialization/checked-bytes.ts';
import { countOutcomes, crashPoints, NAME } from '../../days/06-serialization/crashes.ts';
import { crc32c } from '../../days/06-serialization/crc32c.ts';
import { SECTOR_BYTES, SimulatedDisk } from '../../days/06-serialization/disk.ts';
import { canMap, mapFile } from '../../days/06-serialization/map-file.ts';
import {
  firstAnswer,
  fromJson,
  jsonOf,
  noticersOf,
  sameAnswers,
  saved,
  town,
  twelve,
} from '../../days/06-serialization/measure.ts';
import { engineOnFile } from '../../days/06-serialization/measure-engine.ts';
import { measureOpenings } from '../../days/06-serialization/measure-opening.ts';
import { RealDisk } from '../../days/06-serialization/real-disk.ts';
import { pointsIn, rowAsGraph, rowOfPoints } from '../../days/06-serialization/row-of-points.ts';
import { graphOf, plans } from '../../days/06-serialization/scene.ts';
import * as day from '../../days/06-serialization/solution.ts';
import { crc32c as engineCrc32c } from '../../src/core/crc32c.ts';
import { findDay } from '../../src/lab/exercises/day.ts';
import { loadMutant } from '../../src/lab/exercises/index.ts';
import { loadMutated } from '../../src/lab/exercises/load-day.ts';
import { runChecks } from '../../src/lab/exercises/run-checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'annlab-'));
afterAll(() => rmSync(folder, { recursive: true }));

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

describe('crc32c', () => {
  it('is RFC 3720’s, on its examples (appendix B.4)', () => {
    const count = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(filled(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(count)).toBe(0x46dd794e);
    expect(crc32c(count.toReversed())).toBe(0x113fdb5c);
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });

  it('is the engine’s, on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(crc32c(bytes)).toBe(engineCrc32c(bytes) >>> 0);
      }),
      { seed: 6 },
    );
  });
});

describe('the disk that forgets', () => {
  const [OLD, NEW] = [filled(2 * SECTOR_BYTES, 1), filled(3 * SECTOR_BYTES, 2)];
  const contents = (disk: SimulatedDisk, name: string) => disk.crashes().map((files) => files.get(name));

  it('shows programs what they wrote, and keeps what was synced', () => {
    const disk = new SimulatedDisk(new Map([['a', OLD]]));
    disk.write('a', NEW);
    expect(disk.read('a')).toEqual(NEW);
    disk.sync('a');
    expect(contents(disk, 'a')).toEqual([NEW]);
    expect(disk.read('b')).toBeUndefined();
  });

  it('leaves of a file that is not synced any of its sectors, one of them in part, and any of its lengths', () => {
    const disk = new SimulatedDisk(new Map([['a', OLD]]));
    disk.write('a', NEW);
    const left = contents(disk, 'a').map((bytes) => Array.from(bytes!));
    const has = (bytes: Uint8Array) => left.some((one) => one.join() === bytes.join());
    const sectors = (...values: number[]) => Buffer.concat(values.map((value) => filled(SECTOR_BYTES, value)));
    for (const possible of [OLD, NEW, new Uint8Array(0), sectors(1, 2), sectors(2, 1), sectors(1, 1, 2)]) {
      expect(has(possible)).toBe(true);
    }
    // The old file ended before the third sector: there is nothing where it did not land.
    expect(has(sectors(2, 2, 0))).toBe(true);
    expect(has(Buffer.concat([filled(SECTOR_BYTES / 2, 2), filled(1.5 * SECTOR_BYTES, 1)]))).toBe(true);
    for (const bytes of left) {
      expect([0, OLD.length, NEW.length]).toContain(bytes.length);
      expect(bytes.every((byte) => byte <= 2)).toBe(true);
    }
    expect(new Set(left.map((bytes) => bytes.join())).size).toBe(left.length);
  });

  it('keeps the names apart from the bytes: each may be there without the other', () => {
    const disk = new SimulatedDisk(new Map([['a', OLD]]));
    disk.write('b', NEW);
    disk.rename('b', 'a');
    const left = contents(disk, 'a');
    // The rename without the bytes, neither, and both.
    for (const possible of [new Uint8Array(0), OLD, NEW]) expect(left).toContainEqual(possible);
    disk.syncDirectory();
    expect(contents(disk, 'a')).toContainEqual(new Uint8Array(0));
    disk.sync('a');
    expect(contents(disk, 'a')).toEqual([NEW]);
  });

  it('keeps any of the changes of names, each whole', () => {
    const disk = new SimulatedDisk(new Map([['a', OLD]]));
    disk.write('b', NEW);
    disk.sync('b');
    disk.rename('b', 'a');
    disk.remove('a');
    const names = disk.crashes().map((files) => [...files].map(([name, { length }]) => `${name} ${length}`).join());
    expect(names.toSorted()).toEqual(['', 'a 1024', 'a 1024,b 1536', 'a 1536', 'b 1536']);
  });

  it('is what it was when it starts again after a crash', () => {
    const disk = new SimulatedDisk(new Map([['a', OLD]]));
    disk.write('a', NEW);
    for (const files of disk.crashes()) {
      const again = new SimulatedDisk(files);
      expect(again.read('a')).toEqual(files.get('a'));
      expect(again.crashes()).toEqual([files]);
    }
  });

  it('of a long file tries the sectors from either end, each alone, and each missing', () => {
    const disk = new SimulatedDisk(new Map([['a', new Uint8Array(0)]]));
    disk.write('a', filled(9 * SECTOR_BYTES, 7));
    const left = contents(disk, 'a').filter((bytes) => bytes!.length > 0);
    const landed = left.map((bytes) =>
      Array.from({ length: 9 }, (_, i) => (bytes![i * SECTOR_BYTES] === 7 ? 'x' : '.')).join(''),
    );
    for (const pattern of ['xxxx.....', '....xxxxx', '...x.....', 'xxx.xxxxx', '.........', 'xxxxxxxxx']) {
      expect(landed).toContain(pattern);
    }
  });

  it('knows no file that is not there', () => {
    const disk = new SimulatedDisk();
    for (const call of [() => disk.sync('a'), () => disk.rename('a', 'b'), () => disk.remove('a')]) {
      expect(call).toThrow('no such file: a');
    }
  });
});

describe('the file', () => {
  const same = (graph: day.SavedGraph) => {
    const image = day.load(day.encode(graph));
    expect([image.entryPoint, image.topLevel]).toEqual([graph.entryPoint, graph.topLevel]);
    for (const [id, { vector, links }] of graph.nodes.entries()) {
      expect(image.vector(id)).toEqual(vector);
      for (let level = 0; level < links.length + 2; level++) {
        expect(Array.from(image.neighbors(id, level))).toEqual(links[level] ?? []);
      }
    }
    return image;
  };

  it('is the graph that it was made of', () => {
    fc.assert(
      fc.property(plans(), (plan) => {
        const image = same(graphOf(plan));
        image.file.checkAll();
      }),
      { seed: 6 },
    );
    same(twelve());
    same(town());
  });

  it('of nothing is a file, too', () => {
    const image = same({ nodes: [], M: 4, M0: 8, entryPoint: -1, topLevel: -1 });
    expect(image.search(Float32Array.of(1), { k: 1, ef: 1 })).toEqual([]);
  });

  it('does not take a list that has no room', () => {
    const crowded = { vector: Float32Array.of(1), links: [[0, 0, 0]] };
    expect(() => day.encode({ nodes: [crowded], M: 1, M0: 2, entryPoint: 0, topLevel: 0 })).toThrow(
      'a list is too long',
    );
  });

  it('has no place outside of its regions', () => {
    const image = day.load(day.encode(twelve()));
    const { records, table } = image.layout;
    for (const [at, n] of [
      [0, 1],
      [records - 4, 2],
      [table - 4, 2],
      [table, 1],
      [records, 2 ** 31],
      [-4, 1],
      [Number.NaN, 1],
    ]) {
      expect(() => image.file.u32(at, n)).toThrow(/a place outside of the regions/);
    }
    expect(() => image.vector(2 ** 32 - 1)).toThrow(/a place outside of the regions/);
  });

  it('is checked where it is used, once, and nowhere else', () => {
    const { image } = saved(500);
    const { layout } = day.load(image);
    const damaged = image.slice();
    const block = 5;
    damaged[block * BLOCK_BYTES] ^= 1;
    const opened = day.load(damaged);
    opened.file.u32(block * BLOCK_BYTES - 4, 1);
    expect(() => opened.file.u32(block * BLOCK_BYTES - 4, 2)).toThrow(`block ${block}: the bytes are not those`);
    expect(() => opened.file.checkAll()).toThrow(`block ${block}`);
    expect(opened.file.checked).toEqual([...new Set(opened.file.checked)]);
    const whole = new CheckedBytes(image, { table: layout.table, tableCrc: day.load(image).header.tableCrc });
    whole.checkAll();
    expect(whole.checked).toEqual(Array.from({ length: layout.table / BLOCK_BYTES - 1 }, (_, i) => i + 1));
  });

  it('answers as the graph does, and so does its JSON', () => {
    const { graph, image, queries } = saved(2000);
    expect(sameAnswers(graph, day.load(image), queries)).toBe(true);
    expect(sameAnswers(graph, fromJson(jsonOf(graph)), queries)).toBe(true);
    expect(sameAnswers(graph, day.load(day.encode(twelve())), [Float32Array.of(1, 2)])).toBe(false);
  });

  it('of a row of points is what encode makes of them', () => {
    for (const count of [1, 5, 100]) expect(rowOfPoints(count)).toEqual(day.encode(rowAsGraph(count)));
    const size = rowOfPoints(pointsIn(2 ** 20)).length;
    expect(Math.abs(size / 2 ** 20 - 1)).toBeLessThan(0.02);
  });
});

describe('on this machine', () => {
  it('a save leaves the image under its name, and nothing else', () => {
    const [first, second] = [day.encode(twelve()), day.encode(town())];
    for (const image of [first, second, first]) {
      day.save(new RealDisk(folder), NAME, image);
      expect(new Uint8Array(readFileSync(join(folder, NAME)))).toEqual(image);
      expect(readdirSync(folder)).toEqual([NAME]);
    }
    const disk = new RealDisk(folder);
    expect(disk.read('nowhere')).toBeUndefined();
    disk.remove(NAME);
    expect(disk.read(NAME)).toBeUndefined();
  });

  it.skipIf(!canMap)('a mapped file is the file, and stays what it was when another takes its name', () => {
    const [first, second] = [day.encode(twelve()), day.encode(town())];
    const path = join(folder, 'mapped.ann');
    day.save(new RealDisk(folder), 'mapped.ann', first);
    const mapped = mapFile(path);
    expect(mapped).toEqual(first);
    day.save(new RealDisk(folder), 'mapped.ann', second);
    expect(mapped).toEqual(first);
    expect(mapFile(path)).toEqual(second);
    expect(sameAnswers(day.load(mapped), twelve(), [Float32Array.of(9, 5)])).toBe(true);
    writeFileSync(path, '');
    expect(mapFile(path)).toHaveLength(0);
    expect(() => mapFile(join(folder, 'nowhere'))).toThrow('ENOENT');
  });

  it('every way to open a file finds the point that was asked for', async () => {
    const openings = await measureOpenings({ mibs: [1], runs: 1 });
    const ways = ['read', ...(canMap ? ['map'] : []), 'json', 'engine read', 'engine map'];
    expect(openings.map(({ mib, way }) => `${mib} ${way}`)).toEqual(ways.map((way) => `1 ${way}`));
    for (const { openMs, answerMs, ownBytes, sharedBytes } of openings) {
      for (const measured of [openMs, answerMs, ownBytes, sharedBytes]) expect(measured).toBeGreaterThanOrEqual(0);
    }
  });
});

it('the engine’s file gives the same answers, and says what was done to it', async () => {
  const { same, damages } = await engineOnFile(saved(500));
  expect(same).toBe(true);
  const [record, ...others] = damages;
  // Checked when it is used, not before.
  expect(record).toMatchObject({ open: 'works', search: expect.stringMatching(/^section records, block 0/) });
  for (const { open, search } of others) expect([open === 'works', search]).toEqual([false, '–']);
  expect(damages.map(({ verify }) => verify)).not.toContain('nothing is wrong');
  expect(new Set(damages.map(({ verify }) => verify)).size).toBe(damages.length);
});

describe('what the notebook says', () => {
  it('of 8,000 vectors’ file a first answer looks at less than a quarter, and JSON is more than twice as long', () => {
    const set = saved(8000);
    const { json, read, map } = firstAnswer(day, set);
    expect(json).toBeGreaterThan(2 * read);
    expect(map).toBeLessThan(read / 4);
    // What a search looks at hardly grows with the file.
    expect(map).toBeLessThan(3 * firstAnswer(day, saved(1000)).map);
  });

  it('any flipped bit of the twelve points’ file is noticed', () => {
    const image = day.encode(twelve());
    for (let bit = 0; bit < 8; bit++) expect(noticersOf(day, image, bit)).not.toContain('nobody');
    expect(new Set(noticersOf(day, image))).toEqual(
      new Set(['magic', 'version', 'header’s crc', 'block’s crc', 'table’s crc']),
    );
  });

  it('without the header’s checksum, or with one that covers the fields only, most of block 0 may say anything', async () => {
    const image = day.encode(twelve());
    for (const name of ['checksum-ignored', 'checksum-of-the-fields']) {
      const nobody = noticersOf(await loadMutant(6, name), image).filter((one) => one === 'nobody').length;
      expect(nobody).toBeGreaterThan(400);
      expect(nobody).toBeLessThan(BLOCK_BYTES);
    }
  });

  it('of a save’s four steps, two can be left out and nobody sees it, until the power fails', async () => {
    const [old, image] = [day.encode(twelve()), day.encode(town())];
    for (const name of ['sync-forgotten', 'directory-not-synced']) {
      const { save }: typeof day = await loadMutant(6, name);
      const disk = new SimulatedDisk(new Map([[NAME, old]]));
      save(disk, NAME, image);
      expect(disk.read(NAME)).toEqual(image);
      const last = countOutcomes(crashPoints(save, old, image).at(-1)!);
      expect(last.old + last.neither).toBeGreaterThan(0);
    }
  });

  it('written straight to its name, three can be left out, and nobody sees it either', () => {
    const [old, image] = [day.encode(twelve()), day.encode(town())];
    const save: typeof day.save = (disk, name, bytes) => disk.write(name, bytes);
    const disk = new SimulatedDisk(new Map([[NAME, old]]));
    save(disk, NAME, image);
    expect(disk.read(NAME)).toEqual(image);
    expect(countOutcomes(crashPoints(save, old, image).at(-1)!).neither).toBeGreaterThan(0);
  });

  it('the table that opening looks at is a 128th of the file', () => {
    const { image } = saved(2000);
    const { table, fileBytes } = day.load(image).layout;
    expect(Math.ceil(fileBytes / 128 / BLOCK_BYTES) * BLOCK_BYTES).toBe(fileBytes - table);
  });
});

describe('the checks', () => {
  const others = [
    [
      'fields read in a loop',
      'const header = Object.fromEntries(FIELDS.map((field, i) => [field, view.getUint32(4 * i, true)])) as Header;',
      'const header = {} as Header; let at = 0; for (const field of FIELDS) { header[field] = view.getUint32(at, true); at += 4; }',
    ],
    [
      'a copy of the block',
      'new DataView(block.buffer, block.byteOffset, block.byteLength)',
      'new DataView(block.slice().buffer)',
    ],
    [
      'the room of the list taken along',
      'const [count] = this.file.u32(list, 1);\n    return this.file.u32(list + 4, count);',
      'const room = this.file.u32(list, 1 + (level === 0 ? this.header.M0 : this.header.M)); return room.subarray(1, 1 + room[0]);',
    ],
    [
      'the leftover removed first',
      'disk.write(temporary, image);',
      'if (disk.read(temporary)) disk.remove(temporary); disk.write(temporary, image);',
    ],
    ['a temporary file of another name', `\`\${name}.tmp\``, `\`.new-\${name}\``],
  ];

  it.each(others)('let another right answer through: %s', async (name, find, replace) => {
    const mutant = { name: name.replaceAll(/\W+/g, '-').toLowerCase(), hole: '', mistake: '', find, replace };
    const results = await runChecks(checks, await loadMutated(await findDay(6), mutant));
    expect(results.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(results.length).toBeGreaterThan(20);
  });
});
