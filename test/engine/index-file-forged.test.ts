/**
 * Files that lie with every checksum in order, as only somebody who means it, or a broken writer, makes them. They are refused,
 * or searched without harm: no crash, no hang, no memory beyond what an honest file takes. And `verify` says what is wrong.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AnnError, BrokenIndexError, IndexFileError, MemoryLimitError } from '../../src/core/errors.ts';
import { open, save, verify } from '../../src/engine/index-file.ts';
import { NODE } from '../../src/graph/graph-layout.ts';
import type { Hnsw } from '../../src/graph/hnsw.ts';
import { levelOf } from '../../src/graph/hnsw-levels.ts';
import { forge } from '../storage/ann-files.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { type Contents, rewrite } from './ann-indexes.ts';
import { indexOf, rowsOf, type Shape } from './indexes.ts';

const SHAPE: Shape = {
  ...{ dimension: 20, metric: 'l2', codes: 'sq7', filter: 'sign', M: 4, efConstruction: 24, seed: 11 },
  ...{ count: 400, rows: 'normal', ids: 'own' },
};

async function saved(changes: Partial<Shape> = {}): Promise<{ index: Hnsw; path: string; forged: string }> {
  const folder = temporaryFolder();
  const index = indexOf({ ...SHAPE, ...changes });
  const path = join(folder, 'honest.ann');
  await save(index, path);
  return { index, path, forged: join(folder, 'forged.ann') };
}

const RESTORE = 'restore the file from a backup or rebuild it with "npm run annlab -- build …"';

describe('a header that says what cannot be', () => {
  const option =
    (name: string, value: unknown) =>
    ({ meta }: Contents) => {
      meta.options[name] = value;
    };
  const said =
    (name: string, value: unknown) =>
    ({ meta }: Contents) => {
      meta[name] = value;
    };

  it.each<[string, (contents: Contents) => void, RegExp]>([
    ['another kind of index', said('kind', 'ivf'), /an index of the kind "ivf" is not known here/],
    ['no kind', ({ meta }) => delete meta.kind, /an index of the kind undefined/],
    ['no options', ({ meta }) => delete meta.options, /does not say its options/],
    ['options that are null', said('options', null), /does not say its options/],
    ['options that are a list', said('options', []), /option dimension = undefined is no number/],
    ['half the options', ({ meta }) => delete meta.options.alpha, /option alpha = undefined is no number/],
    ['a dimension in words', option('dimension', '20'), /option dimension = "20" is no number/],
    ['dimension 0', option('dimension', 0), /dimension 0, expected an integer from 1 to 4096/],
    ['dimension −20', option('dimension', -20), /dimension -20/],
    ['half a dimension', option('dimension', 20.5), /dimension 20.5/],
    ['dimension 4097', option('dimension', 4097), /dimension 4097/],
    ['a huge dimension', option('dimension', 2 ** 53), /dimension 9007199254740992/],
    ['another dimension', option('dimension', 64), /section records has 400 × 144|section records has \d+ bytes/],
    ['an unknown metric', option('metric', 'hamming'), /metric = hamming: one of/],
    ['a metric that signs cannot estimate', option('metric', 'manhattan'), /manhattan has none/],
    ['no capacity', option('capacity', 0), /capacity = 0/],
    ['a capacity below the count', option('capacity', 399), /count = 400 is no integer from 0 to 399/],
    ['a capacity beyond any', option('capacity', 1e15), /capacity = 1000000000000000/],
    ['M 1', option('M', 1), /M = 1: an integer from 2 to 256/],
    ['M 257', option('M', 257), /M = 257/],
    ['another M', option('M', 5), /its seed says|section records has \d+ bytes, and 400 vectors make/],
    ['a beam below M', option('efConstruction', 3), /efConstruction = 3/],
    ['a beam without end', option('efConstruction', 1e9), /efConstruction = 1000000000/],
    ['a seed that is none', option('seed', -1), /seed = -1/],
    ['unknown codes', option('codes', 'pq'), /codes = pq: f32, sq7 or a trained quantizer/],
    ['other codes', option('codes', 'f32'), /vectors of the form "sq7" under codes f32/],
    ['an unknown filter', option('filter', 'bloom'), /filter = bloom/],
    ['another filter', option('filter', 'none'), /has a section mean that such an index has not/],
    ['α 0', option('alpha', 0), /alpha = 0/],
    ['α 1e300', option('alpha', 1e300), /alpha = 1e\+300/],
    ['a margin below 0', option('margin', -1), /margin = -1/],
    ['keepPruned 1', option('keepPruned', 1), /option keepPruned = 1 is no boolean/],
    ['a count of −1', said('count', -1), /count = -1 is no integer from 0 to 700/],
    ['half a count', said('count', 399.5), /count = 399.5/],
    ['a count in words', said('count', '400'), /count = "400"/],
    ['one more than there are', said('count', 401), /section records has \d+ bytes, and 401 vectors make \d+/],
    ['one fewer than there are', said('count', 399), /section records has \d+ bytes, and 399 vectors make \d+/],
    ['none', said('count', 0), /section records|entryPoint/],
    ['as many as it may hold', said('count', 700), /and 700 vectors make/],
    ['no such form', said('form', 'pq'), /vectors of the form "pq"/],
    ['bytes where there are codes', said('form', 'u8'), /has a section vectors that such an index has not/],
    ['another number of upper lists', ({ meta }) => meta.upperLists++, /section upper has \d+ bytes/],
    ['upper lists without end', said('upperLists', 2 ** 40), /upperLists = 1099511627776/],
    ['an entry point that is nobody', said('entryPoint', 400), /entryPoint = 400 is no integer from 0 to 399/],
    ['an entry point on another level', said('topLevel', 9), /node \d+ would be on level 9, and its seed says \d/],
    ['an entry point on no level', said('topLevel', -1), /would be on level -1/],
    ['ids of an unknown kind', said('ids', 'many'), /ids that are "many"/],
    ['ids that are not there', said('ids', 'slots'), /has a section ids that such an index has not/],
    ['a section of nobody', ({ sections }) => sections.set('more', new Uint8Array(5)), /has a section more that such/],
    ...['records', 'upper', 'mean', 'signs', 'ids', 'vectors'].flatMap(
      (name): [string, (contents: Contents) => void, RegExp][] => [
        [`no ${name}`, ({ sections }) => sections.delete(name), new RegExp(`has no section ${name}`)],
        [`empty ${name}`, ({ sections }) => sections.set(name, new Uint8Array(0)), new RegExp(`section ${name} has 0`)],
        [
          `a byte less of ${name}`,
          (contents) => resize(contents, name, -1),
          new RegExp(`section ${name} has \\d+ bytes`),
        ],
        [
          `a byte more of ${name}`,
          (contents) => resize(contents, name, 1),
          new RegExp(`section ${name} has \\d+ bytes`),
        ],
      ],
    ),
  ])('%s', async (_, lie, says) => {
    const { path, forged } = await saved();
    await rewrite(path, forged, lie);
    const error = await open(forged).catch((error) => error);
    expect(error).toBeInstanceOf(IndexFileError);
    expect(error.message).toMatch(says);
    expect(error.message.startsWith(`${forged}: `)).toBe(true);
    expect(error.message.endsWith(RESTORE)).toBe(true);
    expect(await verify(forged)).toMatchObject({ ok: false, count: 0, faults: [error.message] });
  });

  function resize({ sections }: Contents, name: string, by: number): void {
    const bytes = new Uint8Array(sections.get(name)!.length + by);
    bytes.set(sections.get(name)!.subarray(0, bytes.length));
    sections.set(name, bytes);
  }

  it('two sections of one name', async () => {
    const { path, forged } = await saved();
    // Each is named in 48 bytes from 64 on.
    forge(forged, readFileSync(path), (_, block) => block.copyWithin(64 + 48, 64, 64 + 32));
    await expect(open(forged)).rejects.toThrow(/two sections have one name/);
    expect(await verify(forged)).toMatchObject({ ok: false });
  });

  it.each([
    ['billions of vectors', { count: 2 ** 31 - 1 }],
    ['millions of vectors', { count: 5_000_000 }],
  ])('%s are refused before any room is made for them', async (_, lie) => {
    const { path, forged } = await saved();
    await rewrite(path, forged, ({ meta }) => {
      Object.assign(meta, lie);
      meta.options.capacity = 2 ** 31 - 1;
    });
    const before = process.memoryUsage();
    await expect(open(forged)).rejects.toThrow(IndexFileError);
    expect(await verify(forged)).toMatchObject({ ok: false });
    const after = process.memoryUsage();
    expect(after.heapUsed - before.heapUsed).toBeLessThan(50e6);
    expect(after.rss - before.rss).toBeLessThan(200e6);
  });

  it('a capacity that fits into no memory is as much as fits', async () => {
    const { index, path, forged } = await saved();
    await rewrite(path, forged, option('capacity', 2 ** 31 - 1));
    const before = process.memoryUsage().rss;
    const opened = await open(forged);
    expect(opened.capacity).toBeLessThan(50_000_000);
    expect(await verify(forged)).toMatchObject({ ok: true });
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
    const query = rowsOf(SHAPE, 1, 'query');
    expect(opened.search(query, { k: 5 })).toEqual(index.search(query, { k: 5 }));
    await expect(open(forged, { capacity: 2 ** 31 - 1 })).rejects.toThrow(MemoryLimitError);
  });
});

/** The u32 words of a section, wherever its bytes lie. */
function wordsOf({ sections }: Contents, name: string): Uint32Array {
  const aligned = Uint8Array.from(sections.get(name)!);
  sections.set(name, aligned);
  return new Uint32Array(aligned.buffer);
}

