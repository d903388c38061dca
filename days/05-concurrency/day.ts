import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 5,
  topic: 'concurrency',
  title: 'Concurrency: many readers and writers at once',
  goal: 'Let many threads search and insert at the same time: no link is lost, no reader waits, nobody is stuck.',
  minutes: 90,
  needs: [
    'Day 04: the rule that prunes a list that has become too long',
    'Generators in TypeScript: what function* and yield* do',
  ],
  milestone:
    '1 writer and 8 readers: no deadlock, no lost insert, and no reader misses what was acknowledged before it began.',
  room: 'src/workers/pool.ts',
};
