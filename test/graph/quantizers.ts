/** Every kind of quantizer that an index walks on, trained on the rows that a test brings. */
import type { Metric } from '../../src/core/metric.ts';
import { ProductQuantizer } from '../../src/quantize/product.ts';
import type { Quantizer } from '../../src/quantize/quantizer.ts';
import { RabitqQuantizer } from '../../src/quantize/rabitq.ts';
import { ScalarQuantizer } from '../../src/quantize/scalar.ts';

/** What trains each on `data`, rows of the dimension, a multiple of four; the metrics that it knows. */
export interface Kind {
  metrics: readonly Metric[];
  train(data: Float32Array, dimension: number, metric: Metric): Quantizer | Promise<Quantizer>;
}

const ALL = ['l2', 'dot', 'cosine', 'manhattan'] as const;
const PRODUCTS = ['l2', 'dot', 'cosine'] as const;

function scalar(options: { bits?: 7 | 8; ranges?: 'vector' | 'dimension' }): Kind {
  const train: Kind['train'] = (data, dimension, metric) => {
    return ScalarQuantizer.train(matrixOf(data, dimension), { ...options, metric });
  };
  return { metrics: ALL, train };
}

function rabitq(bits: number): Kind {
  const train: Kind['train'] = (data, dimension, metric) => {
    return RabitqQuantizer.train(matrixOf(data, dimension), { bits, metric, seed: 5 });
  };
  return { metrics: PRODUCTS, train };
}

function product(options: { bits?: number; opq?: boolean; residual?: { centroids: number } }): Kind {
  const train: Kind['train'] = (data, dimension, metric) => {
    const m = options.bits === 4 ? dimension / 2 : dimension / 4;
    return ProductQuantizer.train(matrixOf(data, dimension), { ...options, metric, m, seed: 5, iterations: 4 });
  };
  return { metrics: PRODUCTS, train };
}

export const KINDS = {
  'sq8 by vector': scalar({}),
  'sq8 by dimension': scalar({ ranges: 'dimension' }),
  'sq7 by vector': scalar({ bits: 7 }),
  rabitq1: rabitq(1),
  rabitq2: rabitq(2),
  rabitq4: rabitq(4),
  rabitq8: rabitq(8),
  pq: product({}),
  'pq of 4 bits': product({ bits: 4 }),
  opq: product({ opq: true }),
  'pq of residuals': product({ residual: { centroids: 6 } }),
} satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;

/** Each kind with each metric that it knows. */
export const CASES = (Object.keys(KINDS) as KindName[]).flatMap((name) => {
  return KINDS[name].metrics.map((metric: Metric) => ({ name, metric }));
});

function matrixOf(data: Float32Array, dimension: number) {
  return { data, rows: data.length / dimension, dimension };
}
