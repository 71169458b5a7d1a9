/** RFC 9438 §4, in its own order of operations so that the results agree to the last bit. Windows in segments. */
export const BETA = 0.7;
export const C = 0.4;
/** What is left of a window, by Linux's integers. */
export function reduced(cwnd: number): number {
  return Math.max(Math.floor(cwnd * 717 / 1024), 2);
}

/** §4.3. */
export const ALPHA = 3 * (1 - BETA) / (1 + BETA);

/** §4.2, figure 2: the time that it takes to reach w_max again. */
export function k(w_max: number, cwnd_epoch: number): number {
  return cbrt((w_max - cwnd_epoch) / C);
}

/** §4.2, figure 1. */
export function wCubic(t: number, k: number, w_max: number): number {
  return C * (t - k) * (t - k) * (t - k) + w_max;
}

/** The state of one congestion avoidance stage. */
export interface Epoch {
  w_max: number;
  k: number;
  w_est: number;
  cwnd_prior: number;
  cwnd: number;
}

/** One ACK of `acked` segments, `t` seconds after the stage began: §4.2 to §4.5. Changes w_est and cwnd. */
export function onAck(epoch: Epoch, acked: number, t: number, rtt: number): void {
  const { k, w_max, cwnd } = epoch;
  const alpha = epoch.w_est < epoch.cwnd_prior ? ALPHA : 1;
  const share = acked / cwnd;
  epoch.w_est += alpha * share;
  if (wCubic(t, k, w_max) < epoch.w_est) {
    epoch.cwnd = Math.max(cwnd, epoch.w_est);
    return;
  }
  const target = Math.min(Math.max(wCubic(t + rtt, k, w_max), cwnd), 1.5 * cwnd);
  epoch.cwnd = cwnd + share * (target - cwnd);
}

/** The cube root, rounded correctly, by halving an interval of whole numbers: runtimes differ in their `Math.cbrt`. */
export function cbrt(x: number): number {
  if (x === 0) return 0;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const word = bits.getBigUint64(0);
  // x is mantissa * 2^exponent; as many more bits as make the exponent a multiple of three and the root long
  let exponent = Number(word >> 52n) - 1075 - 240;
  let mantissa = (word & (1n << 52n) - 1n | 1n << 52n) << 240n;
  for (; exponent % 3 !== 0; exponent--) mantissa <<= 1n;
  let [low, high] = [0n, 1n << 120n];
  while (low < high) {
    const middle = low + high + 1n >> 1n;
    if (middle ** 3n <= mantissa) low = middle;
    else high = middle - 1n;
  }
  const surplus = BigInt(low.toString(2).length - 53);
  const rounded = (low >> surplus) + (low >> surplus - 1n & 1n);
  return Number(rounded) * 2 ** (Number(surplus) + exponent / 3);
}
