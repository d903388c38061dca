/**
 * hnswlib (hnswlib-node): the paper's authors' own HNSW on f32, compiled here for this machine's instructions. The binding
 * takes vectors as JavaScript arrays and reads them element by element, some 50 ns each, which no caller can avoid.
 */
import { row } from '../../../../src/core/matrix.ts';
import { COMMON, loadPackage, type Peer, Prepared } from './peer.ts';

export const hnswlib: Peer = {
  name: 'hnswlib',
  package: 'hnswlib-node',
  defaults: COMMON,
  threads: 'addPoint and searchKnn run on the calling thread',

  async build(base, { M, efConstruction, space }, onProgress) {
    const { HierarchicalNSW } = (await loadPackage<HnswlibNode>('hnswlib-node')).default;
    const index = new HierarchicalNSW(space === 'l2' ? 'l2' : 'ip', base.dimension);
    index.initIndex({ maxElements: base.rows, m: M, efConstruction, randomSeed: SEED });
    for (let i = 0; i < base.rows; i++) {
      index.addPoint(Array.from(row(base, i)), i);
      if (i % 1000 === 0) onProgress(i, base.rows);
    }
    const arrays = new Prepared((query) => Array.from(query));
    let ef = 0;
    return {
      searchers: [
        {
          index: 'hnswlib',
          codes: 'f32',
          prepare: (queries) => arrays.prepare(queries),
          search(query, k, efSearch) {
            if (efSearch !== ef) index.setEf(efSearch);
            ef = efSearch;
            return { ids: index.searchKnn(arrays.of(query), k).neighbors };
          },
        },
      ],
    };
  },
};

const SEED = 1;

interface HnswlibNode {
  default: {
    HierarchicalNSW: new (
      space: 'l2' | 'ip',
      dimension: number,
    ) => {
      initIndex(options: { maxElements: number; m: number; efConstruction: number; randomSeed: number }): void;
      addPoint(point: number[], label: number): void;
      setEf(ef: number): void;
      searchKnn(query: number[], k: number): { neighbors: number[] };
    };
  };
}
