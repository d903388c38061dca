import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 8,
  topic: 'nanoseconds',
  title: 'Nanoseconds: FMA, int8, and the memory wall',
  goal: 'Find out why a distance of 1024 components takes a few dozen nanoseconds or several hundred, and pay less: a byte for a component, and many cache lines under way at once.',
  minutes: 90,
  needs: [
    'Day 01: lanes, sums that do not wait for one another, four vectors per call; and its seven words of AssemblyScript',
    'Day 06: a record is bytes at an address that can be computed',
  ],
  milestone:
    'A distance of 1024-D in nanoseconds, as a table against the loop: 7-bit codes beat f32 lanes in cache and from memory, and touching ahead beats one by one.',
  room: 'src/kernels',
  language: 'assemblyscript',
};
