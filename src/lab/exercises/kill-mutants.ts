/** Whether the checks of a day tell each of its mutants from the reference, and which check does. */
import { runSession, type SessionOptions } from './check-session.ts';
import type { FoundDay } from './day.ts';
import { type Mutant, readMutants } from './mutants.ts';

export interface Verdict {
  mutant: Mutant;
  killed: boolean;
  /** The check that failed, or why no check could. */
  by: string;
}

/** Runs the checks on every mutant, each up to its first failure. An endless one is stopped after a shorter time. */
export async function killMutants(
  day: FoundDay,
  { timeoutMs, onVerdict }: { timeoutMs: number; onVerdict?: (verdict: Verdict) => void },
): Promise<Verdict[]> {
  const mutants = await readMutants(day);
  const verdicts: Verdict[] = [];
  for (const endless of [false, true]) {
    const some = mutants.filter((mutant) => (mutant.endless ?? false) === endless);
    const jobs = some.map(({ name }) => ({ mutant: name }));
    const options: SessionOptions = {
      timeoutMs: endless ? Math.min(timeoutMs, 10_000) : timeoutMs,
      stopAtFailure: true,
    };
    for (const [i, { results, problem }] of (await runSession(day, jobs, options)).entries()) {
      const failure = results.find(({ status }) => status === 'failed' || status === 'unwritten');
      const stopped = results.find(({ status }) => status === 'stopped');
      let verdict: Verdict;
      if (problem) verdict = { mutant: some[i], killed: false, by: problem.message };
      else if (failure)
        verdict = { mutant: some[i], killed: failure.status === 'failed', by: `${failure.layer}: ${failure.says}` };
      else if (stopped)
        verdict = { mutant: some[i], killed: endless, by: `stopped in "${stopped.says}": ${stopped.message}` };
      else verdict = { mutant: some[i], killed: false, by: 'no check failed' };
      verdicts.push(verdict);
      onVerdict?.(verdict);
    }
  }
  return verdicts;
}
