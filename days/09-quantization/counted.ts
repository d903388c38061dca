/** Arrays that count how often they are looked into and written to: the work of a scan, seen from outside the learner's code. */

export interface Counted<Kind extends Float32Array | Uint8Array> {
  /** To be used as any other. */
  readonly array: Kind;
  readonly reads: number;
  readonly writes: number;
}

/** A typed array and its views (`subarray`) with one pair of counters. What goes through all of it at once counts each number. */
export function counted<Kind extends Float32Array | Uint8Array>(target: Kind): Counted<Kind> {
  const counts = { reads: 0, writes: 0 };
  const wrap = (array: Kind): Kind =>
    new Proxy(array, {
      get(of, property) {
        if (typeof property === 'string' && /^\d+$/.test(property)) {
          counts.reads++;
          return of[Number(property)];
        }
        const member: unknown = Reflect.get(of, property, of);
        if (typeof member !== 'function' || property === 'constructor') return member;
        return (...given: unknown[]) => {
          const result: unknown = member.apply(of, given);
          if (property === 'subarray') return wrap(result as Kind);
          if (property === 'set') counts.writes += (given[0] as ArrayLike<number>).length;
          else if (property === 'fill') counts.writes += of.length;
          else counts.reads += property === 'slice' ? (result as Kind).length : of.length;
          return result;
        };
      },
      set(of, property, value) {
        counts.writes++;
        return Reflect.set(of, property, value, of);
      },
    });
  return {
    array: wrap(target),
    get reads() {
      return counts.reads;
    },
    get writes() {
      return counts.writes;
    },
  };
}
