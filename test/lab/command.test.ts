import { afterEach, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../src/core/errors.ts';
import {
  choiceFlag,
  flagHelp,
  integerFlag,
  integersFlag,
  numbersFlag,
  readCommandLine,
} from '../../src/lab/command.ts';

const flags = {
  count: { value: '<n>', help: 'how many' },
  name: { value: '<word>', help: 'which' },
  loud: { help: 'a switch' },
};
const line = (...argv: string[]) => readCommandLine(argv, flags);
const range = { min: 1, max: 100 };

afterEach(() => vi.unstubAllEnvs());

describe('a command line', () => {
  it('is read by name', () => {
    const { values } = line('--count', '12', '--loud', '--name=abc');
    expect(values).toEqual({ count: '12', loud: true, name: 'abc' });
    expect(line('-h').values.help).toBe(true);
  });

  it.each([
    [['--what'], "unknown option '--what'"],
    [['--count'], "option '--count <value>' argument missing"],
    [['--loud=3'], "option '--loud' does not take an argument"],
    [['stray'], "unexpected argument 'stray'"],
    [['--count', '-1'], '--count: its value is missing, or begins with a dash, as only in --count=-1 it may'],
    [['--count', '--loud'], '--count: its value is missing'],
  ])('%s is one line that points to the help', (argv, what) => {
    expect(() => line(...argv)).toThrow(UsageError);
    try {
      line(...argv);
    } catch (error) {
      expect((error as Error).message).toContain(what);
      expect((error as Error).message).toMatch(/: --help lists the flags$/);
      expect((error as Error).message).not.toContain('\n');
    }
  });

  it.each(['0', '101', '-1', '1.5', '1e1', 'ten', '', ' 7'])('refuses --count=%s', (text) => {
    expect(() => integerFlag(line(`--count=${text}`), 'count', range)).toThrow(UsageError);
    expect(() => integerFlag(line(`--count=${text}`), 'count', range)).toThrow('a whole number from 1 to 100');
  });

  it('says where the least comes from', () => {
    const wide = { min: 10, least: '--k', max: 100 };
    expect(() => integerFlag(line('--count', '9'), 'count', wide)).toThrow(
      '--count 9: expected a whole number from 10 (--k) to 100',
    );
    expect(() => integersFlag(line('--count', '10,9'), 'count', wide)).toThrow('from 10 (--k) to 100');
  });

  it('refuses to run without a flag that npm kept', () => {
    vi.stubEnv('npm_lifecycle_event', 'annlab');
    vi.stubEnv('npm_config_count', '12');
    expect(() => line('12')).toThrow(UsageError);
    expect(() => line()).toThrow(
      'npm kept --count for itself: put a -- before the flags, as in npm run annlab -- --count',
    );
    vi.stubEnv('npm_lifecycle_event', 'start');
    expect(() => line()).toThrow('as in npm start -- --count');
    vi.unstubAllEnvs();
    const switches = { 'no-echo': { help: 'a switch' } };
    vi.stubEnv('npm_config_echo', 'true');
    expect(readCommandLine([], switches).values).toEqual({});
    vi.stubEnv('npm_config_echo', '');
    expect(() => readCommandLine([], switches)).toThrow('npm kept --no-echo for itself');
  });

  it('reads whole numbers and lists of them', () => {
    expect(integerFlag(line('--count', '100'), 'count', range)).toBe(100);
    expect(integerFlag(line(), 'count', range)).toBeUndefined();
    expect(integersFlag(line('--count', '1, 20,3'), 'count', range)).toEqual([1, 20, 3]);
    expect(() => integersFlag(line('--count', '1,,3'), 'count', range)).toThrow(UsageError);
  });

  it('reads lists of numbers', () => {
    const range = { min: 0, max: 10 };
    expect(numbersFlag(line('--count', '0, .02,0.1,10'), 'count', range)).toEqual([0, 0.02, 0.1, 10]);
    expect(numbersFlag(line(), 'count', range)).toBeUndefined();
    for (const wrong of ['0,,1', '-1', '10.5', 'x', '1e1', 'Infinity', '0x1', '']) {
      expect(() => numbersFlag(line('--count', wrong), 'count', range), wrong).toThrow(UsageError);
    }
  });

  it('reads one of a few words', () => {
    expect(choiceFlag(line('--name', 'b'), 'name', ['a', 'b'])).toBe('b');
    expect(() => choiceFlag(line('--name', 'c'), 'name', ['a', 'b'])).toThrow('--name c: choose one of a, b');
  });

  it('lists its flags in a column', () => {
    expect(flagHelp(flags).split('\n')).toEqual([
      '  --count <n>    how many',
      '  --name <word>  which',
      '  --loud         a switch',
      '  --help         this text',
    ]);
  });
});
