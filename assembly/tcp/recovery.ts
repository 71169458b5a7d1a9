/**
 * Loss recovery: Linux's five sender states over RFC 6675 (SACK), RFC 6582 (NewReno) and RFC 5681.
 *
 *                 dup ACK, SACK             DUP_THRESH            SND.UNA >= high_seq
 *      OPEN ------------------> DISORDER -------------> RECOVERY ---------------------> OPEN
 *        `----------------- retransmission time-out ------------> LOSS ---------------> OPEN
 *
 * Without SACK a duplicate ACK stands for one segment that has left the network: `sacked_out` counts them, so
 * that pipe, limited transmit (RFC 3042) and window inflation (RFC 5681 §3.2) are one subtraction.
 */
import { AckSample } from "../layout/engine";
import { CaState, Sent, TcbFlag } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { seqGeq, seqGt } from "../base/seq";
import { ccOnAck, ccOnCongestionEvent, ccOnRto } from "../cc/cc";
import { isCwndLimited, setCwnd } from "../cc/window";
import { DUP_THRESH, markLost, scoreboardMarkAllLost, scoreboardMarkLost } from "./scoreboard";
import { senderOf } from "./sender";
import { inFlight, sentAt, sentEnd } from "./sent";

/** A duplicate ACK by RFC 5681 §2: nothing new, no data, the same window, and something outstanding. */
export function recoveryOnDuplicateAck(tcb: Tcb, sample: AckSample): void {
  if (tcb.flags & TcbFlag.SACK) return;
  if (tcb.sacked_out + max<u32>(tcb.lost_out, 1) >= tcb.packets_out) return;
  tcb.sacked_out++;
  sample.delivered = 1;
}

/** Segments left the queue without SACK: those that duplicate ACKs stood for are among them, delivered before. */
function forgetDuplicateAcks(tcb: Tcb, sample: AckSample): void {
  // The first of them filled the hole; the others had been counted
  const counted = min(sample.prior_sacked, sample.acked > 0 ? sample.acked - 1 : 0);
  sample.delivered -= counted;
  tcb.sacked_out = sample.prior_sacked - counted;
  if (tcb.packets_out == 0) tcb.sacked_out = 0;
  else if (tcb.sacked_out + tcb.lost_out > tcb.packets_out) tcb.sacked_out = tcb.packets_out - tcb.lost_out;
}

/** An ACK of new data while nothing is lost, SACKed or in doubt. */
export function recoveryOnCalmAck(tcb: Tcb, sample: AckSample): void {
  if (sample.delivered != 0 && isCwndLimited(tcb)) ccOnAck(tcb, sample);
}

/** Decides what the ACK means for the sender's state and its window. `advanced`: SND.UNA moved. */
export function recoveryOnAck(tcb: Tcb, sample: AckSample, advanced: bool): void {
  const sack = (tcb.flags & TcbFlag.SACK) != 0;
  if (!sack && advanced && sample.prior_sacked) forgetDuplicateAcks(tcb, sample);
  if (sack && tcb.sacked_beyond >= DUP_THRESH) scoreboardMarkLost(tcb);

  const state = <i32>tcb.ca_state;
  switch (state) {
    case CaState.RECOVERY:
      if (seqGeq(tcb.snd_una, tcb.high_seq)) {
        // RFC 6582 §3.2 (3), RFC 6675 §5: full acknowledgement
        tcb.ca_state = <u8>CaState.OPEN;
        setCwnd(tcb, max(tcb.ssthresh, 1), sample.now);
        break;
      }
      // RFC 6582 §3.2 (3): a partial acknowledgement tells that the next segment is lost as well
      if (!sack && advanced) {
        markHeadLost(tcb);
        sample.retransmit_now = 1;
      }
      return;
    case CaState.LOSS:
      if (seqGeq(tcb.snd_una, tcb.high_seq)) {
        tcb.ca_state = <u8>CaState.OPEN;
      }
      break;
    default:
      break;
  }

  if (tcb.ca_state != CaState.LOSS) {
    if (sack ? tcb.lost_out != 0 : tcb.sacked_out >= DUP_THRESH && mayFastRetransmit(tcb)) {
      enterRecovery(tcb, sample.now);
      sample.retransmit_now = 1;
      return;
    }
    tcb.ca_state = <u8>(tcb.sacked_out ? CaState.DISORDER : CaState.OPEN);
  }
  if (advanced) recoveryOnCalmAck(tcb, sample);
}

/** RFC 6582 §4.1: duplicate ACKs for data sent before the last recovery's end start no new one. */
function mayFastRetransmit(tcb: Tcb): bool {
  return seqGt(tcb.snd_una, tcb.high_seq);
}

function enterRecovery(tcb: Tcb, now: u64): void {
  tcb.ca_state = <u8>CaState.RECOVERY;
  tcb.high_seq = tcb.snd_nxt;
  // RFC 6675 §5 (4.3): the end of the first retransmission
  senderOf(tcb).rescue_rxt = sentEnd(tcb, tcb.sent_head);
  ccOnCongestionEvent(tcb);
  setCwnd(tcb, tcb.ssthresh, now);
  if (!(tcb.flags & TcbFlag.SACK)) markHeadLost(tcb);
}

/** The oldest segment in flight is lost: NewReno knows no more than that. */
function markHeadLost(tcb: Tcb): void {
  if (!tcb.packets_out) return;
  const head = tcb.sent_head;
  const meta = sentAt(tcb, head).meta;
  if (!(meta & Sent.LOST)) {
    markLost(tcb, head);
    if (tcb.sacked_out + tcb.lost_out > tcb.packets_out) tcb.sacked_out--;
  }
  if (<i32>(tcb.lost_frontier - head) <= 0) tcb.lost_frontier = head + 1;
}

/** RFC 5681 §3.1 (4) and RFC 6675 §5.1: the retransmission timer went off. */
export function enterLoss(tcb: Tcb, now: u64): void {
  // Only the first time-out of an episode halves: RFC 5681 §3.1, ssthresh is held for a segment sent again
  if (tcb.ca_state != CaState.LOSS || seqGt(tcb.snd_una, tcb.high_seq)) {
    ccOnRto(tcb);
  }
  tcb.ca_state = <u8>CaState.LOSS;
  tcb.high_seq = tcb.snd_nxt;
  scoreboardMarkAllLost(tcb);
  tcb.cwnd_cnt = 0;
  setCwnd(tcb, inFlight(tcb) + 1, now);
}
