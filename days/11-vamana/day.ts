import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 11,
  topic: 'vamana',
  title: 'Vamana: long edges kept by α',
  goal: 'Turn a random graph into one that greedy search finds its way on: RobustPrune with α, two passes, back edges.',
  minutes: 90,
  needs: [
    'Day 10: GreedySearch with its list of L and the set V of visited nodes; the random graph; the medoid',
    'Day 04: which links to keep, and why a list of near ones leads nowhere',
  ],
  milestone:
    '100,000 vectors of 128 dimensions built and searched at 0.95 recall@10 by the engine; yours on a small set, α measured.',
  room: 'src/graph/vamana.ts',
};