describe('a graph that cannot be', () => {
  /** The words of a record behind its vector: see `NODE`. */
  function editor(index: Hnsw, contents: Contents) {
    const { recordBytes, vectorBytes, upperBytes } = index.layout;
    const [records, upper] = [wordsOf(contents, 'records'), wordsOf(contents, 'upper')];
    const node = (slot: number) => (slot * recordBytes + vectorBytes) / 4;
    return {
      ...{ records, upper, node, meta: contents.meta },
      level: (slot: number) => records[node(slot) + NODE.level],
      upperList: (slot: number) => (records[node(slot) + NODE.upper] * upperBytes) / 4,
      link: (slot: number, i: number) => node(slot) + NODE.count + 1 + i,
    };
  }
  type Editor = ReturnType<typeof editor>;

  const KEPT = 0x80000000;
  const SLOT = 0x3fffffff;
  /** Where the links of a slot on level 0 are. */
  const edges = ({ records, node }: Editor, slot: number) =>
    Array.from({ length: records[node(slot) + NODE.count] }, (_, i) => node(slot) + NODE.count + 1 + i);
  const everyEdge = (graph: Editor, set: (at: number) => void) => {
    for (let slot = 0; slot < 400; slot++) for (const at of edges(graph, slot)) set(at);
  };

  const M0 = 8;
  const SLACK = 4;
  const MOST = M0 + SLACK;
  const all = ({ records, node }: Editor, set: (at: number, slot: number) => void) => {
    for (let slot = 0; slot < 400; slot++) set(node(slot), slot);
    return records;
  };

  it('whoever adds to a graph of nothing but kept edges gets an error, and does not go round in circles', async () => {
    const { index, path, forged } = await saved();
    await rewrite(path, forged, (contents) => {
      const graph = editor(index, contents);
      everyEdge(graph, (at) => {
        graph.records[at] |= KEPT;
      });
    });
    const opened = await open(forged);
    const add = () => {
      opened.addBatch(rowsOf(SHAPE, 90, 'more'));
    };
    expect(add).toThrow(BrokenIndexError);
  });

  /** What is changed; what verify says; whether each search throws, or some may go on. */
  it.each<[string, (graph: Editor) => void, RegExp, 'every search throws' | 'searches may go on']>([
    [
      'links to nobody',
      (graph) => all(graph, (node) => (graph.records[node + NODE.count + 1] = 400)),
      /node \d+, level 0: a link to 400, and there are 400 nodes/,
      'every search throws',
    ],
    [
      'links to nobody far away',
      (graph) => all(graph, (node) => (graph.records[node + NODE.count + 1] = 0x3fffffff)),
      /node \d+, level 0: a link to 1073741823/,
      'every search throws',
    ],
    [
      'a link to nobody',
      (graph) => (graph.records[graph.link(17, 0)] = 400),
      /^node 17, level 0: a link to 400, and there are 400 nodes/,
      'searches may go on',
    ],
    [
      'one link too many',
      (graph) => all(graph, (node) => (graph.records[node + NODE.count] = MOST + 1)),
      /node \d+, level 0: 13 links, at most 12 may be/,
      'every search throws',
    ],
    [
      'links without end',
      (graph) => all(graph, (node) => (graph.records[node + NODE.count] = 0xffffffff)),
      /node \d+, level 0: 1024 links, at most 12 may be/,
      'every search throws',
    ],
    [
      'fewer links than none',
      (graph) => all(graph, (node) => (graph.records[node + NODE.count] = 0x80000000)),
      /node \d+, level 0: 1024 links, at most 12 may be/,
      'every search throws',
    ],
    [
      'upper lists out of all memory',
      (graph) => all(graph, (node) => (graph.records[node + NODE.upper] = 10_000_000)),
      /node \d+: its upper lists begin with number 10000000, and should with \d+/,
      'every search throws',
    ],
    ...[1, 1000, 100_000, 0x01000000, 0x7fffffff, 0xffffffff].map(
      (by): [string, (graph: Editor) => void, RegExp, 'searches may go on'] => [
        `upper lists ${by} further on`,
        (graph) => all(graph, (node) => (graph.records[node + NODE.upper] += by)),
        /node \d+: its upper lists begin with number \d+, and should with \d+/,
        'searches may go on',
      ],
    ),
    [
      'upper links to nobody',
      (graph) => graph.upper.fill(4000, graph.upperList(graph.meta.entryPoint) + 1),
      /a link to 4000, and there are 400 nodes/,
      'searches may go on',
    ],
    [
      'links of every node to itself',
      (graph) => all(graph, (node, slot) => (graph.records[node + NODE.count + 1] = slot)),
      /^node 0, level 0: a link to itself/,
      'searches may go on',
    ],
    [
      'the same link twice',
      (graph) => all(graph, (node) => (graph.records[node + NODE.count + 2] = graph.records[node + NODE.count + 1])),
      /two links to the same node/,
      'searches may go on',
    ],
    [
      'nobody linked to anybody',
      (graph) => all(graph, (node) => (graph.records[node + NODE.count] = 0)),
      /node \d+, level 0: no way leads to it/,
      'searches may go on',
    ],
    ...[1, 2, 255, 256, 65_536, 0xffffffff].map(
      (by): [string, (graph: Editor) => void, RegExp, 'searches may go on'] => [
        `a level ${by} too high`,
        (graph) => (graph.records[graph.node(33) + NODE.level] += by),
        /^node 33 is on level \d+, drawn was \d$/m,
        'searches may go on',
      ],
    ),
    [
      'children everywhere',
      (graph) => everyEdge(graph, (at) => (graph.records[at] |= KEPT)),
      /node \d+, level 0: \d+ links that must stay, at most 4 may be/,
      'searches may go on',
    ],
    [
      'no children anywhere',
      (graph) => everyEdge(graph, (at) => (graph.records[at] &= SLOT)),
      /level 0: 400 nodes have no parent, and one should have none/,
      'searches may go on',
    ],
    [
      'two parents',
      (graph) => {
        const child = graph.records[edges(graph, 0).find((at) => graph.records[at] >>> 31)!] & SLOT;
        const other = Array.from({ length: 399 }, (_, i) => i + 1).flatMap((slot) => edges(graph, slot));
        graph.records[other.find((at) => graph.records[at] === child)!] |= KEPT;
      },
      /^node \d+, level 0: 2 parents/,
      'searches may go on',
    ],
    [
      'a child that is its own grandparent',
      (graph) => {
        // The child of a node becomes its parent too; the one that it had lets it go.
        for (let slot = 1; slot < 400; slot++) {
          const isKept = (at: number) => graph.records[at] >>> 31 === 1;
          const to = edges(graph, slot).find((at) => graph.records[at] >>> 30 === 2);
          const child = to === undefined ? [] : edges(graph, graph.records[to] & SLOT);
          const back = child.find((at) => graph.records[at] === slot);
          if (back === undefined || child.filter(isKept).length === SLACK) continue;
          everyEdge(graph, (at) => {
            if (graph.records[at] === (slot | KEPT) >>> 0) graph.records[at] = slot;
          });
          graph.records[back] |= KEPT;
          return;
        }
      },
      /^level 0: \d+ nodes are their own forefathers/,
      'searches may go on',
    ],
    [
      'a lock that somebody holds',
      (graph) => (graph.records[graph.node(33) + NODE.lock] = 3),
      /^node 33: its lock is held/,
      'searches may go on',
    ],
    [
      'another entry point on a lower level',
      (graph) => {
        graph.meta.entryPoint = Array.from({ length: 400 }, (_, slot) => slot).find((slot) => graph.level(slot) === 0)!;
        graph.meta.topLevel = 0;
      },
      /the top level is said to be 0 and is [1-9]/,
      'searches may go on',
    ],
    [
      'another seed, which draws other levels',
      (graph) => {
        graph.meta.options.seed = SHAPE.seed + 1;
        graph.meta.topLevel = levelOf(SHAPE.seed + 1, graph.meta.entryPoint, 4);
      },
      /node \d+ is on level \d, drawn was \d/,
      'searches may go on',
    ],
  ])('%s', async (_, forgeIt, says, searches) => {
    const { index, path, forged } = await saved();
    await rewrite(path, forged, (contents) => {
      const graph = editor(index, contents);
      forgeIt(graph);
    });
    const report = await verify(forged);
    expect(report.ok).toBe(false);
    expect(report.faults.join('\n')).toMatch(says);
    expect(report.faults.at(-1)).toContain('rebuild it with "npm run annlab -- build …"');

    for (const mode of ['map', 'read'] as const) {
      const opened = await open(forged, { mode }).catch((error) => error);
      if (opened instanceof AnnError) continue;
      let thrown = 0;
      for (let i = 0; i < 30; i++) {
        try {
          const { ids } = opened.search(rowsOf(SHAPE, 1, `query ${i}`), { k: 5, efSearch: 20 });
          expect(ids.length).toBeLessThanOrEqual(5);
        } catch (error) {
          expect(error).toBeInstanceOf(BrokenIndexError);
          expect((error as Error).message).toMatch(/the index is damaged: build it again from its vectors/);
          expect((error as Error).message).not.toMatch(/-1|undefined|NaN/);
          thrown++;
        }
      }
      if (searches === 'every search throws') expect(thrown).toBe(30);
      // Whatever else is asked comes to an end too.
      for (const ask of [() => opened.stats(), () => opened.neighbors(4_000_000_000), () => opened.validate()]) {
        try {
          ask();
        } catch (error) {
          expect(error).toBeInstanceOf(AnnError);
        }
      }
    }
  });

  it('an id that two vectors have', async () => {
    const { path, forged } = await saved();
    await rewrite(path, forged, (contents) => {
      const ids = wordsOf(contents, 'ids');
      ids[30] = ids[31];
    });
    expect(await verify(forged)).toMatchObject({
      ok: false,
      faults: [expect.stringContaining('id 3999999783'), expect.anything()],
    });
  });

  it.each([
    ['no vector at all', Number.NaN],
    ['a vector without end', Number.POSITIVE_INFINITY],
  ])('%s among the others', async (_, value) => {
    const { path, forged } = await saved({ codes: 'f32' });
    await rewrite(path, forged, (contents) => {
      const records = new Float32Array(wordsOf(contents, 'records').buffer);
      for (let i = 0; i < records.length; i += 36) records[i] = value;
    });
    const opened = await open(forged);
    for (let i = 0; i < 30; i++) {
      const { ids } = opened.search(rowsOf(SHAPE, 1, `query ${i}`), { k: 5, efSearch: 20 });
      expect(ids.length).toBeLessThanOrEqual(5);
    }
  });
});
