/**
 * The data sets that annlab knows: `datasets/catalogue.json`, checked when it is read. A set is either published (files with
 * urls and checksums) or synthetic, a member of a family: `embedding-1024-100k` is the family `embedding` at dimension 1024
 * with 100,000 rows. Any dimension and size of a family has a name; smaller ones are prefixes of larger ones.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DataFileError, ParameterError } from '../core/errors.ts';
import { MAX_DIMENSION } from '../graph/checks.ts';
import { METRICS, type Metric } from '../graph/vector-index.ts';
import { FORMATS, type Format } from './formats/index.ts';
import { MODEL_FIELDS, type Model } from './synthetic.ts';

/** What published and synthetic sets have in common. */
interface Description {
  name: string;
  /** What the vectors are, in a few words. */
  title: string;
  metric: Metric;
  dimension: number;
  rows: number;
  queries: number;
  licence: string;
}

export interface PublishedSet extends Description {
  kind: 'published';
  /** The page that tells of it. */
  source: string;
  /** Its folder under `../shared/datasets`. */
  sharedFolder?: string;
  files: CatalogueFile[];
}

export interface SyntheticSet extends Description {
  kind: 'synthetic';
  seed: number;
  model: Model;
  /** Measured local intrinsic dimension (100 neighbours of each query), where it has been. */
  intrinsicDimension?: number;
}

export type DatasetInfo = PublishedSet | SyntheticSet;

export interface CatalogueFile {
  /** Its name on disk. */
  name: string;
  roles: Role[];
  format: Format;
  url: string;
  /** Tried in turn where `url` fails. */
  mirrors?: string[];
  /**
   * Of the file as it lies on disk. null: nobody has published one; then the first download is trusted, its checksum
   * kept beside it, and every later reading held to that.
   */
  sha256: string | null;
  /** Its size on disk. */
  bytes: number | null;
  /** Fetch this many rows from the front of the file at `url` (fbin and its kin) and not the rest. */
  maxRows?: number;
}

/** What a file is for. An HDF5 file has all roles, one per member. */
export type Role = (typeof ROLES)[number];
const ROLES = ['train', 'queries', 'neighbors', 'distances'] as const;

export interface Catalogue {
  datasets: PublishedSet[];
  families: Family[];
}

export interface Family {
  name: string;
  title: string;
  metric: Metric;
  licence: string;
  seed: number;
  queries: number;
  /** The dimensions and sizes that are listed, `1024-100k`. Others can be asked for all the same. */
  sizes: string[];
  /** Measured local intrinsic dimensions by size. */
  intrinsicDimension: Record<string, number>;
  model: Model;
}

/** The set of that name. Throws `ParameterError` where there is none, and names those that there are. */
export function findDataset(name: string, catalogue: Catalogue = readCatalogue()): DatasetInfo {
  const published = catalogue.datasets.find((dataset) => dataset.name === name);
  if (published !== undefined) return published;
  const parts = SYNTHETIC_NAME.exec(name);
  const family = catalogue.families.find((family) => family.name === parts?.[1]);
  if (parts === null || family === undefined) {
    const known = listDatasets(catalogue).map((dataset) => dataset.name);
    throw new ParameterError({
      parameter: 'dataset',
      got: name,
      want: `there is none of that name: choose one of ${known.join(', ')}`,
    });
  }
  const dimension = Number(parts[2]);
  const rows = Number(parts[3]) * { '': 1, k: 1e3, m: 1e6 }[parts[4] as '' | 'k' | 'm'];
  if (dimension < 1 || dimension > MAX_DIMENSION || rows < 1 || rows > MAX_SYNTHETIC_ROWS) {
    throw new ParameterError({
      parameter: 'dataset',
      got: name,
      want: `a dimension from 1 to ${MAX_DIMENSION} and from 1 to ${MAX_SYNTHETIC_ROWS} rows, as in ${family.name}-128-10k`,
    });
  }
  const { title, metric, licence, seed, queries, model } = family;
  const measured = family.intrinsicDimension[name.slice(family.name.length + 1)];
  return {
    kind: 'synthetic',
    name,
    title,
    metric,
    dimension,
    rows,
    queries,
    licence,
    seed,
    model,
    ...(measured !== undefined && { intrinsicDimension: measured }),
  };
}

