/** A soak as a whole: what is to be done, and the tally of what all rounds have done and of what was found wrong. */
import { createHistogram, performance, type RecordableHistogram } from 'node:perf_hooks';
import { Random } from '../core/random.ts';
import { formatCount, formatMicros, formatSeconds } from './format.ts';
import { K, type Side, type SoakReport } from './soak-report.ts';

export interface SoakOptions {
  /** How long vectors are added and searched for; checks come on top. */
  seconds: number;
  /** Instead: how many batches are added, all rounds together. */
  batches?: number;
  /** Threads that search, and that insert. */
  readers: number;
  writers: number;
  dimension: number;
  /** Vectors of an index. */
  rows: number;
  codes: 'f32' | 'sq7';
  seed: number;
  /** A thread is ended every so many seconds. */
  killSeconds?: number;
  /** How long it may take for anything to move. Default 10. */
  stallSeconds?: number;
}

/** How much less of what was acknowledged may be found beside writers than without: chance, where several write. */
const RECALL_SLACK = 0.002;

export class SoakRun {
  readonly options: SoakOptions;
  readonly random: Random;
  readonly insertTimes = createHistogram();
  readonly searchTimes = createHistogram();
  readonly faults: string[] = [];
  rounds = 0;
  batches = 0;
  /** Rows that were acknowledged; of a batch over which a thread died the times are not known. */
  inserted = 0;
  kills = 0;
  deaths = 0;
  lost = 0;
  sampled = 0;
  hits = 0;
  hitsAlone = 0;
  /**
   * Time in which there was adding and searching: that of rounds that are over, and since when the present one runs.
   */
  #seconds = 0;
  #since: number | undefined;

  constructor(options: SoakOptions) {
    this.options = options;
    this.random = new Random(`soak ${options.seed}`);
  }

  get seconds(): number {
    return this.#seconds + (this.#since === undefined ? 0 : (performance.now() - this.#since) / 1000);
  }

  get isOver(): boolean {
    const { seconds, batches } = this.options;
    return this.faults.length > 0 || (batches === undefined ? this.seconds >= seconds : this.batches >= batches);
  }

  /** Counts the time until `ended` is called. */
  begin(): void {
    this.#since = performance.now();
  }

  ended(): void {
    this.#seconds = this.seconds;
    this.#since = undefined;
  }

  /** What there is to say at any time, while this is being done; microseconds are p50 / p99 / p99.9 / max. */
  line(doing: string): string {
    const side = (what: string, { done, perSecond, p50Us, p99Us, p999Us, maxUs }: Side) => {
      const us = [p50Us, p99Us, p999Us, maxUs].map(formatMicros).join(' / ');
      return `${formatCount(done)} ${what}, ${formatCount(perSecond)}/s, ${us} µs`;
    };
    const parts = [side('inserts', this.#inserts()), side('searches', this.#searches())];
    if (this.sampled > 0) parts.push(`recall ${(this.hits / (K * this.sampled)).toFixed(4)}`);
    if (this.kills > 0) parts.push(`${this.kills} threads ended`);
    return `${formatSeconds(this.seconds)}, ${doing}: ${parts.join('; ')}`;
  }

  report(): SoakReport {
    const { rounds, kills, deaths, sampled, lost, faults } = this;
    const share = (hits: number) => (sampled === 0 ? 0 : hits / (K * sampled));
    const [recall, recallAlone] = [share(this.hits), share(this.hitsAlone)];
    if (recall < recallAlone - RECALL_SLACK) {
      faults.push(`recall beside writers is ${recall.toFixed(4)}, with nobody writing ${recallAlone.toFixed(4)}`);
    }
    const sides = { inserts: this.#inserts(), searches: this.#searches() };
    return { rounds, ...sides, kills, deaths, sampled, recall, recallAlone, lost, faults };
  }

  #inserts(): Side {
    return this.#side(this.inserted, this.insertTimes);
  }

  #searches(): Side {
    return this.#side(this.searchTimes.count, this.searchTimes);
  }

  #side(done: number, times: RecordableHistogram): Side {
    const none = times.count === 0;
    const at = (share: number) => (none ? 0 : times.percentile(share) / 1000);
    return {
      ...{ done, perSecond: this.seconds > 0 ? done / this.seconds : 0 },
      ...{ p50Us: at(50), p99Us: at(99), p999Us: at(99.9), maxUs: none ? 0 : times.max / 1000 },
    };
  }
}
