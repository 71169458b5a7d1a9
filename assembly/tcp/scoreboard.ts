/**
 * The SACK scoreboard, RFC 6675 §4: Update() and IsLost(), in segments.
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
import { Opt, Sent, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { seqGt, seqGeq, seqLeq, seqLt } from "../base/seq";
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

/** Takes the SACK blocks of an ACK into the scoreboard; how many segments they newly acknowledged. */
export function scoreboardUpdate(tcb: Tcb, segment: Segment): u32 {
  const count = ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  let sacked: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const start = blockStart(segment, i);
    const end = blockEnd(segment, i);
    // RFC 2883 §4: a first block at or below the cumulative ACK, or inside the second, tells of a duplicate
    if (i == 0 && isDsack(segment, start, end, count)) continue;
    // What was never sent, or is acknowledged already, is no news: RFC 2018 §5.1
    if (!seqLt(start, end) || seqLt(start, tcb.snd_una) || seqGt(end, tcb.snd_nxt)) continue;
    sacked += tagBlock(tcb, start, end);
  }
  return sacked;
}

function isDsack(segment: Segment, start: u32, end: u32, count: u32): bool {
  if (seqLt(start, segment.ack)) return true;
  return count > 1 && seqGeq(start, blockStart(segment, 1)) && seqLeq(end, blockEnd(segment, 1));
}

function tagBlock(tcb: Tcb, start: u32, end: u32): u32 {
  const tail = sentTail(tcb);
  const first = sentLowerBound(tcb, start);
  let index = first;
  let sacked: u32 = 0;
  while (<i32>(index - tail) < 0) {
    const record = sentAt(tcb, index);
    const meta = record.meta;
    if (meta & Sent.SACKED) {
      index += (meta >> Sent.RUN_SHIFT) + 1;
      continue;
    }
    if (seqGt(sentEnd(tcb, index), end)) break;
    record.meta = (meta & ~(Sent.LOST | Sent.RETRANS)) | Sent.SACKED;
    if (meta & Sent.LOST) tcb.lost_out--;
    if (meta & Sent.RETRANS) tcb.retrans_out--;
    tcb.sacked_out++;
    if (<i32>(index - tcb.lost_frontier) >= 0) tcb.sacked_beyond++;
    sacked++;
    index++;
  }
  if (index != first) {
    const record = sentAt(tcb, first);
    record.meta = (record.meta & ((1 << Sent.RUN_SHIFT) - 1)) | ((index - first - 1) << Sent.RUN_SHIFT);
  }
  return sacked;
}

/** RFC 6675 §4 IsLost() for every segment that it newly holds for. */
export function scoreboardMarkLost(tcb: Tcb): void {
  const tail = sentTail(tcb);
  if (<i32>(tcb.lost_frontier - tcb.sent_head) < 0) tcb.lost_frontier = tcb.sent_head;
  while (tcb.sacked_beyond >= DUP_THRESH && <i32>(tcb.lost_frontier - tail) < 0) {
    const index = tcb.lost_frontier;
    const meta = sentAt(tcb, index).meta;
    if (meta & Sent.SACKED) {
      // With this one gone from above, fewer than DUP_THRESH may be left
      tcb.sacked_beyond--;
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
  if (<i32>(index - tcb.rtx_hint) < 0) tcb.rtx_hint = index;
}

/**
 * After a retransmission time-out everything that the peer has not SACKed counts as lost and none of the
 * retransmissions as in flight. SACKs are kept, as RFC 6675 §5.1 allows, unless the oldest segment is SACKed and
 * yet not acknowledged: then the peer has reneged (RFC 2018 §8).
 */
export function scoreboardMarkAllLost(tcb: Tcb): void {
  const head = tcb.sent_head;
  const tail = sentTail(tcb);
  const reneged = tcb.packets_out > 0 && (sentAt(tcb, head).meta & Sent.SACKED) != 0;
  const sack = (tcb.flags & TcbFlag.SACK) != 0;
  let lost: u32 = 0;
  let sacked: u32 = 0;
  for (let index = head; index != tail; index++) {
    const record = sentAt(tcb, index);
    let meta = record.meta & ~(Sent.LOST | Sent.RETRANS);
    if (reneged || !sack) meta &= Sent.EVER_RETRANS | Sent.FIN | Sent.PUSH | Sent.CONTINUES;
    if (meta & Sent.SACKED) {
      sacked++;
    } else {
      meta |= Sent.LOST;
      lost++;
    }
    record.meta = meta;
  }
  tcb.lost_out = lost;
  tcb.sacked_out = sacked;
  tcb.retrans_out = 0;
  tcb.rtx_hint = head;
  tcb.lost_frontier = tail;
  tcb.sacked_beyond = 0;
}