/** Every set that is listed, published ones first. */
export function listDatasets(catalogue: Catalogue = readCatalogue()): DatasetInfo[] {
  return [
    ...catalogue.datasets,
    ...catalogue.families.flatMap(({ name, sizes }) => sizes.map((size) => findDataset(`${name}-${size}`, catalogue))),
  ];
}

/** Reads and checks a catalogue; what is wrong with it is a `DataFileError` that names the entry. */
export function readCatalogue(path: string = CATALOGUE): Catalogue {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new DataFileError(path, `cannot be read (${(error as Error).message})`, 'restore it from the repository', {
      cause: error,
    });
  }
  const catalogue = new Checker(path).catalogue(json);
  const names = [...catalogue.datasets, ...catalogue.families].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new DataFileError(path, `${twice} is in it twice`, 'names are unique');
  return catalogue;
}

const CATALOGUE = fileURLToPath(new URL('../../datasets/catalogue.json', import.meta.url));
const SYNTHETIC_NAME = /^([a-z]+)-(\d{1,5})-(\d{1,9})([km]?)$/;
const MAX_SYNTHETIC_ROWS = 100_000_000;

type Json = Record<string, unknown>;

/** Checks each value against what it must be, and knows where it is. */
class Checker {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  catalogue(json: unknown): Catalogue {
    const { datasets, families } = this.#object(json, 'the catalogue', ['datasets', 'families']);
    return {
      datasets: this.#list(datasets, 'datasets').map((dataset, i) => this.#published(dataset, `datasets[${i}]`)),
      families: this.#list(families, 'families').map((family, i) => this.#family(family, `families[${i}]`)),
    };
  }

