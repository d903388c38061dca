/**
 * Synthetic sets, so that everything works with no network. Each is drawn from a seed, row after row, and queries from a
 * stream of their own: a smaller set is a prefix of a larger one, and the queries are the same.
 *
 * The embedding-like model imitates what is known of text embeddings: many topics whose sizes fall as a power law; within
 * each, variation along few directions of its own, whose strength decays, more here and less there; a curved sheet rather
 * than a flat one, in a space of many more dimensions; a common direction shared by all vectors; unequal axes; a little
 * noise in all dimensions; unit length. A row is made from its topic t in four steps:
 *
 *     z = centre[t] + spread[t] · order[t](scale ⊙ normal)  latent vector; scale[i] ∝ (i + 1)^−localSpectrumExponent
 *     h = f(gain · H₁ z),  f(v) = v / √(1 + v²)             each latent axis into all dimensions, then bent
 *     x = axes ⊙ (H₂ h / |H₂ h| + mean) + noise             mixed once more; mean and noise of the lengths in the settings
 *     row = x / |x|
 *
 * H₁ and H₂ are Hadamard transforms with random signs (and, in H₁, a random order): rotations that take D log D steps
 * instead of D². Noise comes from a table of normals, read from a random place. Both together make a row of 1024 dimensions
 * in some 40 µs. f needs nothing but a square root, so that every machine makes the same bits.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Matrix } from '../core/matrix.ts';
import { Random } from '../core/random.ts';

export interface EmbeddingModel {
  kind: 'embedding';
  topics: number;
  /** A topic's share falls as rank^−topicExponent. */
  topicExponent: number;
  latentDimension: number;
  /** How fast the latent axes' strength falls among the topics' centres: as rank^−topicSpectrumExponent. */
  topicSpectrumExponent: number;
  /** The same within a topic, whose axes have an order of their own. */
  localSpectrumExponent: number;
  /** The least and the largest spread of a topic, where topics spread among each other by 1. */
  topicSpread: [number, number];
  /** How far the sheet is bent: 0 would be flat. */
  gain: number;
  /** Length of the common direction; the rest of a row has 1. */
  meanLength: number;
  /** Standard deviation of the logarithm of an axis's scale. */
  axisSpread: number;
  /** Length of the noise. */
  noise: number;
}

export interface ClusteredModel {
  kind: 'clustered';
  clusters: number;
  /** A cluster's share falls as rank^−sizeExponent. */
  sizeExponent: number;
  /** Standard deviation within a cluster, per axis, where the centres have 1. */
  spread: number;
}

export interface GaussianModel {
  kind: 'gaussian';
}

export type Model = EmbeddingModel | ClusteredModel | GaussianModel;

/** The settings of each model, for whoever checks them. */
export const MODEL_FIELDS: { [Kind in Model['kind']]: Exclude<keyof Extract<Model, { kind: Kind }>, 'kind'>[] } = {
  embedding: [
    'topics',
    'topicExponent',
    'latentDimension',
    'topicSpectrumExponent',
    'localSpectrumExponent',
    'topicSpread',
    'gain',
    'meanLength',
    'axisSpread',
    'noise',
  ],
  clustered: ['clusters', 'sizeExponent', 'spread'],
  gaussian: [],
};

export interface GenerateOptions {
  model: Model;
  seed: number;
  dimension: number;
  rows: number;
  queries: number;
  /** Called now and then with the rows made so far, queries included. */
  onProgress?: (done: number, total: number) => void;
}

/** Makes a set. Gives way now and then, so that bars are drawn and Ctrl-C arrives. */
export async function generate(options: GenerateOptions): Promise<{ train: Matrix; queries: Matrix }> {
  const { model, seed, dimension, rows, queries, onProgress } = options;
  const fill = sampler(model, dimension, seed);
  const total = rows + queries;
  const make = async (count: number, random: Random, before: number): Promise<Matrix> => {
    const data = new Float32Array(count * dimension);
    for (let row = 0; row < count; row++) {
      fill(random, data, row * dimension);
      if (row % ROWS_PER_TURN === ROWS_PER_TURN - 1) {
        onProgress?.(before + row + 1, total);
        await nextTurn();
      }
    }
    return { data, rows: count, dimension };
  };
  const set = {
    train: await make(rows, new Random(`${seed}/rows`), 0),
    queries: await make(queries, new Random(`${seed}/queries`), rows),
  };
  onProgress?.(total, total);
  return set;
}

/** Some 20 ms of work. */
const ROWS_PER_TURN = 512;

/** Changed whenever the same settings come to mean other bits, so that no cache mistakes one for the other. */
export const GENERATOR_VERSION = 1;

/** Writes one row, drawn from `random`, at `offset`. */
type FillRow = (random: Random, data: Float32Array, offset: number) => void;

