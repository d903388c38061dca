/** What was recorded, drawn and tabulated: bytes of a code against recall, and the engine's memory against recall at equal speed. */
import { atRecall, formatCount, lineFigure, recallAtQps, tableHtml } from 'annlab/lab';
import type { CodesRun, RecordedSet, ScanRow, ScanRun } from './recorded.ts';

const TITLES: Record<RecordedSet, string> = {
  'fashion-mnist-784-euclidean': 'fashion-mnist',
  'embedding-1024-30k': 'embedding-1024',
};

/** Families of codes, each a line in a colour of its own; a dot is one of them with its own number of bits or pieces. */
const FAMILIES = [
  { name: 'SQ', of: /^SQ\d$/, color: 5 },
  { name: 'PQ', of: /^PQ/, color: 0 },
  { name: 'OPQ', of: /^OPQ/, color: 2 },
  { name: 'RaBitQ', of: /^RaBitQ/, color: 3 },
] as const;

/** Bytes of a code against recall, by the codes alone, or with the best R compared again. Down and to the right is better. */
export function bytesFigure({ run, rows }: ScanRun, R?: number): string {
  const { name, vectors, dimension, queries } = run.dataset;
  const recallOf = (row: ScanRow) => (R === undefined ? row.alone : row.reranked[R]);
  const set = `${TITLES[name as RecordedSet]}: ${formatCount(vectors)} × ${formatCount(dimension)}-D, ${queries} queries`;
  return lineFigure({
    title: R === undefined ? 'By codes alone' : `The best ${R} compared again`,
    subtitle: `${set}; floats take ${formatCount(4 * dimension)} bytes`,
    width: 720,
    height: 400,
    x: { label: 'Recall@10 →', scale: 'recall', closest: 0.9995 },
    y: { label: '↑ Bytes of a code', scale: 'log' },
    series: FAMILIES.map(({ name: label, of, color }) => ({
      ...{ label, color, named: true },
      points: upToPerfect(
        rows
          .filter(({ codes }) => of.test(codes))
          .sort((a, b) => a.bytes - b.bytes || a.alone - b.alone)
          .map((row) => ({ x: recallOf(row), y: row.bytes, note: noteOf(row, label) })),
      ),
    })),
  });
}

/** Codes that find everything only grow from there on. */
function upToPerfect<Point extends { x: number }>(points: readonly Point[]): readonly Point[] {
  const perfect = points.findIndex(({ x }) => x >= 0.9995);
  return perfect < 0 ? points : points.slice(0, perfect + 1);
}

function noteOf({ codes, payloadBytes }: ScanRow, family: string): string {
  return family === 'PQ' || family === 'OPQ'
    ? `${payloadBytes} pieces`
    : `${codes.slice(family.length)} bit${codes.endsWith('Q1') ? '' : 's'}`;
}

/** Errors of estimated distances by bits a dimension: RaBitQ, which halves with each, beside all others. */
export function errorsFigure({ run, rows }: ScanRun): string {
  const { dimension, name } = run.dataset;
  return lineFigure({
    title: 'How far distances are off, by bits a dimension',
    subtitle: `${TITLES[name as RecordedSet]}; squared distances, mean error`,
    width: 720,
    height: 400,
    x: { label: 'Bits a dimension →', scale: 'log' },
    y: { label: '↑ Mean relative error, %', scale: 'log' },
    series: FAMILIES.filter(({ name: label }) => label !== 'OPQ').map(({ name: label, of, color }) => ({
      ...{ label, color, named: true },
      points: rows
        .filter(({ codes }) => of.test(codes))
        .map((row) => ({ row, bits: bitsOf(row, dimension) }))
        .sort((a, b) => a.bits - b.bits)
        .map(({ row, bits }) => ({ x: bits, y: 100 * row.mean, note: noteOf(row, label) })),
    })),
  });
}

function bitsOf({ codes, payloadBytes }: ScanRow, dimension: number): number {
  return codes.startsWith('SQ') ? Number(codes[2]) : (8 * payloadBytes) / dimension;
}

