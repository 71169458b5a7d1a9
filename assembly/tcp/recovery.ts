/**
 * Loss recovery: Linux's five sender states. What is lost is told by RACK (RFC 8985), by RFC 6675's count, or without SACK
 * by duplicate ACKs (RFC 6582); how the window falls by prr.ts; what proves needless is taken back by undo.ts.
 *
 *                 dup ACK, SACK             something is lost         SND.UNA >= high_seq
 *      OPEN ------------------> DISORDER ---------------> RECOVERY ---------------------> OPEN
 *        |`------------- congestion signalled -----------> CWR -------------------------> OPEN
 *        `------------- retransmission time-out ---------> LOSS ------------------------> OPEN
 *
 * Without SACK a duplicate ACK stands for one segment that has left the network: `sacked_out` counts them, so
 * that pipe, limited transmit (RFC 3042) and window inflation (RFC 5681 §3.2) are one subtraction.
 */
import { AckSample } from "../layout/engine";
import { AckFlag, CaState, Pending, Recovery, Sent, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGeq, seqGt } from "../base/seq";
import { NS_PER_US } from "../base/time";
import { ccOnAck, ccOnRto } from "../cc/cc";
import { isCwndLimited, setCwnd } from "../cc/window";
import { cutOutgrown, probeFailed } from "./mtu_probing";
import { beginReduction, endReduction, enterCwr, inReduction, reduce } from "./prr";
import { ecnReduced } from "./ecn";
import { noteRenoReordering, noteReordering, rackIsOn, rackMarkLost } from "./rack";
import { DUP_THRESH, markLost, scoreboardMarkAllLost, scoreboardMarkLost } from "./scoreboard";
import { senderOf } from "./sender";
import { inFlight, sentAt, sentEnd } from "./sent";
import { timerSet } from "./timers";
import {
  anyRetransmitted,
  beginUndo,
  recoversLiterally,
  originalAnswered,
  rememberThreshold,
  undoByDsack,
  undoLoss,
  undoRecovery,
  undoReduction,
} from "./undo";

/** The least that is waited before SACKs are forgotten. */
const RENEGED_US_MIN: u32 = 10000;

@inline
function hasSack(tcb: Tcb): bool {
  return (tcb.flags & TcbFlag.SACK) != 0;
}

/** What a dubious ACK means for the sender's state: Linux's tcp_fastretrans_alert. `duplicates`: 1 for a duplicate ACK. */
export function recoveryOnAck(tcb: Tcb, segment: Segment, sample: AckSample, duplicates: u32): void {
  const tx = senderOf(tcb);
  const now = sample.now;
  const advanced = (sample.flags & AckFlag.ADVANCED) != 0;
  if (tcb.packets_out == 0) tcb.sacked_out = 0;
  if (sample.flags & AckFlag.ECE) tx.prior_ssthresh = 0;
  if (advanced && peerReneged(tcb, sample)) return;

  // An episode ends when what was in flight at its beginning is acknowledged
  if (tcb.ca_state == <u8>CaState.OPEN) {
    tx.retrans_stamp = 0;
  } else if (seqGeq(tcb.snd_una, tcb.high_seq)) {
    if (tcb.ca_state == <u8>CaState.CWR) {
      // CWR is held until something above high_seq is acknowledged, so that the peer has seen the flag
      if (tcb.snd_una != tcb.high_seq) {
        endReduction(tcb, now);
        tcb.ca_state = <u8>CaState.OPEN;
      }
    } else if (tcb.ca_state == <u8>CaState.RECOVERY) {
      if (!hasSack(tcb)) tcb.sacked_out = 0;
      if (undoRecovery(tcb, segment, now)) return;
      endReduction(tcb, now);
    }
  }

  switch (<i32>tcb.ca_state) {
    case CaState.RECOVERY:
      if (!advanced) {
        if (!hasSack(tcb)) addDuplicates(tcb, sample, duplicates);
      } else if (partialAckUndoes(tcb, segment, sample)) {
        return;
      }
      if (undoByDsack(tcb, now)) tryToOpen(tcb, sample);
      identifyLosses(tcb, sample);
      if (tcb.ca_state != <u8>CaState.RECOVERY) {
        if (!tcb.lost_out || probeFailed(tcb, now)) return;
        enterRecovery(tcb, sample);
      }
      break;
    case CaState.LOSS:
      processLoss(tcb, segment, sample, duplicates);
      identifyLosses(tcb, sample);
      if (tcb.ca_state != <u8>CaState.OPEN && !(sample.flags & AckFlag.RETRANS_LOST)) return;
      if (!tcb.lost_out) {
        tryToOpen(tcb, sample);
        return;
      }
      enterRecovery(tcb, sample);
      break;
    default:
      if (!hasSack(tcb)) {
        if (advanced) tcb.sacked_out = 0;
        addDuplicates(tcb, sample, duplicates);
      }
      if (<i32>tcb.ca_state <= CaState.DISORDER) undoByDsack(tcb, now);
      identifyLosses(tcb, sample);
      if (!tcb.lost_out) {
        tryToOpen(tcb, sample);
        return;
      }
      if (probeFailed(tcb, now)) return;
      enterRecovery(tcb, sample);
  }
  sample.flags |= AckFlag.SEND_LOST;
}

