/**
 * How the memory of a partitioned build is shared out, before any of it is taken: what every vector costs for good, its list of
 * links above all, and the rest for the room in which one shard after the other is built.
 */
import { ParameterError } from '../core/errors.ts';
import { checkInteger } from '../graph/checks.ts';
import { layoutOf, listWords } from '../graph/graph-layout.ts';
import { type AllVamanaOptions, vamanaShapeOf } from '../graph/vamana-options.ts';
import { walkSpaceOf } from '../graph/walk-space.ts';
import { reservedBytes } from '../kernels/memory.ts';
import { rowBytesOf } from '../kernels/vectors.ts';
import { COPIES } from './shard-homes.ts';

export interface PartitionPlan {
  /** The most vectors of a shard, and how many shards there are to begin with. */
  shardRows: number;
  shards: number;
  /** Vectors that the clusters are found on. */
  sampleRows: number;
  /** Vectors that are read at once. */
  blockRows: number;
  bytes: {
    /** The room that shards are built in. */
    room: number;
    /** The links of all vectors, and what else is noted of each. */
    links: number;
    /** The sample, twice: once for who has it and once for the k-means. */
    sample: number;
    /** What is read and written at a time. */
    buffers: number;
    total: number;
  };
}

/**
 * `options`: of the whole index; its threads have their scratch in the plan. `mostRows`: the most vectors that a shard may have
 * though there were room for more. Throws ParameterError where memoryBytes is too little, or mostRows.
 */
export function planPartition(
  rows: number,
  options: AllVamanaOptions,
  { memoryBytes, mostRows = rows }: { memoryBytes: number; mostRows?: number },
): PartitionPlan {
  checkInteger('shardRows', mostRows, Math.min(rows, leastRows(options)), 2 ** 31 - 1);
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < 1) {
    const want = 'how many bytes may be used, an integer of at least 1';
    throw new ParameterError({ parameter: 'memoryBytes', got: memoryBytes, want });
  }
  const planFor = (bytes: number) => planWithin(rows, options, bytes, mostRows);
  const plan = planFor(memoryBytes);
  if (plan) return plan;
  if (!planFor(Number.MAX_SAFE_INTEGER)) {
    const want = `at least ${Math.ceil((COPIES * UNEVENNESS * rows) / MOST_SHARDS)}: these make more than ${MOST_SHARDS} shards of ${rows} vectors`;
    throw new ParameterError({ parameter: 'shardRows', got: mostRows, want });
  }
  let enough = memoryBytes;
  while (!planFor(enough)) enough *= 2;
  for (let tooLittle = Math.floor(enough / 2); enough - tooLittle > 2 ** 16; ) {
    const middle = Math.floor((enough + tooLittle) / 2);
    if (planFor(middle)) enough = middle;
    else tooLittle = middle;
  }
  const { links } = costsOf(rows, options, enough);
  const want = `at least ${enough} (${Math.ceil(enough / 2 ** 20)} MiB) for ${rows} vectors of ${options.dimension} dimensions, ${links} of them for links: allow more, or take a lower R or smaller codes`;
  throw new ParameterError({ parameter: 'memoryBytes', got: memoryBytes, want });
}

/** A shard of fewer has too few neighbours to choose from. */
const LEAST_ROWS = 1024;
/** Shards are not equally large. */
const UNEVENNESS = 1.25;
/** The share of the memory that the sample takes, twice; and the least of it that says where a cluster is. */
const SAMPLE_SHARE = 1 / 12;
const LEAST_SAMPLED = 32;
const MOST_SAMPLED = 100_000;
/** More shards than that would have too few vectors each in the sample. */
const MOST_SHARDS = MOST_SAMPLED / LEAST_SAMPLED;
/** Read at once, unless that is more than this share of the memory; the file is written in pieces of no more. */
const MOST_BLOCK_BYTES = 2 * 2 ** 20;
const BLOCK_SHARE = 1 / 64;
const BUFFERS = 4;
/** Shards, places, order, and what the tree takes note of. */
const NOTED_BYTES = 40;

/** Where a list is pruned, the vectors of all that it is made of are in the room. */
function leastRows(options: AllVamanaOptions): number {
  return Math.max(LEAST_ROWS, 4 * listWords(vamanaShapeOf(options).mostLinks));
}

function planWithin(
  rows: number,
  options: AllVamanaOptions,
  memoryBytes: number,
  most: number,
): PartitionPlan | undefined {
  const { links, sample, buffers, blockRows, sampleRows } = costsOf(rows, options, memoryBytes);
  const rest = memoryBytes - links - sample - buffers;
  const shardRows = rowsThatFit(Math.min(rows, most), (capacity) => roomBytes({ ...options, capacity }) <= rest);
  if (shardRows < Math.min(rows, leastRows(options))) return undefined;
  const shards = shardRows >= rows ? 1 : Math.max(3, Math.ceil((COPIES * UNEVENNESS * rows) / shardRows));
  if (shards > MOST_SHARDS || sample / 2 > rest || sampleRows < Math.min(rows, shards * LEAST_SAMPLED))
    return undefined;
  const room = roomBytes({ ...options, capacity: shardRows });
  const total = room + links + sample + buffers;
  return { shardRows, shards, sampleRows, blockRows, bytes: { room, links, sample, buffers, total } };
}

function costsOf(rows: number, options: AllVamanaOptions, memoryBytes: number) {
  const rowBytes = rowBytesOf(walkSpaceOf('vamana', options).dimension);
  const sampleRows = Math.min(rows, MOST_SAMPLED, Math.floor((memoryBytes * SAMPLE_SHARE) / rowBytes));
  const blockRows = Math.max(16, Math.floor(Math.min(MOST_BLOCK_BYTES, memoryBytes * BLOCK_SHARE) / rowBytes));
  return {
    ...{ sampleRows, blockRows },
    links: rows * (4 * listWords(vamanaShapeOf(options).mostLinks) + NOTED_BYTES),
    sample: 2 * sampleRows * rowBytes,
    buffers: BUFFERS * blockRows * rowBytes,
  };
}

/** What an index of this capacity reserves; the exact vectors, where it keeps them beside codes, included. */
function roomBytes(options: AllVamanaOptions): number {
  const { codes, capacity, dimension } = options;
  const arena = reservedBytes(layoutOf(vamanaShapeOf(options)).plan(capacity));
  return arena + (typeof codes === 'object' ? capacity * rowBytesOf(dimension) : 0);
}

/** The most rows, up to `most`, that fit; 0 where none do. */
function rowsThatFit(most: number, fits: (rows: number) => boolean): number {
  let low = 0;
  let high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
