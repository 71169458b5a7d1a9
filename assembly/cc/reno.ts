/**
 * Reno: RFC 5681's congestion avoidance with appropriate byte counting (RFC 3465), counted in segments;
 * `cwnd_cnt` is RFC 3465's bytes_acked.
 */
import { AckSample } from "../layout/engine";
import { Tcb } from "../layout/tcb";
import { inSlowStart, setCwnd, slowStart } from "./window";

/** Lies over `Tcb.cc_priv0`; set before the connection opens. */
@unmanaged
class RenoState {
  /** 1: counts ACKs instead of the segments that they acknowledge, RFC 5681 §3.1 without RFC 3465. */
  count_acks: u64;
}

@inline
function stateOf(tcb: Tcb): RenoState {
  return changetype<RenoState>(changetype<usize>(tcb) + offsetof<Tcb>("cc_priv0"));
}

export function renoInit(tcb: Tcb): void {
  tcb.cwnd_cnt = 0;
}

export function renoOnAck(tcb: Tcb, sample: AckSample): void {
  let acked = stateOf(tcb).count_acks ? min<u32>(sample.delivered, 1) : sample.delivered;
  if (inSlowStart(tcb)) {
    acked = slowStart(tcb, acked, sample.now);
    if (!acked) return;
  }
  // RFC 3465 §2.1: a window's worth acknowledged grows the window by one
  const cwnd = tcb.cwnd;
  let count = tcb.cwnd_cnt + acked;
  if (count >= cwnd) {
    const grown = cwnd + count / cwnd;
    count %= cwnd;
    setCwnd(tcb, grown, sample.now);
  }
  tcb.cwnd_cnt = count;
}

/** RFC 5681 (4): half, and no less than two segments. */
export function renoOnCongestionEvent(tcb: Tcb): void {
  tcb.ssthresh = max(tcb.cwnd >> 1, 2);
  tcb.cwnd_cnt = 0;
}

export function renoOnRto(tcb: Tcb): void {
  renoOnCongestionEvent(tcb);
}

export function renoOnIdle(): void {}
