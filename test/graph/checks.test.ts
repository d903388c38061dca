import { describe, expect, it } from 'vitest';
import { AnnError, ParameterError } from '../../src/core/errors.ts';
import { Flat } from '../../src/graph/flat.ts';
import { Hnsw } from '../../src/graph/hnsw.ts';
import { Vamana } from '../../src/graph/vamana.ts';

/** As a caller in JavaScript may do it, whom no type holds back. */
type Loose = {
  create(options?: unknown): { add(vector: unknown): void; search(query: Float32Array, options?: unknown): unknown };
};
const KINDS = { Flat, Hnsw, Vamana } as unknown as Record<string, Loose>;

describe.each(Object.entries(KINDS))('what a %s says to a caller without types', (_, kind) => {
  it.each([undefined, null, 768])('who gives %s in place of options', (options) => {
    expect(() => kind.create(options)).toThrow(ParameterError);
    expect(() => kind.create(options)).toThrow(`options = ${options}: an object, such as { dimension: 768 }`);
    const index = kind.create({ dimension: 2, capacity: 10 });
    expect(() => index.search(new Float32Array(2), options)).toThrow(ParameterError);
    expect(() => index.search(new Float32Array(2), options)).toThrow(
      `options = ${options}: an object, such as { k: 10 }`,
    );
  });

  it.each([
    [[1, 2], 'Array'],
    [Float64Array.of(1, 2), 'Float64Array'],
    [undefined, 'undefined'],
    [Object.create(null), 'object'],
  ])('who adds %s', (vector, name) => {
    const index = kind.create({ dimension: 2, capacity: 10 });
    expect(() => index.add(vector)).toThrow(AnnError);
    expect(() => index.add(vector)).toThrow(`vector = ${name}: a Float32Array`);
  });
});

describe('the options of a graph', () => {
  it('count as left out where they are undefined', () => {
    const options = { dimension: 2, metric: undefined, capacity: undefined, seed: undefined, filter: undefined };
    const made = (index: Hnsw | Vamana) => index.image().meta.options;
    expect(made(Hnsw.create({ ...options, M: undefined, alpha: undefined } as never))).toEqual(
      made(Hnsw.create({ dimension: 2 })),
    );
    expect(made(Vamana.create({ ...options, R: undefined, L: undefined } as never))).toEqual(
      made(Vamana.create({ dimension: 2 })),
    );
  });

  it('are refused where they are misspelt, or of another graph, rather than ignored', () => {
    const refused = (create: () => unknown, message: RegExp) => {
      expect(create).toThrow(ParameterError);
      expect(create).toThrow(message);
    };
    refused(
      () => Vamana.create({ dimension: 2, M: 8 } as never),
      /^M = 8: no option of a Vamana, which has .*\bR, L\b/,
    );
    refused(() => Hnsw.create({ dimension: 2, R: 8 } as never), /^R = 8: no option of an Hnsw, which has .*\bM\b/);
    refused(() => Hnsw.create({ dimension: 2, capcity: 8 } as never), /^capcity = 8: no option.*\bcapacity\b/);
  });
});
