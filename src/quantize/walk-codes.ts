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

/** The shape alone, of a value that may be anything. Throws ParameterError where that is no shape of codes for such vectors. */
export function checkCodeShape(value: unknown, { dimension, metric }: Space): CodeShape {
  const shape = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
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
  if (known) return onlyShape(shape as CodeShape);
  const want = `f32, sq7, or a quantizer of ${dimension}-D vectors under ${metric}`;
  throw new ParameterError({ parameter: 'codes', got: told(shape), want });
}

/** Without whatever else may be written there. */
function onlyShape(shape: CodeShape): CodeShape {
  switch (shape.kind) {
    case 'scalar':
      return { kind: shape.kind, bits: shape.bits, ranges: shape.ranges };
    case 'rabitq':
      return { kind: shape.kind, bits: shape.bits, epsilon0: shape.epsilon0 };
    case 'product': {
      const { kind, m, bits, opq, centroids } = shape;
      return { kind, m, bits, opq, centroids };
    }
  }
}

/** What may be anything, in a few words. */
function told(shape: Record<string, unknown>): string {
  const words = NAMES.filter((name) => name in shape).map((name) => {
    const value = shape[name];
    return `${name} ${typeof value === 'object' ? typeof value : String(value).slice(0, 20)}`;
  });
  return words.length > 0 ? `an object with ${words.join(', ')}` : 'an object that is no quantizer';
}

const NAMES = ['kind', 'bits', 'ranges', 'epsilon0', 'm', 'opq', 'centroids'];

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
