/**
 * Executes a notebook from its first cell to its last in a fresh kernel. Whatever a reader would see as red fails it: a type
 * error, a throw, anything on stderr, a promise that is rejected after its cell has ended, a cell that does not end, a
 * kernel that dies. The kernel is gone afterwards in any case.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AnnError } from '../../core/errors.ts';
import { REPOSITORY } from '../exercises/day.ts';
import { type Execution, Kernel, KernelError, type KernelOptions } from './kernel-client.ts';
import { type Cell, type CodeCell, isCode, type Notebook, type Output } from './notebook.ts';

export interface ExecuteOptions {
  /** For every single cell. Default 120,000. */
  cellTimeoutMs?: number;
  /** How long late errors are waited for after the last cell. Default 500. */
  settleMs?: number;
  onProgress?: (done: number, total: number) => void;
  /** Benchmarks take a moment and mean nothing: for those who compare outputs, where times do not count. Default false. */
  brief?: boolean;
  kernel?: Partial<KernelOptions>;
}

/** A notebook that did not run to its end, or not cleanly. */
export class NotebookError extends AnnError {
  constructor(name: string, what: string, options?: ErrorOptions) {
    super('NOTEBOOK', `${name}${what}`, options);
  }
}

/** The notebook with fresh outputs; the one given stays as it is. `name` is what errors call it. */
export async function executeNotebook(
  notebook: Notebook,
  name: string,
  { cellTimeoutMs = 120_000, settleMs = 500, onProgress, brief = false, kernel: options }: ExecuteOptions = {},
): Promise<Notebook> {
  const wanted = notebook.metadata.kernelspec?.name;
  if (wanted !== KERNEL_NAME) {
    throw new NotebookError(name, `: it asks for the kernel ${wanted}: choose ${KERNEL_NAME} in Jupyter and save it`);
  }
  const cells = notebook.cells.map(blank);
  const code = cells.map((cell, i) => ({ cell, number: i + 1 })).filter(isExecutable);
  const env = { ...options?.env, ...(brief && { ANNLAB_BENCH: 'brief' }) };
  const kernel = await startKernel(name, { ...options, env });
  try {
    const executions: Execution[] = [];
    for (const [i, { cell, number }] of code.entries()) {
      onProgress?.(i, code.length);
      const execution = await executeCell(kernel, cell, `${name}, ${describeCell(cell, number)}`, cellTimeoutMs);
      executions.push(execution);
      cell.execution_count = execution.executionCount;
      cell.outputs = execution.outputs;
      checkAll();
    }
    onProgress?.(code.length, code.length);
    await sleep(settleMs);
    checkAll();
    return { ...notebook, cells };

    /** All of them every time, as an earlier cell may have gone wrong after its end. */
    function checkAll(): void {
      for (const [i, execution] of executions.entries()) {
        const { cell, number } = code[i];
        const wrong = faultOf(execution);
        if (wrong) throw new NotebookError(name, `, ${describeCell(cell, number)}: ${wrong}`);
      }
      if (kernel.printed) throw new NotebookError(name, `: the kernel's process wrote\n${indent(kernel.printed)}`);
    }
  } finally {
    await kernel.stop();
  }
}

/** `cell 7, [4], which begins "const index = …"` */
export function describeCell(cell: Cell, number: number): string {
  const count = isCode(cell) && cell.execution_count !== null ? `, [${cell.execution_count}]` : '';
  const first = cell.source.trim().split('\n')[0];
  return `cell ${number}${count}, which begins "${first.length > 60 ? `${first.slice(0, 59)}…` : first}"`;
}

const KERNEL_NAME = 'annlab';
const SPEC = path.join(REPOSITORY, 'src/lab/jupyter/kernels/annlab');

async function startKernel(name: string, options?: Partial<KernelOptions>): Promise<Kernel> {
  try {
    return await Kernel.start({ spec: SPEC, cwd: REPOSITORY, ...options });
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause;
    throw new NotebookError(name, `: the kernel did not start: ${cause.message}`, { cause });
  }
}

async function executeCell(kernel: Kernel, cell: CodeCell, name: string, timeoutMs: number): Promise<Execution> {
  try {
    return await kernel.execute(cell.source, { timeoutMs });
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause;
    const mend = cause.reason === 'timeout' ? ': it may never end; else raise --timeout' : '';
    throw new NotebookError(name, `: ${cause.message}${mend}`, { cause });
  }
}

/** What is wrong with an execution; undefined: nothing. */
function faultOf({ status, outputs }: Execution): string | undefined {
  const text = outputs.map(redText).join('');
  if (status === 'ok' && text === '') return undefined;
  return `${kindOf(status, text)}\n${indent(text)}`;
}

function kindOf(status: Execution['status'], text: string): string {
  if (/^Unhandled|^Uncaught/m.test(text))
    return 'an error that nobody awaits or catches, of this cell or of one before it';
  if (status === 'abort') return 'it was not executed';
  if (status === 'ok') return 'it wrote to stderr';
  return /^(\S+ )?\d+:\d+ - /.test(text) ? 'type error' : 'it threw';
}

function redText(output: Output): string {
  if (output.output_type === 'error') return `${output.ename}: ${output.evalue}\n`;
  return output.output_type === 'stream' && output.name === 'stderr' ? output.text : '';
}

function indent(text: string): string {
  const lines = text.trimEnd().split('\n');
  const shown = lines.length <= 30 ? lines : [...lines.slice(0, 25), `… ${lines.length - 25} more lines`];
  return shown.map((line) => `  ${line}`).join('\n');
}

function blank(cell: Cell): Cell {
  return isCode(cell) ? { ...cell, execution_count: null, outputs: [] } : cell;
}

/** As in Jupyter, a cell without code is passed over. */
function isExecutable(entry: { cell: Cell; number: number }): entry is { cell: CodeCell; number: number } {
  return isCode(entry.cell) && entry.cell.source.trim() !== '';
}
