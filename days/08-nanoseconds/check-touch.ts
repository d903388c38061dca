/** What must hold of distancesTo: the distances of distancesOneByOne, which is given, and an order of loads that leaves no line waiting alone. */
import { type Check, fails, forAll } from 'annlab/exercises';
import type { Code } from './codes.ts';
import { farAway, loadsOf, randomCodes, waits } from './far-away.ts';
import { LINE_BYTES } from './memory-model.ts';
import type { Access, Nano } from './nano.ts';
import { lists } from './scene.ts';

const check = (layer: Check<Nano>['layer'], says: string, likely: string, run: Check<Nano>['run']): Check<Nano> => ({
  ...{ layer, says, likely, run },
  hole: 'touch',
});

/** Records whose lines are fetched together, as solution.ts says it. */
const AHEAD = 16;

export const touchChecks: Check<Nano>[] = [
  check(
    'example',
    'Of three records, the three distances, in the order of the list',
    'store<f32>(out + 4 * j, …), where j counts through the whole list',
    (nano) => {
      const [query, ...others] = randomCodes(4, 64, 'three');
      expectSame(nano, query, others);
    },
  ),
  check(
    'example',
    'Of no records, nothing is read of the list and nothing is written',
    'a loop that runs while from < count does not run for 0',
    (nano) => {
      const [query] = randomCodes(1, 64, 'none');
      const accesses = nano.trace((traced) => traced.distances(query, []));
      const own = accesses.filter(({ operand }) => ['list', 'out', 'q'].includes(operand));
      if (own.length > 0) fails(`a ${describe(own[0])}`);
    },
  ),
  check(
    'invariant',
    'All distances are there, of 1 to 50 records',
    'the last time fewer than AHEAD may be left: up to min(from + AHEAD, count); and the next time begins where this one ended',
    (nano) => {
      const [query, ...others] = randomCodes(51, 32, 'fifty');
      for (let count = 1; count <= 50; count++) expectSame(nano, query, others.slice(0, count));
    },
  ),
  check(
    'property',
    'It gives what one by one gives',
    'look at the smallest case: which place of the list is wrong?',
    (nano) => forAll(lists(), ({ query, others }) => expectSame(nano, query, others)),
  ),
  check(
    'property',
    'It reads the query, the list and what is used of the listed records, and writes count distances, each once',
    'of the list `count` addresses belong to you, of a record n + 16 bytes; behind them is somebody else. A distance is stored once, when it is computed',
    (nano) =>
      forAll(lists(), ({ query, others }) => {
        const accesses = nano.trace((traced) => traced.distances(query, others));
        for (const access of accesses) {
          if (!access.inside) fails(`a ${describe(access)}, outside of it`);
          if ((access.kind === 'store') !== (access.operand === 'out')) fails(`a ${describe(access)}`);
        }
        const stores = accesses.filter(({ operand }) => operand === 'out').map(({ byte }) => byte / 4);
        if (new Set(stores).size !== stores.length) fails(`a distance is stored more than once: ${stores.join(', ')}`);
      }),
  ),
  check(
    'work',
    `Before the first distance of ${AHEAD} records is computed, every used line of theirs has been asked for`,
    'two loops over the same AHEAD records, one after the other: touch them all, then compute them all; a record has n + 16 bytes, and at 1024-D the factors lie in a line of their own, the seventeenth',
    (nano) => {
      const { query, others } = farAway();
      const loads = loadsOf(nano, 'distances', { query, others });
      for (let from = 0; from < others.length; from += AHEAD) {
        const names = others.slice(from, from + AHEAD).map((_, i) => `#${from + i}`);
        const computed = loads.findIndex((_, i) => names.includes(loads[i].operand) && isOfDistance(loads, i));
        const asked = new Set(loads.slice(0, computed + 1).map(lineOf));
        for (const name of names) {
          const own = loads.filter(({ operand }) => operand === name);
          const lines = new Set(own.map(lineOf));
          const late = [...lines].filter((line) => !asked.has(line));
          if (late.length === 0) continue;
          const start = own[0].address - own[0].byte;
          const fromByte = Math.max(Math.min(...late) * LINE_BYTES - start, 0);
          fails(
            `when the first distance of records #${from} to #${from + AHEAD - 1} is computed, nobody has asked for ${late.length} of the ${lines.size} lines of record ${name}, the first of them from byte ${fromByte} on`,
          );
        }
      }
    },
  ),
  check(
    'work',
    'Of each record one load a line is for touching: 17 at 1024-D',
    'a line is 64 bytes, and one byte of it brings all of it: i += LINE_BYTES',
    (nano) => {
      const { query, others } = farAway();
      const [ahead, plain] = (['distances', 'oneByOne'] as const).map(
        (way) => loadsOf(nano, way, { query, others }).filter(({ operand }) => operand.startsWith('#')).length,
      );
      const most = plain + others.length * Math.ceil((query.codes.length + 16) / LINE_BYTES);
      if (ahead > most)
        fails(`${ahead} loads of 64 records; computing takes ${plain}, and ${most - plain} more are enough`);
    },
  ),
  check(
    'work',
    'Every line comes from memory once',
    'a cache of 32 KiB holds the lines of AHEAD records; touch a whole list first, and the first lines are gone before they are used',
    (nano) => {
      const { lines } = waits(nano, 'distances');
      const plain = waits(nano, 'oneByOne').lines;
      if (lines > plain + 8) fails(`${lines} lines come from memory, one by one ${plain}`);
    },
  ),
  check(
    'work',
    'A simulated core with its records in memory takes at most two thirds of the steps of one by one',
    'the touches of many records must follow one another, with no distance in between',
    (nano) => {
      const [ahead, plain] = [waits(nano, 'distances'), waits(nano, 'oneByOne')];
      if (ahead.steps > (2 / 3) * plain.steps) {
        fails(
          `${ahead.steps} steps, and one by one ${plain.steps}; never more than ${ahead.mostUnderWay} lines were under way`,
        );
      }
    },
  ),
];

function expectSame(nano: Nano, query: Code, others: readonly Code[]): void {
  const [got, want] = [nano.distances(query, others), nano.oneByOne(query, others)];
  const wrong = want.findIndex((distance, j) => !Object.is(got[j], distance));
  if (wrong === -1) return;
  const missing = Number.isNaN(got[wrong]) ? ': nobody has written it' : '';
  fails(`distance ${wrong} of ${want.length} is ${got[wrong]}, and should be ${want[wrong]}${missing}`, {
    count: others.length,
    wrong,
  });
}

/** Whether a load belongs to a distance: sixteen codes, next to sixteen of the query. A touch has no codes of the query beside it. */
function isOfDistance(loads: readonly Access[], i: number): boolean {
  const beside = [loads[i - 1], loads[i + 1]];
  return loads[i].bytes === 16 && beside.some((load) => load?.operand === 'q' && load.bytes === 16);
}

function lineOf({ address }: Access): number {
  return Math.floor(address / LINE_BYTES);
}

function describe({ kind, bytes, operand, byte }: Access): string {
  return `${kind} of ${bytes} bytes at byte ${byte} of ${/^#/.test(operand) ? `record ${operand}` : operand}`;
}