/**
 * RFC 2018 §8: the peer acknowledges up to a segment that it has SACKed, and not that one. ACKs under way may yet explain
 * it; half a round trip later the time-out forgets what was SACKed.
 */
function peerReneged(tcb: Tcb, sample: AckSample): bool {
  if (tcb.sacked_out == 0 || !(sentAt(tcb, tcb.sent_head).meta & Sent.SACKED) || recoversLiterally()) return false;
  sample.flags &= ~AckFlag.SET_TIMER;
  senderOf(tcb).pending = <u8>Pending.RETRANSMISSION;
  timerSet(tcb, Timer.RETRANSMIT, sample.now + <u64>max<u32>(tcb.srtt_us8 >> 4, RENEGED_US_MIN) * NS_PER_US);
  return true;
}

/** Without SACK: each duplicate ACK says that a segment has left the network. */
function addDuplicates(tcb: Tcb, sample: AckSample, duplicates: u32): void {
  if (!duplicates) return;
  const before = tcb.sacked_out;
  tcb.sacked_out += duplicates;
  noteRenoReordering(tcb, 0);
  if (tcb.sacked_out > before) sample.delivered += tcb.sacked_out - before;
}

/** Without SACK segments left the queue: those that duplicate ACKs stood for are among them, delivered before. */
export function forgetDuplicates(tcb: Tcb, sample: AckSample): void {
  const acked = sample.acked;
  if (!acked) return;
  const counted = min(tcb.sacked_out, acked - 1);
  // The first of them filled the hole; the others had been counted
  sample.delivered += acked > tcb.sacked_out ? acked - tcb.sacked_out : 1;
  tcb.sacked_out -= counted;
  noteRenoReordering(tcb, acked);
}

/** Marks what the ACK proves lost. */
function identifyLosses(tcb: Tcb, sample: AckSample): void {
  if (!tcb.packets_out) return;
  if (!hasSack(tcb)) {
    const recovering = tcb.ca_state == <u8>CaState.RECOVERY;
    const enough = tcb.ca_state < <u8>CaState.RECOVERY && tcb.sacked_out >= senderOf(tcb).reordering;
    // RFC 6582 §4.1: duplicate ACKs for data sent before the last recovery's end start no new one
    const stale = recoversLiterally() && !seqGt(tcb.snd_una, tcb.high_seq);
    // RFC 6582 §3.2 (3): a partial acknowledgement tells that the next segment is lost as well
    if ((enough && !stale) || (recovering && (sample.flags & AckFlag.ADVANCED) != 0)) markHeadLost(tcb);
  } else if (rackIsOn(tcb)) {
    rackMarkLost(tcb, sample);
  } else if (senderOf(tcb).sacked_beyond >= DUP_THRESH) {
    scoreboardMarkLost(tcb);
  }
}

