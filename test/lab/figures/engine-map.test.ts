import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ParameterError } from '../../../src/core/errors.ts';
import { engineMap } from '../../../src/lab/figures/engine-map.ts';
import { LIT } from '../../../src/lab/figures/theme.ts';
import { readElements } from '../markup.ts';

/** The name of the room that is lit, and the numbers of days in the whole house. */
function read(svg: string) {
  const elements = readElements(svg);
  const lit = elements.findIndex(({ name, attributes }) => name === 'rect' && attributes.fill === LIT.fill);
  return {
    rooms: elements.filter(({ name, attributes }) => name === 'rect' && attributes.fill === LIT.fill).length,
    room: elements[lit + 1].text,
    numbers: elements.flatMap(({ name, text }) => (name === 'text' && /^\d\d$/.test(text) ? [Number(text)] : [])),
    texts: elements.flatMap(({ name, text }) => (name === 'text' ? [text] : [])),
  };
}

describe('engineMap', () => {
  it.each([
    [0, 'lab'],
    [1, 'kernels'],
    [2, 'graph'],
    [3, 'graph'],
    [4, 'graph'],
    [5, 'workers'],
    [6, 'storage'],
    [9, 'quantize'],
    [14, 'server'],
    [15, 'engine'],
  ])('lights one room on day %i: %s', (day, room) => {
    const map = read(engineMap(day));
    expect(map.rooms).toBe(1);
    expect(map.room).toBe(room);
  });

  it('has a place for each of the sixteen days, once', () => {
    expect(read(engineMap(7)).numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, day) => day));
  });

  it('has a room for every folder of src/', () => {
    const src = fileURLToPath(new URL('../../../src', import.meta.url));
    const folders = readdirSync(src).filter((name) => statSync(`${src}/${name}`).isDirectory());
    expect(folders).toEqual(expect.arrayContaining(['core', 'kernels', 'graph', 'workers', 'lab']));
    expect(read(engineMap(0)).texts).toEqual(expect.arrayContaining(folders));
  });

  it('knows no other days', () => {
    for (const day of [-1, 16, 1.5, Number.NaN]) expect(() => engineMap(day)).toThrow(ParameterError);
  });
});
