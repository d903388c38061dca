/**
 * The report of one run: a single HTML file that can be mailed, archived and read on a phone. No scripts, no fonts and no
 * pictures from elsewhere; the figures are inline SVG, drawn for a wide and for a narrow page, and light or dark follows the
 * reader's system. Every text that comes from data is escaped.
 */
import type { BatchRow } from './batches.ts';
import { formatBytes, formatCount, formatMicros, formatMillis, formatSeconds } from './format.ts';
import type { DiskRun } from './from-disk.ts';
import type { Results } from './results.ts';
import { paretoFront, qpsAtRecall, type SweepRow, seriesLabel, seriesOf, settingLabel } from './sweep.ts';

export interface ReportFigure {
  /** What to see in it, a sentence or two. */
  caption: string;
  /** The figure at a width in CSS pixels, as SVG. */
  draw: (width: number) => string;
}

/** The whole page as one string. */
export function renderReport(results: Results, figures: readonly ReportFigure[]): string {
  const { run, rows, batches, disk } = results;
  const title = `${run.dataset.name}: speed and recall`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="kicker">annlab ${escapeHtml(results.versions.annlab)} · ${escapeHtml(run.date.slice(0, 16).replace('T', ' '))} UTC</p>
<h1>${escapeHtml(title)}</h1>
<p class="lede">${lede(results)}</p>
</header>

<section>
<h2>At a glance</h2>
${glance(results)}
<p class="note">Queries per second on one thread, read off the curve where it passes that recall; a curve that begins above it counts with its first point. A dash: the sweep did not get there.</p>
</section>

<section>
<h2>The curves</h2>
${figures.map(figureBlock).join('\n')}
</section>

<section>
<h2>Every measurement</h2>
${table(rows)}
<p class="note">Each row is the median of ${escapeHtml(String(run.parameters.rounds ?? 'several'))} rounds over ${formatCount(run.dataset.queries)} queries, one at a time. Time per query is in microseconds.</p>
</section>
${batches.length > 0 ? batchSection(batches) : ''}${disk ? diskSection(disk) : ''}
<section>
<h2>What was run</h2>
${facts(results)}
<p>To run it again:</p>
<pre><code>${escapeHtml(run.command)}</code></pre>
${Number(run.parameters.threads) > 1 ? UNREPEATABLE : ''}</section>

<section>
<h2>The words</h2>
<dl class="words">
${WORDS.map(([word, meaning]) => `<dt>${escapeHtml(word)}</dt><dd>${escapeHtml(meaning)}</dd>`).join('\n')}
</dl>
</section>
</main>
</body>
</html>
`;
}

/** Text made safe between tags and within quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const WORDS: readonly (readonly [word: string, meaning: string])[] = [
  [
    'Recall@k',
    'The share of the k true nearest neighbours that a search returns, averaged over all queries: 0.95 at k = 10 means that one neighbour in twenty is missed.',
  ],
  [
    'Exact',
    'Search that compares the query with every vector. It is never wrong, and it is what all the others are measured against.',
  ],
  [
    'HNSW',
    'Hierarchical navigable small world: a graph in layers, in which a search walks from neighbour to neighbour towards the query and looks at a few hundred vectors instead of all.',
  ],
  [
    'Vamana',
    'The graph of DiskANN: one layer, in which pruning leaves near neighbours and, by α, a few far ones, so that a walk from the middle of all vectors needs few hops.',
  ],
  ['Width', 'The one knob turned along a curve: wider is slower and misses less. Either gamma (γ) or efSearch (ef).'],
  [
    'γ, gamma',
    'A search stops as soon as the nearest candidate that it has not read yet is more than 1 + γ times as far away as the k-th best found. Easy queries end soon, hard ones take their time.',
  ],
  [
    'ef, efSearch',
    'How many candidates a search keeps in view while it walks, the same for easy queries and hard ones.',
  ],
  [
    'f32, sq7',
    'How the index holds the vectors that the walk looks at: as they are, 4 bytes per component, or scalar-quantized to 7 bits in 1 byte. After a walk on codes, the best candidates are compared again on exact vectors.',
  ],
  ['QPS', 'Queries per second, one after the other on one thread.'],
  [
    'Batch, speed-up',
    'Many queries given to several threads at once; each takes the next one whenever it is free. The speed-up is the throughput of all threads over that of one (the column beside it).',
  ],
  [
    'From disk, mapped',
    'The index was saved to a file and opened again. Mapped: the file stands in for memory, and nothing is read before a search touches it; what is read stays in the system’s page cache.',
  ],
  ['p50, p99', 'Half of the queries, and 99 in 100, took no longer than this.'],
  [
    'Distances',
    'Distances evaluated per query, on vectors or codes: the work done, the same on every machine. Dismissing a node by its sign bits is not counted as one.',
  ],
  ['Hops', 'Nodes per query whose neighbour lists were read.'],
  ['RAM', 'Bytes that the index holds: vectors, codes, links and scratch space.'],
  [
    'M, efConstruction',
    'How many neighbours a node is given on each layer (twice as many on the lowest), and how wide the search for them is while the graph is built.',
  ],
  [
    'R, L, α',
    'Of a Vamana: how many links pruning leaves a node, how wide the search for them is while the graph is built, and how many times nearer to a node one of them must be than the node at hand for the link to that node to go.',
  ],
];

const RECALLS = [0.9, 0.95, 0.99] as const;

function lede({ run, rows }: Results): string {
  const { dataset } = run;
  const exact = rows.find((row) => row.efSearch === null);
  const best = seriesOf(rows.filter((row) => row.efSearch !== null && !row.from))
    .map((series) => {
      const recall = Math.max(0.95, paretoFront(series)[0].recall);
      return { label: seriesLabel(series[0]), recall, qps: qpsAtRecall(series, recall) };
    })
    .filter((one) => one.qps !== null)
    .sort((a, b) => b.qps! - a.qps!)[0];
  const what = `${formatCount(dataset.vectors)} vectors of ${formatCount(dataset.dimension)} dimensions`;
  if (!best) return `${escapeHtml(what)}, searched at several widths.`;
  const times = exact ? `, <strong>${formatCount(best.qps! / exact.qps)} times</strong> the speed of exact search` : '';
  return (
    `Among ${escapeHtml(what)}, <strong>${escapeHtml(best.label)}</strong> answers ` +
    `<strong>${formatCount(best.qps!)} queries per second</strong> on one thread at recall ${Number(best.recall.toFixed(3))}${times}.`
  );
}

function glance({ rows, disk }: Results): string {
  const body = seriesOf(rows).map((series) => {
    const [first] = series;
    const speeds =
      first.efSearch === null ? RECALLS.map(() => null) : RECALLS.map((recall) => qpsAtRecall(series, recall));
    const cells =
      first.efSearch === null
        ? [`<td colspan="${RECALLS.length}">${formatCount(first.qps)}, always recall 1</td>`]
        : speeds.map((qps) => `<td>${qps === null ? '–' : formatCount(qps)}</td>`);
    const opened = first.from ? disk : null;
    const build = opened ? `opened in ${formatMillis(opened.openMs)}` : formatSeconds(first.buildSeconds);
    return `<tr><th scope="row">${escapeHtml(seriesLabel(first))}</th>${cells.join('')}<td>${build}</td><td>${formatBytes(first.ramBytes)}</td></tr>`;
  });
  return scrollable(
    'Speed at a recall, build time and memory by index',
    `<thead><tr><th scope="col">Index</th>${RECALLS.map((recall) => `<th scope="col">QPS at ${recall}</th>`).join('')}<th scope="col">Build</th><th scope="col">RAM</th></tr></thead>
<tbody>${body.join('\n')}</tbody>`,
  );
}

function figureBlock({ caption, draw }: ReportFigure): string {
  return `<figure>
<div class="wide">${draw(WIDE)}</div>
<div class="narrow">${draw(NARROW)}</div>
<figcaption>${escapeHtml(caption)}</figcaption>
</figure>`;
}

function table(rows: readonly SweepRow[]): string {
  const heads = [
    'Index',
    'Width',
    `Recall@${rows[0]?.k ?? 10}`,
    'QPS',
    'Mean µs',
    'p50 µs',
    'p99 µs',
    'Distances',
    'Hops',
  ];
  const body = seriesOf(rows).flatMap((series) =>
    series.map((row, i) => {
      const cells = [
        settingLabel(row),
        row.recall.toFixed(4),
        formatCount(row.qps),
        ...[row.meanUs, row.p50Us, row.p99Us].map(formatMicros),
        row.distances === null ? '–' : formatCount(row.distances),
        row.hops === null || row.efSearch === null ? '–' : formatCount(row.hops),
      ];
      return `<tr${i === 0 ? ' class="first"' : ''}><th scope="row">${escapeHtml(seriesLabel(row))}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
    }),
  );
  return scrollable(
    'Every measurement',
    `<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${body.join('\n')}</tbody>`,
  );
}

