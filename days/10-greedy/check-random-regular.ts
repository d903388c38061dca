/** Checks of the random graph: that it is regular, that chance is even, and that it costs no more chance than it needs. */
import { type Check, fails, forAll } from 'annlab/exercises';
import { Random, reachableFrom } from 'annlab/lab';
import { countedChance, regular } from './scene.ts';

const hole = 'random-regular';

export const randomRegularChecks: Check<typeof import('./solution.ts')>[] = [
  {
    layer: 'example',
    says: 'Twelve nodes with three links each: twelve lists of three',
    hole,
    likely:
      'every node gets a list of its own, pushed into `links`; a number that cannot be used is drawn again: the list grows until it holds R, it is not filled in R attempts',
    run(module) {
      const links = module.randomRegularGraph(12, 3, countedChance('twelve', 1000).random);
      if (links.length !== 12) fails(`${links.length} lists`, links);
      if (new Set(links).size < 12) fails('several nodes share one and the same list', links);
      const short = links.findIndex((list) => list.length !== 3);
      if (short !== -1) fails(`node ${short} has ${links[short].length} links`, links);
    },
  },
  {
    layer: 'example',
    says: 'With R = n − 1 every node links to all others',
    hole,
    likely: '`random.integer(n)` draws from 0 to n − 1, and every one of these but the node itself may be a neighbour',
    run(module) {
      const links = module.randomRegularGraph(5, 4, countedChance('complete', 2000).random);
      for (const [id, list] of links.entries()) {
        const others = [0, 1, 2, 3, 4].filter((other) => other !== id);
        if (`${[...list].sort()}` !== `${others}`) fails(`node ${id} should link to [${others}]`, list);
      }
    },
  },
  {
    layer: 'example',
    says: 'With R = 0, and on a single node, lists are empty',
    hole,
    likely: 'the list is made before anything is drawn, and nothing is drawn where it is long enough already',
    run(module) {
      for (const n of [1, 4]) {
        const links = module.randomRegularGraph(n, 0, countedChance('none', 10).random);
        if (links.length !== n || links.some((list) => list.length > 0)) fails(`${n} nodes, R = 0`, links);
      }
    },
  },
  {
    layer: 'invariant',
    says: 'Every list holds R ids of other nodes, none twice',
    hole,
    likely: 'leave out the node itself, and what the list holds already',
    run: (module) =>
      forAll(regular, ({ n, R, seed }) => {
        const links = module.randomRegularGraph(n, R, countedChance(seed, 100 * (n * n + 10)).random);
        if (links.length !== n) fails(`${links.length} lists for ${n} nodes`, links);
        for (const [id, list] of links.entries()) {
          if (list.includes(id)) fails(`node ${id} links to itself`, links);
          if (new Set(list).size < list.length) fails(`node ${id} links to somebody twice`, links);
          if (list.length !== R) fails(`node ${id} has ${list.length} links, and R = ${R}`, links);
          const nobody = list.find((other) => !(Number.isInteger(other) && other >= 0 && other < n));
          if (nobody !== undefined) fails(`node ${id} links to ${nobody}, and there are ${n} nodes`, links);
        }
      }),
  },
  {
    layer: 'invariant',
    says: 'The same seed gives the same graph, another seed another one',
    hole,
    likely: 'all chance comes from `random`: Math.random cannot be repeated',
    run(module) {
      const [a, again, b] = [1, 1, 2].map((seed) => JSON.stringify(module.randomRegularGraph(50, 4, new Random(seed))));
      if (a !== again) fails('two graphs from one seed differ');
      if (a === b) fails('two seeds, and the same graph');
    },
  },
  {
    layer: 'invariant',
    says: 'No two nodes have the same list, nor one that is the other moved along',
    hole,
    likely: 'draw for each node anew: the inner loop belongs into the outer one',
    run(module) {
      const [n, R] = [100, 6];
      const links = module.randomRegularGraph(n, R, countedChance('lists', 100 * n * R).random);
      const sorted = (list: readonly number[]) => `${list.toSorted((a, b) => a - b)}`;
      const lists = new Set(links.map(sorted)).size;
      const steps = new Set(links.map((list, id) => sorted(list.map((other) => (other - id + n) % n)))).size;
      if (lists < n) fails(`${n} nodes, and ${lists} different lists`);
      if (steps < n) fails(`${n} nodes, and ${steps} different sets of steps from a node to its neighbours`);
    },
  },
  {
    layer: 'property',
    says: 'Every node is as likely a neighbour as any other',
    hole,
    likely: 'draw from all n, for each node anew; what cannot be used is drawn again, not replaced by its successor',
    run(module) {
      const [n, R, graphs] = [6, 2, 1500];
      const counts = Array.from({ length: n }, () => new Array<number>(n).fill(0));
      const { random } = countedChance('even', 20 * n * R * graphs);
      for (let graph = 0; graph < graphs; graph++) {
        for (const [id, list] of module.randomRegularGraph(n, R, random).entries())
          for (const other of list) counts[id][other]++;
      }
      const share = R / (n - 1);
      const allowed = 5 * Math.sqrt(graphs * share * (1 - share));
      for (let id = 0; id < n; id++) {
        for (let other = 0; other < n; other++) {
          if (other === id || Math.abs(counts[id][other] - graphs * share) <= allowed) continue;
          fails(
            `in ${graphs} graphs of ${n} nodes ${id} links to ${other} ${counts[id][other]} times, expected ${graphs * share}`,
          );
        }
      }
    },
  },
  {
    layer: 'property',
    says: 'A thousand nodes with eight links each: from each to all others',
    hole,
    likely: 'a list of its own for every node, drawn independently of the others',
    run(module) {
      const links = module.randomRegularGraph(1000, 8, countedChance('small world', 100_000).random);
      for (const start of [0, 500, 999]) {
        const reached = reachableFrom(links, [start]).size;
        // Each node is left out by all others once in e⁸: that one node cannot be reached is no mistake.
        if (reached < 995) fails(`from node ${start} only ${reached} can be reached`);
      }
    },
  },
  {
    layer: 'work',
    says: 'Hardly more numbers are drawn than there are links',
    hole,
    likely: 'to draw 8 of 1,000, shuffle nothing: draw, and draw again in the rare case of a repetition',
    run(module) {
      const [n, R] = [1000, 8];
      const chance = countedChance('sparing', 2 * n * n);
      module.randomRegularGraph(n, R, chance.random);
      if (chance.draws > 1.1 * n * R) fails(`${chance.draws} numbers for ${n * R} links`);
    },
  },
];
