/** The graphs that there are, by name: what must be known of each to read an index of it from a file. */

import type { Shape } from './graph-layout.ts';
import type { AllGraphOptions, Given, GraphKind } from './graph-options.ts';
import { levelOf } from './hnsw-levels.ts';
import { type AllHnswOptions, completeOptions, shapeOf } from './hnsw-options.ts';
import { type AllVamanaOptions, completeVamanaOptions, vamanaShapeOf } from './vamana-options.ts';

/** All options by the name of their graph. */
export interface OptionsOf extends Record<GraphKind, AllGraphOptions> {
  hnsw: AllHnswOptions;
  vamana: AllVamanaOptions;
}

interface Kind<Options extends AllGraphOptions> {
  /** Throws DimensionError or ParameterError. */
  complete(options: Given<Options>): Options;
  shapeOf(options: Options): Shape;
  levelOf(options: Options, slot: number): number;
  /** What each option is that a file must say. */
  optionKinds: Record<Exclude<keyof Options, 'threads'>, 'number' | 'string' | 'boolean'>;
}

const GRAPH_OPTION_KINDS = {
  dimension: 'number',
  metric: 'string',
  capacity: 'number',
  seed: 'number',
  codes: 'string',
  finer: 'string',
  filter: 'string',
  margin: 'number',
  buildMargin: 'number',
} as const;

export const GRAPH_KINDS: { [Name in GraphKind]: Kind<OptionsOf[Name]> } = {
  hnsw: {
    complete: completeOptions,
    shapeOf,
    levelOf: ({ seed, M }, slot) => levelOf(seed, slot, M),
    optionKinds: {
      ...GRAPH_OPTION_KINDS,
      M: 'number',
      efConstruction: 'number',
      alpha: 'number',
      extendCandidates: 'boolean',
      keepPruned: 'boolean',
    },
  },
  vamana: {
    complete: completeVamanaOptions,
    shapeOf: vamanaShapeOf,
    levelOf: () => 0,
    optionKinds: {
      ...GRAPH_OPTION_KINDS,
      R: 'number',
      L: 'number',
      alpha: 'number',
      passes: 'number',
      firstL: 'number',
      settle: 'boolean',
      saturate: 'boolean',
      steppedAlpha: 'boolean',
    },
  },
};
