/**
 * What is sent again: segments that count as lost, a probe for a tail, and RFC 6675's NextSeg in a run without RACK. The
 * window of the congestion control is compared with RFC 6675's pipe.
 */
import { CaState, Flag, Opt, Pending, Recovery, Sent, TcbFlag } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGt } from "../base/seq";
import { timestampClock } from "../base/time";
import { cutOutgrown } from "./mtu_probing";
import { send } from "./output";
import { burstSegments } from "./pacing";
import { noteSentInReduction } from "./prr";
import { rackIsOn, rackNoteRetransmission } from "./rack";
import { restartRetransmitTimer } from "./rtt";
import { senderOf } from "./sender";
import { inFlight, sentAt, sentEnd, sentTail } from "./sent";

/** Sends record `index`, which counts as lost, again. */
export function retransmit(tcb: Tcb, index: u32, now: u64): void {
  if (index == tcb.sent_head) index = joinSmall(tcb);
  if (index + 1 != sentTail(tcb)) sentAt(tcb, index + 1).meta &= ~Sent.CONTINUES;
  retransmitPushed(tcb, index, false, now);
}

function retransmitPushed(tcb: Tcb, index: u32, push: bool, now: u64): void {
  const record = sentAt(tcb, index);
  if (!(record.meta & Sent.RETRANS)) {
    record.meta |= Sent.RETRANS;
    tcb.retrans_out++;
  }
  const tx = senderOf(tcb);
  if (tx.retrans_stamp == 0) tx.retrans_stamp = max<u32>(timestampClock(now), 1);
  tx.undo_retrans = max(tx.undo_retrans, 0) + 1;
  repeat(tcb, index, push, now);
}

/** Sends record `index` again as a probe: it does not count as lost, nor as twice in flight. */
export function retransmitProbe(tcb: Tcb, index: u32, now: u64): void {
  sentAt(tcb, index).meta &= ~Sent.CONTINUES;
  repeat(tcb, index, false, now);
}

function repeat(tcb: Tcb, index: u32, push: bool, now: u64): void {
  const record = sentAt(tcb, index);
  record.meta |= Sent.EVER_RETRANS;
  record.sent_at = now;
  if (rackIsOn(tcb)) rackNoteRetransmission(tcb, index, now);
  tcb.retransmits++;
  tcb.last_sent_ms = timestampClock(now);
  const fin = record.meta & Sent.FIN;
  const seq = record.seq;
  const len = sentEnd(tcb, index) - seq - (fin ? 1 : 0);
  senderOf(tcb).bytes_retrans += len;
  const psh = len != 0 && (push || (record.meta & Sent.PUSH) != 0) ? <u32>Flag.PSH : 0;
  send(tcb, seq, len, psh | (fin ? <u32>Flag.FIN : 0), now, Opt.RETRANSMISSION);
}

/** Sends what counts as lost, as far as cwnd allows; the oldest segment's time-out then begins anew. */
export function retransmitQueue(tcb: Tcb, now: u64): void {
  const head_before = tcb.retrans_out == 0 || !(sentAt(tcb, tcb.sent_head).meta & Sent.RETRANS);
  if (!retransmitLost(tcb, now, tcb.cwnd)) return;
  const headSent = head_before && (sentAt(tcb, tcb.sent_head).meta & Sent.RETRANS) != 0;
  if (headSent && senderOf(tcb).pending != <u8>Pending.REORDERING) restartRetransmitTimer(tcb, now);
}

/** The oldest lost segments that no retransmission is in flight for, up to `window`: RFC 6675 NextSeg rule 1. */
export function retransmitLost(tcb: Tcb, now: u64, window: u32): bool {
  if (tcb.flags & TcbFlag.SEND_CARE && tcb.lost_out > tcb.retrans_out) cutOutgrown(tcb, now);
  const tail = sentTail(tcb);
  if (<i32>(tcb.rtx_hint - tcb.sent_head) < 0) tcb.rtx_hint = tcb.sent_head;
  const edge = tcb.snd_una + tcb.snd_wnd;
  // RFC 6675 sends guesses again too: then the counts do not tell whether anything lost waits, but its frontier does
  const guesses = (engine().recovery & Recovery.RACK) == 0;
  let count: u32 = 0;
  while (<i32>(tcb.rtx_hint - tail) < 0 && inFlight(tcb) < window) {
    let index = tcb.rtx_hint;
    if (guesses ? tcb.lost_out == 0 || <i32>(index - tcb.lost_frontier) >= 0 : tcb.retrans_out >= tcb.lost_out) break;
    if ((sentAt(tcb, index).meta & (Sent.LOST | Sent.RETRANS)) == Sent.LOST) {
      // A window that was taken back holds retransmissions up too; the oldest segment probes it
      if (index != tcb.sent_head && seqGt(sentEnd(tcb, index), edge)) break;
      if (index == tcb.sent_head) index = joinSmall(tcb);
      const run = burstFrom(tcb, index, window, edge);
      for (let i: u32 = 0; i < run; i++) retransmitPushed(tcb, index + i, run > 1 && i + 1 == run, now);
      count += run;
      tcb.rtx_hint = index + run;
    } else {
      tcb.rtx_hint = index + 1;
    }
  }
  noteSentInReduction(tcb, count);
  return count != 0;
}