  #published(value: unknown, at: string): PublishedSet {
    const fields = ['name', 'title', 'metric', 'dimension', 'rows', 'queries', 'licence', 'source', 'files'];
    const json = this.#object(value, at, fields, ['sharedFolder']);
    const files = this.#list(json.files, `${at}.files`).map((file, i) => this.#file(file, `${at}.files[${i}]`));
    for (const role of ['train', 'queries'] as const) {
      const count = files.filter((file) => file.roles.includes(role)).length;
      if (count !== 1) throw this.#wrong(`${at}.files`, `${count} files with the role ${role}`, 'exactly one');
    }
    return {
      kind: 'published',
      name: this.#text(json.name, `${at}.name`),
      title: this.#text(json.title, `${at}.title`),
      metric: this.#oneOf(json.metric, METRICS, `${at}.metric`),
      dimension: this.#integer(json.dimension, `${at}.dimension`, MAX_DIMENSION),
      rows: this.#integer(json.rows, `${at}.rows`),
      queries: this.#integer(json.queries, `${at}.queries`),
      licence: this.#text(json.licence, `${at}.licence`),
      source: this.#url(json.source, `${at}.source`),
      files,
      ...(json.sharedFolder !== undefined && {
        sharedFolder: this.#fileName(json.sharedFolder, `${at}.sharedFolder`),
      }),
    };
  }

  #file(value: unknown, at: string): CatalogueFile {
    const json = this.#object(value, at, ['name', 'roles', 'format', 'url', 'sha256', 'bytes'], ['mirrors', 'maxRows']);
    const format = this.#oneOf(json.format, FORMATS, `${at}.format`);
    const { sha256 } = json;
    if (sha256 !== null && !(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256))) {
      throw this.#wrong(`${at}.sha256`, sha256, '64 hex digits, or null where none is known');
    }
    if (json.maxRows !== undefined && !format.endsWith('bin')) {
      throw this.#wrong(`${at}.maxRows`, `a slice of ${format}`, 'only fbin, u8bin, i8bin and ibin can be sliced');
    }
    if (json.maxRows !== undefined && json.bytes === null) {
      throw this.#wrong(`${at}.bytes`, null, 'the size of the slice that maxRows makes');
    }
    return {
      name: this.#fileName(json.name, `${at}.name`),
      roles: this.#list(json.roles, `${at}.roles`).map((role, i) => this.#oneOf(role, ROLES, `${at}.roles[${i}]`)),
      format,
      url: this.#url(json.url, `${at}.url`),
      sha256,
      bytes: json.bytes === null ? null : this.#integer(json.bytes, `${at}.bytes`),
      ...(json.mirrors !== undefined && {
        mirrors: this.#list(json.mirrors, `${at}.mirrors`).map((url, i) => this.#url(url, `${at}.mirrors[${i}]`)),
      }),
      ...(json.maxRows !== undefined && { maxRows: this.#integer(json.maxRows, `${at}.maxRows`) }),
    };
  }

  #family(value: unknown, at: string): Family {
    const fields = ['name', 'title', 'metric', 'licence', 'seed', 'queries', 'sizes', 'intrinsicDimension', 'model'];
    const json = this.#object(value, at, fields);
    const name = this.#text(json.name, `${at}.name`);
    const sizes = this.#list(json.sizes, `${at}.sizes`).map((size, i) => this.#text(size, `${at}.sizes[${i}]`));
    for (const size of sizes) {
      if (!SYNTHETIC_NAME.test(`${name}-${size}`)) throw this.#wrong(`${at}.sizes`, size, 'a size like 1024-100k');
    }
    const measured = this.#object(json.intrinsicDimension, `${at}.intrinsicDimension`, [], sizes);
    return {
      name,
      title: this.#text(json.title, `${at}.title`),
      metric: this.#oneOf(json.metric, METRICS, `${at}.metric`),
      licence: this.#text(json.licence, `${at}.licence`),
      seed: this.#integer(json.seed, `${at}.seed`),
      queries: this.#integer(json.queries, `${at}.queries`),
      sizes,
      intrinsicDimension: Object.fromEntries(
        Object.entries(measured).map(([size, lid]) => [size, this.#number(lid, `${at}.intrinsicDimension.${size}`)]),
      ),
      model: this.#model(json.model, `${at}.model`),
    };
  }

  #model(value: unknown, at: string): Model {
    const kinds = Object.keys(MODEL_FIELDS) as Model['kind'][];
    const kind = this.#oneOf((value as Json | null)?.kind, kinds, `${at}.kind`);
    const json = this.#object(value, at, ['kind', ...MODEL_FIELDS[kind]]);
    for (const field of MODEL_FIELDS[kind]) {
      if (field !== 'topicSpread') {
        this.#number(json[field], `${at}.${field}`);
        continue;
      }
      const spread = this.#list(json[field], `${at}.${field}`).map((s) => this.#number(s, `${at}.${field}`));
      if (spread.length !== 2) throw this.#wrong(`${at}.${field}`, spread, 'the least and the largest');
    }
    return json as unknown as Model;
  }

  #object(value: unknown, at: string, fields: readonly string[], optional: readonly string[] = []): Json {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#wrong(at, value, 'an object');
    const missing = fields.find((field) => !(field in value));
    if (missing !== undefined) throw this.#wrong(at, `no ${missing}`, `the fields ${fields.join(', ')}`);
    const unknown = Object.keys(value).find((field) => !fields.includes(field) && !optional.includes(field));
    if (unknown !== undefined) {
      throw this.#wrong(at, `the field ${unknown}`, `only ${[...fields, ...optional].join(', ')}`);
    }
    return value as Json;
  }

  #list(value: unknown, at: string): unknown[] {
    if (!Array.isArray(value)) throw this.#wrong(at, value, 'a list');
    return value;
  }

  #text(value: unknown, at: string): string {
    if (typeof value !== 'string' || value === '') throw this.#wrong(at, value, 'a text');
    return value;
  }

  /** A name that stays inside its folder. */
  #fileName(value: unknown, at: string): string {
    const name = this.#text(value, at);
    if (!/^[\w][\w.-]*$/.test(name)) throw this.#wrong(at, name, 'a file name of letters, digits, ., - and _');
    return name;
  }

  #url(value: unknown, at: string): string {
    const url = this.#text(value, at);
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw this.#wrong(at, url, 'an http or https url');
    return url;
  }

  #number(value: unknown, at: string): number {
    if (typeof value !== 'number' || !(value >= 0)) throw this.#wrong(at, value, 'a number, not negative');
    return value;
  }

  #integer(value: unknown, at: string, most: number = Number.MAX_SAFE_INTEGER): number {
    const number = this.#number(value, at);
    if (!Number.isInteger(number) || number < 1 || number > most) {
      throw this.#wrong(at, number, `an integer from 1 to ${most}`);
    }
    return number;
  }

  #oneOf<T extends string>(value: unknown, known: readonly T[], at: string): T {
    if (!known.includes(value as T)) throw this.#wrong(at, value, `one of ${known.join(', ')}`);
    return value as T;
  }

  #wrong(at: string, got: unknown, want: string): DataFileError {
    const shown = typeof got === 'string' ? got : JSON.stringify(got);
    return new DataFileError(this.#path, `${at} has ${shown}`, `it must be ${want}`);
  }
}
