/** The process that measures the milestone: so many vectors of 128 dimensions, made like text embeddings, built by the engine as it is by default. */
import { Vamana } from 'annlab';
import { loadDataset, recallAtK, rows, withTruth } from 'annlab/lab';
import type { Milestone } from './measure-engine.ts';

const n = Number(process.argv[2]);
const dimension = 128;
const { train: base, queries: asked } = await loadDataset('embedding-128-100k', { maxRows: n, maxQueries: 200 });
const set = withTruth({ base, queries: asked });
const index = Vamana.create({ dimension, capacity: n, seed: 11 });
const start = performance.now();
const before = process.cpuUsage();
index.build(set.base.data);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(before);
const cpuSeconds = (user + system) / 1e6;
const faults = index.validate().length;

const queries = rows(set.queries);
const measured = [16, 24, 32, 48, 64, 96, 128, 192, 256].map((efSearch) => {
  const found = queries.map((query) => {
    const began = performance.now();
    const { ids, work } = index.search(query, { k: 10, efSearch });
    return { ids: Array.from(ids), ...work, us: 1000 * (performance.now() - began) };
  });
  const mean = (of: (one: (typeof found)[0]) => number) => found.reduce((sum, one) => sum + of(one), 0) / found.length;
  return {
    efSearch,
    recall: recallAtK(
      found.map(({ ids }) => ids),
      set.truth,
      10,
    ),
    distances: mean((one) => one.distances),
    hops: mean((one) => one.hops),
    us: found.map(({ us }) => us).sort((a, b) => a - b)[Math.floor(found.length / 2)],
  };
});
const best = measured.find(({ recall }) => recall >= 0.95) ?? measured[measured.length - 1];
const { R, L, alpha, meanDegree: degree } = index.stats();
const milestone: Milestone = { n, dimension, R, L, alpha, seconds, cpuSeconds, degree, faults, ...best };
process.stdout.write(JSON.stringify(milestone));
