import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataFileError, OutputError } from '../../../src/core/errors.ts';
import {
  type DataOutput,
  formatNotebook,
  isCode,
  parseNotebook,
  readNotebook,
  writeNotebook,
} from '../../../src/lab/notebooks/notebook.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { notebookOf } from './made-up.ts';

/** As JupyterLab 4 saves it. */
const SAVED = `{
 "cells": [
  {
   "attachments": {
    "dot.png": {
     "image/png": "iVBORw0KGgo="
    }
   },
   "cell_type": "markdown",
   "id": "intro",
   "metadata": {},
   "source": [
    "# A title\\n",
    "\\n",
    "and a text"
   ]
  },
  {
   "cell_type": "raw",
   "id": "raw",
   "metadata": {},
   "source": []
  },
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "a1b2-c3",
   "metadata": {
    "tags": [
     "timing"
    ]
   },
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "one\\n",
      "two\\n"
     ]
    },
    {
     "data": {
      "application/json": {
       "a": [
        1
       ]
      },
      "image/png": "iVBORw0KGgo=",
      "image/svg+xml": [
       "<svg>\\n",
       "</svg>"
      ],
      "text/plain": [
       "Picture"
      ]
     },
     "metadata": {},
     "output_type": "display_data"
    },
    {
     "data": {
      "text/plain": [
       "3"
      ]
     },
     "execution_count": 1,
     "metadata": {},
     "output_type": "execute_result"
    },
    {
     "ename": "Error",
     "evalue": "no",
     "output_type": "error",
     "traceback": [
      "Error: no"
     ]
    }
   ],
   "source": [
    "1 + 2"
   ]
  }
 ],
 "metadata": {
  "kernelspec": {
   "display_name": "TypeScript (annlab)",
   "language": "typescript",
   "name": "annlab"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`;

describe('a notebook', () => {
  it('has its texts whole in memory and is written as Jupyter writes it', () => {
    const notebook = parseNotebook(SAVED, 'a.ipynb');
    expect(notebook.cells.map(({ source }) => source)).toEqual(['# A title\n\nand a text', '', '1 + 2']);
    const [code] = notebook.cells.filter(isCode);
    expect(code.outputs[0]).toEqual({ output_type: 'stream', name: 'stdout', text: 'one\ntwo\n' });
    expect((code.outputs[1] as DataOutput).data).toEqual({
      'application/json': { a: [1] },
      'image/png': 'iVBORw0KGgo=',
      'image/svg+xml': '<svg>\n</svg>',
      'text/plain': 'Picture',
    });
    expect(formatNotebook(notebook)).toBe(SAVED);
  });

  it('may have texts as one string and its keys in any order', () => {
    const { cells, ...rest } = JSON.parse(SAVED);
    const joined = cells.map((cell: { source: string[] }) => ({ ...cell, source: cell.source.join('') }));
    expect(formatNotebook(parseNotebook(JSON.stringify({ ...rest, cells: joined.reverse() }), 'a'))).toBe(
      formatNotebook({ ...parseNotebook(SAVED, 'a'), cells: parseNotebook(SAVED, 'a').cells.reverse() }),
    );
  });

  it('is written whole or not at all', async () => {
    const file = path.join(temporaryFolder(), 'a.ipynb');
    await writeNotebook(file, parseNotebook(SAVED, file));
    expect(readFileSync(file, 'utf8')).toBe(SAVED);
    expect(await readNotebook(file)).toEqual(parseNotebook(SAVED, file));
    const nowhere = path.join(file, 'b.ipynb');
    await expect(writeNotebook(nowhere, notebookOf())).rejects.toThrow(OutputError);
    await expect(writeNotebook(nowhere, notebookOf())).rejects.toThrow(/: execute a copy of it somewhere else$/);
  });
});

describe('a file that is no notebook', () => {
  const code = { cell_type: 'code', id: 'a', metadata: {}, source: '', execution_count: null, outputs: [] };
  const withCells = (...cells: unknown[]) => JSON.stringify({ ...notebookOf(), cells });
  const withOutput = (output: unknown) => withCells({ ...code, outputs: [output] });

  it.each([
    ['<<<<<<< HEAD', /^a\.ipynb: not a notebook: not JSON \(.*\): restore it from git; look for marks of a merge$/],
    ['[]', /its JSON is no object: open it in Jupyter/],
    ['{"nbformat": 3, "nbformat_minor": 0}', /its format is 3\.0, and 4\.5 is read here: save it from JupyterLab/],
    [JSON.stringify({ ...notebookOf(), nbformat_minor: 4 }), /its format is 4\.4/],
    [JSON.stringify({ ...notebookOf(), metadata: null }), /it has no metadata/],
    [JSON.stringify({ ...notebookOf(), cells: {} }), /it has no list of cells/],
    [withCells(7), /cell 1: not an object/],
    [withCells({ ...code, id: undefined }), /cell 1: it has no id/],
    [withCells(code, { ...code, id: 'b' }, code), /cell 3: its id "a" is taken by an earlier cell/],
    [withCells({ ...code, metadata: 1 }), /cell 1: it has no metadata/],
    [withCells({ ...code, metadata: { tags: 'timing' } }), /cell 1: its tags are no list of words/],
    [withCells({ ...code, source: [1] }), /cell 1: its source is no text/],
    [withCells({ ...code, cell_type: 'heading' }), /cell 1: it is neither markdown, raw nor code but "heading"/],
    [withCells({ ...code, cell_type: 'markdown', attachments: [] }), /cell 1: its attachments are no files/],
    [withCells({ ...code, execution_count: '1' }), /cell 1: its execution_count is no number/],
    [withCells({ ...code, outputs: undefined }), /cell 1: it has no list of outputs/],
    [withOutput('text'), /an output is not an object/],
    [withOutput({ output_type: 'stream', name: 'log', text: '' }), /a stream is neither stdout nor stderr/],
    [withOutput({ output_type: 'stream', name: 'stdout' }), /a stream has no text/],
    [withOutput({ output_type: 'display_data' }), /a display_data has no data/],
    [withOutput({ output_type: 'display_data', data: { 'text/plain': 1 } }), /has data that is no text/],
    [withOutput({ output_type: 'error' }), /an error has no name, value or traceback/],
    [withOutput({ output_type: 'pyout' }), /an output is of the unknown type "pyout"/],
  ])('%s', (text, message) => {
    expect(() => parseNotebook(text, 'a.ipynb')).toThrow(DataFileError);
    expect(() => parseNotebook(text, 'a.ipynb')).toThrow(message);
  });

  it('one that is missing, or a folder', async () => {
    const folder = temporaryFolder();
    await expect(readNotebook(path.join(folder, 'a.ipynb'))).rejects.toThrow(/a\.ipynb: there is no such file/);
    await expect(readNotebook(folder)).rejects.toThrow(/EISDIR.*: check that it is a readable file/);
    writeFileSync(path.join(folder, 'b.ipynb'), '');
    await expect(readNotebook(path.join(folder, 'b.ipynb'))).rejects.toThrow(/b\.ipynb: not a notebook: not JSON/);
  });
});
