import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 1,
  topic: 'simd',
  title: 'SIMD: the distance, four lanes at a time',
  goal: 'Take a distance from a plain loop to 128-bit lanes and to four vectors per call, and see what memory leaves of the gain.',
  minutes: 90,
  needs: [
    'Day 00: exact search computes one distance for every vector, so the distance is what everything costs',
    'TypeScript; of AssemblyScript nothing: the notebook has the seven words you need',
  ],
  milestone: 'At 1024-D in cache, your l2 takes an eighth of the plain loop’s time or less.',
  room: 'src/kernels',
  language: 'assemblyscript',
};
