/**
 * What stands in an exercise where the learner's code goes: a throw, so that nothing pretends to work before it is written.
 * `attempt` is the notebooks' side of it: a cell that would draw the learner's curve runs green while there is none.
 */
import { AnnError } from '../../core/errors.ts';

export class UnwrittenHole extends AnnError {
  readonly day: number;
  readonly hole: string;

  constructor(day: number, hole: string) {
    super(
      'UNWRITTEN_HOLE',
      `hole ${hole} of day ${day} is not written yet: write it in the day's exercise.ts; for a hint, npm run day -- ${day} --hint ${hole}`,
    );
    this.day = day;
    this.hole = hole;
  }
}

/** Whether an error says that a hole is not written; by code, as a notebook may hold two copies of the class. */
export function isUnwritten(error: unknown): error is UnwrittenHole {
  return error instanceof Error && (error as Partial<UnwrittenHole>).code === 'UNWRITTEN_HOLE';
}

/** What `run` returns, or undefined and one line of explanation where it needs a hole that is not written yet. */
export function attempt<T>(run: () => T): T | undefined {
  const explain = (error: unknown): undefined => {
    if (!isUnwritten(error)) throw error;
    console.log(`Your part shows up here once hole ${error.hole} is written: npm run check -- ${error.day}`);
  };
  try {
    const result = run();
    // An async function's throw arrives later; T is then a promise, and so is what is returned here.
    return result instanceof Promise ? (result.catch(explain) as T) : result;
  } catch (error) {
    return explain(error);
  }
}
