import { UsageError } from '../../core/errors.ts';
import { dayNames } from './day.ts';

/** The one day that a command is about, from the words after it. Throws UsageError that says how to name one. */
export function oneDay(positionals: readonly string[], command: string, root: string): string {
  const example = `npm run ${command} -- 3`;
  if (positionals.length === 0) throw new UsageError(`which day? Such as ${example}; the days are ${dayNames(root)}`);
  if (positionals.length > 1)
    throw new UsageError(`one day at a time, such as ${example}: got ${positionals.join(' ')}`);
  return positionals[0];
}
