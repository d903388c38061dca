import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 4,
  topic: 'heuristic',
  title: 'The heuristic: which links to keep',
  goal: 'Choose links that lead in different directions (Algorithm 4), so that clusters stay connected.',
  minutes: 90,
  needs: [
    'Day 03: how a node gets its candidates, and where a list that grew too long is shrunk',
    'The beam of day 02: why a search stops',
  ],
  milestone: 'On 50 islands, recall@10 rises above 0.95 for the work at which the nearest M stay below 0.60.',
  room: 'src/graph/hnsw.ts',
};
