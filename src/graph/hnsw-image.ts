/**
 * What of an HNSW index is worth keeping: a few numbers and the regions as they lie in the arena. Whoever stores it writes the
 * sections as they are; whoever brings it back puts them where `Hnsw.restore` says. Nothing here knows files.
 */
import { BrokenIndexError } from '../core/errors.ts';
import { type FORM_CODES, rowBytesOf } from '../kernels/vectors.ts';
import { codesName } from '../quantize/walk-codes.ts';
import { type Calibration, checkCalibration } from './calibration.ts';
import { formsOf, keepsOriginals } from './hnsw-form.ts';
import { layoutOf, mostUpperLists } from './hnsw-layout.ts';
import { type AllHnswOptions, completeOptions, shapeOf } from './hnsw-options.ts';
import { levelOf } from './hnsw-thread.ts';

/** Everything that is said in words; goes through JSON unchanged. */
export interface HnswMeta {
  kind: 'hnsw';
  /** All but `threads`, which is a matter of whoever opens it. */
  options: Omit<AllHnswOptions, 'threads'>;
  count: number;
  form: keyof typeof FORM_CODES;
  /** Lists in use above level 0. */
  upperLists: number;
  entryPoint: number;
  topLevel: number;
  /** Whether ids are the slots, or a section of their own. */
  ids: 'slots' | 'listed';
  /** What was measured, if anything was. */
  calibration?: Calibration;
}

export interface HnswImage {
  meta: HnswMeta;
  /** The parts of a section lie one behind the other. */
  sections: { name: string; parts: Uint8Array[] }[];
}

/** Where a section, or a piece of one, is to be put: `bytes` of it at the page that begins at byte `at` of the memory, with so much room. */
export interface Place {
  section: string;
  /** The region of the arena that it is, or the number of the memory whose originals it holds. */
  of: 'records' | 'upper' | 'signs' | 'finer' | number;
  /** Where in the section it begins, on a multiple of 64 KiB: originals may lie in several memories. */
  from: number;
  memory: WebAssembly.Memory;
  at: number;
  roomBytes: number;
  bytes: number;
}

/** Throws BrokenIndexError, or what `Hnsw.create` throws, where the numbers are not those of an index. */
export function checkMeta(value: unknown): HnswMeta {
  const broken = (what: string) => new BrokenIndexError(what);
  if (typeof value !== 'object' || value === null) throw broken('what should describe the index describes nothing');
  const meta = value as HnswMeta;
  if (meta.kind !== 'hnsw') throw broken(`an index of the kind ${JSON.stringify(meta.kind)} is not known here`);
  if (typeof meta.options !== 'object' || meta.options === null) throw broken('it does not say its options');
  const whole = (name: keyof HnswMeta, most: number, least = 0) => {
    const got = meta[name];
    if (!Number.isInteger(got) || (got as number) < least || (got as number) > most)
      throw broken(`${name} = ${JSON.stringify(got)} is no integer from ${least} to ${most}`);
  };
  // Files of before there were finer codes do not mention them.
  meta.options.finer ??= 'none';
  for (const [name, kind] of Object.entries(OPTION_KINDS)) {
    const got = meta.options[name as keyof HnswMeta['options']];
    if (typeof got !== kind && !(name === 'codes' && typeof got === 'object' && got !== null))
      throw broken(`its option ${name} = ${JSON.stringify(got)} is no ${kind}`);
  }
  const { capacity, codes, metric, seed, M } = completeOptions({ ...known(meta.options), threads: 1 });
  whole('count', capacity);
  if (!formsOf(codes, metric).includes(meta.form)) {
    throw broken(
      `vectors of the form ${JSON.stringify(meta.form)} under codes ${typeof codes === 'object' ? codesName(codes) : codes}`,
    );
  }
  whole('upperLists', mostUpperLists(capacity, M));
  whole('entryPoint', Math.max(0, meta.count - 1));
  const topLevel = meta.count === 0 ? 0 : levelOf(seed, meta.entryPoint, M);
  if (meta.topLevel !== topLevel)
    throw broken(`node ${meta.entryPoint} would be on level ${meta.topLevel}, and its seed says ${topLevel}`);
  if (meta.ids !== 'slots' && meta.ids !== 'listed') throw broken(`ids that are ${JSON.stringify(meta.ids)}`);
  if (meta.calibration === undefined) return meta;
  const { words } = layoutOf(shapeOf({ ...meta.options, threads: 1 }));
  return {
    ...meta,
    calibration: checkCalibration(meta.calibration, { count: meta.count, form: meta.form, metric, words }),
  };
}

/** Bytes that each section of an index with these numbers has; there may be no others. */
export function sectionBytes(meta: HnswMeta): Map<string, number> {
  const { options, count, form, upperLists, ids } = meta;
  const { recordBytes, upperBytes, signBytes, finerBytes, quantized } = layoutOf(shapeOf({ ...options, threads: 1 }));
  const sizes: [string, number][] = [
    ['records', count * recordBytes],
    ['upper', upperLists * upperBytes],
  ];
  if (options.filter === 'sign') sizes.push(['mean', options.dimension * 4], ['signs', count * signBytes]);
  if (quantized.modelBytes > 0) sizes.push(['model', quantized.modelBytes]);
  if (finerBytes > 0) sizes.push(['finer', count * finerBytes]);
  if (ids === 'listed') sizes.push(['ids', count * 4]);
  if (keepsOriginals(form)) sizes.push(['vectors', count * rowBytesOf(options.dimension)]);
  return new Map(sizes);
}

const OPTION_KINDS: Record<keyof HnswMeta['options'], 'number' | 'string' | 'boolean'> = {
  dimension: 'number',
  metric: 'string',
  capacity: 'number',
  M: 'number',
  efConstruction: 'number',
  seed: 'number',
  codes: 'string',
  finer: 'string',
  filter: 'string',
  alpha: 'number',
  extendCandidates: 'boolean',
  keepPruned: 'boolean',
  margin: 'number',
  buildMargin: 'number',
};

/** The options that are known, whatever else is written there. */
function known(options: HnswMeta['options']): HnswMeta['options'] {
  const names = Object.keys(OPTION_KINDS) as (keyof HnswMeta['options'])[];
  return Object.fromEntries(names.map((name) => [name, options[name]])) as unknown as HnswMeta['options'];
}
