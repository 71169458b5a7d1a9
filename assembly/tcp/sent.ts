/**
 * The retransmission queue: a ring of `SentSegment`, one for each segment between SND.UNA and SND.NXT.
 *
 *      SND.UNA                                   SND.NXT
 *         |[ head ][ head+1 ]  ...  [ head+packets_out-1 ]|
 *
 * Records are numbered by an absolute index that only grows; a record ends where the next begins. The ring is
 * a slab taken when the first segment leaves and given back when everything is acknowledged.
 */
import { Sent } from "../layout/enums";
import { SentSegment, Tcb } from "../layout/tcb";
import { giveSlab, takeSlab } from "../base/arena";
import { seqLt } from "../base/seq";
import { senderOf, takeSender } from "./sender";

const FIRST_BITS: u32 = 4;
const RECORD_BITS: u32 = 4;

if (offsetof<SentSegment>() != 1 << RECORD_BITS) ERROR("SentSegment is not 16 bytes");

@inline
export function sentAt(tcb: Tcb, index: u32): SentSegment {
  return sentIn(tcb.sent, ((<u32>1) << tcb.sent_bits) - 1, index);
}

/** The same for who has the ring and its mask at hand. */
@inline
export function sentIn(ring: usize, mask: u32, index: u32): SentSegment {
  return changetype<SentSegment>(ring + ((<usize>(index & mask)) << RECORD_BITS));
}

/** One past the newest record's index. */
@inline
export function sentTail(tcb: Tcb): u32 {
  return tcb.sent_head + tcb.packets_out;
}

/** Sequence number behind record `index`, its FIN included. */
@inline
export function sentEnd(tcb: Tcb, index: u32): u32 {
  return index + 1 == sentTail(tcb) ? tcb.snd_nxt : sentAt(tcb, index + 1).seq;
}

/** Makes room for `count` more records. */
@inline
export function sentReserve(tcb: Tcb, count: u32): void {
  if (tcb.sent == 0 || (tcb.packets_out + count - 1) >> tcb.sent_bits != 0) makeRoom(tcb, count);
}

function makeRoom(tcb: Tcb, count: u32): void {
  if (!tcb.sent) {
    takeSender(tcb);
    tcb.sent = <u32>takeSlab(FIRST_BITS + RECORD_BITS);
    tcb.sent_bits = <u8>FIRST_BITS;
  }
  while ((tcb.packets_out + count - 1) >> tcb.sent_bits) grow(tcb);
}

/** Writes down a new segment that begins at `seq`, which is SND.NXT. */
export function sentPush(tcb: Tcb, seq: u32, meta: u32, now: u64): void {
  sentReserve(tcb, 1);
  const record = sentAt(tcb, sentTail(tcb));
  record.seq = seq;
  record.meta = meta;
  record.sent_at = now;
  tcb.packets_out++;
}

function grow(tcb: Tcb): void {
  const bits = <u32>tcb.sent_bits;
  const from = <usize>tcb.sent;
  const to = takeSlab(bits + 1 + RECORD_BITS);
  const head = tcb.sent_head;
  const oldMask = ((<u32>1) << bits) - 1;
  const newMask = ((<u32>2) << bits) - 1;
  for (let index = head; index != head + tcb.packets_out; index++) {
    const source = from + ((<usize>(index & oldMask)) << RECORD_BITS);
    const target = to + ((<usize>(index & newMask)) << RECORD_BITS);
    store<u64>(target, load<u64>(source));
    store<u64>(target, load<u64>(source, 8), 8);
  }
  giveSlab(from, bits + RECORD_BITS);
  tcb.sent = <u32>to;
  tcb.sent_bits = <u8>(bits + 1);
}

/** Gives the ring back: nothing is in flight, or the connection is over. */
export function sentRelease(tcb: Tcb): void {
  if (!tcb.sent) return;
  giveSlab(tcb.sent, <u32>tcb.sent_bits + RECORD_BITS);
  tcb.sent = 0;
  tcb.sent_head += tcb.packets_out;
  tcb.packets_out = 0;
  tcb.sacked_out = 0;
  tcb.lost_out = 0;
  tcb.retrans_out = 0;
  senderOf(tcb).sacked_beyond = 0;
  tcb.rtx_hint = tcb.sent_head;
  tcb.lost_frontier = tcb.sent_head;
}

/**
 * Index of the first record that begins at `seq` or later; the tail when there is none. Each step chooses without a
 * branch: where the search goes cannot be predicted.
 */
export function sentLowerBound(tcb: Tcb, seq: u32): u32 {
  const ring = <usize>tcb.sent;
  const mask = ((<u32>1) << tcb.sent_bits) - 1;
  let index = tcb.sent_head;
  let count = tcb.packets_out;
  while (count) {
    const half = (count + 1) >> 1;
    const behind = index + half;
    index = select(behind, index, seqLt(sentIn(ring, mask, behind - 1).seq, seq));
    count = count - half;
  }
  return index;
}

/** RFC 6675's pipe, in segments: what is in flight by the sender's best knowledge. */
@inline
export function inFlight(tcb: Tcb): u32 {
  return tcb.packets_out - (tcb.sacked_out + tcb.lost_out) + tcb.retrans_out;
}

/** Takes a record out of the counts it stands in, because it is acknowledged. */
@inline
export function sentForget(tcb: Tcb, index: u32, meta: u32): void {
  if (meta & Sent.SACKED) {
    tcb.sacked_out--;
    if (<i32>(index - tcb.lost_frontier) >= 0) senderOf(tcb).sacked_beyond--;
  }
  if (meta & Sent.LOST) tcb.lost_out--;
  if (meta & Sent.RETRANS) tcb.retrans_out--;
}
