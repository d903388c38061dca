/** Checks of `neighbors`: the lists that were saved, seen where they lie, and no more of the file touched than they take. */
import { type Check, fails, forAll } from 'annlab/exercises';
import { fileOf, flipped, graphOf, type Plan, plans, refusal, SMALL } from './scene.ts';
import * as reference from './solution.ts';

type Module = typeof reference;

/** A file of many blocks, in which lists begin in one and end in the next. */
const MANY: Plan = { ...SMALL, nodes: Array.from({ length: 30 }, () => SMALL.nodes).flat() };

export const neighborsChecks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'On level 0 a node has the links that were saved',
    hole: 'neighbors',
    likely:
      'behind the vector lie level, upper and count, four bytes each, and only then the links; a node has a list on its own level, too: only above it there is none',
    run(module) {
      const image = open(module, SMALL);
      for (const [id, { links }] of SMALL.nodes.entries()) expectList(image, id, 0, links[0]);
    },
  },
  {
    layer: 'example',
    says: 'On the levels above, too: the list of level 1 is row `upper` of its region, that of level 2 the row behind it',
    hole: 'neighbors',
    likely:
      'row + level − 1: `upper` counts rows, not bytes, and a row is listBytes long; a count comes before its links',
    run(module) {
      const image = open(module, SMALL);
      for (const [id, { links }] of SMALL.nodes.entries()) {
        for (let level = links.length - 1; level > 0; level--) expectList(image, id, level, links[level]);
      }
    },
  },
  {
    layer: 'invariant',
    says: 'Above its own level a node has no links',
    hole: 'neighbors',
    likely: 'the first number behind the vector is the node’s level: the rows behind its own belong to somebody else',
    run(module) {
      const image = open(module, SMALL);
      for (const [id, { links }] of SMALL.nodes.entries()) {
        for (let level = links.length; level < 5; level++) expectList(image, id, level, []);
      }
    },
  },
  {
    layer: 'invariant',
    says: 'A damaged list is never returned: whoever asks for it is told, and nobody has to ask first for anything else',
    hole: 'neighbors',
    likely:
      'this.file.u32 checks every block that it looks into; a view of your own on file.bytes does not, and a list may begin in one block and end in the next',
    run(module) {
      const { image, header } = fileOf(graphOf(MANY));
      const { records, recordBytes, upper, listBytes } = reference.layoutOf(header);
      let row = 0;
      for (const [id, { vector, links }] of MANY.nodes.entries()) {
        for (const [level, list] of links.entries()) {
          const begin = level === 0 ? records + id * recordBytes + 4 * vector.length + 8 : upper + row++ * listBytes;
          const lastByte = begin + 4 * list.length;
          const opened = new module.Image(flipped(image, 8 * lastByte), header);
          const got = refusal(() => opened.neighbors(id, level));
          const about = { node: id, level, 'the list begins at byte': begin, 'a bit flipped in byte': lastByte };
          if (!got) fails('the list was returned, though a bit of it had flipped', about);
          if (got.reason !== 'checksum')
            fails(`it should be refused as \`checksum\`; it was refused as ${got.reason}`, about);
        }
      }
    },
  },
  {
    layer: 'property',
    says: 'Of any graph, every node has on every level the links that were saved, in their order',
    hole: 'neighbors',
    likely:
      'write the three addresses down for the smallest case: the record, the list in it, and the row of an upper list',
    run: (module) =>
      forAll(
        plans(),
        (plan) => {
          const image = open(module, plan);
          for (const [id, { links }] of plan.nodes.entries()) {
            for (let level = 0; level < 5; level++) expectList(image, id, level, links[level] ?? []);
          }
        },
        { runs: 300 },
      ),
  },
  {
    layer: 'property',
    says: 'A search in the file finds what the same search finds in the reference’s, bit for bit',
    hole: 'neighbors',
    likely: 'look at the checks above first: a search walks wherever the lists lead',
    run: (module) =>
      forAll(plans(), (plan) => {
        const query = new Float32Array(plan.nodes[0].vector.length).fill(0.5);
        const [found, wanted] = [module, reference].map((one) => open(one, plan).search(query, { k: 5, ef: 8 }));
        if (JSON.stringify(found) !== JSON.stringify(wanted))
          fails('the search finds something else', { found, wanted });
      }),
  },
  {
    layer: 'work',
    says: 'Nothing is copied: a list is a view on the file’s own bytes',
    hole: 'neighbors',
    likely: 'return what this.file.u32 gives; slice, Array.from, map and filter make a copy of it',
    run(module) {
      const image = open(module, SMALL);
      for (const [id, { links }] of SMALL.nodes.entries()) {
        for (const level of links.keys()) {
          const list: unknown = image.neighbors(id, level);
          if (!(list instanceof Uint32Array)) fails(`the links of node ${id} are no Uint32Array`, { returned: list });
          if (list.buffer !== image.file.bytes.buffer) fails(`the links of node ${id} on level ${level} are a copy`);
        }
      }
    },
  },
  {
    layer: 'work',
    says: 'A list is found without a look at another node: its address is computed',
    hole: 'neighbors',
    likely:
      'no loop is needed: records + id · recordBytes is where the record begins, however many stand in front of it',
    run(module) {
      for (const id of [0, 1, 7, 200, 413, 419]) {
        for (const level of MANY.nodes[id].links.keys()) {
          const [yours, needed] = [module, reference].map((one) => {
            const image = open(one, MANY);
            image.neighbors(id, level);
            return image.file.checked;
          });
          // Whoever takes the room of a list along with it may look into the block behind.
          if (yours.length > needed.length + 1) {
            const blocks = { node: id, level, 'blocks looked into': yours, needed };
            fails(`${yours.length} blocks were looked into; the list is in ${needed.length}`, blocks);
          }
        }
      }
    },
  },
];

function open(module: Module, plan: Plan): reference.Image {
  const { image, header } = fileOf(graphOf(plan));
  return new module.Image(image, header);
}

function expectList(image: reference.Image, id: number, level: number, want: readonly number[]): void {
  const got = Array.from(image.neighbors(id, level));
  if (got.join() === want.join()) return;
  const { header, layout } = image;
  fails(`node ${id} has on level ${level} the links [${got}]; [${want}] were saved`, {
    'level, upper, count in the record': numbersOf(image, id),
    'dimension, M, M0': [header.dimension, header.M, header.M0],
    layout,
  });
}

/** What stands between the vector and the links. */
function numbersOf({ file, header, layout }: reference.Image, id: number): number[] {
  const at = layout.records + id * layout.recordBytes + 4 * header.dimension;
  return Array.from(new Uint32Array(file.bytes.buffer, file.bytes.byteOffset + at, 3));
}
