/** What a command prints, and the status that it would end with. */
import { annlab } from '../../src/cli/main.ts';

export async function said(...argv: string[]): Promise<{ text: string; status: number }> {
  const lines: string[] = [];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await annlab(argv, (line) => lines.push(line));
    return { text: lines.join('\n'), status: Number(process.exitCode ?? 0) };
  } finally {
    process.exitCode = before;
  }
}
