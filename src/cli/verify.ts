/** `annlab verify`: is every block as it was saved, and the graph in it whole? If not: what is broken, and what to do. */
import { UsageError } from '../core/errors.ts';
import { type VerifyReport, verify } from '../engine/index-file.ts';
import { type Flag, flagHelp, readCommandLine } from '../lab/command.ts';
import { formatBytes, formatCount, formatMillis } from '../lab/format.ts';
import { withProgress } from '../lab/progress.ts';

const FLAGS: Record<string, Flag> = {
  quiet: { help: 'say nothing of files that are whole' },
};

const HELP = `Checks saved indexes: every block against its checksum, and everything that must be true of the graph.

  npm run annlab -- verify out/fashion.ann
  npm run annlab -- verify --quiet *.ann

${flagHelp(FLAGS)}

Ends with status 0 where all are whole, 1 where one is not.`;

export async function verifyCommand(argv: readonly string[], say: (text: string) => void): Promise<void> {
  const { values, positionals: files } = readCommandLine(argv, FLAGS, true);
  if (values.help) return say(HELP);
  if (files.length === 0) throw new UsageError('which file? For example: npm run annlab -- verify out/fashion.ann');
  for (const file of files) {
    const report = await withProgress(`checking ${file}`, 'blocks', (onProgress) => verify(file, { onProgress }));
    if (!report.ok) process.exitCode = 1;
    if (!report.ok || !values.quiet) say(described(file, report));
  }
}

/** Of a graph that is broken everywhere nobody wants to read all. */
const MOST_FAULTS = 20;

function described(file: string, { ok, faults, bytes, blocks, count, seconds }: VerifyReport): string {
  if (ok) {
    const size = `${formatCount(count)} vectors, ${formatBytes(bytes)} in ${formatCount(blocks)} blocks`;
    return `${file}: whole: ${size}, checked in ${formatMillis(1000 * seconds)}`;
  }
  // What cannot even be opened is said in one sentence, which names the file.
  if (faults.length === 1) return faults[0];
  const [mend, ...broken] = faults.toReversed();
  const shown = broken.reverse().slice(0, MOST_FAULTS);
  const more = broken.length - shown.length;
  return [`${file}: broken`, ...shown, ...(more > 0 ? [`and ${formatCount(more)} more`] : []), mend].join('\n  ');
}
