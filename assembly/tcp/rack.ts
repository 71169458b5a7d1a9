/**
 * RACK, RFC 8985 §6: a segment is lost when one sent later was delivered and the reordering window has passed since.
 *
 *      head           lost_frontier          RACK.end_seq          tail
 *       | judged, or sent again | not yet overdue |  sent later       |
 *
 * What was sent once lies in order of time in the retransmission queue, what was sent again in a ring of its own in the
 * order it left: both are looked at from their oldest end, and only as far as something is overdue or in doubt.
 */
import { AckSample } from "../layout/engine";
import { AckFlag, CaState, Pending, Recovery, Sent, TcbFlag, Timer } from "../layout/enums";
import { Retransmission, Sender } from "../layout/sender";
import { SentSegment, Tcb } from "../layout/tcb";
import { giveSlab, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { seqGt, seqLt } from "../base/seq";
import { NS_PER_US, microseconds } from "../base/time";
import { minRtt } from "./rtt";
import { markLost } from "./scoreboard";
import { senderOf } from "./sender";
import { sentAt, sentEnd, sentTail } from "./sent";
import { timerSet } from "./timers";

/** Added to a timer so that it does not go off a tick early: Linux's two jiffies. */
export const TIMEOUT_MIN_US: u32 = 2000;
/** Recoveries for which a widened reordering window lasts, RFC 8985 §6.2 step 4. */
const PERSIST_RECOVERIES: u8 = 16;
const RING_BITS: u32 = 4;

@inline
export function rackIsOn(tcb: Tcb): bool {
  return (engine().recovery & Recovery.RACK) != 0 && (tcb.flags & TcbFlag.SACK) != 0;
}

/** Of two segments, whether the first was sent after the second: the order of sending, ties by sequence. */
@inline
function sentAfter(at: u64, end: u32, other_at: u64, other_end: u32): bool {
  return at > other_at || (at == other_at && seqGt(end, other_end));
}

/** RFC 8985 §6.2 steps 1 and 2, for a segment that was just delivered. */
export function rackAdvance(tcb: Tcb, meta: u32, end: u32, sent_at: u64, now: u64): void {
  const tx = senderOf(tcb);
  const rtt_us = microseconds(now - sent_at);
  // Answered sooner than any round trip: the ACK is for an earlier transmission
  if (meta & (Sent.RETRANS | Sent.EVER_RETRANS) && rtt_us < minRtt(tcb)) return;
  tx.rack_advanced = 1;
  tx.rack_rtt_us = rtt_us;
  if (sentAfter(sent_at, end, tx.rack_time, tx.rack_end_seq)) {
    tx.rack_time = sent_at;
    tx.rack_end_seq = end;
  }
}

/** RFC 8985 §6.2 step 4: the time that a segment may be late before it counts as lost, microseconds. */
function reorderingWindow(tcb: Tcb, tx: Sender): u32 {
  if (tx.reord_seen == 0) {
    if (<u32>tcb.ca_state >= <u32>CaState.RECOVERY) return 0;
    if (tcb.sacked_out >= tx.reordering && !(engine().recovery & Recovery.NO_DUP_THRESH)) return 0;
  }
  const window = <u64>(minRtt(tcb) >> 2) * tx.reo_wnd_steps;
  return <u32>min<u64>(window, tcb.srtt_us8 >> 3);
}

/** Microseconds until a segment sent at `sent_at` is overdue; negative when it is. */
@inline
function remaining(tx: Sender, window_us: u32, sent_at: u64, now: u64): i64 {
  return <i64>tx.rack_rtt_us + window_us - <i64>microseconds(now - sent_at);
}

/** Whether a segment last sent at `sent_at` would be overdue now: for the retransmission time-out. */
export function rackOverdue(tcb: Tcb, sent_at: u64, now: u64): bool {
  const tx = senderOf(tcb);
  return remaining(tx, 0, sent_at, now) <= 0;
}

/** RFC 8985 §6.2 step 5: marks what is overdue; the microseconds until the last of those in doubt is, 0 for none. */
function detectLosses(tcb: Tcb, now: u64): u32 {
  const tx = senderOf(tcb);
  const window_us = reorderingWindow(tcb, tx);
  const again = judgeRetransmissions(tcb, tx, window_us, now);
  const once = judgeOriginals(tcb, tx, window_us, now);
  return max(again, once);
}

function judgeOriginals(tcb: Tcb, tx: Sender, window_us: u32, now: u64): u32 {
  const tail = sentTail(tcb);
  if (<i32>(tcb.lost_frontier - tcb.sent_head) < 0) tcb.lost_frontier = tcb.sent_head;
  let longest: i64 = 0;
  // Everything up to the first in doubt is judged for good
  let contiguous = true;
  let index = tcb.lost_frontier;
  while (<i32>(index - tail) < 0) {
    const record = sentAt(tcb, index);
    const meta = record.meta;
    if (meta & Sent.SACKED) {
      if (contiguous) tx.sacked_beyond--;
      else index += meta >> Sent.RUN_SHIFT;
    } else if (!(meta & (Sent.LOST | Sent.EVER_RETRANS))) {
      if (!sentAfter(tx.rack_time, tx.rack_end_seq, record.sent_at, sentEnd(tcb, index))) break;
      const left = remaining(tx, window_us, record.sent_at, now);
      if (left <= 0) {
        markLost(tcb, index);
      } else {
        contiguous = false;
        longest = max(longest, left);
      }
    }
    index++;
    if (contiguous) tcb.lost_frontier = index;
  }
  return <u32>longest;
}

function judgeRetransmissions(tcb: Tcb, tx: Sender, window_us: u32, now: u64): u32 {
  let longest: i64 = 0;
  let contiguous = true;
  for (let at = tx.rtx_head; at != tx.rtx_tail; at++) {
    const entry = retransmissionAt(tx, at);
    const index = entry.index;
    const record = sentAt(tcb, index);
    if (isCurrent(tcb, entry, record)) {
      if (!sentAfter(tx.rack_time, tx.rack_end_seq, entry.sent_at, sentEnd(tcb, index))) break;
      const left = remaining(tx, window_us, entry.sent_at, now);
      if (left <= 0) {
        if (record.meta & Sent.RETRANS) {
          record.meta &= ~Sent.RETRANS;
          tcb.retrans_out--;
        }
        if (record.meta & Sent.LOST) {
          tx.lost++;
          if (<i32>(index - tcb.rtx_hint) < 0) tcb.rtx_hint = index;
        } else {
          markLost(tcb, index);
        }
      } else {
        contiguous = false;
        longest = max(longest, left);
      }
    }
    if (contiguous) tx.rtx_head = at + 1;
  }
  return <u32>longest;
}

@inline
function retransmissionAt(tx: Sender, at: u32): Retransmission {
  return changetype<Retransmission>(<usize>tx.rtx_ring + ((<usize>(at & ((1 << tx.rtx_bits) - 1))) << 4));
}

/** Whether the entry still tells of its record's latest transmission, which is in flight. */
@inline
function isCurrent(tcb: Tcb, entry: Retransmission, record: SentSegment): bool {
  if (<i32>(entry.index - tcb.sent_head) < 0) return false;
  const meta = record.meta;
  if (meta & Sent.SACKED || record.sent_at != entry.sent_at) return false;
  // A probe is no retransmission of something lost; what is lost and not sent again yet has no copy in flight
  return (meta & Sent.RETRANS) != 0 || !(meta & Sent.LOST);
}

/** Writes down that record `index` was sent again. */
export function rackNoteRetransmission(tcb: Tcb, index: u32, now: u64): void {
  const tx = senderOf(tcb);
  if (!tx.rtx_ring) {
    tx.rtx_ring = <u32>takeSlab(RING_BITS + 4);
    tx.rtx_bits = RING_BITS;
    tx.rtx_head = 0;
    tx.rtx_tail = 0;
  }
  if (tx.rtx_tail - tx.rtx_head == (<u32>1) << tx.rtx_bits) makeRoom(tcb, tx);
  const entry = retransmissionAt(tx, tx.rtx_tail++);
  entry.index = index;
  entry.sent_at = now;
}

/** Drops what is stale, and doubles the ring when most of it is not. */
function makeRoom(tcb: Tcb, tx: Sender): void {
  const count = tx.rtx_tail - tx.rtx_head;
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const entry = retransmissionAt(tx, tx.rtx_head + i);
    if (!isCurrent(tcb, entry, sentAt(tcb, entry.index))) continue;
    const to = retransmissionAt(tx, tx.rtx_head + kept);
    to.index = entry.index;
    to.sent_at = entry.sent_at;
    kept++;
  }
  tx.rtx_tail = tx.rtx_head + kept;
  if (kept <= count >> 1) return;
  const bigger = takeSlab(tx.rtx_bits + 1 + 4);
  for (let i: u32 = 0; i < kept; i++) {
    memory.copy(bigger + ((<usize>i) << 4), changetype<usize>(retransmissionAt(tx, tx.rtx_head + i)), 16);
  }
  giveSlab(tx.rtx_ring, tx.rtx_bits + 4);
  tx.rtx_ring = <u32>bigger;
  tx.rtx_bits++;
  tx.rtx_head = 0;
  tx.rtx_tail = kept;
}

