/** Checks of `save`: on a disk that forgets, stopped after every step, and with every way to forget. */
import { type Check, fails, forAll } from 'annlab/exercises';
import fc from 'fast-check';
import { crashPoints, NAME, outcomeOf, sameBytes } from './crashes.ts';
import { type Files, SimulatedDisk, type Step } from './disk.ts';
import { fileOf, graphOf, type Plan, plans, SMALL } from './scene.ts';

type Module = typeof import('./solution.ts');

const imageOf = (plan: Plan) => fileOf(graphOf(plan)).image;
/** The index before and after: the new one is longer by some blocks, so that lengths matter. */
const OLD = imageOf({ ...SMALL, nodes: SMALL.nodes.slice(0, 4).map(alone) });
const NEW = imageOf(SMALL);

export const saveChecks: Check<Module>[] = [
  {
    layer: 'example',
    says: 'After a save the image is there under its name, and nothing else is',
    hole: 'save',
    likely: 'a file under another name becomes the index by disk.rename, which leaves none behind',
    run(module) {
      for (const files of [new Map(), new Map([[NAME, OLD]])]) {
        const disk = new SimulatedDisk(files);
        module.save(disk, NAME, NEW);
        const found = disk.read(NAME);
        if (found === undefined) fails(`there is no ${NAME}`, stepsOf(disk.steps));
        if (!sameBytes(found, NEW))
          fails(`${NAME} holds ${found.length} bytes that are not the image`, stepsOf(disk.steps));
        expectNoOthers(disk);
      }
    },
  },
  {
    layer: 'invariant',
    says: 'Wherever the power fails, the old index is there or the new one, whole',
    hole: 'save',
    likely: 'the bytes must be safe (sync) before the name leads to them (rename), and the old file stays until then',
    run: (module) => expectNothingLost(module, OLD),
  },
  {
    layer: 'invariant',
    says: 'Wherever the power fails in the first save of all, there is no index, or a whole one',
    hole: 'save',
    likely: 'the name must not appear before the bytes are safe',
    run: (module) => expectNothingLost(module, undefined),
  },
  {
    layer: 'invariant',
    says: 'When save has returned, the new index is there, whatever happens then',
    hole: 'save',
    likely: 'a rename is a change of the directory, and waits in memory like any other: syncDirectory, after it',
    run(module) {
      for (const old of [OLD, undefined]) {
        const points = crashPoints(module.save, old, NEW);
        const { disks } = points[points.length - 1];
        const late = disks.find(({ outcome }) => outcome !== 'new');
        if (!late) continue;
        const steps = points.flatMap(({ step }) => (step ? [step] : []));
        fails('save has returned, and the new index may still be lost', story(steps, steps.length, late.files));
      }
    },
  },
  {
    layer: 'invariant',
    says: 'What a save that was cut short has left behind, the next one clears away',
    hole: 'save',
    likely:
      'a temporary name that is always the same is overwritten by the next save, and renamed; one of its own for each save (the time, a random number) leaves a file behind wherever the power fails',
    run(module) {
      const disks = crashPoints(module.save, OLD, NEW).flatMap((point) => point.disks);
      const made = Date.now();
      while (Date.now() === made) {
        // A name that tells the time is another then.
      }
      for (const { files } of disks) {
        if ([...files.keys()].every((name) => name === NAME)) continue;
        const disk = new SimulatedDisk(files);
        module.save(disk, NAME, NEW);
        expectNoOthers(disk);
      }
    },
  },
  {
    layer: 'property',
    says: 'However many saves the power has ended, the next one is as good as the first',
    hole: 'save',
    likely:
      'a save that was cut short leaves its temporary file: the next one must not stumble over it, nor keep any of it',
    run: (module) =>
      forAll(
        fc.array(fc.record({ plan: plans(5), cut: fc.option(fc.nat(999)), which: fc.nat(9999) }), { maxLength: 6 }),
        (saves) => {
          let files: Files = new Map();
          let safe: Uint8Array | undefined;
          for (const { plan, cut, which } of saves) {
            const image = imageOf(plan);
            const after: Files[][] = [];
            const disk = new SimulatedDisk(files, (one) => after.push(one.crashes()));
            module.save(disk, NAME, image);
            // The power fails after some step, or only when save has returned.
            const at = cut === null ? after.length - 1 : cut % after.length;
            files = after[at][which % after[at].length];
            const outcome = outcomeOf(files.get(NAME), safe, image);
            const told = stepsOf(disk.steps.slice(0, at + 1));
            if (outcome === 'neither' || outcome === 'nothing') fails(`what is found is ${WORDS[outcome]}`, told);
            if (outcome === 'old' && at === after.length - 1) {
              fails('save had returned, and the old index is found', told);
            }
            if (outcome === 'new') safe = image;
          }
        },
        { runs: 200 },
      ),
  },
  {
    layer: 'work',
    says: 'The image is written once, and two syncs are enough: one for its bytes, one for its name',
    hole: 'save',
    likely: 'each sync waits for the disk; what is written twice takes twice as long',
    run(module) {
      const disk = new SimulatedDisk(new Map([[NAME, OLD]]));
      module.save(disk, NAME, NEW);
      const written = disk.steps.reduce((sum, { bytes }) => sum + bytes, 0);
      const syncs = disk.steps.filter(({ kind }) => kind === 'sync' || kind === 'syncDirectory').length;
      const told = stepsOf(disk.steps);
      if (written > NEW.length) fails(`${written} bytes were written for an image of ${NEW.length}`, told);
      if (syncs > 2) fails(`${syncs} syncs`, told);
    },
  },
];

const WORDS = { nothing: 'no index at all', neither: 'neither the old index nor the new one' };

function expectNothingLost(module: Module, old: Uint8Array | undefined): void {
  const points = crashPoints(module.save, old, NEW);
  const steps = points.flatMap(({ step }) => (step ? [step] : []));
  for (const [done, { disks }] of points.entries()) {
    for (const { files, outcome } of disks) {
      if (outcome === 'old' || outcome === 'new') continue;
      const when = done === 0 ? 'before the first step' : `after "${steps[done - 1].says}"`;
      fails(`the power fails ${when}, and there is ${WORDS[outcome]}`, story(steps, done, files));
    }
  }
}

function expectNoOthers(disk: SimulatedDisk): void {
  const steps = stepsOf(disk.steps);
  disk.syncDirectory();
  const [left] = disk.crashes();
  const others = [...left.keys()].filter((name) => name !== NAME);
  if (others.length > 0) fails(`there are other files: ${others.join(', ')}`, steps);
}

/** The steps up to the power cut, and what is found then. */
function story(steps: readonly Step[], done: number, files: Files) {
  const found = [...files].map(([name, bytes]) => `${name}: ${bytes.length} bytes, ${contentOf(bytes)}`);
  return { steps: [...stepsOf(steps.slice(0, done)), 'the power fails'], 'on the disk': found };
}

function contentOf(bytes: Uint8Array): string {
  if (sameBytes(bytes, NEW)) return 'the new index';
  return sameBytes(bytes, OLD) ? 'the old index' : 'neither the old index nor the new one';
}

function stepsOf(steps: readonly Step[]): string[] {
  return steps.map(({ says }) => says);
}

/** A node of a smaller graph: on level 0, linked to nobody. */
function alone({ vector }: Plan['nodes'][number]): Plan['nodes'][number] {
  return { vector, links: [[]] };
}
