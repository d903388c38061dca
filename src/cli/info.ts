/** `annlab info`: what a file says of the index in it. */
import { UsageError } from '../core/errors.ts';
import { metaOf } from '../engine/index-file.ts';
import type { Calibration, RecallCurve } from '../graph/calibration.ts';
import type { GraphMeta } from '../graph/graph-image.ts';
import { readCommandLine } from '../lab/command.ts';
import { formatBytes, formatCount, formatTable } from '../lab/format.ts';
import type { CodeShape } from '../quantize/code-shape.ts';
import { codesName } from '../quantize/walk-codes.ts';
import { AnnFile } from '../storage/ann-file.ts';
import { BLOCK_BYTES, FORMAT_VERSION } from '../storage/ann-format.ts';

const HELP = `Says what is in a saved index: its options, counts and sections, as its header has them. Reads nothing else of it.

  npm run annlab -- info out/fashion.ann

  --help  this text`;

export async function infoCommand(argv: readonly string[], say: (text: string) => void): Promise<void> {
  const { values, positionals } = readCommandLine(argv, {}, true);
  if (values.help) return say(HELP);
  if (positionals.length !== 1) throw new UsageError('one file, such as npm run annlab -- info out/fashion.ann');
  using file = AnnFile.open(positionals[0]);
  say(infoOf(file));
}

function infoOf(file: AnnFile): string {
  const meta = metaOf(file);
  const { kind, options, form, upperLists, entryPoint, topLevel, ids } = meta;
  const { dimension, metric, ...others } = options;
  const deleted = meta.deleted ?? 0;
  const waiting = deleted > 0 ? `; ${formatCount(deleted)} deleted, not consolidated` : '';
  const rows = [
    ['vectors', `${formatCount(meta.count - deleted)} of ${dimension} dimensions, ${metric}${waiting}`],
    ['held as', heldAs(form, options)],
    [
      'ids',
      ids === 'slots'
        ? 'their numbers, from 0'
        : 'in a section of their own, as the caller gave or renumbering moved them',
    ],
    [
      'graph',
      kind === 'hnsw'
        ? `HNSW: ${topLevel + 1} levels, entry point ${entryPoint}, ${formatCount(upperLists)} lists above level 0`
        : `Vamana: one level, entry point ${entryPoint}`,
    ],
    ['options', wrapped(Object.entries(others).map(([name, value]) => `${name} ${optionText(value as OptionValue)}`))],
    ['file', `format version ${FORMAT_VERSION}, ${formatBytes(file.bytes)} in blocks of ${formatBytes(BLOCK_BYTES)}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(
    ([name, value]) => `  ${name.padEnd(width)}  ${value.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`,
  );
  const sections = formatTable(
    ['section', 'bytes', 'blocks', 'from byte'],
    file.sections.map(({ name, bytes, blocks, offset }) => [name, ...[bytes, blocks, offset].map(formatCount)]),
  );
  const recall = meta.calibration ? `\n\n${calibrationOf(meta.calibration)}` : '';
  return `${file.path}\n${lines.join('\n')}\n\n${sections}${recall}`;
}

/** What each recall takes, as it was measured. */
function calibrationOf(calibration: Calibration): string {
  const { count, queries, drawn, confidence, filterWords, defer, filters, curves } = calibration;
  const from = drawn ? 'of its own vectors' : 'queries that were given';
  const said = `calibrated on ${formatCount(queries)} ${from}, when it held ${formatCount(count)}; bounds at ${100 * confidence} % confidence`;
  const trials = filters.map(
    ({ words, defer, lines }) =>
      `${widthOf(words, defer)}: ${lines === null ? 'do not get there' : formatCount(lines)}`,
  );
  const filter = `\nfilter: ${widthOf(filterWords, defer)} of signs (cache lines a search touches for a recall of 0.95 with ${trials.join(', ')})`;
  const rows = curves.flatMap((curve) => TARGETS.map((target) => rowFor(curve, target)));
  const columns = [
    'k',
    'recall',
    'gamma',
    'efSearch',
    'rerank',
    'measured',
    'at least',
    'distances',
    'hops',
    'estimates',
  ];
  return `${said}${filters.length > 0 ? filter : ''}\n${formatTable(columns, rows)}`;
}

function widthOf(words: number, defer: number | false): string {
  return `${words} words${defer === false ? '' : ` deferred by ${defer}`}`;
}

const TARGETS = [0.9, 0.95, 0.99];

function rowFor({ k, rungs }: RecallCurve, target: number): string[] {
  const rung = rungs.find(({ lowerBound }) => lowerBound >= target);
  const { gamma, efSearch, rerank, recall, lowerBound, work } = rung ?? rungs.at(-1)!;
  const wanted = rung ? String(target) : `${target} (not reached)`;
  const setting = [gamma ?? '–', efSearch, rerank].map(String);
  const counts = [work.distances, work.hops, work.estimates].map(formatCount);
  return [String(k), wanted, ...setting, recall.toFixed(4), lowerBound.toFixed(4), ...counts];
}

function heldAs(form: GraphMeta['form'], { codes, finer }: GraphMeta['options']): string {
  if (typeof codes !== 'object') return FORMS[form as keyof typeof FORMS];
  return `${codesName(codes)} codes${finer === 'sq7' ? ', finer ones of 7 bits' : ''}, and the f32 originals beside them`;
}

const FORMS = {
  f32: 'f32',
  sq7: '7-bit codes, and the f32 originals beside them',
  u8: 'bytes, which is what their components are',
};

type OptionValue = number | string | boolean | CodeShape;

function optionText(value: OptionValue): string {
  return typeof value === 'object' ? codesName(value) : String(value);
}

/** A few a line. */
function wrapped(words: readonly string[]): string {
  const lines: string[] = [];
  for (let i = 0; i < words.length; i += PER_LINE) lines.push(words.slice(i, i + PER_LINE).join(', '));
  return lines.join(',\n');
}

const PER_LINE = 5;
