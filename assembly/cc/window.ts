/** What every congestion control shares: the window with its time integral, and slow start. */
import { TcbFlag } from "../layout/enums";
import { Tcb } from "../layout/tcb";

/** The largest ssthresh: "arbitrarily high" before the first loss, RFC 5681 §3.1. */
export const SSTHRESH_INFINITE: u32 = 0x7fffffff;

/** Sets cwnd; its time integral is kept here, so nothing else may write it. */
export function setCwnd(tcb: Tcb, cwnd: u32, now: u64): void {
  const old = tcb.cwnd;
  tcb.cwnd_sum += <f64>old * <f64>(<i64>(now - tcb.cwnd_since));
  tcb.cwnd_since = now;
  tcb.cwnd = cwnd;
  // The largest of all stands before a reduction, or still does
  if (cwnd < old && old > tcb.cwnd_max) tcb.cwnd_max = old;
}

@inline
export function inSlowStart(tcb: Tcb): bool {
  return tcb.cwnd < tcb.ssthresh;
}

/** RFC 5681 §3.1 (2): one segment for each acknowledged, up to ssthresh; returns what is left over. */
export function slowStart(tcb: Tcb, acked: u32, now: u64): u32 {
  const cwnd = min(tcb.cwnd + acked, tcb.ssthresh);
  const left = acked - (cwnd - tcb.cwnd);
  setCwnd(tcb, cwnd, now);
  return left;
}

/** One segment for each `per` acknowledged, as `cwnd_cnt` counts them: Linux's way of growing linearly. */
export function additiveIncrease(tcb: Tcb, per: u32, acked: u32, now: u64): void {
  let cwnd = tcb.cwnd;
  let count = tcb.cwnd_cnt;
  // What was saved up for a slower growth counts once
  if (count >= per) {
    count = 0;
    cwnd++;
  }
  count += acked;
  if (count >= per) {
    const steps = count / per;
    count -= steps * per;
    cwnd += steps;
  }
  tcb.cwnd_cnt = count;
  if (cwnd != tcb.cwnd) setCwnd(tcb, cwnd, now);
}

/** Linux's tcp_is_cwnd_limited: in slow start half of the window in use is enough to go on growing. */
export function isCwndLimited(tcb: Tcb): bool {
  if (tcb.flags & TcbFlag.CWND_LIMITED) return true;
  return inSlowStart(tcb) && tcb.cwnd < tcb.max_packets_out << 1;
}
