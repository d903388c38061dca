/**
 * A wanted recall, looked up: the cheapest setting that a calibration knows to reach it. Settings are chosen by the same sample
 * that they were measured on; but recall rises along the ladder as a whole, so that choosing one is one look at the sample
 * rather than many.
 */
import { ParameterError } from '../core/errors.ts';
import type { Calibration } from './calibration.ts';
import { checkInteger } from './checks.ts';
import type { GraphThread } from './graph-thread.ts';
import type { SearchOptions } from './vector-index.ts';

/**
 * The setting for `recallTarget`: the first whose lower bound reaches it. For a k between two that were measured, the more
 * demanding of both. Throws ParameterError.
 */
export function settingFor(
  calibration: Calibration | undefined,
  thread: Pick<GraphThread, 'count' | 'form'>,
  options: SearchOptions,
): SearchOptions {
  const { k, recallTarget, efSearch, gamma, rerank, filterWords, defer, ...others } = options;
  const refuse = (want: string): never => {
    throw new ParameterError({ parameter: 'recallTarget', got: recallTarget, want });
  };
  const target = recallTarget!;
  if (!(typeof target === 'number' && target > 0 && target <= 1))
    refuse('a share of the neighbours, above 0 and at most 1');
  for (const [name, value] of Object.entries({ efSearch, gamma, rerank, filterWords, defer })) {
    if (value !== undefined) refuse(`decides ${name} too: leave out the one or the other`);
  }
  checkInteger('k', k, 1, 2 ** 31 - 1);
  const { count } = thread;
  if (!calibration)
    return refuse('the index is not calibrated, so nobody knows what that takes: await index.calibrate()');
  if (count > 2 * calibration.count)
    refuse(`calibrated when ${calibration.count} vectors were held, and now there are ${count}: calibrate again`);
  if (thread.form !== calibration.form)
    refuse(`calibrated when vectors were held as ${calibration.form}, and now as ${thread.form}: calibrate again`);
  // A beam as wide as all there are finds all.
  if (k >= count) return { ...others, k, efSearch: k };
  const { curves } = calibration;
  const above = curves.findIndex((curve) => curve.k >= k);
  if (above < 0) refuse(`calibrated for k up to ${curves.at(-1)!.k}, not ${k}: calibrate with ks that reach it`);
  const near = curves.slice(curves[above].k === k ? above : Math.max(0, above - 1), above + 1);
  const rungs = near.map((curve) => {
    const rung = curve.rungs.find(({ lowerBound }) => lowerBound >= target);
    if (rung) return { ...rung, extra: (rung.rerank - curve.k) * Math.max(1, k / curve.k) };
    const { recall, lowerBound } = curve.rungs.at(-1)!;
    return refuse(
      `the best measured for k = ${curve.k} is ${recall}, at least ${lowerBound} with ${100 * calibration.confidence} % ` +
        'confidence: calibrate with a larger sample, ask for less, or name efSearch yourself',
    );
  });
  const most = (pick: (rung: (typeof rungs)[number]) => number) => Math.max(...rungs.map(pick));
  return {
    ...others,
    k,
    ...(rungs[0].gamma !== undefined && { gamma: most((rung) => rung.gamma ?? 0) }),
    efSearch: Math.max(
      k,
      most((rung) => rung.efSearch),
    ),
    rerank: k + Math.ceil(most((rung) => rung.extra)),
    filterWords: calibration.filterWords,
    defer: calibration.defer,
  };
}
