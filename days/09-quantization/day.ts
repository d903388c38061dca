import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 9,
  topic: 'quantization',
  title: 'Quantization: few bytes that stand for a vector',
  goal: 'Make a vector of 4,096 bytes into 1,024, and into 64, and still find its neighbours: rounding, k-means, product quantization, and a second look at the best.',
  minutes: 90,
  needs: [
    'Day 00: exact search and recall; day 08: why a distance waits for bytes rather than for arithmetic',
    'The mean of a set of points, and that a histogram has bins',
  ],
  milestone:
    'Distances from 8-bit codes within 5 %; 64 bytes for 1,024 dimensions, with the recall that they reach alone and re-ranked; k-means drawn step by step.',
  room: 'src/quantize',
};
