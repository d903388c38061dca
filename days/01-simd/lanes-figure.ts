/**
 * The day's idea, drawn: which sum each component is added to, and when at the earliest. Time runs to the right in additions
 * that wait for one another; what stands in one column may happen at the same time. So a figure's width is what it costs.
 */

/** How components are dealt out: `lanes` at once, to `sums` sums that take turns. */
export interface Deal {
  title: string;
  lanes: number;
  sums: number;
}

export interface LanesFigureOptions {
  title: string;
  subtitle: string;
}

/** One panel for each way to add up `n` components; lanes and sums are powers of two. */
export function lanesFigure(n: number, deals: readonly Deal[], { title, subtitle }: LanesFigureOptions): string {
  const parts = [text(16, 26, title, { size: 15, weight: 650 }), text(16, 45, subtitle, { size: 12, fill: 'muted' })];
  let top = 62;
  for (const deal of deals) {
    parts.push(panel(top, n, deal));
    top += TITLE_PX + deal.lanes * deal.sums * CELL_PX + PANEL_GAP_PX;
  }
  const width = LEFT_PX + n * CELL_PX + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="annlab-figure" role="img" width="${width}" height="${top}"`,
    ` viewBox="0 0 ${width} ${top}" font-family="${FONT}" aria-label="${title}"><style>${STYLE}</style>`,
    `<rect width="${width}" height="${top}" rx="6" class="paper"/>${parts.join('')}</svg>`,
  ].join('');
}

/** Additions that wait for one another: of the components, of the sums and lanes put together, of the tail. */
export function columnsOf(
  n: number,
  { lanes, sums }: Pick<Deal, 'lanes' | 'sums'>,
): {
  blocks: number;
  merge: number;
  tail: number;
} {
  const block = lanes * sums;
  return { blocks: Math.floor(n / block), merge: Math.log2(block), tail: n % block };
}

const CELL_PX = 14;
const LEFT_PX = 40;
const TITLE_PX = 20;
const PANEL_GAP_PX = 16;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

/** The colours of the lab's figures, for light pages and dark ones. */
const COLOURS: Record<string, readonly [light: string, dark: string]> = {
  paper: ['#ffffff', '#15181d'],
  text: ['#24292f', '#e6e9ed'],
  muted: ['#626b75', '#9aa4af'],
  funnel: ['#e6e9ed', '#2a3038'],
  sum0: ['#0072b2', '#4aa8e0'],
  sum1: ['#b04d00', '#ef7d2d'],
  sum2: ['#007a58', '#1cb78b'],
  sum3: ['#a54f80', '#d68ab4'],
  tail: ['#59626c', '#aab3bd'],
};
const rules = (shade: 0 | 1) =>
  Object.entries(COLOURS)
    .map(([name, colours]) => `.${name}{fill:${colours[shade]}}`)
    .join('');
const STYLE = `${rules(0)}@media (prefers-color-scheme: dark){${rules(1)}}`;

function panel(top: number, n: number, deal: Deal): string {
  const { lanes, sums } = deal;
  const { blocks, merge, tail } = columnsOf(n, deal);
  const block = lanes * sums;
  const at = top + TITLE_PX;
  const middle = at + ((block - 1) / 2) * CELL_PX;
  const length = blocks + merge + tail;
  const parts = [
    text(16, top + 11, `${deal.title}: ${length} additions wait for one another`, { size: 12, weight: 600 }),
  ];
  for (let s = 0; s < sums; s++) {
    parts.push(
      text(16, at + (s * lanes + lanes / 2) * CELL_PX + 4, sums > 1 ? `s${s}` : 's', { size: 11, fill: `sum${s % 4}` }),
    );
  }
  for (let i = 0; i < blocks * block; i++) {
    const row = i % block;
    parts.push(cell(Math.floor(i / block), at + row * CELL_PX, i, `sum${Math.floor(row / lanes) % 4}`));
  }
  if (merge > 0) parts.push(funnel(blocks, merge, at, block));
  for (let i = 0; i < tail; i++) parts.push(cell(blocks + merge + i, middle, blocks * block + i, 'tail'));
  return parts.join('');
}

function cell(column: number, y: number, component: number, fill: string): string {
  const x = LEFT_PX + column * CELL_PX;
  return (
    `<rect x="${x}" y="${y}" width="${CELL_PX - 1}" height="${CELL_PX - 1}" rx="2" class="${fill}"/>` +
    text(x + (CELL_PX - 1) / 2, y + 9.5, String(component), { size: 8, fill: 'paper', anchor: 'middle' })
  );
}

/** All sums and lanes into one number. */
function funnel(column: number, columns: number, top: number, rows: number): string {
  const x = LEFT_PX + column * CELL_PX + 1;
  const right = x + columns * CELL_PX - 3;
  const bottom = top + rows * CELL_PX - 1;
  const middle = (top + bottom) / 2;
  const mouth = CELL_PX / 2;
  return (
    `<polygon class="funnel" points="${x},${top} ${x},${bottom} ${right},${middle + mouth} ${right},${middle - mouth}"/>` +
    text((x + right) / 2 - 3, middle + 4, '+', { size: 12, fill: 'muted', anchor: 'middle' })
  );
}

function text(
  x: number,
  y: number,
  content: string,
  {
    size,
    weight = 400,
    fill = 'text',
    anchor = 'start',
  }: { size: number; weight?: number; fill?: string; anchor?: string },
): string {
  const place = `x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}"`;
  return `<text ${place} class="${fill}">${content}</text>`;
}
