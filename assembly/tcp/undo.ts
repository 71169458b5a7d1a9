/**
 * Taking back a reduction that proved needless: the retransmissions were all reported as duplicates (DSACK, RFC 3708), or
 * the ACK echoes a time before the first of them (Eifel, RFC 3522 and RFC 4015), or F-RTO saw originals arrive (RFC 5682).
 */
import { AckSample } from "../layout/engine";
import { CaState, Opt, Recovery, Sent, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqLt } from "../base/seq";
import { setCwnd } from "../cc/window";
import { ccUndo } from "../cc/cc";
import { inReduction } from "./prr";
import { rackRecoveryEnds } from "./rack";
import { senderOf } from "./sender";
import { sentAt, sentTail } from "./sent";

/** What the reduction about to be made could go back to. */
export function rememberThreshold(tcb: Tcb): void {
  const window = (tcb.cwnd >> 1) + (tcb.cwnd >> 2);
  senderOf(tcb).prior_ssthresh = inReduction(tcb) ? tcb.ssthresh : max(tcb.ssthresh, window);
}

@inline
function engineUndoes(): bool {
  return (engine().recovery & Recovery.UNDO) != 0;
}

/** An episode begins whose retransmissions may prove needless. */
export function beginUndo(tcb: Tcb): void {
  const tx = senderOf(tcb);
  tx.undo_marker = tcb.snd_una;
  // Retransmissions in flight already may bring DSACKs too
  let retransmissions = <i32>tcb.retrans_out;
  if (tx.tlp_high_seq != 0 && tx.tlp_retrans != 0) retransmissions++;
  tx.undo_retrans = retransmissions ? retransmissions : -1;
}

/** Eifel: nothing was sent again, or the ACK answers something older than the first retransmission. */
export function originalAnswered(tcb: Tcb, segment: Segment): bool {
  const stamp = senderOf(tcb).retrans_stamp;
  // Without SACK the stamp is cleared when high_seq is reached, and says nothing from then on
  if (stamp == 0) return (tcb.flags & TcbFlag.SACK) != 0 || seqLt(tcb.snd_una, tcb.high_seq);
  if (!(tcb.flags & TcbFlag.TIMESTAMPS) || !((<u32>segment.opts) & Opt.TIMESTAMPS) || segment.tsecr == 0) return false;
  return seqLt(segment.tsecr - tcb.iss, stamp);
}

export function mayUndo(tcb: Tcb, segment: Segment): bool {
  const tx = senderOf(tcb);
  return engineUndoes() && tx.undo_marker != 0 && (tx.undo_retrans == 0 || originalAnswered(tcb, segment));
}

/** Whether any segment in flight was sent more than once, as far as the oldest tells. */
export function anyRetransmitted(tcb: Tcb): bool {
  if (tcb.retrans_out) return true;
  return tcb.packets_out != 0 && (sentAt(tcb, tcb.sent_head).meta & Sent.EVER_RETRANS) != 0;
}

/** cwnd and ssthresh go back; with `unmark` no segment counts as lost any more. */
export function undoReduction(tcb: Tcb, unmark: bool, now: u64): void {
  const tx = senderOf(tcb);
  if (unmark) {
    const tail = sentTail(tcb);
    for (let index = tcb.sent_head; index != tail; index++) {
      const record = sentAt(tcb, index);
      record.meta &= ~Sent.LOST;
    }
    tcb.lost_out = 0;
    tcb.rtx_hint = tail;
    // Every segment is to be judged again
    tcb.lost_frontier = tcb.sent_head;
    tx.sacked_beyond = tcb.flags & TcbFlag.SACK ? tcb.sacked_out : 0;
  }
  if (tx.prior_ssthresh) {
    setCwnd(tcb, ccUndo(tcb, tx.prior_cwnd), now);
    if (tx.prior_ssthresh > tcb.ssthresh) tcb.ssthresh = tx.prior_ssthresh;
  }
  tx.undo_marker = 0;
  tx.rack_advanced = 1;
  if (tcb.spurious < u16.MAX_VALUE) tcb.spurious++;
}

/** DSACKs have called every retransmission of the episode needless. */
export function undoByDsack(tcb: Tcb, now: u64): bool {
  const tx = senderOf(tcb);
  if (!engineUndoes() || tx.undo_marker == 0 || tx.undo_retrans != 0) return false;
  tx.reo_wnd_persist = min<u8>(16, tx.reo_wnd_persist + 1);
  undoReduction(tcb, false, now);
  return true;
}

/** A run that follows the RFCs literally has none of Linux's parts. */
@inline
export function recoversLiterally(): bool {
  return engine().recovery == 0;
}

/** Without SACK an episode is held until something above high_seq is acknowledged, RFC 6582 §4.1. */
export function holdsWithoutSack(tcb: Tcb): bool {
  if (tcb.flags & TcbFlag.SACK || tcb.snd_una != tcb.high_seq || recoversLiterally()) return false;
  if (!anyRetransmitted(tcb)) senderOf(tcb).retrans_stamp = 0;
  return true;
}

/** high_seq is acknowledged. True when the state is held all the same. */
export function undoRecovery(tcb: Tcb, segment: Segment, now: u64): bool {
  if (mayUndo(tcb, segment)) undoReduction(tcb, false, now);
  else rackRecoveryEnds(tcb);
  if (holdsWithoutSack(tcb)) return true;
  tcb.ca_state = <u8>CaState.OPEN;
  return false;
}

/** In LOSS: True when the time-out was spurious and is taken back. */
export function undoLoss(tcb: Tcb, segment: Segment, sample: AckSample, byFrto: bool): bool {
  if (!byFrto && !mayUndo(tcb, segment)) return false;
  undoReduction(tcb, true, sample.now);
  tcb.unanswered = 0;
  if (holdsWithoutSack(tcb)) return true;
  if (byFrto || tcb.flags & TcbFlag.SACK) tcb.ca_state = <u8>CaState.OPEN;
  return true;
}
