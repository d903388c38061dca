/** What dotAdd does to sixteen codes, drawn to scale: bytes, pairs of 16 bits, sums of 32. */
import { type StripPart, stripsFigure } from 'annlab/lab';

const WORDS = ['x: sixteen codes', 'y: sixteen codes', 'relaxed_dot: pairs', 'dot with ones'];

/** `x` and `y` have sixteen codes each. */
export function dotFigure(x: Uint8Array, y: Uint8Array, title: string): string {
  const products = Array.from(x, (c, i) => c * y[i]);
  const pairs = Array.from({ length: 8 }, (_, i) => products[2 * i] + products[2 * i + 1]);
  const quads = Array.from({ length: 4 }, (_, i) => pairs[2 * i] + pairs[2 * i + 1]);
  const rows = [Array.from(x), Array.from(y), pairs, quads];
  const notes = ['8 bits each', '8 bits each', '16 bits each', '32 bits each'];
  return stripsFigure(
    rows.map((values, row) => ({
      label: WORDS[row],
      note: notes[row],
      parts: values.map(
        (value): StripPart => ({
          ...{ size: 16 / values.length, text: String(value) },
          ...(row < 2 ? { color: row } : { color: row, lit: true }),
        }),
      ),
    })),
    { title, subtitle: '128 bits a row; below a box is what its numbers went into', width: 760 },
  );
}
