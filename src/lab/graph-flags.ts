/** What the commands that build a graph ask of it: the flags of each kind, and what is said where one of another kind is given. */
import { UsageError } from '../core/errors.ts';
import type { GraphKind } from '../graph/graph-options.ts';
import { HNSW_DEFAULTS, type HnswOptions } from '../graph/hnsw-options.ts';
import { VAMANA_DEFAULTS, type VamanaOptions } from '../graph/vamana-options.ts';
import { type CommandLine, type Flag, integerFlag, numberFlag } from './command.ts';

export const GRAPH_NAMES = ['hnsw', 'vamana'] as const satisfies readonly GraphKind[];

export const GRAPH_FLAGS: Record<GraphKind, Record<string, Flag>> = {
  hnsw: {
    m: { value: '<n>', help: `hnsw: M, neighbours given to a node on each level; default ${HNSW_DEFAULTS.M}` },
    'ef-construction': {
      value: '<n>',
      help: `hnsw: width of the beam while building; default ${HNSW_DEFAULTS.efConstruction}`,
    },
  },
  vamana: {
    r: { value: '<n>', help: `vamana: R, links that pruning leaves a node; default ${VAMANA_DEFAULTS.R}` },
    l: { value: '<n>', help: `vamana: L, width of the beam while building, from R; default ${VAMANA_DEFAULTS.L}` },
    alpha: { value: '<x>', help: 'vamana: α, from 1 to 2: more keeps more long edges' },
    passes: {
      value: '<n>',
      help: `vamana: how often it goes over all nodes, 1 or 2; default ${VAMANA_DEFAULTS.passes}`,
    },
    saturate: { help: 'vamana: fill lists up to R with the nearest that pruning dropped' },
  },
};

export interface GraphParameters {
  hnsw: Required<Pick<HnswOptions, 'M' | 'efConstruction'>>;
  vamana: Required<Pick<VamanaOptions, 'R' | 'L'>> & Pick<VamanaOptions, 'alpha' | 'passes' | 'saturate'>;
}

/** What the flags say of the graphs that are built. Throws UsageError, for a flag of another graph too. */
export function graphParameters<Kind extends GraphKind>(
  line: CommandLine,
  kinds: readonly Kind[],
): Pick<GraphParameters, Kind> {
  for (const kind of GRAPH_NAMES) {
    if ((kinds as readonly GraphKind[]).includes(kind)) continue;
    const idle = Object.keys(GRAPH_FLAGS[kind]).find((name) => line.values[name] !== undefined);
    if (idle !== undefined)
      throw new UsageError(`--${idle}: that flag goes with --index ${kind}, and this is ${kinds.join(', ')}`);
  }
  const read = { hnsw: hnswParameters, vamana: vamanaParameters };
  return Object.fromEntries(kinds.map((kind) => [kind, read[kind](line)])) as Pick<GraphParameters, Kind>;
}

function hnswParameters(line: CommandLine): GraphParameters['hnsw'] {
  const M = integerFlag(line, 'm', { min: 2, max: 256 }) ?? HNSW_DEFAULTS.M;
  const efConstruction = integerFlag(line, 'ef-construction', { min: M, least: '--m', max: 65_536 });
  return { M, efConstruction: efConstruction ?? Math.max(HNSW_DEFAULTS.efConstruction, M) };
}

function vamanaParameters(line: CommandLine): GraphParameters['vamana'] {
  const R = integerFlag(line, 'r', { min: 2, max: 256 }) ?? VAMANA_DEFAULTS.R;
  const L = integerFlag(line, 'l', { min: R, least: '--r', max: 65_536 }) ?? Math.max(VAMANA_DEFAULTS.L, R);
  const alpha = numberFlag(line, 'alpha', { min: 1, max: 2 });
  const passes = integerFlag(line, 'passes', { min: 1, max: 2 }) as 1 | 2 | undefined;
  return {
    ...{ R, L },
    ...(alpha !== undefined && { alpha }),
    ...(passes !== undefined && { passes }),
    ...(line.values.saturate && { saturate: true }),
  };
}