/** The oldest segment in flight is lost: NewReno knows no more than that. */
function markHeadLost(tcb: Tcb): void {
  const head = tcb.sent_head;
  if (sentAt(tcb, head).meta & Sent.LOST) return;
  markLost(tcb, head);
  if (tcb.sacked_out + tcb.lost_out > tcb.packets_out) tcb.sacked_out--;
  if (<i32>(tcb.lost_frontier - head) <= 0) tcb.lost_frontier = head + 1;
}

/** In RECOVERY, SND.UNA moved but not past high_seq. True when nothing more is to be done. */
function partialAckUndoes(tcb: Tcb, segment: Segment, sample: AckSample): bool {
  const tx = senderOf(tcb);
  if (!(engine().recovery & Recovery.UNDO) || tx.undo_marker == 0 || !originalAnswered(tcb, segment)) return false;
  // The hole was filled by the original, late: that far may a segment be overtaken
  noteReordering(tcb, sample.prior_una, sample.prior_fack);
  if (tcb.retrans_out) return true;
  if (!anyRetransmitted(tcb)) tx.retrans_stamp = 0;
  undoReduction(tcb, true, sample.now);
  tryKeepOpen(tcb);
  return false;
}

/** Neither lost nor in recovery: OPEN or DISORDER, by whether anything is in doubt. */
export function tryKeepOpen(tcb: Tcb): void {
  const state = tcb.sacked_out + tcb.lost_out != 0 || anyRetransmitted(tcb) ? CaState.DISORDER : CaState.OPEN;
  if (tcb.ca_state == <u8>state) return;
  tcb.ca_state = <u8>state;
  if (!recoversLiterally()) tcb.high_seq = tcb.snd_nxt;
}

function tryToOpen(tcb: Tcb, sample: AckSample): void {
  if (!anyRetransmitted(tcb)) senderOf(tcb).retrans_stamp = 0;
  if (sample.flags & AckFlag.ECE) enterCwr(tcb, sample);
  if (tcb.ca_state != <u8>CaState.CWR) tryKeepOpen(tcb);
}

function enterRecovery(tcb: Tcb, sample: AckSample): void {
  beginRecovery(tcb, (sample.flags & AckFlag.ECE) != 0, sample.now);
  sample.flags |= AckFlag.ENTERED_RECOVERY;
}

/** Something is lost: the window begins to fall, unless a congestion signal has begun that already. */
export function beginRecovery(tcb: Tcb, signalled: bool, now: u64): void {
  const tx = senderOf(tcb);
  tx.prior_ssthresh = 0;
  beginUndo(tcb);
  // RFC 6675 §5 (4.3): the end of the first retransmission
  tx.rescue_rxt = sentEnd(tcb, tcb.sent_head);
  if (!inReduction(tcb)) {
    if (!signalled) rememberThreshold(tcb);
    beginReduction(tcb, now, signalled);
  }
  tcb.ca_state = <u8>CaState.RECOVERY;
}

