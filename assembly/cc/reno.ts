/**
 * Reno: RFC 5681's congestion avoidance with appropriate byte counting (RFC 3465), counted in segments;
 * `cwnd_cnt` is RFC 3465's bytes_acked.
 */
import { AckSample } from "../layout/engine";
import { CcOption } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { ccOptions } from "./options";
import { inSlowStart, setCwnd, slowStart } from "./window";

export function renoInit(tcb: Tcb): void {
  tcb.cwnd_cnt = 0;
}

export function renoOnAck(tcb: Tcb, sample: AckSample): void {
  let acked = ccOptions(tcb) & CcOption.COUNT_ACKS ? min<u32>(sample.delivered, 1) : sample.delivered;
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

/** RFC 5681 (4): half, and no less than two segments; RFC 8511 §3.1: four fifths when a mark told of it. */
export function renoOnCongestionEvent(tcb: Tcb, ecn: bool): void {
  const left = ecn && ccOptions(tcb) & CcOption.ABE ? (tcb.cwnd * 4) / 5 : tcb.cwnd >> 1;
  tcb.ssthresh = max(left, 2);
  tcb.cwnd_cnt = 0;
}

export function renoOnRto(tcb: Tcb): void {
  renoOnCongestionEvent(tcb, false);
}

export function renoOnTransmitStart(): void {}
