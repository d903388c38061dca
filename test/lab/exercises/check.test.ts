import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Check, CheckFailure, fails } from '../../../src/lab/exercises/check.ts';
import { countingDistance } from '../../../src/lab/exercises/counting-distance.ts';
import { forAll } from '../../../src/lab/exercises/for-all.ts';
import { isGreen, runChecks } from '../../../src/lab/exercises/run-checks.ts';
import { showValue } from '../../../src/lab/exercises/show-value.ts';
import { UnwrittenHole } from '../../../src/lab/exercises/unwritten-hole.ts';

function failureOf(run: () => void): CheckFailure {
  try {
    run();
  } catch (error) {
    if (error instanceof CheckFailure) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('fails', () => {
  it('throws what was found and shows the case', () => {
    const failure = failureOf(() => fails('two are the same', { ids: Uint32Array.of(1, 1), at: 0.1 + 0.2 }));
    expect(failure.message).toBe('two are the same');
    expect(failure.counterexample).toBe('{ ids: [ 1, 1 ], at: 0.3 }');
    expect(failureOf(() => fails('nothing to show')).counterexample).toBeUndefined();
  });
});

describe('showValue', () => {
  it.each([
    [Float32Array.of(0.1, -1, 1e-9), '[ 0.1, -1, 1e-9 ]'],
    [Array.from({ length: 20 }, (_, i) => i), '… 4 more'],
    [new Map([[1, Float32Array.of(0.5)]]), 'Map(1) { 1 => [ 0.5 ] }'],
    [new Set(['a']), "Set(1) { 'a' }"],
    [undefined, 'undefined'],
    [Number.NaN, 'NaN'],
    [-0, '-0'],
    ['text', "'text'"],
    [null, 'null'],
  ])('%s', (value, text) => {
    expect(showValue(value)).toContain(text);
  });

  it('ends on what contains itself', () => {
    const node: { self?: unknown; id: number } = { id: 1 };
    node.self = node;
    expect(showValue(node)).toBe('{ id: 1, self: (itself) }');
  });
});

describe('forAll', () => {
  const small = (limit: number) => () =>
    forAll(fc.integer({ min: 0, max: 1e6 }), (n) => {
      if (n >= limit) fails(`${n} is too large`);
    });

  it('passes what always holds', () => {
    let runs = 0;
    forAll(fc.integer(), () => void runs++, { runs: 37 });
    expect(runs).toBe(37);
  });

  it('fails with the smallest value that breaks it', () => {
    const failure = failureOf(small(100));
    expect(failure.counterexample).toBe('100');
    expect(failure.message).toMatch(/^100 is too large \(random case \d+ of 100, made smaller \d+ times\)$/);
  });

  it('shows what the failure shows beside the value', () => {
    const failure = failureOf(() =>
      forAll(fc.array(fc.nat()), (list) => {
        if (list.length > 1) fails('too long', { length: list.length });
      }),
    );
    expect(failure.counterexample).toBe('[ 0, 0 ]\nfound: { length: 2 }');
  });

  it('fails with what the code throws, and keeps its stack', () => {
    const failure = failureOf(() =>
      forAll(fc.nat(), (n) => {
        if (n > 2) throw new TypeError('no');
      }),
    );
    expect(failure.message).toContain('it threw TypeError: no');
    expect(failure.counterexample).toBe('3');
    expect(failure.cause).toBeInstanceOf(TypeError);
    expect(
      failureOf(() =>
        forAll(fc.nat(), () => {
          throw 'a text';
        }),
      ).message,
    ).toContain("it threw 'a text'");
  });

  it('takes the same cases under the same seed, others under another', () => {
    const cases = (seed?: number) => {
      const seen: number[] = [];
      forAll(fc.integer(), (n) => void seen.push(n), { ...(seed !== undefined && { seed }) });
      return seen;
    };
    expect(cases()).toEqual(cases());
    expect(cases(2)).not.toEqual(cases());
  });

  it('passes on that a hole is not written', () => {
    const hole = new UnwrittenHole(3, 'total');
    expect(() =>
      forAll(fc.nat(), () => {
        throw hole;
      }),
    ).toThrow(hole);
  });

  it('says when no case can be made', () => {
    expect(() => forAll(fc.nat(), () => fc.pre(false))).toThrow('own cases cannot be made');
  });
});

describe('countingDistance', () => {
  it('counts, and starts again', () => {
    const counting = countingDistance((a: number, b: number) => Math.abs(a - b));
    expect(counting.distance(3, 5)).toBe(2);
    counting.distance(1, 1);
    expect(counting.count).toBe(2);
    counting.reset();
    expect(counting.count).toBe(0);
  });

  it('ends the check beyond its budget', () => {
    const { distance } = countingDistance(() => 0, { budget: 10 });
    const endless = () => {
      for (;;) distance();
    };
    expect(failureOf(endless).message).toBe('more than 10 distance evaluations, and not done yet');
  });
});

describe('runChecks', () => {
  const check = (run: Check<unknown>['run'], hole = 'total'): Check<unknown> => ({
    layer: 'example',
    says: 's',
    hole,
    likely: 'l',
    run,
  });
  const statuses = async (checks: Check<unknown>[], options = {}) =>
    (await runChecks(checks, {}, options)).map(({ status }) => status);

  it('is green with one check or more, all passed', async () => {
    expect(isGreen(await runChecks([check(() => {}), check(async () => {})], {}))).toBe(true);
    expect(isGreen(await runChecks([], {}))).toBe(false);
    expect(isGreen(await runChecks([check(() => {}), check(() => fails('no'))], {}))).toBe(false);
  });

  it('passes the module, waits for promises and goes on after a failure', async () => {
    const module = { value: 7 };
    let seen: unknown;
    const checks = [
      check(async () => {
        await null;
        fails('late');
      }),
      check((got) => {
        seen = got;
      }),
    ];
    const results = await runChecks(checks, module);
    expect(results.map(({ status }) => status)).toEqual(['failed', 'passed']);
    expect(results[0].message).toBe('late');
    expect(seen).toBe(module);
  });

  it('tells a throw from a failure: with its stack', async () => {
    const throwing = (thrown: unknown) =>
      check(() => {
        throw thrown;
      });
    const [error, text, nothing] = await runChecks(
      [throwing(new RangeError('far')), throwing('text'), throwing(undefined)],
      {},
    );
    expect(error).toMatchObject({ status: 'failed', message: 'it threw RangeError: far' });
    expect(error.stack).toContain('check.test.ts');
    expect(text).toMatchObject({ status: 'failed', message: "it threw 'text', which is no Error" });
    expect(nothing).toMatchObject({ status: 'failed', message: 'it threw undefined, which is no Error' });
  });

  it('does not run a check whose hole is not written, and sees where another is needed', async () => {
    const ran: string[] = [];
    const results = await runChecks(
      [
        check(() => void ran.push('total')),
        check(() => {
          throw new UnwrittenHole(3, 'total');
        }, 'mean'),
        check(() => {}, 'mean'),
      ],
      {},
      { unwritten: ['total'] },
    );
    expect(ran).toEqual([]);
    expect(results.map(({ status }) => status)).toEqual(['unwritten', 'unwritten', 'passed']);
    expect(results[1].needs).toBe('total');
    expect(isGreen(results)).toBe(false);
  });

  it('stops at the first failure where asked to', async () => {
    const checks = [check(() => {}), check(() => fails('no')), check(() => {})];
    expect(await statuses(checks)).toEqual(['passed', 'failed', 'passed']);
    expect(await statuses(checks, { stopAtFailure: true })).toEqual(['passed', 'failed', 'not run']);
  });
});