function batchSection(batches: readonly BatchRow[]): string {
  const [{ k, threads, queries }] = batches;
  const heads = ['Index', 'Width', `Recall@${k}`, 'QPS', 'On one', 'Speed-up', 'p50 µs', 'p99 µs'];
  const body = batches.map((row, i) => {
    const cells = [
      ...[settingLabel(row), row.recall.toFixed(4), formatCount(row.qps), formatCount(row.qpsOnOne)],
      ...[`${(row.qps / row.qpsOnOne).toFixed(2)}×`, formatMicros(row.p50Us), formatMicros(row.p99Us)],
    ];
    const first = i === 0 || seriesLabel(row) !== seriesLabel(batches[i - 1]);
    return `<tr${first ? ' class="first"' : ''}><th scope="row">${escapeHtml(seriesLabel(row))}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const table = scrollable(
    `Batches on ${threads} threads`,
    `<thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead>
<tbody>${body.join('\n')}</tbody>`,
  );
  return `
<section>
<h2>Batches on ${threads} threads</h2>
${table}
<p class="note">${formatCount(queries)} queries are given to a pool of threads at once (<code>Pool.searchBatch</code>), and to one thread of it for comparison. QPS counts from the call to the answer; the time of a query is what its own thread took for it.</p>
</section>
`;
}

function diskSection(disk: DiskRun): string {
  const label = escapeHtml(seriesLabel(disk));
  const { bytes, saveSeconds, openMs, firstQueryMs, mapped, residentBytes } = disk;
  const opened = mapped
    ? 'mapped: its pages come from the page cache when a search first touches them'
    : 'read whole, as files cannot be mapped here';
  const rows: [string, string][] = [
    ['File', `${disk.file}, ${formatBytes(bytes)}, saved in ${formatMillis(saveSeconds * 1000)}`],
    ['Opened', `in ${formatMillis(openMs)}, ${opened}`],
    ['First query', `${formatMillis(firstQueryMs)}, which includes checking every block that it uses`],
    ...(mapped && residentBytes !== undefined
      ? [
          [
            'In memory',
            `${formatBytes(residentBytes)} after all queries, as page cache, which other processes share`,
          ] as [string, string],
        ]
      : []),
  ];
  return `
<section>
<h2>Saved and opened</h2>
<p>${label} was saved, opened again and searched beside the index in memory: ${escapeHtml(seriesLabel({ ...disk, from: 'disk' }))} above. It found the same neighbours for every query.</p>
<dl class="facts">
${rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl>
</section>
`;
}

const UNREPEATABLE = `<p class="note">Several threads that build an HNSW at once do not link in the same order every time: recall differs from run to run, in the fourth digit. With <code>--threads 1</code> the graph is the same to the last bit. A Vamana is so on any number of threads.</p>
`;

/** A wide table scrolls within its own box, with a keyboard too, and the page does not. */
function scrollable(label: string, content: string): string {
  return `<div class="scroll" role="region" aria-label="${escapeHtml(label)}" tabindex="0"><table>
${content}
</table></div>`;
}

function facts({ machine, versions, run }: Results): string {
  const { dataset } = run;
  const pages = machine.hugePages === undefined ? '' : `, ${machine.hugePages ? 'with' : 'without'} huge pages`;
  const rows: [string, string][] = [
    ['Dataset', `${dataset.name}: ${dataset.about}`],
    [
      'Shape',
      `${formatCount(dataset.vectors)} vectors, ${formatCount(dataset.queries)} queries, ${formatCount(dataset.dimension)} dimensions, metric ${dataset.metric}`,
    ],
    [
      'Parameters',
      Object.entries(run.parameters)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    ],
    [
      'Machine',
      `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.ramBytes)} RAM, ${machine.os} ${machine.architecture}${pages}`,
    ],
    [
      'Software',
      `annlab ${versions.annlab}, Node ${versions.node} (V8 ${versions.v8}), WebAssembly build: ${versions.wasm}`,
    ],
  ];
  return `<dl class="facts">
${rows.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('\n')}
</dl>`;
}

const WIDE = 800;
const NARROW = 380;

const STYLE = `
:root { color-scheme: light dark; --paper: #f6f7f9; --card: #ffffff; --ink: #24292f; --muted: #5b646e; --line: #dfe3e8; --accent: #00609a; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1014; --card: #15181d; --ink: #e6e9ed; --muted: #9aa4af; --line: #2a3038; --accent: #6ebcec; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 848px; margin: 0 auto; padding: 40px 24px 72px; }
h1 { font-size: 1.75rem; line-height: 1.2; letter-spacing: -0.01em; margin: 0 0 12px; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 48px 0 14px; }
p { margin: 0 0 12px; }
.kicker { color: var(--muted); font-size: 0.85rem; margin-bottom: 6px; }
.lede { font-size: 1.12rem; max-width: 38em; }
.note, figcaption { color: var(--muted); font-size: 0.875rem; max-width: 44em; }
.note { margin-top: 10px; }
figure { margin: 0 0 32px; }
figure svg { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: 8px; }
figcaption { margin: 10px 2px 0; }
.narrow { display: none; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.scroll:focus-visible { outline: 2px solid var(--accent); }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
th, td { padding: 5px 8px; text-align: right; }
th:first-child { text-align: left; position: sticky; left: 0; background: var(--card); }
thead th { color: var(--muted); font-weight: 600; border-bottom: 1px solid var(--line); }
tbody th { font-weight: 600; }
tbody tr.first:not(:first-child) > * { border-top: 1px solid var(--line); }
tbody tr:first-child > * { padding-top: 10px; }
tbody tr:last-child > * { padding-bottom: 10px; }
dl { margin: 0 0 20px; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: 7.5em 1fr; gap: 8px 16px; }
.words dd { margin-bottom: 10px; color: var(--muted); max-width: 44em; }
pre { margin: 0; padding: 14px 16px; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--line); border-radius: 8px; font: 0.875rem/1.5 ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace; }
.note code { font: 0.95em ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace; }
pre + .note { margin-top: 12px; }
@media (max-width: 560px) {
  main { padding: 24px 16px 48px; }
  h1 { font-size: 1.45rem; }
  .wide { display: none; }
  .narrow { display: block; }
  .facts { grid-template-columns: 1fr; gap: 2px; }
  .facts dd { margin-bottom: 10px; }
}
@media print { body { background: none; } main { max-width: none; } figure, tr { break-inside: avoid; } }
`;
