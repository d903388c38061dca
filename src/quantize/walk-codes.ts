/**
 * Codes of quantizers as an index holds them, in its own memory: how many bytes they and what they share take, and which kernels
 * read them there. What threads are told is a shape, which goes to workers and through JSON unchanged.
 */
import { ParameterError } from '../core/errors.ts';
import type { Metric } from '../core/metric.ts';
import { METRIC_CODES } from '../kernels/vectors.ts';
import type { Kernels } from '../kernels/wasm.ts';
import { MOST_CENTROIDS } from './product-file.ts';
import { type ProductShape, productLayout } from './product-layout.ts';
import { rabitqCodeBytes, rabitqModelBytes, rabitqScratchBytes } from './rabitq.ts';
import { scalarForm, sq8CodeBytes, sq8ModelBytes, sq8ScratchBytes } from './scalar.ts';

/** All that decides how codes lie in memory, besides the vectors' dimension and metric. */
export type CodeShape =
  | { kind: 'scalar'; bits: 7 | 8; ranges: 'vector' | 'dimension' }
  | { kind: 'rabitq'; bits: number; epsilon0: number }
  | { kind: 'product'; m: number; bits: 4 | 8; opq: boolean; centroids: number };

/** Throws ParameterError where the value, which may be anything, is no shape of codes for such vectors. */
export function checkCodeShape(value: unknown, { dimension, metric }: Space): CodeShape {
  const shape = value as Record<string, unknown>;
  const integer = (name: string, least: number, most: number) =>
    Number.isInteger(shape[name]) && (shape[name] as number) >= least && (shape[name] as number) <= most;
  const known =
    shape.kind === 'scalar'
      ? integer('bits', 7, 8) && (shape.ranges === 'vector' || (shape.ranges === 'dimension' && shape.bits === 8))
      : shape.kind === 'rabitq'
        ? integer('bits', 1, 8) &&
          typeof shape.epsilon0 === 'number' &&
          shape.epsilon0 > 0 &&
          shape.epsilon0 <= 100 &&
          metric !== 'manhattan'
        : shape.kind === 'product' &&
          integer('m', 1, dimension) &&
          dimension % (shape.m as number) === 0 &&
          (shape.bits === 4 || shape.bits === 8) &&
          typeof shape.opq === 'boolean' &&
          integer('centroids', 0, MOST_CENTROIDS) &&
          metric !== 'manhattan';
  if (known) return shape as CodeShape;
  const want = `the shape of a quantizer of ${dimension}-D vectors under ${metric}`;
  throw new ParameterError({ parameter: 'codes', got: JSON.stringify(value), want });
}

export interface CodeLayout {
  /** Bytes of one code, of what all threads read, and of what each thread scribbles on. */
  codeBytes: number;
  modelBytes: number;
  scratchBytes: number;
}

interface Space {
  dimension: number;
  metric: Metric;
}

export function codeLayout(shape: CodeShape, { dimension, metric }: Space): CodeLayout {
  switch (shape.kind) {
    case 'scalar':
      return {
        codeBytes: sq8CodeBytes(dimension),
        modelBytes: sq8ModelBytes(dimension, shape.ranges),
        scratchBytes: sq8ScratchBytes(dimension),
      };
    case 'rabitq':
      return {
        codeBytes: rabitqCodeBytes(dimension, shape.bits),
        modelBytes: rabitqModelBytes(dimension),
        scratchBytes: rabitqScratchBytes(dimension),
      };
    case 'product':
      return productLayout(productShape(shape, { dimension, metric }));
  }
}

/** Points a thread's kernels at the model and the scratch; what the model holds is read here already. */
export function configureCodes(
  kernels: Kernels,
  shape: CodeShape,
  { dimension, metric }: Space,
  at: { model: number; scratch: number },
): void {
  const { model, scratch } = at;
  const code = METRIC_CODES[metric];
  if (shape.kind === 'scalar') kernels.configureSq8(dimension, code, scalarForm(shape), model, scratch);
  else if (shape.kind === 'rabitq') {
    kernels.configureRabitq(dimension, code, shape.bits, shape.epsilon0, model, scratch);
  } else {
    const { m, bits, opq, centroids } = shape;
    kernels.configureProduct(dimension, code, m, bits, opq, centroids, model, scratch);
  }
}

/** What curves and tables call them: sq8, pq64, rabitq4, … */
export function codesName(shape: CodeShape): string {
  switch (shape.kind) {
    case 'scalar':
      return `sq${shape.bits}${shape.ranges === 'dimension' ? ' by dimension' : ' by vector'}`;
    case 'rabitq':
      return `rabitq${shape.bits}`;
    case 'product':
      return `${shape.opq ? 'opq' : 'pq'}${shape.m}${shape.bits === 4 ? 'x4' : ''}${shape.centroids > 0 ? ` + ${shape.centroids} coarse` : ''}`;
  }
}

function productShape(shape: Extract<CodeShape, { kind: 'product' }>, { dimension, metric }: Space): ProductShape {
  if (metric === 'manhattan') {
    const want = 'l2, dot or cosine: sums of absolute differences are not to be had from codebooks';
    throw new ParameterError({ parameter: 'metric', got: metric, want });
  }
  return { ...shape, dimension, metric };
}
