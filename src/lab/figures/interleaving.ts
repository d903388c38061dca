/**
 * Threads side by side, a column each, and time running down: one step a row, as a schedule dealt them out. Beside each step
 * stands the shared memory as the step left it, so a reader sees with a finger what no thread could see.
 */
import { ParameterError } from '../../core/errors.ts';
import { drawKey, type KeyEntry, keyHeight } from './key.ts';
import {
  checkedWidth,
  draw,
  drawHead,
  type FigureOptions,
  finish,
  headHeight,
  INK,
  LIT,
  newDrawing,
  PALETTE,
  textWidth,
} from './theme.ts';

/** A word of shared memory; faint where it holds something that does not count. */
export interface MemoryWord {
  text: string;
  faint?: boolean;
}

export interface InterleavingStep {
  /** The thread's name. */
  thread: string;
  /** `wait`: it asked for something that it did not get. */
  kind: 'read' | 'write' | 'wait';
  /** What it did, in a few characters: `count ← 3`. */
  says: string;
  /** The memory after it, a word for each head. */
  words: readonly MemoryWord[];
}

export interface InterleavingFigure extends Omit<FigureOptions, 'height'> {
  /** From left to right. */
  threads: readonly string[];
  /** What the words of the memory are called. */
  heads: readonly string[];
  /** The memory before the first step. */
  before: readonly MemoryWord[];
  steps: readonly InterleavingStep[];
  /** The number of the first step that is drawn. Default 1. */
  from?: number;
}

/** Draws a run, step by step. */
export function interleavingFigure(figure: InterleavingFigure): string {
  const { threads, heads, before, steps, from = 1 } = figure;
  check(figure);
  const wordPx = Math.max(WORD_PX, ...heads.map((head) => textWidth(head, HEAD_PX) + 6));
  const sayPx = Math.max(0, ...steps.map(({ says }) => textWidth(says, SAYS_PX) + 12));
  // Never so narrow that words do not fit.
  const needed = LEFT_PX + threads.length * sayPx + 14 + heads.length * wordPx + EDGE;
  const width = Math.max(checkedWidth(figure.width, 640), needed);
  const memoryLeft = width - EDGE - heads.length * wordPx;
  const lanePx = (memoryLeft - 14 - LEFT_PX) / threads.length;
  const top = headHeight(figure) + 18;
  const rows = top + 24;
  const key = keyOf(steps);
  const keyTop = rows + (steps.length + 1) * ROW_PX + 12;
  const label =
    [figure.title, figure.subtitle].filter(Boolean).join(': ') || `${steps.length} steps of ${threads.length} threads`;
  const svg = newDrawing({ width, height: keyTop + keyHeight(key, width), label });
  drawHead(svg, figure);

  const laneAt = (thread: string) => LEFT_PX + threads.indexOf(thread) * lanePx;
  const rowAt = (row: number) => rows + row * ROW_PX;
  const middle = (text: string, x: number, y: number, attributes: Record<string, string | number>) =>
    draw(svg, 'text', { x, y, 'text-anchor': 'middle', ...attributes }, text);

  for (const [i, thread] of threads.entries()) {
    const { line, text } = inkOf(i);
    const x = laneAt(thread) + lanePx / 2;
    middle(thread, x, top + 12, { fill: text, 'font-size': 13, 'font-weight': 650 });
    const own = steps.flatMap((step, row) => (step.thread === thread ? [row] : []));
    if (own.length === 0) continue;
    const [first, last] = [rowAt(own[0] + 1), rowAt(own[own.length - 1] + 2) - 4];
    draw(svg, 'path', {
      d: `M${x} ${first}V${last}`,
      fill: 'none',
      stroke: line,
      'stroke-width': 2,
      'stroke-opacity': 0.35,
    });
  }
  for (const [i, head] of heads.entries()) {
    middle(head, memoryLeft + (i + 0.5) * wordPx, top + 12, { fill: INK.muted, 'font-size': HEAD_PX });
  }

  drawWords(svg, { words: before, changed: () => false, x: memoryLeft, y: rowAt(0), wordPx });
  draw(
    svg,
    'text',
    { x: EDGE + 2, y: rowAt(0) + 15, 'text-anchor': 'start', fill: INK.muted, 'font-size': 11 },
    'before',
  );
  for (const [row, { thread, kind, says, words }] of steps.entries()) {
    const y = rowAt(row + 1);
    const number = { x: EDGE + 14, y: y + 15, 'text-anchor': 'end', fill: INK.muted, 'font-size': 11 };
    draw(svg, 'text', number, String(row + from));
    const ink = inkOf(threads.indexOf(thread));
    const box = { x: laneAt(thread) + 3, y: y + 1, width: lanePx - 6, height: ROW_PX - 4, rx: 4 };
    draw(svg, 'rect', { ...box, ...boxStyle(kind, ink.line) });
    const said = { fill: kind === 'write' ? INK.paper : ink.text, 'font-size': SAYS_PX, 'font-weight': 600 };
    middle(says, laneAt(thread) + lanePx / 2, y + 15, said);
    const last = row === 0 ? before : steps[row - 1].words;
    const changed = (i: number) => words[i].text !== last[i].text;
    drawWords(svg, { words, changed, x: memoryLeft, y, wordPx });
  }
  drawKey(svg, key, width, keyTop);
  return finish(svg);
}

