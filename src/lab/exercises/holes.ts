/**
 * Holes: `solution.ts` marks what the learner writes, and `exercise.ts` is the same file with those parts taken out.
 *
 *     // @hole descend
 *     // @task Go down from the top level: on each, walk greedily to the nearest node.
 *     let entry = …            the body: in the exercise, a throw
 *     // @end
 *
 * The markers stay in the exercise, so that a learner's file can be read back: which holes are written, and whether the rest
 * is still the solution's.
 */
import type { Day } from './day.ts';
import { ExerciseError } from './exercise-error.ts';

export interface Hole {
  name: string;
  /** The lines of `// @task` directly under the `@hole`, without the marker: what to do, in words. */
  task: string[];
  /** The lines between the task and the `@end`. */
  body: string[];
  /** Number of the `@hole` line, from 1. */
  line: number;
  /** Number of the `@end` line. */
  end: number;
}

type Card = Pick<Day, 'number' | 'topic' | 'language'>;

/** The exercise that belongs to a solution: its holes emptied, a header on top. */
export function generateExercise(solution: string, day: Card): string {
  const lines = solution.split('\n');
  for (const hole of parseHoles(solution, 'solution.ts').toReversed()) {
    const from = hole.line + hole.task.length;
    const indent = /^\s*/.exec(lines[hole.line - 1])![0];
    lines.splice(from, hole.body.length, indent + stubOf(day, hole.name));
  }
  const { number, topic } = day;
  const header = [
    `// Day ${number}, ${topic}: write what is missing between "@hole" and "@end", then run: npm run check -- ${number}`,
    `// Hints, in three levels: hints.md. To start again: npm run reset -- ${number}. (Made from solution.ts: npm run exercises -- ${number})`,
  ];
  // AssemblyScript throws without a class of ours.
  if (day.language !== 'assemblyscript') {
    const at = firstStatement(lines);
    const blank = lines[at]?.startsWith('import ') ? [] : [''];
    lines.splice(at, 0, `import { UnwrittenHole } from 'annlab/exercises';`, ...blank);
  }
  return [...header, '', ...lines].join('\n');
}

/** The holes of a solution or an exercise, in order. Throws ExerciseError where the markers do not pair up. */
export function parseHoles(text: string, file: string): Hole[] {
  const holes: Hole[] = [];
  let open: Hole | undefined;
  const refuse = (line: number, what: string) => {
    const mend = 'a hole is "// @hole name", its task and body, "// @end", each marker on a line of its own';
    return new ExerciseError(`${file}:${line}`, what, mend);
  };
  for (const [i, text_] of text.split('\n').entries()) {
    const marker = /^\s*\/\/\s*@(hole|task|end)\b\s*(.*?)\s*$/.exec(text_);
    if (marker?.[1] === 'hole') {
      if (open) throw refuse(i + 1, `a hole begins inside hole ${open.name}, which has no @end`);
      if (!/^[\w-]+$/.test(marker[2])) throw refuse(i + 1, 'a hole without a name');
      if (holes.some(({ name }) => name === marker[2])) throw refuse(i + 1, `a second hole named ${marker[2]}`);
      open = { name: marker[2], task: [], body: [], line: i + 1, end: 0 };
    } else if (marker?.[1] === 'end') {
      if (!open) throw refuse(i + 1, 'an @end without a @hole');
      holes.push({ ...open, end: i + 1 });
      open = undefined;
    } else if (open) {
      if (marker?.[1] === 'task' && open.body.length === 0) open.task.push(marker[2]);
      else open.body.push(text_);
    } else if (marker) {
      throw refuse(i + 1, 'a @task outside a hole');
    }
  }
  if (open) throw refuse(open.line, `hole ${open.name} has no @end`);
  return holes;
}

/** The names of the holes that are not written yet: empty, or still with the throw that the generator put there. */
export function unwrittenHoles(exercise: string, day: Card, file = 'exercise.ts'): string[] {
  return parseHoles(exercise, file)
    .filter(({ name, body }) => {
      const code = body.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('//'));
      return code.length === 0 || code.join('\n') === stubOf(day, name);
    })
    .map(({ name }) => name);
}

/** The first line outside the holes in which an exercise is not what its solution generates; undefined where none is. */
export function firstDifference(
  exercise: string,
  fresh: string,
): { line: number; got: string; want: string } | undefined {
  const got = outside(exercise, 'exercise.ts');
  const want = outside(fresh, 'solution.ts');
  const at = Array.from({ length: Math.max(got.length, want.length) }).findIndex(
    (_, i) => got[i]?.text !== want[i]?.text,
  );
  if (at === -1) return undefined;
  const end = exercise.split('\n').length;
  return {
    line: got[at]?.line ?? end,
    got: got[at]?.text ?? '(the end of the file)',
    want: want[at]?.text ?? '(the end of the file)',
  };
}

/** A fresh exercise with the bodies of the holes that the learner has written already. */
export function keepWritten(fresh: string, learners: string, day: Card): string {
  const unwritten = unwrittenHoles(learners, day);
  const written = new Map(
    parseHoles(learners, 'exercise.ts')
      .filter(({ name }) => !unwritten.includes(name))
      .map(({ name, body }) => [name, body]),
  );
  const lines = fresh.split('\n');
  for (const { name, line, task, body } of parseHoles(fresh, 'exercise.ts').toReversed()) {
    const own = written.get(name);
    if (own) lines.splice(line + task.length, body.length, ...own);
  }
  return lines.join('\n');
}

/** The lines that a person would write: without blank ones and comments. */
export function linesOfCode(hole: Hole): number {
  return hole.body.filter((line) => !/^\s*(\/\/.*|\/?\*.*)?$/.test(line)).length;
}

/** One statement that ends every function, whatever it returns, in TypeScript and in AssemblyScript. */
function stubOf({ number, language }: Card, hole: string): string {
  return language === 'assemblyscript'
    ? `throw new Error('hole ${hole} of day ${number} is not written yet');`
    : `throw new UnwrittenHole(${number}, '${hole}');`;
}

/** The lines outside the holes, with their numbers in the file. A hole's task goes with its body: learners replace both. */
function outside(text: string, file: string): { text: string; line: number }[] {
  const inside = new Set<number>();
  for (const { line, end } of parseHoles(text, file)) {
    for (let i = line + 1; i < end; i++) inside.add(i);
  }
  return text
    .split('\n')
    .map((line, i) => ({ text: line.trimEnd(), line: i + 1 }))
    .filter(({ line }) => !inside.has(line));
}

/** Where the first line is that is neither comment nor blank. */
function firstStatement(lines: string[]): number {
  let comment = false;
  for (const [i, line] of lines.entries()) {
    const text = line.trim();
    if (text.startsWith('/*')) comment = true;
    if (!comment && text !== '' && !text.startsWith('//')) return i;
    if (comment && text.endsWith('*/')) comment = false;
  }
  return lines.length;
}
