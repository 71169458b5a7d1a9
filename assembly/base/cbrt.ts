/** The cube root, rounded correctly: the same in every runtime, and what an exact computation gives. */

/** 2^27 + 1: splits a double into two halves whose products are exact (Veltkamp, Dekker 1971). */
const SPLIT: f64 = 134217729;

/** What rounding took from `a * b`, whose rounded value is `product`. */
@inline
function productError(a: f64, b: f64, product: f64): f64 {
  let c = SPLIT * a;
  const a_high = c - (c - a);
  const a_low = a - a_high;
  c = SPLIT * b;
  const b_high = c - (c - b);
  const b_low = b - b_high;
  return a_high * b_high - product + a_high * b_low + a_low * b_high + a_low * b_low;
}

/** `Math.cbrt` is off by less than one unit in the last place; a step of Newton with an exact residual mends that. */
export function cbrt(x: f64): f64 {
  if (x == 0) return x;
  const y = Math.cbrt(x);
  const square = y * y;
  const cube = square * y;
  const residual = x - cube - productError(square, y, cube) - productError(y, y, square) * y;
  return y + residual / (3.0 * square);
}
