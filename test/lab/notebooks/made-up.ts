import type { Cell, CodeCell, Notebook } from '../../../src/lab/notebooks/notebook.ts';

/** A notebook of the annlab kernel. A text is a code cell; what else a cell has is given as an object. */
export function notebookOf(...cells: (string | Partial<Cell>)[]): Notebook {
  return {
    cells: cells.map((cell, i) => {
      const given = typeof cell === 'string' ? { source: cell } : cell;
      const common = { id: `cell-${i}`, metadata: {}, source: '' };
      if (given.cell_type === 'markdown') return { ...common, ...given } as Cell;
      return { ...common, cell_type: 'code', execution_count: null, outputs: [], ...given } as CodeCell;
    }),
    metadata: { kernelspec: { name: 'annlab', display_name: 'TypeScript (annlab)', language: 'typescript' } },
    nbformat: 4,
    nbformat_minor: 5,
  };
}

/** What a notebook's code cells show, as text: streams and the text of data. */
export function shownBy(notebook: Notebook): string[] {
  return notebook.cells.flatMap((cell) =>
    cell.cell_type !== 'code'
      ? []
      : cell.outputs
          .map((output) => {
            if (output.output_type === 'stream') return output.text;
            return output.output_type === 'error' ? output.evalue : Object.values(output.data).join('\n');
          })
          .join(''),
  );
}
