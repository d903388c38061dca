/**
 * A Jupyter notebook, nbformat 4.5, read strictly and written as Jupyter writes it (keys in order, one space deep, texts as
 * lists of lines), so that saving from Jupyter and from here leaves the same file. In memory every text is one string.
 */
import { readFile } from 'node:fs/promises';
import { DataFileError } from '../../core/errors.ts';
import { writeWhole } from '../cache.ts';

export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown> & { kernelspec?: { name?: unknown; [key: string]: unknown } };
  nbformat: 4;
  nbformat_minor: number;
}

export type Cell = TextCell | CodeCell;

export interface TextCell {
  cell_type: 'markdown' | 'raw';
  id: string;
  metadata: CellMetadata;
  source: string;
  attachments?: Record<string, MimeBundle>;
}

export interface CodeCell {
  cell_type: 'code';
  id: string;
  metadata: CellMetadata;
  source: string;
  /** The number in brackets that Jupyter shows; null: not executed. */
  execution_count: number | null;
  outputs: Output[];
}

export type CellMetadata = Record<string, unknown> & { tags?: string[] };

export type Output = StreamOutput | DataOutput | ErrorOutput;

export interface StreamOutput {
  output_type: 'stream';
  name: 'stdout' | 'stderr';
  text: string;
}

export interface DataOutput {
  output_type: 'display_data' | 'execute_result';
  data: MimeBundle;
  metadata: Record<string, unknown>;
  /** Of an execute_result. */
  execution_count?: number | null;
}

export interface ErrorOutput {
  output_type: 'error';
  ename: string;
  evalue: string;
  traceback: string[];
}

/** One thing in several representations, by MIME type: text, or the value itself where the type is JSON's. */
export type MimeBundle = Record<string, unknown>;

/** Reads a notebook. Throws DataFileError for a file that is none. */
export async function readNotebook(file: string): Promise<Notebook> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new DataFileError(file, 'there is no such file', 'check its name', { cause });
    throw new DataFileError(file, message, 'check that it is a readable file', { cause });
  }
  return parseNotebook(text, file);
}

/** The notebook in a text; `file` is what errors call it. */
export function parseNotebook(text: string, file: string): Notebook {
  const wrong = (what: string, mend = 'open it in Jupyter and save it again, or restore it from git') => {
    throw new DataFileError(file, `not a notebook: ${what}`, mend);
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return wrong(`not JSON (${(error as Error).message})`, 'restore it from git; look for marks of a merge');
  }
  if (!isRecord(value)) return wrong('its JSON is no object');
  const { cells, metadata, nbformat, nbformat_minor } = value;
  if (nbformat !== 4 || typeof nbformat_minor !== 'number' || nbformat_minor < 5) {
    return wrong(
      `its format is ${nbformat}.${nbformat_minor}, and 4.5 is read here`,
      'save it from JupyterLab 3 or newer',
    );
  }
  if (!isRecord(metadata)) return wrong('it has no metadata');
  if (!Array.isArray(cells)) return wrong('it has no list of cells');
  const ids = new Set<string>();
  const readCells = cells.map((cell, i) => {
    const where = `cell ${i + 1}`;
    const found = readCell(cell, (what) => wrong(`${where}: ${what}`));
    if (ids.has(found.id)) wrong(`${where}: its id ${JSON.stringify(found.id)} is taken by an earlier cell`);
    ids.add(found.id);
    return found;
  });
  return { cells: readCells, metadata, nbformat, nbformat_minor };
}

/** Writes a whole notebook or none. Throws OutputError. */
export async function writeNotebook(file: string, notebook: Notebook): Promise<void> {
  await writeWhole(file, [Buffer.from(formatNotebook(notebook))], { elsewhere: 'execute a copy of it somewhere else' });
}

/** The text of a notebook's file. */
export function formatNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => {
    const source = linesOf(cell.source);
    return cell.cell_type === 'code'
      ? { ...cell, source, outputs: cell.outputs.map(outputInFile) }
      : { ...cell, source };
  });
  return `${JSON.stringify(inOrder({ ...notebook, cells }), null, 1)}\n`;
}

