/**
 * The statistics results are made of: pure functions over plain or typed arrays. Each answers `NaN` when there is
 * nothing to measure, which the JSON form prints as `null`.
 */

/** Arithmetic mean. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/**
 * Jain's fairness index, (sum x)^2 / (n sum x^2), from 1/n when one takes all to 1 when all are equal; Jain, Chiu and
 * Hawe, "A quantitative measure of fairness and discrimination", DEC TR-301, 1984. All zero is equal, hence 1.
 */
export function jainIndex(values: ArrayLike<number>): number {
  // Scaling by the largest keeps the squares of rates finite and exact sums of equal values equal.
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, values[i]);
  if (largest === 0) return values.length === 0 ? NaN : 1;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const x = values[i] / largest;
    sum += x;
    squares += x * x;
  }
  return (sum * sum) / (values.length * squares);
}

/**
 * The value below which `p` percent of an ascending array lies, interpolated linearly between neighbours (type 7 of
 * Hyndman and Fan, the default of R and NumPy), so that `p = 50` is the median.
 */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return NaN;
  const position = (Math.min(Math.max(p, 0), 100) / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/**
 * A percentile of a histogram, by nearest rank: the value of the bucket that holds sample number ceil(p/100 x n).
 * `valueOf` turns a bucket's index into the value it stands for (a log-linear histogram's bucket midpoint, say), so the
 * answer is as exact as the buckets are narrow.
 */
export function histogramPercentile(counts: ArrayLike<number>, valueOf: (bucket: number) => number, p: number): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total === 0) return NaN;
  const rank = Math.min(Math.max(Math.ceil((p / 100) * total), 1), total);
  let seen = 0;
  let bucket = -1;
  while (seen < rank) seen += counts[++bucket];
  return valueOf(bucket);
}
