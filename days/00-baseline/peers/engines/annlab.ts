/** annlab itself, at its defaults, measured by the same means as everybody else. */

import { HNSW_DEFAULTS } from '../../../../src/graph/hnsw-options.ts';
import { buildHnsw } from '../../../../src/lab/build.ts';
import type { Peer } from './peer.ts';

export const annlabSq7 = annlab('sq7');
export const annlabF32 = annlab('f32');

function annlab(codes: 'sq7' | 'f32'): Peer {
  return {
    name: `annlab-${codes}`,
    package: null,
    defaults: { M: HNSW_DEFAULTS.M, efConstruction: HNSW_DEFAULTS.efConstruction },
    threads: 'add and search run on the calling thread',

    async build(base, { M, efConstruction, space }, onProgress) {
      const metric = space === 'l2' ? 'l2' : 'dot';
      const { stats, search } = await buildHnsw({ base, metric, codes, M, efConstruction, onProgress });
      return {
        searchers: [{ index: 'annlab', codes, search }],
        ownBytes: { total: stats.ramBytes.total, walk: stats.walkBytes },
      };
    },
  };
}
