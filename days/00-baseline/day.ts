import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 0,
  topic: 'baseline',
  title: 'Baseline: exact search, and what others reach',
  goal: 'Find the k nearest vectors exactly, measure how right a search is, and see where four well-known libraries stop.',
  minutes: 90,
  needs: ['TypeScript', 'what a dot product and a binary heap are'],
  milestone: 'exact search of your own: recall 1 at n distances; four libraries measured, each pushed until it breaks',
  room: 'src/lab',
};
