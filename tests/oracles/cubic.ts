/** RFC 9438 §4, in its own order of operations so that the results agree to the last bit. Windows in segments. */
export const BETA = 0.7;
export const C = 0.4;
/** §4.3. */
export const ALPHA = 3 * (1 - BETA) / (1 + BETA);

/** §4.2, figure 2: the time that it takes to reach w_max again. */
export function k(w_max: number, cwnd_epoch: number): number {
  return Math.cbrt((w_max - cwnd_epoch) / C);
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
  epoch.w_est += alpha * acked / cwnd;
  if (wCubic(t, k, w_max) < epoch.w_est) {
    epoch.cwnd = Math.max(cwnd, epoch.w_est);
    return;
  }
  const target = Math.min(Math.max(wCubic(t + rtt, k, w_max), cwnd), 1.5 * cwnd);
  epoch.cwnd = cwnd + acked * (target - cwnd) / cwnd;
}