/** In LOSS, RFC 5682 §3.1 with SACK: was the time-out spurious, is it over, or is what was lost sent again? */
function processLoss(tcb: Tcb, segment: Segment, sample: AckSample, duplicates: u32): void {
  const tx = senderOf(tcb);
  const flags = sample.flags;
  const recovered = seqGeq(tcb.snd_una, tcb.high_seq);
  if (flags & AckFlag.ADVANCED && undoLoss(tcb, segment, sample, false)) return;
  if (tx.frto) {
    // Step 3.b: an original that was never sent again has arrived
    if (flags & AckFlag.ORIGINAL_DELIVERED && undoLoss(tcb, segment, sample, true)) return;
    if (seqGt(tcb.snd_nxt, tcb.high_seq)) {
      // Step 3.a: the new data was not what the peer waited for
      if (flags & AckFlag.SACKED || duplicates != 0) tx.frto = 0;
    } else if (flags & AckFlag.ADVANCED && !recovered) {
      // Step 2.b: try new data
      tcb.high_seq = tcb.snd_nxt;
      if (hasNewDataToTry(tcb)) {
        sample.flags |= AckFlag.SEND_NEW;
        return;
      }
      tx.frto = 0;
    }
  }
  if (recovered) {
    undoRecovery(tcb, segment, sample.now);
    return;
  }
  if (!hasSack(tcb)) {
    // A duplicate ACK says that new data of step 2.b has arrived
    if (seqGt(tcb.snd_nxt, tcb.high_seq) && duplicates != 0) addDuplicates(tcb, sample, duplicates);
    else if (flags & AckFlag.ADVANCED) tcb.sacked_out = 0;
  }
  sample.flags |= AckFlag.SEND_LOST;
}

function hasNewDataToTry(tcb: Tcb): bool {
  return tcb.snd_nxt != tcb.write_seq && seqGt(tcb.snd_una + tcb.snd_wnd, tcb.snd_nxt);
}

/** The window after an ACK: on its way down, or growing when the ACK tells of progress. */
export function controlCongestion(tcb: Tcb, sample: AckSample): void {
  if (inReduction(tcb)) {
    reduce(tcb, sample.delivered, sample.lost, sample.flags, sample.now);
    return;
  }
  if (sample.delivered == 0) return;
  // With much reordering every delivery counts, else only what comes in order: RFC 5681
  const progress =
    senderOf(tcb).reordering > engine().reordering ? AckFlag.ADVANCED | AckFlag.SACKED : <u32>AckFlag.ADVANCED;
  if (sample.flags & progress && isCwndLimited(tcb)) ccOnAck(tcb, sample);
}

/** RFC 5681 §3.1 (4) and RFC 6675 §5.1: the retransmission timer went off. */
export function enterLoss(tcb: Tcb, now: u64): void {
  const tx = senderOf(tcb);
  const first = tcb.ca_state < <u8>CaState.RECOVERY;
  // Of marks the window has heard already
  const reduced = tcb.ca_state == <u8>CaState.CWR && !recoversLiterally();
  const again = tcb.unanswered > 1;
  scoreboardMarkAllLost(tcb, now);
  if (tcb.flags & TcbFlag.SEND_CARE) cutOutgrown(tcb, now);
  // Only the first time-out of an episode halves: RFC 5681 §3.1, ssthresh is held for a segment sent again
  const reduces = recoversLiterally() ? tcb.ca_state != <u8>CaState.LOSS : tcb.ca_state == <u8>CaState.LOSS && !again;
  if ((first && !reduced) || reduces || !seqGt(tcb.high_seq, tcb.snd_una)) {
    rememberThreshold(tcb);
    tx.prior_cwnd = tcb.cwnd;
    ccOnRto(tcb);
    beginUndo(tcb);
  }
  // A time-out after many duplicates: reordering was overestimated
  if (first && tcb.sacked_out >= engine().reordering) tx.reordering = min(tx.reordering, engine().reordering);
  tcb.ca_state = <u8>CaState.LOSS;
  tcb.high_seq = tcb.snd_nxt;
  tx.tlp_high_seq = 0;
  tx.frto = <u8>((engine().recovery & Recovery.FRTO) != 0 && (first || again));
  tx.pending = <u8>Pending.RETRANSMISSION;
  tcb.cwnd_cnt = 0;
  setCwnd(tcb, inFlight(tcb) + 1, now);
  // RFC 3168 §6.1.2: whatever ssthresh was, cwnd is smaller now
  if (tcb.flags & TcbFlag.ECN) ecnReduced(tcb);
}
