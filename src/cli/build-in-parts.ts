/** `annlab build --memory`: a Vamana of vectors in a file, built part by part within so much memory. */
import { performance } from 'node:perf_hooks';
import { buildPartitioned, type PartitionedPhase } from '../engine/partitioned-build.ts';
import type { VamanaOptions } from '../graph/vamana-options.ts';
import { formatBytes, formatCount, formatSeconds } from '../lab/format.ts';
import { withRowSource } from '../lab/formats/row-source.ts';
import { withProgress } from '../lab/progress.ts';

export interface PartsOptions {
  /** Vectors that can be read in any order: no .gz and no .hdf5. */
  file: string;
  /** The first so many vectors; default: all. */
  rows?: number;
  out: string;
  memoryBytes: number;
  threads: number;
  index: Omit<VamanaOptions, 'dimension' | 'threads'>;
}

/** Where on the way each phase begins, by the time that it takes. */
const BEGINS: Record<PartitionedPhase | 'done', number> = {
  reading: 0,
  clustering: 0.02,
  assigning: 0.05,
  linking: 0.1,
  merging: 0.85,
  writing: 0.97,
  done: 1,
};

export function buildInParts(options: PartsOptions, say: (text: string) => void): Promise<void> {
  const { file, rows, out, memoryBytes, threads, index } = options;
  const build = async (source: Parameters<typeof buildPartitioned>[0]) => {
    say(`${file}: ${formatCount(source.rows)} vectors of ${source.dimension} dimensions`);
    const began = performance.now();
    const built = await withProgress('building in parts', 'vectors', (onProgress) =>
      buildPartitioned(source, out, {
        ...{ memoryBytes, threads, index },
        onProgress: (phase, done, total) => {
          const names = Object.keys(BEGINS) as (keyof typeof BEGINS)[];
          const ends = BEGINS[names[names.indexOf(phase) + 1]];
          const share = BEGINS[phase] + (ends - BEGINS[phase]) * (total > 0 ? done / total : 1);
          onProgress(Math.floor(share * source.rows), source.rows);
        },
      }),
    );
    const { length } = built.shards;
    const parts = `${length === 1 ? 'one part' : `${length} parts`} within ${formatBytes(memoryBytes)}`;
    say(`built in ${formatSeconds((performance.now() - began) / 1000)} in ${parts}: ${formatBytes(built.bytes)}`);
    say(`${out}: not calibrated, and in the order of its vectors: both takes an index that is in memory`);
  };
  return withRowSource(file, build, { ...(rows !== undefined && { maxRows: rows }) });
}
