import { describe, expect, it, vi } from 'vitest';
import { attempt, UnwrittenHole } from '../../../src/lab/exercises/unwritten-hole.ts';

const hole = new UnwrittenHole(3, 'descend');

function saidDuring<T>(run: () => T): { said: unknown[]; result: T } {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    const result = run();
    return { result, said: log.mock.calls.map(([text]) => text) };
  } finally {
    log.mockRestore();
  }
}

describe('an unwritten hole', () => {
  it('says which it is, where to write it and how to get a hint', () => {
    expect(hole.message).toContain('hole descend of day 3');
    expect(hole.message).toContain('exercise.ts');
    expect(hole.message).toContain('npm run day -- 3 --hint descend');
  });
});

describe('attempt', () => {
  it('returns what the code returns, and says nothing', async () => {
    expect(saidDuring(() => attempt(() => 7))).toEqual({ result: 7, said: [] });
    expect(await attempt(async () => 7)).toBe(7);
  });

  it('returns undefined and says one line where a hole is not written', () => {
    const { result, said } = saidDuring(() =>
      attempt(() => {
        throw hole;
      }),
    );
    expect(result).toBeUndefined();
    expect(said).toEqual([expect.stringMatching(/hole descend is written: npm run check -- 3$/)]);
  });

  it('does so for a promise, and for another copy of the class', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const copy = Object.assign(new Error('copy'), { code: 'UNWRITTEN_HOLE', day: 3, hole: 'descend' });
    expect(await attempt(() => Promise.reject(copy))).toBeUndefined();
    expect(log).toHaveBeenCalledTimes(1);
    log.mockRestore();
  });

  it('passes every other error on', async () => {
    const other = new TypeError('mine');
    expect(() =>
      attempt(() => {
        throw other;
      }),
    ).toThrow(other);
    await expect(attempt(() => Promise.reject(other))).rejects.toThrow(other);
    expect(() =>
      attempt(() => {
        throw 'text';
      }),
    ).toThrow('text');
  });
});
