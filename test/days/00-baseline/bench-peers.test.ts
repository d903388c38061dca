import { describe, expect, it } from 'vitest';
import { buildLine, commandOf, parseBenchArguments } from '../../../days/00-baseline/peers/bench.ts';
import { PEERS } from '../../../days/00-baseline/peers/engines/index.ts';

const parse = (line = '') => parseBenchArguments(line.split(' ').filter(Boolean));

describe('parseBenchArguments', () => {
  it('measures everything on fashion-mnist at each engine’s own parameters', () => {
    expect(parse()).toEqual({
      dataset: 'fashion-mnist-784-euclidean',
      queries: 1000,
      k: 10,
      rounds: 3,
      only: PEERS.map(({ name }) => name),
      out: 'out',
      growth: false,
      recall: 0.95,
    });
    expect(parse('--growth --recall 0.99')).toMatchObject({
      dataset: 'embedding-1024-100k',
      growth: true,
      recall: 0.99,
    });
    expect(parse('--help')).toBe('help');
  });

  it('takes every flag', () => {
    const line =
      '--dataset glove-100-angular --rows 5000 --queries 7 --k 5 --rounds 1 --only usearch-i8 --m 8 --ef-construction 50 --ef 5,10 --gamma 0,.1 --wasm baseline --out o';
    expect(parse(line)).toEqual({
      dataset: 'glove-100-angular',
      rows: 5000,
      queries: 7,
      k: 5,
      rounds: 1,
      only: ['usearch-i8'],
      M: 8,
      efConstruction: 50,
      efs: [5, 10],
      gammas: [0, 0.1],
      wasm: 'baseline',
      out: 'o',
      growth: false,
      recall: 0.95,
    });
  });

  it('lets a library stand for all that it walks on', () => {
    expect(parse('--only annlab,hnswlib,zvec-int8')).toMatchObject({
      only: ['annlab-sq7', 'annlab-f32', 'annlab-vamana-sq7', 'annlab-vamana-f32', 'hnswlib', 'zvec-int8'],
    });
    expect(parse('--only annlab-vamana')).toMatchObject({ only: ['annlab-vamana-sq7', 'annlab-vamana-f32'] });
    expect(parse('--only usearch')).toMatchObject({ only: ['usearch-f32', 'usearch-bf16', 'usearch-i8'] });
  });

  it.each([
    ['--only faiss', '--only faiss: choose from annlab-sq7'],
    ['--only us', '--only us: choose from'],
    ['--ef 5', '--ef 5: expected a whole number from 10'],
    ['--m 16 --ef-construction 8', '--ef-construction 8: expected a whole number from 16'],
    ['--gamma 11', '--gamma 11: expected a number from 0 to 10'],
    ['--wasm fast', '--wasm fast: choose one of baseline, relaxed'],
    ['--rounds 0', '--rounds 0'],
    ['--recall 99', '--recall 99: expected a share'],
    ['--fast', '--help lists the flags'],
  ])('refuses %s', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });
});

describe('buildLine', () => {
  const ours = { label: 'annlab sq7', seconds: 14 };
  it('sets a build beside the peer that searches fastest and the one that is built fastest', () => {
    const bestPeer = { label: 'a f32', ratio: 5.4321 };
    const fastestPeer = { label: 'b i8', ratio: 0.9 };
    expect(buildLine({ ...ours, bestPeer, fastestPeer })).toBe(
      'annlab sq7: built in 14 s, 5.43 × as fast as a f32, the peer that searches fastest, ' +
        '0.90 × as fast as b i8, the peer that is built fastest',
    );
    expect(buildLine({ ...ours, bestPeer, fastestPeer: bestPeer })).toMatch(
      /, 5\.43 × as fast as a f32, the peer that searches fastest and is built fastest$/,
    );
    expect(buildLine({ ...ours, bestPeer: null, fastestPeer: null })).toBe('annlab sq7: built in 14 s');
  });
});

describe('commandOf', () => {
  it.each([
    ['', 'npm run bench:peers'],
    ['--out /elsewhere', 'npm run bench:peers'],
    ['--rows 5 --out=o --k 3', 'npm run bench:peers -- --rows 5 --k 3'],
  ])('%s: repeats the run, wherever its results went', (line, command) => {
    expect(commandOf('bench:peers', line.split(' ').filter(Boolean))).toBe(command);
  });
});
