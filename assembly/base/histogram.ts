/**
 * A log-linear histogram of nanoseconds: 32 buckets an octave, so a value is known to 3 %.
 *
 *      value < 32: bucket = value        else: bucket = 32 * octave + next five bits below the top
 */

export const HISTOGRAM_BUCKETS: u32 = 60 * 32;

export function histogramAdd(histogram: usize, value: u64): void {
  let bucket = <u32>value;
  if (value >= 32) {
    const shift = 58 - <u32>clz(value);
    bucket = ((shift + 1) << 5) + ((<u32>(value >> shift)) & 31);
  }
  const at = histogram + ((<usize>bucket) << 2);
  store<u32>(at, load<u32>(at) + 1);
}
