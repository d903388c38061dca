/** Runs the checks of a day on a module: one outcome for each, whatever the module does short of never returning. */
import { type Check, CheckFailure, type Layer } from './check.ts';
import { showValue } from './show-value.ts';
import { isUnwritten } from './unwritten-hole.ts';

export interface CheckResult {
  layer: Layer;
  says: string;
  hole: string;
  likely: string;
  /**
   * `failed`: what the check says does not hold, or the code threw. `unwritten`: it needs a hole that is not written yet.
   * `stopped`: it did not return, or took the process with it. `not run`: one before it was stopped.
   */
  status: 'passed' | 'failed' | 'unwritten' | 'stopped' | 'not run';
  /** What was found instead. */
  message?: string;
  counterexample?: string;
  /** Where the code threw: the frames of the stack, for whoever looks for a line. */
  stack?: string;
  /** Which hole is missing, where that is not the check's own. */
  needs?: string;
}

export interface RunOptions {
  /** The holes that are not written yet: checks of theirs are not run. */
  unwritten?: readonly string[];
  /** Called before each check that runs. */
  onStart?: (index: number) => void;
  /** Called after each check. */
  onResult?: (result: CheckResult, index: number) => void;
  /** Leave the rest out after a failure; default false. */
  stopAtFailure?: boolean;
}

/** Runs all checks in order; the results are in the same order. */
export async function runChecks<M>(
  checks: readonly Check<M>[],
  module: M,
  { unwritten = [], onStart, onResult, stopAtFailure = false }: RunOptions = {},
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [index, check] of checks.entries()) {
    const { layer, says, hole, likely } = check;
    const about = { layer, says, hole, likely };
    let result: CheckResult;
    if (unwritten.includes(hole)) {
      result = { ...about, status: 'unwritten' };
    } else if (stopAtFailure && results.some(({ status }) => status === 'failed')) {
      result = { ...about, status: 'not run' };
    } else {
      onStart?.(index);
      result = { ...about, ...(await outcome(check, module)) };
    }
    results.push(result);
    onResult?.(result, index);
  }
  return results;
}

/** Whether a run is green: there were checks, and all of them passed. */
export function isGreen(results: readonly CheckResult[]): boolean {
  return results.length > 0 && results.every(({ status }) => status === 'passed');
}

async function outcome<M>(
  check: Check<M>,
  module: M,
): Promise<Pick<CheckResult, 'status' | 'message' | 'counterexample' | 'stack' | 'needs'>> {
  try {
    await check.run(module);
    return { status: 'passed' };
  } catch (error) {
    if (isUnwritten(error)) return { status: 'unwritten', needs: error.hole };
    if (error instanceof CheckFailure) {
      const { message, counterexample, cause } = error;
      return {
        status: 'failed',
        message,
        ...(counterexample !== undefined && { counterexample }),
        ...(cause instanceof Error && cause.stack !== undefined && { stack: cause.stack }),
      };
    }
    if (!(error instanceof Error))
      return { status: 'failed', message: `it threw ${showValue(error)}, which is no Error` };
    return {
      status: 'failed',
      message: `it threw ${error.name}: ${error.message}`,
      ...(error.stack !== undefined && { stack: error.stack }),
    };
  }
}
