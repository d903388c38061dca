/**
 * Whether a committed notebook still says what its code says: every cell executed, in order, and with the outputs of a
 * fresh run, exactly. Cells tagged `timing` show times or the machine, so they only have to show the same kinds of things.
 */
import { describeCell } from './execute.ts';
import { type CodeCell, hasTag, isCode, type Notebook, type Output } from './notebook.ts';

/** What differs, a message for each cell that does; empty: nothing. Both are the same notebook, `fresh` just executed. */
export function compareNotebooks(committed: Notebook, fresh: Notebook, name: string): string[] {
  return committed.cells.flatMap((cell, i) => {
    const other = fresh.cells[i];
    if (!isCode(cell) || !isCode(other)) return [];
    const difference = compareCells(cell, other);
    return difference ? [`${name}, ${describeCell(cell, i + 1)}: ${difference}`] : [];
  });
}

function compareCells(committed: CodeCell, fresh: CodeCell): string | undefined {
  const [count, freshCount] = [committed.execution_count, fresh.execution_count];
  if (count === null && freshCount !== null) return 'it has not been executed';
  if (count !== freshCount) return `its number is [${count}], and [${freshCount}] in a run from the top`;
  const [kinds, freshKinds] = [kindsOf(committed.outputs), kindsOf(fresh.outputs)];
  const timing = hasTag(committed, 'timing');
  if (timing && kinds === freshKinds) return undefined;
  for (let i = 0; i < Math.max(committed.outputs.length, fresh.outputs.length); i++) {
    const [texts, freshTexts] = [committed.outputs[i], fresh.outputs[i]].map(textsOf);
    for (const kind of new Set([...Object.keys(texts), ...Object.keys(freshTexts)])) {
      const [text, freshText] = [texts[kind], freshTexts[kind]];
      if (text === undefined)
        return `a run shows ${kind} (output ${i + 1}), the notebook does not:\n  a run: ${begin(freshText)}`;
      if (freshText === undefined)
        return `the notebook shows ${kind} (output ${i + 1}), a run does not:\n  notebook: ${begin(text)}`;
      if (text !== freshText && !timing)
        return `output ${i + 1}, ${kind}, ${firstDifference(readable(text), readable(freshText))}`;
    }
  }
  return undefined;
}

/** `stdout; text/html` */
function kindsOf(outputs: readonly Output[]): string {
  return outputs.map((output) => Object.keys(textsOf(output)).sort().join(', ')).join('; ');
}

/** An output's texts by kind: `stdout`, `text/html`, … */
function textsOf(output: Output | undefined): Record<string, string> {
  if (output === undefined) return {};
  if (output.output_type === 'stream') return { [output.name]: output.text };
  if (output.output_type === 'error') return { error: `${output.ename}: ${output.evalue}` };
  const texts = Object.entries(output.data).map(([type, value]) => [
    type,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return Object.fromEntries(texts);
}

/** With pictures that are written as data opened, an SVG's element to a line, so that a difference can be read. */
function readable(text: string): string {
  return text.replace(/data:image\/svg\+xml;base64,([\w+/=]+)/g, (_, data) =>
    Buffer.from(data, 'base64').toString().replaceAll('><', '>\n<'),
  );
}

function firstDifference(committed: string, fresh: string): string {
  const [lines, freshLines] = [committed.split('\n'), fresh.split('\n')];
  const at = lines.findIndex((line, i) => line !== freshLines[i]);
  const line = at === -1 ? lines.length : at;
  const [text, freshText] = around(lines[line] ?? '', freshLines[line] ?? '');
  return `line ${line + 1} differs:\n  notebook: ${text}\n  a run:    ${freshText}`;
}

/** Two long lines from shortly before they part. */
function around(a: string, b: string): [string, string] {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same++;
  const from = Math.max(a.length, b.length) <= SHOWN ? 0 : Math.max(same - SHOWN / 4, 0);
  const cut = (text: string) =>
    `${from > 0 ? '…' : ''}${text.slice(from, from + SHOWN)}${text.length > from + SHOWN ? '…' : ''}`;
  return [cut(a), cut(b)];
}

function begin(text: string): string {
  return around(readable(text).split('\n')[0], '')[0];
}

const SHOWN = 120;