export function isCode(cell: Cell): cell is CodeCell {
  return cell.cell_type === 'code';
}

export function hasTag(cell: Cell, tag: string): boolean {
  return cell.metadata.tags?.includes(tag) ?? false;
}

// ---- from the file ----------------------------------------------------------------------------------------------

function readCell(value: unknown, wrong: (what: string) => never): Cell {
  if (!isRecord(value)) return wrong('not an object');
  const { cell_type, id, metadata } = value;
  if (typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id))
    return wrong('it has no id (1 to 64 letters, digits, - and _)');
  if (!isRecord(metadata)) return wrong('it has no metadata');
  const { tags } = metadata;
  if (tags !== undefined && !(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')))
    return wrong('its tags are no list of words');
  const source = textOf(value.source) ?? wrong('its source is no text');
  const common = { id, metadata: metadata as CellMetadata, source };
  if (cell_type === 'markdown' || cell_type === 'raw') {
    const { attachments } = value;
    if (attachments === undefined) return { ...common, cell_type };
    if (!isRecord(attachments) || !Object.values(attachments).every(isRecord))
      return wrong('its attachments are no files');
    return { ...common, cell_type, attachments: attachments as Record<string, MimeBundle> };
  }
  if (cell_type !== 'code') return wrong(`it is neither markdown, raw nor code but ${JSON.stringify(cell_type)}`);
  const { execution_count, outputs } = value;
  if (execution_count !== null && !Number.isInteger(execution_count)) return wrong('its execution_count is no number');
  if (!Array.isArray(outputs)) return wrong('it has no list of outputs');
  return {
    ...common,
    cell_type,
    execution_count: execution_count as number | null,
    outputs: outputs.map((output) => readOutput(output, wrong)),
  };
}

function readOutput(value: unknown, wrong: (what: string) => never): Output {
  if (!isRecord(value)) return wrong('an output is not an object');
  const { output_type, name, data, metadata, ename, evalue, traceback } = value;
  if (output_type === 'stream') {
    if (name !== 'stdout' && name !== 'stderr') return wrong('a stream is neither stdout nor stderr');
    return { output_type, name, text: textOf(value.text) ?? wrong('a stream has no text') };
  }
  if (output_type === 'display_data' || output_type === 'execute_result') {
    if (!isRecord(data)) return wrong(`a ${output_type} has no data`);
    const bundle = Object.entries(data).map(([type, content]) => [type, isJson(type) ? content : textOf(content)]);
    if (bundle.some(([, content]) => content === undefined)) return wrong(`a ${output_type} has data that is no text`);
    const common = { data: Object.fromEntries(bundle), metadata: isRecord(metadata) ? metadata : {} };
    if (output_type === 'display_data') return { ...common, output_type };
    return { ...common, output_type, execution_count: value.execution_count as number | null };
  }
  if (output_type === 'error') {
    if (typeof ename !== 'string' || typeof evalue !== 'string' || !Array.isArray(traceback))
      return wrong('an error has no name, value or traceback');
    return { output_type, ename, evalue, traceback: traceback.map(String) };
  }
  return wrong(`an output is of the unknown type ${JSON.stringify(output_type)}`);
}

/** Texts are a string or a list of lines; undefined: neither. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return Array.isArray(value) && value.every((line) => typeof line === 'string') ? value.join('') : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJson(type: string): boolean {
  return type === 'application/json' || (type.startsWith('application/') && type.endsWith('+json'));
}

// ---- to the file ------------------------------------------------------------------------------------------------

function outputInFile(output: Output): object {
  if (output.output_type === 'stream') return { ...output, text: linesOf(output.text) };
  if (output.output_type === 'error') return output;
  const isText = (type: string) =>
    type.startsWith('text/') || ['application/javascript', 'image/svg+xml'].includes(type);
  const data = Object.entries(output.data).map(([type, content]) => [
    type,
    typeof content === 'string' && isText(type) ? linesOf(content) : content,
  ]);
  return { ...output, data: Object.fromEntries(data) };
}

/** Each line with its line feed; no lines for an empty text. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+/g) ?? [];
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, inOrder(item)]));
}
