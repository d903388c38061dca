/** A checkout with made-up days in a temporary folder, so that no test touches a learner's files. */
import { existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FoundDay, findDay, REPOSITORY } from '../../../src/lab/exercises/day.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

/** Two holes; three checks, one for each layer that a sum can have. */
const SUM: Record<string, string> = {
  'day.ts': `import type { Day } from 'annlab/exercises';
export const day: Day = {
  number: 3, topic: 'sum', title: 'Sums', goal: 'Add numbers.', minutes: 90,
  needs: ['numbers'], milestone: 'They add up.', room: 'src/core/',
};
`,
  'solution.ts': `/** Sums and means. */
const ZERO = 0;

export function sum(values: readonly number[]): number {
  // @hole total
  // @task Add all the values.
  let total = ZERO;
  for (const value of values) total += value;
  return total;
  // @end
}

export function mean(values: readonly number[]): number {
  // @hole mean
  // @task The sum over the count; 0 where there are none.
  return values.length === 0 ? ZERO : sum(values) / values.length;
  // @end
}
`,
  'check.ts': `import { type Check, fails, forAll } from 'annlab/exercises';
import fc from 'fast-check';
export const checks: Check<typeof import('./solution.ts')>[] = [
  {
    layer: 'example', says: '1 + 2 is 3', hole: 'total', likely: 'the sum starts at 1',
    run: ({ sum }) => { if (sum([1, 2]) !== 3) fails(\`the sum is \${sum([1, 2])}\`, [1, 2]); },
  },
  {
    layer: 'property', says: 'order does not matter', hole: 'total', likely: 'a value is left out',
    run: ({ sum }) => forAll(fc.array(fc.integer()), (values) => {
      if (sum(values) !== sum(values.toReversed())) fails('the sums differ');
    }),
  },
  {
    layer: 'invariant', says: 'the mean of equal values is the value', hole: 'mean', likely: 'divided by the wrong count',
    run: ({ mean }) => { if (mean([4, 4]) !== 4) fails(\`it is \${mean([4, 4])}\`, [4, 4]); if (mean([]) !== 0) fails('no 0', []); },
  },
];
`,
  'mutants.ts': `import type { Mutant } from 'annlab/exercises';
export const mutants: Mutant[] = [
  { name: 'starts-at-one', hole: 'total', mistake: 'the sum starts at 1', find: 'let total = ZERO', replace: 'let total = 1' },
  { name: 'divides-by-nothing', hole: 'mean', mistake: 'an empty list', find: 'values.length === 0 ? ZERO : ', replace: '' },
];
`,
  'hints.md': `# Hints

## \`total\`

### Level 1

A variable that grows.

### Level 2

It starts at zero.

### Level 3

\`for (const value of values)\`

## mean

### Level 1

You have a sum.

### Level 2

Divide.

### Level 3

Mind the empty list.
`,
};

export class Course {
  readonly root = realpathSync(temporaryFolder());

  constructor() {
    this.writeAt('package.json', '{ "type": "module" }');
    mkdirSync(join(this.root, 'node_modules'));
    for (const [name, target] of [
      ['annlab', REPOSITORY],
      ['fast-check', join(REPOSITORY, 'node_modules/fast-check')],
    ]) {
      symlinkSync(target, join(this.root, 'node_modules', name), 'junction');
    }
  }

  /** A course of one day, `days/03-sum`, with some of its files replaced or (null) left out. */
  static sum(files: Record<string, string | null> = {}): Course {
    const course = new Course();
    for (const [file, text] of Object.entries({ ...SUM, ...files })) if (text !== null) course.write(file, text);
    return course;
  }

  day(): Promise<FoundDay> {
    return findDay(3, this.root);
  }

  /** A file of day 3. */
  write(file: string, text: string): void {
    this.writeAt(`days/03-sum/${file}`, text);
  }

  read(file: string): string {
    return readFileSync(join(this.root, 'days/03-sum', file), 'utf8');
  }

  has(file: string): boolean {
    return existsSync(join(this.root, 'days/03-sum', file));
  }

  /** The exercise with the bodies of some holes written. */
  writeHoles(bodies: Record<string, string>): void {
    let text = this.read('exercise.ts');
    for (const [name, body] of Object.entries(bodies)) {
      const hole = new RegExp(`(@hole ${name}\\n(?:.*@task.*\\n)*)[\\s\\S]*?( *// @end)`);
      text = text.replace(hole, (_, head, end) => `${head}${body}\n${end}`);
    }
    this.write('exercise.ts', text);
  }

  writeAt(path: string, text: string): void {
    mkdirSync(join(this.root, path, '..'), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }
}

/** Runs a command and collects what it says. */
export async function saidBy<T>(
  run: (say: (text: string) => void) => Promise<T>,
): Promise<{ said: string; result: T }> {
  const lines: string[] = [];
  const result = await run((text) => lines.push(text));
  return { said: lines.join('\n'), result };
}
