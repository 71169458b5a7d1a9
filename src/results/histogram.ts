/** Reads the core's log-linear histograms of nanoseconds, see `assembly/base/histogram.ts`. */
import type { Engine } from "../core/engine.ts";
import { histogramPercentile } from "./stats.ts";

const SUB_BUCKETS = 32;
const BUCKETS = 60 * SUB_BUCKETS;

/** The middle of a bucket, in nanoseconds. */
export function bucketValue(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  return (SUB_BUCKETS + bucket % SUB_BUCKETS + 0.5) * 2 ** shift;
}

/**
 * Percentiles of the histogram at `address`, in milliseconds; NaN when it is empty. `zeros` values of 0 are not in it:
 * the core does not count them.
 */
export function histogramPercentiles_ms(
  engine: Engine,
  address: number,
  percents: readonly number[],
  zeros: (counted: number) => number = () => 0,
): number[] {
  if (address === 0) return percents.map(() => NaN);
  const counts = new Uint32Array(engine.exports.memory.buffer, address, BUCKETS).slice();
  counts[0] += zeros(counts.reduce((sum, count) => sum + count, 0));
  return percents.map((p) => histogramPercentile(counts, bucketValue, p) / 1e6);
}
