import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 2,
  topic: 'nsw',
  title: 'A navigable small world',
  goal: 'Link every vector with its nearest neighbours, and find the way to a query by walking along links.',
  minutes: 90,
  needs: [
    'Day 01: what one distance costs, so that "fewer distances" means "less time"',
    'Recall@k from day 00: the share of the true k nearest that was found',
  ],
  milestone: '10,000 vectors inserted and searched: recall@10 of 0.95 for a tenth of the distances of exact search.',
  room: 'src/graph/hnsw.ts',
};
