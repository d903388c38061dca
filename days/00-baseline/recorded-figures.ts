/** The recorded runs drawn and tabulated, for the notebook. Tables are HTML for `showTable`, figures SVG for `show`. */
import { findDataset, formatBytes, formatCount, lineFigure, recallQpsFigure, tableHtml } from 'annlab/lab';
import { type BreakRun, beamRows, ceiling, curves, engineLabels, type PeersRun, startAndStep } from './recorded.ts';

/** One line per engine: its best codes, and others that say something. */
export function speedFigure(run: PeersRun, labels: readonly string[]): string {
  const rows = labels.flatMap((label) => rowsOf(run, label));
  const { machine } = run;
  const subtitle = `${run.run.dataset.name}, recorded on ${machine.cpu}, ${machine.cores} cores, ${run.run.date.slice(0, 10)}`;
  return recallQpsFigure(rows, { subtitle, width: 820 });
}

/** The command that redoes a run, and what it ran with. */
export function provenance({ run, versions }: PeersRun | BreakRun): string {
  const told = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [run.command, told.slice(0, 4).join(', '), told.slice(4).join(', ')].join('\n');
}

/** How large the set of a run is, and how hard. */
export function describeSet({ run }: PeersRun): string {
  const { name, vectors, dimension } = run.dataset;
  const info = findDataset(name);
  const hardness = 'intrinsicDimension' in info ? `, local intrinsic dimension ${info.intrinsicDimension}` : '';
  return `${name}: ${formatCount(vectors)} vectors, ${formatCount(dimension)}-D${hardness}`;
}

/** Time against the width of the beam: a straight line has a start and a step. */
export function startFigure(run: PeersRun, labels: readonly string[]): string {
  return lineFigure({
    title: 'Start and step: time against the width of the beam',
    subtitle: `${run.run.dataset.name}, recorded`,
    x: { label: 'ef →', scale: 'linear' },
    y: { label: '↑ Microseconds per query', scale: 'linear' },
    series: labels.map((label) => ({
      label,
      points: beamRows(run, label)
        .filter(({ efSearch }) => efSearch! <= 160)
        .map(({ efSearch, meanUs }) => ({ x: efSearch!, y: meanUs })),
    })),
  });
}

/** Start, step, ceiling and memory of every engine, or of some. */
export function limitsTable(run: PeersRun, labels = engineLabels(run)): string {
  const { name, vectors, dimension } = run.run.dataset;
  const ramOf = (label: string) =>
    run.engines.find(({ searchers }) => searchers.some((one) => `${one.index} ${one.codes}` === label))!.ramBytes;
  return tableHtml(
    ['', 'start, µs', 'step, µs', 'best recall', 'from ef', 'RAM per vector, bytes'],
    labels.map((label) => {
      const rows = beamRows(run, label);
      const { startUs, stepUs } = startAndStep(rows);
      const { recall, ef } = ceiling(rows);
      const ram = formatCount(ramOf(label) / vectors);
      return [label, startUs.toFixed(0), stepUs.toFixed(2), recall.toFixed(4), ef, ram];
    }),
    {
      caption: `${name}. RAM: what the process grew by; a raw vector has ${formatCount(4 * dimension)} bytes. Beams up to 480 were tried.`,
    },
  );
}

/** How much of memory a query touches, exactly and by annlab's walk, and how fast that was. */
export function bytesTouched(run: PeersRun, ef: number): string {
  const { vectors, dimension } = run.run.dataset;
  const walk = beamRows(run, 'annlab f32').find(({ efSearch }) => efSearch === ef)!;
  const touched = walk.distances! * 4 * dimension;
  return [
    `exact search:       ${formatCount(vectors)} distances, ${formatBytes(4 * vectors * dimension)} for each query`,
    `annlab f32, ef ${ef}: ${walk.distances!.toFixed(0)} distances, ${formatBytes(touched)}, recall ${walk.recall.toFixed(3)}`,
    `                    in ${walk.meanUs.toFixed(0)} µs: ${(touched / walk.meanUs / 1000).toFixed(1)} GB/s, from all over memory`,
  ].join('\n');
}

/** What a fixed beam misses as the set grows: the sizes of `bench:break`, and the whole set of `bench:peers`. */
export function sizeFigure({ size }: BreakRun, run: PeersRun, labels: readonly string[]): string {
  return lineFigure({
    title: 'The same beam in a larger and larger set',
    subtitle: `${size.dataset}, recall@10 at ef ${size.efSearch}`,
    x: { label: 'Vectors →', scale: 'log' },
    y: { label: '↑ Neighbours missed of 1,000', scale: 'linear' },
    series: labels.map((label) => {
      const smaller = size.rows.filter((row) => row.label === label);
      const { recall } = beamRows(run, label).find(({ efSearch }) => efSearch === size.efSearch)!;
      const all = [...smaller, { vectors: run.run.dataset.vectors, recall }];
      return { label, points: all.map((one) => ({ x: one.vectors, y: 1000 * (1 - one.recall) })) };
    }),
  });
}

/** What was asked of each library, and what was seen. */
export function probesTable({ probes, settings }: BreakRun): string {
  const names = Object.keys(settings);
  const inShort = ({ outcome, says }: { outcome: string; says: string }) => {
    if (outcome === 'refuses') return 'refuses';
    return outcome === 'ended' ? `the process ends, ${says}` : says;
  };
  return tableHtml(
    ['asked', ...names],
    probes.map(({ asks, seen }) => [asks, ...names.map((name) => inShort(seen[name]))]),
    { caption: names.map((name) => `${name}: ${settings[name]}`).join(' · ') },
  );
}

function rowsOf(run: PeersRun, label: string) {
  return curves(run).find((one) => one.label === label)!.rows;
}
