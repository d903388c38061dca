import type { Day } from 'annlab/exercises';

export const day: Day = {
  number: 6,
  topic: 'serialization',
  title: 'Serialization: an index that opens at once',
  goal: 'Lay the graph out so that its bytes are its file: opened by a look at the first block and a table of 1/128, refused where a bit has flipped, and saved so that no power cut leaves half of it.',
  minutes: 90,
  needs: [
    'Day 03: what a node is (a vector, and a list of links for each of its levels); day 04 builds the graph that is saved',
    'Bytes: what little-endian means, and that a typed array is a view on a buffer',
  ],
  milestone:
    'Saved and loaded, the index gives the same answers bit for bit; every flipped byte is noticed; after a power cut at any step the old index is there or the new one.',
  room: 'src/storage',
};
