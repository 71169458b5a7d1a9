/**
 * The SACK scoreboard, RFC 6675 §4: Update() and IsLost(), in segments; reordering by RFC 8985 §6.2 step 3.
 *
 *      head            lost_frontier                    tail
 *       |  judged: SACKed or LOST  |  not yet lost       |
 *       [S][L][L][S][S][L]         [ ][S][ ][S][ ][ ][ ]
 *                                      `---`-- sacked_beyond = 2
 *
 * A segment is lost when DUP_THRESH SACKed segments lie above it, so the frontier only moves forward, one step
 * a segment. SACKed segments remember how many SACKed ones follow, so a block that is repeated on every
 * ACK is stepped over, not walked.
 */
import { AckSample } from "../layout/engine";
import { AckFlag, CaState, Opt, Sent, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { SentSegment, Tcb } from "../layout/tcb";
import { seqGt, seqGeq, seqLeq, seqLt } from "../base/seq";
import { noteReordering, rackAdvance, rackIsOn, rackOverdue } from "./rack";
import { senderOf } from "./sender";
import { sentAt, sentEnd, sentLowerBound, sentTail } from "./sent";

export const DUP_THRESH: u32 = 3;

@inline
function blockStart(segment: Segment, i: u32): u32 {
  return load<u32>(sackBlock(segment, i));
}

@inline
function blockEnd(segment: Segment, i: u32): u32 {
  return load<u32>(sackBlock(segment, i), 4);
}

/** Address of SACK block `i`; the fourth lies where timestamps would. */
export function sackBlock(segment: Segment, i: u32): usize {
  const at = changetype<usize>(segment);
  return i < 3 ? at + offsetof<Segment>("sack0_start") + ((<usize>i) << 3) : at + offsetof<Segment>("tsval");
}

/**
 * Takes the SACK blocks of an ACK into the scoreboard, before SND.UNA moves. What they tell goes into the sample: segments
 * delivered, signs of reordering, duplicates.
 */
export function scoreboardUpdate(tcb: Tcb, segment: Segment, sample: AckSample): void {
  const count = ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  for (let i: u32 = 0; i < count; i++) {
    const start = blockStart(segment, i);
    const end = blockEnd(segment, i);
    // RFC 2883 §4: a first block at or below the cumulative ACK, or inside the second, tells of a duplicate
    if (i == 0 && isDsack(segment, start, end, count)) {
      duplicateReported(tcb, start, end, sample);
      continue;
    }
    // What was never sent, or is acknowledged already, is no news: RFC 2018 §5.1
    if (!seqLt(start, end) || seqLt(start, tcb.snd_una) || seqGt(end, tcb.snd_nxt)) continue;
    tagBlock(tcb, start, end, sample);
  }
  if (tcb.ca_state != <u8>CaState.LOSS || (tcb.tx != 0 && senderOf(tcb).undo_marker != 0)) {
    noteReordering(tcb, sample.reord, sample.prior_fack);
  }
}

function isDsack(segment: Segment, start: u32, end: u32, count: u32): bool {
  if (seqLt(start, segment.ack)) return true;
  return count > 1 && seqGeq(start, blockStart(segment, 1)) && seqLeq(end, blockEnd(segment, 1));
}

/** RFC 2883: [start, end) reached the peer twice. Believed only as far as this end did send things twice. */
function duplicateReported(tcb: Tcb, start: u32, end: u32, sample: AckSample): void {
  if (!seqLt(start, end) || seqGt(end, tcb.snd_nxt) || end - start > tcb.snd_wnd_max) return;
  const tx = senderOf(tcb);
  const mss = <u32>tcb.mss;
  let count: u32 = 1;
  if (end - start > mss) count = (end - start + mss - 1) / mss;
  else if (tx.tlp_high_seq != 0 && tx.tlp_high_seq == end) sample.flags |= AckFlag.DSACK_PROBE;
  tx.dsack_dups += count;
  if (tx.dsack_dups > tcb.retransmits) return;
  sample.flags |= AckFlag.DSACK;
  sample.delivered += count;
  tx.delivered_again += count;
  if (tx.undo_marker == 0 || tx.undo_retrans <= 0 || !seqGt(end, tx.undo_marker)) return;
  if (!seqGt(end, sample.prior_una)) {
    tx.undo_retrans = max(0, tx.undo_retrans - <i32>count);
    return;
  }
  // The segment is still in the queue, and tells whether it was sent again
  const tail = sentTail(tcb);
  let index = sentLowerBound(tcb, start);
  while (<i32>(index - tail) < 0 && seqLeq(sentEnd(tcb, index), end)) {
    const record = sentAt(tcb, index);
    if (record.meta & (Sent.RETRANS | Sent.EVER_RETRANS)) {
      tx.undo_retrans = max(0, tx.undo_retrans - 1);
      if (record.meta & Sent.SACKED && seqLt(record.seq, sample.reord)) sample.reord = record.seq;
    }
    index++;
  }
}

function tagBlock(tcb: Tcb, start: u32, end: u32, sample: AckSample): void {
  const tail = sentTail(tcb);
  const rack = rackIsOn(tcb);
  const first = sentLowerBound(tcb, start);
  let index = first;
  while (<i32>(index - tail) < 0) {
    const record = sentAt(tcb, index);
    const meta = record.meta;
    if (meta & Sent.SACKED) {
      index += (meta >> Sent.RUN_SHIFT) + 1;
      continue;
    }
    const record_end = sentEnd(tcb, index);
    if (seqGt(record_end, end)) break;
    if (rack) rackAdvance(tcb, meta, record_end, record.sent_at, sample.now);
    record.meta = (meta & ~(Sent.LOST | Sent.RETRANS)) | Sent.SACKED;
    if (meta & Sent.LOST) tcb.lost_out--;
    if (meta & Sent.RETRANS) tcb.retrans_out--;
    if (!(meta & (Sent.RETRANS | Sent.EVER_RETRANS))) originalSacked(tcb, record, record_end, sample);
    tcb.sacked_out++;
    if (<i32>(index - tcb.lost_frontier) >= 0) senderOf(tcb).sacked_beyond++;
    sample.delivered++;
    sample.flags |= AckFlag.SACKED;
    const tx = senderOf(tcb);
    if (tcb.sacked_out == 1 || seqGt(record_end, tx.fack)) tx.fack = record_end;
    index++;
  }
  if (index != first) {
    const record = sentAt(tcb, first);
    record.meta = (record.meta & ((1 << Sent.RUN_SHIFT) - 1)) | ((index - first - 1) << Sent.RUN_SHIFT);
  }
}

/** A segment that was sent once only: its time measures, its place tells of reordering. */
@inline
function originalSacked(tcb: Tcb, record: SentSegment, end: u32, sample: AckSample): void {
  if (seqLt(record.seq, sample.reord)) sample.reord = record.seq;
  if (seqLeq(end, tcb.high_seq)) sample.flags |= AckFlag.ORIGINAL_DELIVERED;
  if (!sample.first_sacked_at) sample.first_sacked_at = record.sent_at;
  sample.last_sacked_at = record.sent_at;
}

/** RFC 6675 §4 IsLost() for every segment that it newly holds for. */
export function scoreboardMarkLost(tcb: Tcb): void {
  const tail = sentTail(tcb);
  if (<i32>(tcb.lost_frontier - tcb.sent_head) < 0) tcb.lost_frontier = tcb.sent_head;
  while (senderOf(tcb).sacked_beyond >= DUP_THRESH && <i32>(tcb.lost_frontier - tail) < 0) {
    const index = tcb.lost_frontier;
    const meta = sentAt(tcb, index).meta;
    if (meta & Sent.SACKED) {
      // With this one gone from above, fewer than DUP_THRESH may be left
      senderOf(tcb).sacked_beyond--;
    } else if (!(meta & Sent.LOST)) {
      markLost(tcb, index);
    }
    tcb.lost_frontier++;
  }
}

export function markLost(tcb: Tcb, index: u32): void {
  const record = sentAt(tcb, index);
  record.meta |= Sent.LOST;
  tcb.lost_out++;
  senderOf(tcb).lost++;
  if (<i32>(index - tcb.rtx_hint) < 0) tcb.rtx_hint = index;
}

/**
 * After a retransmission time-out everything that the peer has not SACKed counts as lost and none of the
 * retransmissions as in flight; RACK spares what was sent so lately that it is not overdue. SACKs are kept, as RFC 6675
 * §5.1 allows, unless the oldest segment is SACKed and yet not acknowledged: then the peer has reneged (RFC 2018 §8).
 */
export function scoreboardMarkAllLost(tcb: Tcb, now: u64): void {
  const head = tcb.sent_head;
  const tail = sentTail(tcb);
  const reneged = tcb.packets_out > 0 && (sentAt(tcb, head).meta & Sent.SACKED) != 0;
  const sack = (tcb.flags & TcbFlag.SACK) != 0;
  const rack = rackIsOn(tcb) && !reneged;
  const tx = senderOf(tcb);
  let lost: u32 = 0;
  let sacked: u32 = 0;
  let retrans: u32 = 0;
  let frontier = tail;
  let beyond: u32 = 0;
  for (let index = head; index != tail; index++) {
    const record = sentAt(tcb, index);
    let meta = record.meta;
    if (reneged || !sack) meta &= ~((~(<u32>0) << Sent.RUN_SHIFT) | Sent.SACKED);
    if (meta & Sent.SACKED) {
      sacked++;
      if (frontier != tail) beyond++;
    } else if (rack && index != head && !rackOverdue(tcb, record.sent_at, now)) {
      if (meta & Sent.LOST) lost++;
      if (meta & Sent.RETRANS) retrans++;
      if (!(meta & (Sent.LOST | Sent.EVER_RETRANS)) && frontier == tail) frontier = index;
    } else {
      if (!(meta & Sent.LOST) || meta & Sent.RETRANS) tx.lost++;
      meta = (meta & ~Sent.RETRANS) | Sent.LOST;
      lost++;
    }
    record.meta = meta;
  }
  tcb.lost_out = lost;
  tcb.sacked_out = sacked;
  tcb.retrans_out = retrans;
  tcb.rtx_hint = head;
  tcb.lost_frontier = frontier;
  tx.sacked_beyond = beyond;
}
