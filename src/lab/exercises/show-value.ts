/** Values as a learner reads them: vectors as short lists of short numbers, long lists cut, a line or a few. */
import { inspect } from 'node:util';

const LONGEST = 16;

/** A value on one line where it fits, else on several. */
export function showValue(value: unknown): string {
  return inspect(readable(value, new Set()), {
    depth: 6,
    maxArrayLength: null,
    breakLength: 90,
    compact: 4,
    sorted: false,
  });
}

/** The value with typed arrays as plain lists, numbers with six digits, and lists cut after a few entries. */
function readable(value: unknown, above: Set<unknown>): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(6));
  if (typeof value !== 'object' || value === null) return value;
  if (above.has(value)) return new Text('(itself)');
  const inside = new Set(above).add(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return list([...(value as Float32Array)], inside);
  if (Array.isArray(value)) return list(value, inside);
  if (value instanceof Set) return new Set(list([...value], inside));
  if (value instanceof Map) {
    return new Map(list([...value], inside).map((pair) => (Array.isArray(pair) ? [pair[0], pair[1]] : [pair, pair])));
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner, inside)]));
}

function list(values: unknown[], inside: Set<unknown>): unknown[] {
  const shown = values.slice(0, LONGEST).map((value) => readable(value, inside));
  return values.length > LONGEST ? [...shown, new Text(`… ${values.length - LONGEST} more`)] : shown;
}

/** Words in the place of a value, without quotes. */
class Text {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  [inspect.custom](): string {
    return this.#text;
  }
}