function sampler(model: Model, dimension: number, seed: number): FillRow {
  switch (model.kind) {
    case 'embedding':
      return embeddingSampler(model, dimension, seed);
    case 'clustered':
      return clusteredSampler(model, dimension, seed);
    case 'gaussian':
      return (random, data, offset) => {
        for (let j = 0; j < dimension; j++) data[offset + j] = random.normal();
      };
  }
}

function embeddingSampler(model: EmbeddingModel, dimension: number, seed: number): FillRow {
  const { topics, gain } = model;
  const random = new Random(`${seed}/embedding`);
  const size = 2 ** Math.ceil(Math.log2(dimension));
  const latent = Math.min(model.latentDimension, size);
  const topicScale = spectrum(latent, model.topicSpectrumExponent);
  const localScale = spectrum(latent, model.localSpectrumExponent);
  const pickTopic = powerLaw(topics, model.topicExponent);
  const centres = Float64Array.from({ length: topics * latent }, (_, i) => topicScale[i % latent] * random.normal());
  const orders = Array.from({ length: topics }, () => random.permutation(latent));
  const [least, most] = model.topicSpread;
  const spreads = Float64Array.from(
    { length: topics },
    () => least * Math.exp(random.uniform() * Math.log(most / least)),
  );
  const places = random.permutation(size).subarray(0, latent);
  const sign = () => (random.uniform() < 0.5 ? -1 : 1);
  const signs1 = Float64Array.from({ length: latent }, sign);
  const signs2 = Float64Array.from({ length: size }, sign);
  const axisLength = 1 / Math.sqrt(dimension);
  const mean = Float64Array.from({ length: dimension }, () => model.meanLength * axisLength * random.normal());
  const axes = Float64Array.from({ length: dimension }, () => Math.exp(model.axisSpread * random.normal()));
  const noise = Float64Array.from(
    { length: NOISE_TABLE + dimension },
    () => model.noise * axisLength * random.normal(),
  );
  const x = new Float64Array(size);

  return (random, data, offset) => {
    const topic = pickTopic(random.uniform());
    const spread = spreads[topic];
    const order = orders[topic];
    x.fill(0);
    for (let i = 0; i < latent; i++) {
      const axis = order[i];
      const z = centres[topic * latent + axis] + spread * localScale[i] * random.normal();
      x[places[axis]] = signs1[axis] * z;
    }
    hadamard(x);
    let lengthSquared = 0;
    for (let j = 0; j < size; j++) {
      const v = gain * x[j];
      const bent = v / Math.sqrt(1 + v * v);
      lengthSquared += bent * bent;
      x[j] = signs2[j] * bent;
    }
    hadamard(x);
    // H₂ stretches by √size; of `size` axes the first `dimension` are kept.
    const toUnit = 1 / Math.sqrt(lengthSquared * dimension);
    const noiseAt = random.integer(NOISE_TABLE);
    let squares = 0;
    for (let j = 0; j < dimension; j++) {
      const v = axes[j] * (x[j] * toUnit + mean[j]) + noise[noiseAt + j];
      x[j] = v;
      squares += v * v;
    }
    const norm = Math.sqrt(squares);
    for (let j = 0; j < dimension; j++) data[offset + j] = x[j] / norm;
  };
}

const NOISE_TABLE = 2 ** 18;

function clusteredSampler(model: ClusteredModel, dimension: number, seed: number): FillRow {
  const random = new Random(`${seed}/clustered`);
  const pickCluster = powerLaw(model.clusters, model.sizeExponent);
  const centres = Float64Array.from({ length: model.clusters * dimension }, () => random.normal());
  return (random, data, offset) => {
    const centre = pickCluster(random.uniform()) * dimension;
    for (let j = 0; j < dimension; j++) data[offset + j] = centres[centre + j] + model.spread * random.normal();
  };
}

/** Scales that fall as rank^−exponent, of length 1 together. */
function spectrum(count: number, exponent: number): Float64Array {
  const scale = Float64Array.from({ length: count }, (_, i) => Math.exp(-exponent * Math.log(i + 1)));
  const norm = Math.sqrt(scale.reduce((sum, s) => sum + s * s, 0));
  return scale.map((s) => s / norm);
}

/** Takes a uniform number to one of `count`, whose shares fall as rank^−exponent. */
function powerLaw(count: number, exponent: number): (uniform: number) => number {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += Math.exp(-exponent * Math.log(i + 1));
    upTo[i] = sum;
  }
  return (uniform) => {
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle] <= uniform * sum) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** The Walsh–Hadamard transform in place, unscaled (it stretches by √length). The length is a power of two. */
function hadamard(x: Float64Array): void {
  for (let half = 1; half < x.length; half *= 2) {
    for (let start = 0; start < x.length; start += 2 * half) {
      for (let i = start; i < start + half; i++) {
        const a = x[i];
        const b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
}