/** Some codes of several runs in one table. */
export function errorTable(runs: readonly ScanRun[], codes: readonly string[]): string {
  const percent = (share: number) => `${(100 * share).toPrecision(2)} %`;
  return tableHtml(
    ['Set', 'Code', 'Bytes', 'Mean error', 'p99', 'Recall alone', 'Best 20 again', 'Best 100 again'],
    runs.flatMap(({ run, rows }) =>
      rows
        .filter((row) => codes.includes(row.codes))
        .map((row, i) => [
          i === 0 ? TITLES[run.dataset.name as RecordedSet] : '',
          row.codes,
          formatCount(row.bytes),
          percent(row.mean),
          percent(row.p99),
          row.alone.toFixed(3),
          row.reranked[20].toFixed(3),
          row.reranked[100].toFixed(3),
        ]),
    ),
    {
      caption:
        'Error: of the squared distance, in shares of the exact one. Bytes: as in memory, factors and padding included.',
    },
  );
}

/** Recalls of the walk on floats at whose speed the others are asked. */
const AT_RECALLS = [0.9, 0.95, 0.99];

/** What an index on some kind of code finds when it is asked as fast as the one on floats. */
export interface AtEqualSpeed {
  codes: string;
  bytesPerVector: number;
  /** Of each speed, the recall; null where it is not that fast at any width of its beam. */
  recalls: (number | null)[];
}

/** The speeds at which the walk on f32 reaches 0.9, 0.95 and 0.99, and what every kind of code finds at each of them. */
export function atEqualSpeed({ costs, rows }: Pick<CodesRun, 'costs' | 'rows'>): {
  speeds: number[];
  kinds: AtEqualSpeed[];
} {
  const walks = rows.filter(({ efSearch }) => efSearch !== null);
  const of = (codes: string) => walks.filter((row) => row.codes === codes);
  // A walk whose least recall is above two of them has one speed for both.
  const speeds = [...new Set(AT_RECALLS.flatMap((recall) => atRecall(of('f32'), recall, ({ qps }) => qps) ?? []))];
  const kinds = [...new Set(walks.map(({ codes }) => codes))].map((codes) => ({
    codes,
    bytesPerVector: costs.find((cost) => cost.codes === codes)!.bytesPerVector.walk,
    recalls: speeds.map((qps) => recallAtQps(of(codes), qps)),
  }));
  return { speeds, kinds: kinds.sort((a, b) => a.bytesPerVector - b.bytesPerVector) };
}

/** Memory that a search walks over, of one vector, against recall, a line for each speed, a dot for each kind of code. */
export function equalSpeedFigure(recorded: CodesRun): string {
  const { speeds, kinds } = atEqualSpeed(recorded);
  const { dataset, date } = recorded.run;
  const { cpu, cores } = recorded.machine;
  return lineFigure({
    title: 'Memory walked for a vector, against recall at equal speed',
    subtitle: `${dataset.name}; ${cpu}, ${cores} cores, ${date.slice(0, 10)}`,
    width: 760,
    height: 440,
    x: { label: 'Recall@10 →', scale: 'recall' },
    y: { label: '↑ Bytes of RAM walked per vector', scale: 'log' },
    series: speeds.map((qps, s) => ({
      label: `${formatCount(qps)} queries/s`,
      color: [0, 2, 3][s],
      named: true,
      points: kinds.flatMap(({ codes, bytesPerVector, recalls }) => {
        const recall = recalls[s];
        return recall === null ? [] : [{ x: recall, y: bytesPerVector, note: codes }];
      }),
    })),
  });
}

/** The same as numbers. */
export function equalSpeedTable(recorded: CodesRun): string {
  const { speeds, kinds } = atEqualSpeed(recorded);
  return tableHtml(
    ['Codes', 'RAM walked per vector, bytes', ...speeds.map((qps) => `Recall at ${formatCount(qps)}/s`)],
    kinds.map(({ codes, bytesPerVector, recalls }) => [
      codes,
      formatCount(bytesPerVector),
      ...recalls.map((recall) => recall?.toFixed(4) ?? '–'),
    ]),
    { caption: recorded.run.command },
  );
}
