/**
 * zvec: a vector database in the process, with HNSW on f32, on 8-bit codes and on RaBitQ codes. The coded ones are searched
 * with its refiner, which re-ranks on the f32 vectors, and without. Synchronous queries, no fields in the answer.
 *
 * Two collections of different codes in one process spoil each other (0.7.0: INT8 after f32 finds nothing, f32 after INT8 neither).
 */
import { join } from 'node:path';
import { row } from '../../../../src/core/matrix.ts';
import { COMMON, loadPackage, type Peer, type PeerSettings } from './peer.ts';

export const zvecF32 = zvec('f32');
export const zvecInt8 = zvec('int8');
export const zvecRabitq = zvec('rabitq');

type Codes = 'f32' | 'int8' | 'rabitq';

function zvec(codes: Codes): Peer {
  return {
    name: `zvec-${codes}`,
    package: '@zvec/zvec',
    defaults: COMMON,
    threads: 'queryThreads = 1, optimizeThreads = 1, optimize with concurrency = 1, querySync',

    async build(base, settings, onProgress) {
      const library = (await loadPackage<{ default: Zvec }>('@zvec/zvec')).default;
      library.ZVecInitialize({ logLevel: library.ZVecLogLevel.ERROR, queryThreads: 1, optimizeThreads: 1 });
      const path = join(settings.folder, 'zvec');
      const building = library.ZVecCreateAndOpen(path, schemaOf(library, base.dimension, codes, settings));
      for (let from = 0; from < base.rows; from += 1000) {
        const to = Math.min(from + 1000, base.rows);
        const documents = Array.from({ length: to - from }, (_, i) => ({
          id: String(from + i),
          vectors: { vector: row(base, from + i) },
        }));
        const failed = building.insertSync(documents).find(({ ok }) => !ok);
        if (failed) throw new Error(`zvec, inserting ${from} … ${to}: ${failed.message}`);
        onProgress(to, base.rows);
      }
      await building.optimize({ concurrency: 1 });
      building.closeSync();
      // Opened again to read only, queries are a little faster.
      const collection = library.ZVecOpen(path, { readOnly: true });
      const indexType = indexTypeOf(library, codes);
      return {
        searchers: (codes === 'f32' ? [false] : [false, true]).map((isUsingRefiner) => ({
          index: 'zvec',
          codes: isUsingRefiner ? `${codes}+refiner` : codes,
          search(query, k, ef) {
            const params = { indexType, ef, isUsingRefiner };
            const wanted = { fieldName: 'vector', vector: query, topk: k, outputFields: [], params } as const;
            return { ids: collection.querySync(wanted).map(({ id }) => Number(id)) };
          },
        })),
        close: () => collection.closeSync(),
      };
    },
  };
}

interface Zvec {
  ZVecInitialize(options: { logLevel: number; queryThreads: number; optimizeThreads: number }): void;
  ZVecCollectionSchema: new (schema: {
    name: string;
    vectors: { name: string; dataType: number; dimension: number; indexParams: object };
  }) => object;
  ZVecCreateAndOpen(path: string, schema: object): Collection;
  ZVecOpen(path: string, options: { readOnly: boolean }): Collection;
  ZVecDataType: { VECTOR_FP32: number };
  ZVecIndexType: { HNSW: number; HNSW_RABITQ: number };
  ZVecMetricType: { L2: number; IP: number };
  ZVecQuantizeType: { UNDEFINED: number; INT8: number };
  ZVecLogLevel: { ERROR: number };
}

interface Collection {
  insertSync(documents: { id: string; vectors: { vector: Float32Array } }[]): { ok: boolean; message: string }[];
  optimize(options: { concurrency: number }): Promise<void>;
  querySync(query: {
    fieldName: 'vector';
    vector: Float32Array;
    topk: number;
    outputFields: readonly string[];
    params: { indexType: number; ef: number; isUsingRefiner: boolean };
  }): { id: string }[];
  closeSync(): void;
}

function schemaOf(library: Zvec, dimension: number, codes: Codes, { M, efConstruction, space }: PeerSettings): object {
  const { ZVecMetricType, ZVecQuantizeType, ZVecDataType } = library;
  const metricType = ZVecMetricType[space === 'l2' ? 'L2' : 'IP'];
  const graph = { indexType: indexTypeOf(library, codes), metricType, m: M, efConstruction };
  const indexParams = {
    f32: { ...graph, useContiguousMemory: true },
    int8: { ...graph, useContiguousMemory: true, quantizeType: ZVecQuantizeType.INT8 },
    rabitq: graph,
  }[codes];
  const vectors = { name: 'vector', dataType: ZVecDataType.VECTOR_FP32, dimension, indexParams };
  return new library.ZVecCollectionSchema({ name: 'bench', vectors });
}

function indexTypeOf({ ZVecIndexType }: Zvec, codes: Codes): number {
  return codes === 'rabitq' ? ZVecIndexType.HNSW_RABITQ : ZVecIndexType.HNSW;
}
