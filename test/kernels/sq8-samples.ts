/** The kernels of 8-bit scalar codes set up with random ranges, and vectors as they are taken in. */
import fc from 'fast-check';
import { METRICS, type Metric } from '../../src/core/metric.ts';
import * as scalar from '../../src/kernels/scalar.ts';
import { METRIC_CODES } from '../../src/kernels/vectors.ts';
import { type Build, PAGE_BYTES } from '../../src/kernels/wasm.ts';
import { Isolated } from './isolated.ts';
import { type Sample, samples, vectorOf } from './samples.ts';

export const FORMS = { vector8: 0, dimension8: 1, vector7: 2 };
export type Form = keyof typeof FORMS;
export const forms = fc.constantFrom(...(Object.keys(FORMS) as Form[]));
export const metrics = fc.constantFrom(...METRICS);
export const dimensions = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 2048 }));
export const six = fc.array(samples, { minLength: 6, maxLength: 6 });

export function padded(n: number): number {
  return Math.ceil(n / 16) * 16;
}

/** Bytes of a model, from the ranges that the dimensions have in `rows`; every third is narrower, so that there is clipping. */
export function rangesOf(rows: Float32Array[]): scalar.Sq8Ranges {
  const lows = rows[0].map((_, j) => Math.min(...rows.map((row) => row[j])));
  const highs = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j])));
  return {
    mids: lows.map((low, j) => low / 2 + highs[j] / 2),
    steps: lows.map((low, j) => (highs[j] - low) / (j % 3 === 2 ? 400 : 254)),
  };
}

function modelOf({ mids, steps }: scalar.Sq8Ranges): Float32Array {
  const size = padded(mids.length);
  const model = new Float32Array(3 * size);
  model.set(mids);
  model.set(steps, size);
  model.set(
    steps.map((step) => (step > 0 ? Math.min(Math.fround(1 / step), (2 - 2 ** -23) * 2 ** 127) : 0)),
    2 * size,
  );
  return model;
}

/** A memory with the kernel set up in it, and codes encoded there. */
export class Coded {
  readonly memory: Isolated;

  constructor(build: Build) {
    this.memory = new Isolated(build, 8 * PAGE_BYTES);
  }

  configure(n: number, metric: Metric, form: Form, ranges: scalar.Sq8Ranges, gap = 4): void {
    const model = this.memory.clear().put(modelOf(ranges), gap);
    const scratch = this.memory.room(15 * padded(n) + 16, gap);
    this.memory.kernels.configureSq8(n, METRIC_CODES[metric], FORMS[form], model, scratch);
  }

  /** The addresses of the codes, one behind the other. */
  encode(rows: Float32Array[], gap = 4): number[] {
    const bytes = padded(rows[0].length) + 16;
    const at = this.memory.room(rows.length * bytes, gap);
    return rows.map((row, i) => {
      const x = this.memory.put(row, gap);
      this.memory.call((kernels) => kernels.encodeSq8(x, at + i * bytes), { at: at + i * bytes, bytes });
      return at + i * bytes;
    });
  }
}

/** Vectors as they are taken in: no zeros and of length 1 under cosine. */
export function rowsOf(n: number, kinds: Sample[], metric: Metric): Float32Array[] {
  return kinds.map((sample) => {
    const x = vectorOf(n, sample);
    if (metric !== 'cosine') return x;
    const norm2 = scalar.norm2(x);
    if (norm2 > 0) scalar.scale(x, 1 / Math.sqrt(norm2));
    else x[0] = 1;
    return x;
  });
}

/** Exactly, in f64; under cosine the f32 components need not be of length 1 to the last bit. */
export function exact(a: Float32Array, b: Float32Array, metric: Metric): number {
  if (metric === 'l2') return scalar.l2(a, b);
  if (metric === 'manhattan') return scalar.manhattan(a, b);
  if (metric === 'dot') return -scalar.dot(a, b);
  return 1 - scalar.dot(a, b) / Math.sqrt(scalar.norm2(a) * scalar.norm2(b));
}
