/** What TypeScript says about a learner's file: Node takes the types off without looking, and an editor may not be at hand. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FoundDay, REPOSITORY } from './day.ts';

export interface TypeProblem {
  line: number;
  column: number;
  message: string;
}

/** The type errors in a file of the day, in order; none where the compiler cannot be run. */
export async function typeErrors(day: FoundDay, file: string): Promise<TypeProblem[]> {
  if (day.language === 'assemblyscript') return [];
  return compile(day, file).catch(() => []);
}

async function compile(day: FoundDay, file: string): Promise<TypeProblem[]> {
  const folder = await mkdtemp(join(tmpdir(), 'annlab-types-'));
  try {
    const config = {
      extends: join(REPOSITORY, 'tsconfig.json'),
      compilerOptions: { typeRoots: [join(REPOSITORY, 'node_modules', '@types')] },
      files: [join(day.folder, file)],
      include: [],
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const output = await new Promise<string>((resolve) => {
      const args = [compiler, '-p', folder, '--pretty', 'false'];
      // Its exit status says that there are errors; they are in what it prints.
      execFile(process.execPath, args, { maxBuffer: 2 ** 24 }, (_error, stdout) => resolve(stdout));
    });
    return parse(output, `${day.name}/${file}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `path(line,column): error TS2322: message`; what is indented below it explains the message. */
function parse(output: string, file: string): TypeProblem[] {
  const lines = output.matchAll(/^(.+)\((\d+),(\d+)\): error TS\d+: (.*)$/gm);
  return [...lines]
    .filter(([, path]) => path.replaceAll('\\', '/').endsWith(file))
    .map(([, , line, column, message]) => ({ line: Number(line), column: Number(column), message }));
}
