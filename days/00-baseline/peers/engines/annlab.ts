/**
 * annlab itself, at its defaults, measured by the same means as everybody else: by gamma where the metric has lengths, and by the
 * width of its beam too, which is the knob that the others have. Its Vamana is given the degree and the beam that an HNSW of the
 * same settings has: R = 2 M, and L = efConstruction.
 */

import { HNSW_DEFAULTS } from '../../../../src/graph/hnsw-options.ts';
import { VAMANA_DEFAULTS } from '../../../../src/graph/vamana-options.ts';
import {
  type BuildOptions,
  buildHnsw,
  buildVamana,
  type GraphSearcher,
  searchedBy,
} from '../../../../src/lab/build.ts';
import type { Peer, PeerSettings } from './peer.ts';

type Codes = 'sq7' | 'f32';
type Settings = Pick<PeerSettings, 'M' | 'efConstruction'>;

interface Graph {
  /** What it is called here. */
  index: string;
  defaults: Settings;
  build(options: BuildOptions & Settings & { codes: Codes }): Promise<GraphSearcher>;
}

const hnsw: Graph = {
  index: 'annlab',
  defaults: { M: HNSW_DEFAULTS.M, efConstruction: HNSW_DEFAULTS.efConstruction },
  build: buildHnsw,
};
const vamana: Graph = {
  index: 'annlab-vamana',
  defaults: { M: Math.ceil(VAMANA_DEFAULTS.R / 2), efConstruction: VAMANA_DEFAULTS.L },
  build: ({ M, efConstruction, ...options }) =>
    buildVamana({ ...options, R: 2 * M, L: Math.max(2 * M, efConstruction) }),
};

export const annlabSq7 = annlab(hnsw, 'sq7');
export const annlabF32 = annlab(hnsw, 'f32');
export const annlabVamanaSq7 = annlab(vamana, 'sq7');
export const annlabVamanaF32 = annlab(vamana, 'f32');

function annlab({ index, defaults, build }: Graph, codes: Codes): Peer {
  return {
    name: `${index}-${codes}`,
    package: null,
    defaults,
    threads: 'add and search run on the calling thread',

    async build(base, { M, efConstruction, space }, onProgress) {
      const metric = space === 'dot' ? 'dot' : 'l2';
      const { graph, stats, knob, search } = await build({ base, metric, codes, M, efConstruction, onProgress });
      const beam = { index, codes, ...searchedBy(graph, 'efSearch') };
      return {
        searchers:
          knob === 'gamma'
            ? [
                { index, codes, knob, search },
                { ...beam, by: 'efSearch' },
              ]
            : [beam],
        ownBytes: { total: stats.ramBytes.total, walk: stats.walkBytes },
      };
    },
  };
}
