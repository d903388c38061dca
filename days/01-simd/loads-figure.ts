/** What one query against four vectors reads, in order: the day's trace (`Simd.trace`), drawn. */
import { lineFigure } from 'annlab/lab';
import type { Access } from './simd.ts';

/** One load: of which vector (0 is the query), and its first component. */
export interface Load {
  vector: number;
  component: number;
}

/** The loads of l2 called once for each vector: `a` is the query then, and `b` the vector whose turn it is. */
export function inCalls(traces: readonly (readonly Access[])[]): Load[] {
  return traces.flatMap((accesses, call) =>
    accesses.map(({ operand, component }) => ({ vector: operand === 'a' ? 0 : call + 1, component })),
  );
}

/** The loads of one call of l2x4. */
export function inOneCall(accesses: readonly Access[]): Load[] {
  return accesses
    .filter(({ kind }) => kind === 'load')
    .map(({ operand, component }) => ({ vector: OPERANDS.indexOf(operand), component }));
}

/** Time to the right, load by load; upwards what is read, the vectors of `n` components lying one above the other. */
export function loadsFigure(title: string, n: number, loads: readonly Load[]): string {
  const points = loads.map(({ vector, component }, x) => ({ vector, x, y: vector * n + component }));
  return lineFigure({
    title,
    subtitle: `${loads.length} loads; ${n} components a vector`,
    x: { label: 'Load →', scale: 'linear' },
    y: { label: '↑ Component, the vectors above one another', scale: 'linear' },
    series: OPERANDS.map((operand, vector) => ({
      label: vector === 0 ? 'query' : operand,
      points: points.filter((point) => point.vector === vector),
    })),
    height: 340,
  });
}

const OPERANDS = ['q', 'a', 'b', 'c', 'd'];
