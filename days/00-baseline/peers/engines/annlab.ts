/**
 * annlab itself, at its defaults, measured by the same means as everybody else: by gamma where the metric has lengths, and by the
 * width of its beam too, which is the knob that the others have.
 */

import { HNSW_DEFAULTS } from '../../../../src/graph/hnsw-options.ts';
import { buildHnsw, searchedBy } from '../../../../src/lab/build.ts';
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
      const metric = space === 'dot' ? 'dot' : 'l2';
      const { hnsw, stats, knob, search } = await buildHnsw({ base, metric, codes, M, efConstruction, onProgress });
      const beam = { index: 'annlab', codes, ...searchedBy(hnsw, 'efSearch') };
      return {
        searchers:
          knob === 'gamma'
            ? [
                { index: 'annlab', codes, knob, search },
                { ...beam, by: 'efSearch' },
              ]
            : [beam],
        ownBytes: { total: stats.ramBytes.total, walk: stats.walkBytes },
      };
    },
  };
}
