/**
 * Reducing cwnd to ssthresh: proportionally to what is delivered, with the slow-start reduction bound (PRR, RFC 9937), or
 * at once (RFC 5681 §3.2) in a run that does without.
 */
import { AckSample } from "../layout/engine";
import { AckFlag, CaState, Recovery, TcbFlag } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { ccOnCongestionEvent } from "../cc/cc";
import { SSTHRESH_INFINITE, setCwnd } from "../cc/window";
import { ecnReduced } from "./ecn";
import { senderOf } from "./sender";
import { inFlight } from "./sent";

/** Whether cwnd is on its way down. */
@inline
export function inReduction(tcb: Tcb): bool {
  return tcb.ca_state == <u8>CaState.RECOVERY || tcb.ca_state == <u8>CaState.CWR;
}

/** RFC 9937 §5: on entering recovery, or on a congestion signal. */
export function beginReduction(tcb: Tcb, now: u64, signalled: bool): void {
  const tx = senderOf(tcb);
  tcb.high_seq = tcb.snd_nxt;
  tx.tlp_high_seq = 0;
  tx.prior_cwnd = tcb.cwnd;
  tx.prr_delivered = 0;
  tx.prr_out = 0;
  ccOnCongestionEvent(tcb, signalled);
  if (tcb.flags & TcbFlag.ECN) ecnReduced(tcb);
  tcb.cwnd_cnt = 0;
  if (!(engine().recovery & Recovery.PRR)) setCwnd(tcb, tcb.ssthresh, now);
}

/** RFC 9937 §5: after each ACK, what may be sent now. */
export function reduce(tcb: Tcb, delivered: u32, lost: u32, flags: u32, now: u64): void {
  const parts = engine().recovery;
  if (!(parts & Recovery.PRR) || delivered == 0) return;
  const tx = senderOf(tcb);
  if (tx.prior_cwnd == 0) return;
  const flight = inFlight(tcb);
  const ssthresh = tcb.ssthresh;
  tx.prr_delivered += delivered;
  let count: i32;
  if (flight > ssthresh) {
    // In proportion: ssthresh segments leave for each prior_cwnd delivered
    const share = (<u64>ssthresh * tx.prr_delivered + tx.prior_cwnd - 1) / tx.prior_cwnd;
    count = <i32>share - <i32>tx.prr_out;
  } else {
    // Slow-start reduction bound: one more than delivered while the ACKs go on without a new loss
    count = max(<i32>tx.prr_delivered - <i32>tx.prr_out, <i32>delivered);
    if ((flags & AckFlag.ADVANCED && lost == 0) || parts & Recovery.SSRB) count++;
    count = min(<i32>(ssthresh - flight), count);
  }
  // The first retransmission leaves whatever the window says
  count = max(count, tx.prr_out ? 0 : 1);
  setCwnd(tcb, flight + <u32>count, now);
}

/** The reduction is over: cwnd stands where it was headed for. */
export function endReduction(tcb: Tcb, now: u64): void {
  const marked = senderOf(tcb).undo_marker != 0;
  if (tcb.ssthresh < SSTHRESH_INFINITE && (marked || tcb.ca_state == <u8>CaState.CWR)) {
    setCwnd(tcb, max(tcb.ssthresh, 1), now);
  }
}

/** Counts `segments` sent while cwnd is on its way down. */
@inline
export function noteSentInReduction(tcb: Tcb, segments: u32): void {
  if (inReduction(tcb)) senderOf(tcb).prr_out += segments;
}

/** Reacts to a congestion signal that is no loss (ECE, a probe's loss): once a window. */
export function enterCwr(tcb: Tcb, sample: AckSample): void {
  const tx = senderOf(tcb);
  tx.prior_ssthresh = 0;
  if (<u32>tcb.ca_state >= <u32>CaState.CWR) return;
  tx.undo_marker = 0;
  beginReduction(tcb, sample.now, true);
  tcb.ca_state = <u8>CaState.CWR;
}