const EDGE = 16;
const LEFT_PX = 40;
const ROW_PX = 24;
const WORD_PX = 30;
const HEAD_PX = 11;
const SAYS_PX = 12;

/** The darker shade where white letters stand on it. */
function inkOf(thread: number): { line: string; text: string } {
  const { text } = PALETTE[thread % PALETTE.length];
  return { line: text, text };
}

function boxStyle(kind: InterleavingStep['kind'], ink: string): Record<string, string | number> {
  if (kind === 'write') return { fill: ink, stroke: ink, 'stroke-width': 1.5 };
  const open = { fill: INK.paper, stroke: ink, 'stroke-width': 1.5 };
  return kind === 'read' ? open : { ...open, 'stroke-dasharray': '3 3' };
}

function drawWords(
  svg: Element,
  options: {
    words: readonly MemoryWord[];
    changed: (i: number) => boolean;
    x: number;
    y: number;
    wordPx: number;
  },
): void {
  const { words, changed, x, y, wordPx } = options;
  for (const [i, { text, faint }] of words.entries()) {
    const lit = changed(i);
    const left = x + i * wordPx;
    const box = { x: left + 1, y: y + 1, width: wordPx - 2, height: ROW_PX - 4, rx: 2 };
    draw(svg, 'rect', {
      ...box,
      ...(lit ? { fill: LIT.fill, stroke: LIT.edge } : { fill: INK.paper, stroke: INK.grid }),
      'stroke-width': 1,
    });
    const ink = lit ? LIT.text : faint ? INK.tear : INK.text;
    const word = { x: left + wordPx / 2, y: y + 15, 'text-anchor': 'middle', fill: ink, 'font-size': 12 };
    draw(svg, 'text', { ...word, 'font-weight': lit ? 650 : 400 }, text);
  }
}

/** Only the signs that are in the picture. */
function keyOf(steps: readonly InterleavingStep[]): KeyEntry[] {
  const kinds = [
    ['write', 'writes'],
    ['read', 'reads'],
    ['wait', 'asks in vain'],
  ] as const;
  return kinds
    .filter(([kind]) => steps.some((step) => step.kind === kind))
    .map(([kind, words]) => ({
      words,
      sign: (parent, [x, y]) => {
        draw(parent, 'rect', { x: x - 8, y: y - 6, width: 16, height: 12, rx: 3, ...boxStyle(kind, INK.muted) });
      },
    }));
}

function check({ threads, heads, before, steps }: InterleavingFigure): void {
  const refuse = (parameter: string, got: string, want: string) => new ParameterError({ parameter, got, want });
  if (threads.length === 0) throw refuse('threads', 'none', 'at least one thread');
  for (const [i, { thread, words }] of [{ thread: threads[0], words: before }, ...steps].entries()) {
    const parameter = i === 0 ? 'before' : `steps[${i - 1}]`;
    if (!threads.includes(thread)) throw refuse(parameter, `thread ${thread}`, `one of ${threads.join(', ')}`);
    if (words.length !== heads.length)
      throw refuse(parameter, `${words.length} words`, `${heads.length}, one for each head`);
  }
}
