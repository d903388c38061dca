import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 10,
  topic: 'greedy',
  title: 'Greedy search, and a graph it can walk on',
  goal: 'Write the search that Vamana is built with, and find out on a random graph what a graph must have for it to work.',
  minutes: 90,
  needs: [
    'The beam of day 02: why it stops, and what it counts',
    'The rule of day 04: a link is worth more where no other link leads',
  ],
  milestone:
    'Nearest neighbours found in a small set in memory, all work counted: each distance once, and how much of a scan it was.',
  room: 'src/graph/vamana.ts',
};
