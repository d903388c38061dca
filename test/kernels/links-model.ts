/**
 * A list of `assembly/links.ts` as a sequence of states, one after each store of its writer, and its readers as loads
 * that fall between them. With short lists every interleaving can be gone through.
 */

/** Words of memory: a count, and edges, of which those below the count are the list. */
export interface State {
  count: number;
  edges: readonly number[];
}

/**
 * What a writer does to a list: puts an edge behind the last, or leaves those of `stay` in it and adds `last` if that
 * is among them too.
 */
export type Change = { append: number } | { stay: ReadonlySet<number>; last: number };

export interface Writer {
  /** Whether `append` writes the edge before the count, and `compact` the count after all edges. */
  countLast: boolean;
}

export interface Reader {
  /** Whether it goes from the last edge to the first. */
  downwards: boolean;
}

/** As `links.ts` has it. */
export const OURS: Writer & Reader = { countLast: true, downwards: true };

/** What is in the list, as its writer sees it. */
export function listed({ count, edges }: State): number[] {
  return edges.slice(0, count);
}

/** The state after each store of the change, in order. */
export function statesOf(before: State, change: Change, { countLast }: Writer = OURS): State[] {
  const stores: ((state: State) => State)[] = [];
  const setEdge = (i: number, edge: number) =>
    stores.push(({ count, edges }) => ({ count, edges: edges.with(i, edge) }));
  const setCount = (count: number) => {
    const store = ({ edges }: State) => ({ count, edges });
    if (countLast) stores.push(store);
    else stores.unshift(store);
  };
  if ('append' in change) {
    setEdge(before.count, change.append);
    setCount(before.count + 1);
  } else {
    let to = 0;
    for (const [i, edge] of listed(before).entries()) {
      if (!change.stay.has(edge)) continue;
      if (to !== i) setEdge(to, edge);
      to++;
    }
    if (change.stay.has(change.last)) setEdge(to++, change.last);
    setCount(to);
  }
  const states: State[] = [];
  for (const store of stores) states.push(store(states.at(-1) ?? before));
  return states;
}

/**
 * One way in which a reader's loads can fall among the states: of which states its first and its last load were, and
 * which edges it saw.
 */
export interface Reading {
  from: number;
  to: number;
  seen: number[];
}

/** All of them. A load sees one state, and none sees an earlier one than the load before it. */
export function* readings(states: readonly State[], { downwards }: Reader = OURS): Generator<Reading> {
  const seen: number[] = [];
  function* load(i: number, end: number, at: number, from: number): Generator<Reading> {
    if (i === end) {
      yield { from, to: at, seen: [...seen] };
      return;
    }
    for (let state = at; state < states.length; state++) {
      seen.push(states[state].edges[i]);
      yield* load(downwards ? i - 1 : i + 1, end, state, from);
      seen.pop();
    }
  }
  for (const [from, { count }] of states.entries()) {
    if (downwards) yield* load(count - 1, -1, from, from);
    else yield* load(0, count, from, from);
  }
}

/**
 * Goes through all readings of a list that is changed in these ways, one after the other. Returns how many there are,
 * and the first that misses an edge which was in the list all the time, or sees one which was not in it at any.
 */
export function goThrough(
  before: readonly number[],
  changes: readonly Change[],
  how: Writer & Reader = OURS,
): { readings: number; fault?: Reading } {
  const room = before.length + changes.length + 1;
  const states: State[] = [{ count: before.length, edges: [...before, ...new Array(room).fill(NOBODY)] }];
  const lists = [new Set(before)];
  /** For each state the lists that it is of: while a change is under way, the one before and the one after. */
  const spans = [{ first: 0, last: 0 }];
  for (const [i, change] of changes.entries()) {
    const steps = statesOf(states[states.length - 1], change, how);
    states.push(...steps);
    for (let step = 1; step < steps.length; step++) spans.push({ first: i, last: i + 1 });
    spans.push({ first: i + 1, last: i + 1 });
    lists.push(new Set(listed(states[states.length - 1])));
  }
  let count = 0;
  for (const reading of readings(states, how)) {
    count++;
    const during = lists.slice(spans[reading.from].first, spans[reading.to].last + 1);
    const missed = [...during[0]].some(
      (edge) => during.every((list) => list.has(edge)) && !reading.seen.includes(edge),
    );
    const foreign = reading.seen.some((edge) => !during.some((list) => list.has(edge)));
    if (missed || foreign) return { readings: count, fault: reading };
  }
  return { readings: count };
}

/** What is behind the last edge. */
export const NOBODY = -1;
