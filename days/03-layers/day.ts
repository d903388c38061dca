import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 3,
  topic: 'layers',
  title: 'Layers and the zoom-in',
  goal: 'Put a few nodes on sparser layers above the graph, so that a search crosses the set in long hops and looks closely only where it arrives.',
  minutes: 90,
  needs: [
    'Day 02: the greedy walk (greedySearch) and the beam (searchLayer), which today calls as they are',
    'Logarithms: what −ln(u) does to a uniform u',
  ],
  milestone:
    'On 16,000 points in the plane, at recall@10 ≥ 0.99, a search takes at most two thirds of day 02’s distances, and less time.',
  room: 'src/graph/hnsw.ts',
};
