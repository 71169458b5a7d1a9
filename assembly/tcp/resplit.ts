/**
 * What is in flight, cut anew: the path takes less than it was cut for, or no longer segments are sent by now. Those that
 * left in one burst are cut as one, as Linux cuts an skb.
 *
 *      [ 1460 ][ 1460 ][ 300 ]      one burst, MSS 1460
 *      [ 1160 ][ 1160 ][ 900 ]      the same bytes, MSS 1160
 */
import { Sent } from "../layout/enums";
import { Retransmission } from "../layout/sender";
import { SentSegment, Tcb } from "../layout/tcb";
import { giveSlab, takeSlab } from "../base/arena";
import { senderOf } from "./sender";
import { sentAt, sentEnd, sentIn, sentLowerBound, sentTail } from "./sent";

/** Bits that records must share to be cut as one. */
const STATE: u32 = Sent.LOST | Sent.RETRANS | Sent.SACKED | Sent.EVER_RETRANS;

/**
 * Cuts what is longer than `mss` anew; the pieces keep the bits `keep` and get the bits `mark`. How many pieces there are.
 */
export function resplit(tcb: Tcb, mss: u32, keep: u32, mark: u32): u32 {
  const tail = sentTail(tcb);
  let pieces: u32 = 0;
  let long = false;
  for (let index = tcb.sent_head; index != tail;) {
    const next = burstEnd(tcb, index);
    const cut = isTooLong(tcb, index, next, mss, keep);
    long = long || cut;
    pieces += cut ? (dataLength(tcb, index, next) + mss - 1) / mss : next - index;
    index = next;
  }
  if (!long) return 0;
  const frontier_seq = tcb.lost_frontier == tail ? tcb.snd_nxt : sentAt(tcb, tcb.lost_frontier).seq;
  retransmissionsBySequence(tcb);
  const made = rebuild(tcb, mss, pieces, keep, mark);
  retransmissionsByIndex(tcb);
  tcb.lost_frontier = sentLowerBound(tcb, frontier_seq);
  recount(tcb);
  return made;
}

/** One past the last record of the burst that `index` begins. */
function burstEnd(tcb: Tcb, index: u32): u32 {
  const tail = sentTail(tcb);
  const state = sentAt(tcb, index).meta & STATE;
  let next = index + 1;
  while (next != tail && (sentAt(tcb, next).meta & (STATE | Sent.CONTINUES)) == (state | Sent.CONTINUES)) next++;
  return next;
}

/** What is SACKed needs no cutting; what is in flight again stays as it left, unless it counts as lost now. */
function isTooLong(tcb: Tcb, from: u32, to: u32, mss: u32, keep: u32): bool {
  if (sentAt(tcb, from).meta & (Sent.SACKED | (keep & Sent.LOST ? <u32>Sent.RETRANS : 0))) return false;
  for (let index = from; index != to; index++) if (dataLength(tcb, index, index + 1) > mss) return true;
  return false;
}

/** Bytes of data, a FIN left out, from record `from` up to `to`. */
function dataLength(tcb: Tcb, from: u32, to: u32): u32 {
  const fin: u32 = sentAt(tcb, to - 1).meta & Sent.FIN ? 1 : 0;
  return sentEnd(tcb, to - 1) - sentAt(tcb, from).seq - fin;
}

/** Fills a ring of `count` records. */
function rebuild(tcb: Tcb, mss: u32, count: u32, keep: u32, mark: u32): u32 {
  let bits = <u32>tcb.sent_bits;
  while ((count - 1) >> bits) bits++;
  const ring = takeSlab(bits + 4);
  const mask = ((<u32>1) << bits) - 1;
  const tail = sentTail(tcb);
  let to = tcb.sent_head;
  let made: u32 = 0;
  for (let index = tcb.sent_head; index != tail;) {
    const next = burstEnd(tcb, index);
    if (!isTooLong(tcb, index, next, mss, keep)) {
      for (; index != next; index++) copyRecord(sentIn(ring, mask, to++), sentAt(tcb, index));
      continue;
    }
    const first = sentAt(tcb, index);
    const last = sentAt(tcb, next - 1);
    const length = dataLength(tcb, index, next);
    for (let offset: u32 = 0; offset < length; offset += mss) {
      const piece = sentIn(ring, mask, to++);
      piece.seq = first.seq + offset;
      piece.sent_at = first.sent_at;
      piece.meta = (first.meta & keep) | mark | (offset ? <u32>Sent.CONTINUES : 0);
      if (offset + mss >= length) piece.meta |= last.meta & (Sent.FIN | Sent.PUSH);
      made++;
    }
    index = next;
  }
  assert(to - tcb.sent_head == count, "segments were lost or gained in cutting them anew");
  giveSlab(tcb.sent, <u32>tcb.sent_bits + 4);
  tcb.sent = <u32>ring;
  tcb.sent_bits = <u8>bits;
  tcb.packets_out = count;
  return made;
}

function copyRecord(to: SentSegment, from: SentSegment): void {
  memory.copy(changetype<usize>(to), changetype<usize>(from), offsetof<SentSegment>());
}

@inline
function retransmissionAt(ring: u32, bits: u32, at: u32): Retransmission {
  return changetype<Retransmission>(<usize>ring + ((<usize>(at & ((1 << bits) - 1))) << 4));
}

/** While records get other numbers, RACK's ring names them by where they begin. */
function retransmissionsBySequence(tcb: Tcb): void {
  const tx = senderOf(tcb);
  for (let at = tx.rtx_head; at != tx.rtx_tail; at++) {
    const entry = retransmissionAt(tx.rtx_ring, tx.rtx_bits, at);
    // What is acknowledged is stale, and stays so
    const known = <i32>(entry.index - tcb.sent_head) >= 0;
    if (!known) entry.sent_at = 0;
    entry.index = known ? sentAt(tcb, entry.index).seq : tcb.snd_una;
  }
}

function retransmissionsByIndex(tcb: Tcb): void {
  const tx = senderOf(tcb);
  for (let at = tx.rtx_head; at != tx.rtx_tail; at++) {
    const entry = retransmissionAt(tx.rtx_ring, tx.rtx_bits, at);
    const index = sentLowerBound(tcb, entry.index);
    // No record begins where this one did: what it told of is in other pieces now
    const gone = index == sentTail(tcb) || sentAt(tcb, index).seq != entry.index;
    if (gone) entry.sent_at = 0;
    entry.index = gone ? tcb.sent_head : index;
  }
}

function recount(tcb: Tcb): void {
  const tail = sentTail(tcb);
  let lost: u32 = 0;
  let retrans: u32 = 0;
  let beyond: u32 = 0;
  for (let index = tcb.sent_head; index != tail; index++) {
    const meta = sentAt(tcb, index).meta;
    if (meta & Sent.LOST) lost++;
    if (meta & Sent.RETRANS) retrans++;
    if (meta & Sent.SACKED && <i32>(index - tcb.lost_frontier) >= 0) beyond++;
  }
  tcb.lost_out = lost;
  tcb.retrans_out = retrans;
  tcb.rtx_hint = tcb.sent_head;
  senderOf(tcb).sacked_beyond = beyond;
}