/**
 * Linux's tcp_retrans_collapse: small segments that left behind a small oldest one join it, up to a full segment, as far as
 * none of them is SACKed or part of a longer burst. The record of the last of them stays, and is the oldest then.
 */
function joinSmall(tcb: Tcb): u32 {
  while (tcb.packets_out > 1 && engine().recovery != 0) {
    const head = tcb.sent_head;
    const next = head + 1;
    const first = sentAt(tcb, head);
    const second = sentAt(tcb, next);
    const whole = next + 1 == sentTail(tcb) || !(sentAt(tcb, next + 1).meta & Sent.CONTINUES);
    if (!whole || second.meta & (Sent.SACKED | Sent.CONTINUES)) break;
    const len = sentEnd(tcb, next) - first.seq - (second.meta & Sent.FIN ? 1 : 0);
    if (len > <u32>tcb.mss || len > tcb.snd_wnd) break;
    if (second.meta & Sent.LOST) tcb.lost_out--;
    if (second.meta & Sent.RETRANS) tcb.retrans_out--;
    if (!(tcb.flags & TcbFlag.SACK) && tcb.sacked_out) tcb.sacked_out--;
    second.seq = first.seq;
    second.meta =
      (first.meta & (Sent.LOST | Sent.RETRANS | Sent.EVER_RETRANS | Sent.PUSH)) |
      (second.meta & (Sent.FIN | Sent.PUSH | Sent.EVER_RETRANS));
    second.sent_at = first.sent_at;
    // The oldest has gone without being delivered
    senderOf(tcb).delivered_again--;
    tcb.sent_head = next;
    tcb.packets_out--;
  }
  return tcb.sent_head;
}

/**
 * How many records leave as one from `index` on: lost ones that left in one burst, as many as there is room for. What is
 * left of the burst is one of its own from then on.
 */
function burstFrom(tcb: Tcb, index: u32, window: u32, edge: u32): u32 {
  const tail = sentTail(tcb);
  let run: u32 = 1;
  let next = index + 1;
  if (next != tail && sentAt(tcb, next).meta & Sent.CONTINUES) {
    const most = burstSegments(tcb, tcb.mss, u32.MAX_VALUE, window - inFlight(tcb));
    while (run < most && next != tail) {
      const meta = sentAt(tcb, next).meta;
      if ((meta & (Sent.CONTINUES | Sent.LOST | Sent.RETRANS)) != (Sent.CONTINUES | Sent.LOST)) break;
      if (seqGt(sentEnd(tcb, next), edge)) break;
      run++;
      next++;
    }
  }
  if (next != tail) sentAt(tcb, next).meta &= ~Sent.CONTINUES;
  return run;
}

/** RFC 5681 §3.2 (3), RFC 6675 §5 (4.3): without PRR the first lost segment leaves at once, before the pipe is asked. */
export function fastRetransmit(tcb: Tcb, now: u64): void {
  retransmitLost(tcb, now, inFlight(tcb) + 1);
}

/** RFC 6675 NextSeg rules 3 and 4; `fresh`: new data has left just now. True when anything left. */
export function retransmitByRfc6675(tcb: Tcb, fresh: bool, now: u64): bool {
  if (tcb.ca_state != <u8>CaState.RECOVERY || !(tcb.flags & TcbFlag.SACK)) return false;
  if (engine().recovery & Recovery.RACK) return false;
  const guessed = retransmitGuesses(tcb, now);
  const rescued = !fresh && rescue(tcb, now);
  return guessed || rescued;
}

/**
 * NextSeg rule 3: with nothing lost and nothing new to send, holes below the highest SACK that may yet prove
 * lost. They do not count as lost, so the pipe has them twice, as SetPipe() says.
 */
function retransmitGuesses(tcb: Tcb, now: u64): bool {
  if (<i32>(tcb.lost_frontier - tcb.sent_head) < 0) tcb.lost_frontier = tcb.sent_head;
  let beyond = senderOf(tcb).sacked_beyond;
  let sent = false;
  for (let index = tcb.lost_frontier; beyond != 0 && inFlight(tcb) < tcb.cwnd; index++) {
    const meta = sentAt(tcb, index).meta;
    if (meta & Sent.SACKED) {
      beyond--;
    } else if (!(meta & Sent.RETRANS)) {
      retransmit(tcb, index, now);
      sent = true;
    }
  }
  return sent;
}

/** NextSeg rule 4: the last segment, once a recovery, so that a lost tail does not wait for the timer. */
function rescue(tcb: Tcb, now: u64): bool {
  if (tcb.packets_out == tcb.sacked_out || inFlight(tcb) >= tcb.cwnd) return false;
  const tx = senderOf(tcb);
  if (!seqGt(tcb.snd_una, tx.rescue_rxt)) return false;
  let last = sentTail(tcb) - 1;
  while (sentAt(tcb, last).meta & Sent.SACKED) last--;
  if (sentAt(tcb, last).meta & Sent.RETRANS) return false;
  tx.rescue_rxt = tcb.high_seq;
  retransmit(tcb, last, now);
  return true;
}