/** Looks for losses when something new was delivered; a timer watches over what is in doubt. */
export function rackMarkLost(tcb: Tcb, sample: AckSample): void {
  const tx = senderOf(tcb);
  if (!tx.rack_advanced) return;
  tx.rack_advanced = 0;
  const retransmissions = tcb.retrans_out;
  const timeout_us = detectLosses(tcb, sample.now);
  if (tcb.retrans_out < retransmissions) sample.flags |= AckFlag.RETRANS_LOST;
  if (timeout_us) {
    sample.flags &= ~AckFlag.SET_TIMER;
    watchReordering(tcb, timeout_us, sample.now);
  }
}

function watchReordering(tcb: Tcb, timeout_us: u32, now: u64): void {
  senderOf(tcb).pending = <u8>Pending.REORDERING;
  timerSet(tcb, Timer.RETRANSMIT, now + <u64>min(timeout_us + TIMEOUT_MIN_US, tcb.rto_us) * NS_PER_US);
}

/** The reordering window has closed: marks what is overdue now. */
export function rackTimeout(tcb: Tcb, now: u64): void {
  detectLosses(tcb, now);
}

/** RFC 8985 §6.2 step 4: DSACKs widen the window, at most once a round; undisturbed recoveries narrow it again. */
export function rackUpdateWindow(tcb: Tcb, sample: AckSample): void {
  const tx = senderOf(tcb);
  if (engine().recovery & Recovery.STATIC_WINDOW) return;
  if (tx.dsack_round_set != 0 && !seqLt(tcb.snd_una, tx.dsack_round)) tx.dsack_round_set = 0;
  if (sample.flags & AckFlag.DSACK && !(sample.flags & AckFlag.DSACK_PROBE) && tx.reord_seen != 0) {
    if (tx.dsack_round_set) return;
    tx.dsack_round_set = 1;
    tx.dsack_round = tcb.snd_nxt;
    if (tx.reo_wnd_steps < u8.MAX_VALUE) tx.reo_wnd_steps++;
    tx.reo_wnd_persist = PERSIST_RECOVERIES;
  } else if (tx.reo_wnd_persist == 0) {
    tx.reo_wnd_steps = 1;
  }
}

/** A recovery has ended without new DSACKs. */
export function rackRecoveryEnds(tcb: Tcb): void {
  const tx = senderOf(tcb);
  if (tx.reo_wnd_persist) tx.reo_wnd_persist--;
}

/** Something from `seq` on was delivered behind its successors: so far may a segment be overtaken. */
export function noteReordering(tcb: Tcb, seq: u32, fack: u32): void {
  if (!seqLt(seq, fack)) return;
  const tx = senderOf(tcb);
  const mss = <u32>tcb.mss;
  const distance = fack - seq;
  if (distance > tx.reordering * mss) tx.reordering = min((distance + mss - 1) / mss, engine().max_reordering);
  tx.reord_seen++;
}

/** The same without SACK: more duplicate ACKs than segments could have been lost. */
export function noteRenoReordering(tcb: Tcb, acked: u32): void {
  const holes = min(max<u32>(tcb.lost_out, 1), tcb.packets_out);
  if (tcb.sacked_out + holes <= tcb.packets_out) return;
  tcb.sacked_out = tcb.packets_out - holes;
  const tx = senderOf(tcb);
  tx.reordering = min(tcb.packets_out + acked, engine().max_reordering);
  tx.reord_seen++;
}
