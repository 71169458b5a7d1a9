/**
 * Where PSH stands in what waits to be sent. Linux queues a write as bursts ("skbs") of at most a size goal, each but
 * the last full; a mark stands at the end of a burst. The next write is added to the last burst while that has room, and
 * takes its mark away: marks stay only where full bursts end.
 *
 *      SND.NXT      mark              mark     tail_start       write_seq
 *         |-----------|-----------------|----------|--------------|
 *         `- partly sent -' `---- full bursts ----'  `- last one -' marked when tail_push
 */
import { TcbFlag } from "../layout/enums";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { giveSlab, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";
import { optionsLength } from "./pmtu";

const FIRST_BITS: u32 = 4;
/** Far enough ahead never to be reached before it is asked for again. */
const NOWHERE: u32 = 0x7fffffff;

/** What an IP packet of 68 bytes has left beside its headers (RFC 791 §3.2); options come off it. */
const SEGMENT_MIN: u32 = 48;

/** `len`, but at most half of the largest window that the peer ever offered: Linux keeps two of what it sends in it. */
export function boundToHalfWindow(tcb: Tcb, len: u32): u32 {
  const largest = tcb.snd_wnd_max;
  const cutoff = largest > 536 ? largest >> 1 : largest;
  return cutoff != 0 && len > cutoff ? max(cutoff, SEGMENT_MIN - optionsLength(tcb)) : len;
}

/** How many bytes a burst may hold while it is queued: a multiple of the MSS. */
export function sizeGoal(tcb: Tcb): u32 {
  const mss = <u32>tcb.mss;
  const most = engine().tso_bytes_max;
  if (!most) return mss;
  const bound = boundToHalfWindow(tcb, most);
  return max(bound - (bound % mss), mss);
}

/** Notes down where bursts and marks end in the `bytes` that are about to be queued, and whether the last is pushed. */
export function queueWrite(tcb: Tcb, sender: Sender, bytes: u32, push: bool): void {
  const begin = tcb.write_seq;
  const end = begin + bytes;
  const goal = sizeGoal(tcb);
  const half = tcb.snd_wnd_max >> 1;
  const unsent = begin != tcb.snd_nxt;
  const start = unsent && seqGt(sender.tail_start, tcb.snd_nxt) ? sender.tail_start : tcb.snd_nxt;
  if (!unsent) {
    sender.tail_start = begin;
    sender.nagle_push = 0;
  } else if (begin - start >= goal) {
    // The last burst is full: the write begins a new one
    if (sender.tail_push) keepMark(sender, begin);
    sender.tail_start = begin;
    sender.nagle_push = 0;
  } else {
    sender.tail_start = start;
  }
  for (let full = sender.tail_start + goal; seqLt(full, end); full += goal) {
    // Half the window unpushed would leave the peer's reader waiting
    if (full - sender.pushed_seq > half) {
      keepMark(sender, full);
      sender.pushed_seq = full;
    }
    sender.tail_start = full;
  }
  tcb.write_seq = end;
  sender.tail_push = push || end - sender.pushed_seq > half ? 1 : 0;
  if (sender.tail_push) sender.pushed_seq = end;
  findNextPush(tcb, sender);
}

/** Data has left up to SND.NXT: marks up to there are of no more use. */
export function passMarks(tcb: Tcb, sender: Sender): void {
  while (sender.push_head != sender.push_tail && seqLeq(load<u32>(markAt(sender, sender.push_head)), tcb.snd_nxt))
    sender.push_head++;
  findNextPush(tcb, sender);
}

/** Sets `next_push`: an endless write has none. */
export function findNextPush(tcb: Tcb, sender: Sender): void {
  if (sender.push_head != sender.push_tail) sender.next_push = load<u32>(markAt(sender, sender.push_head));
  else if (sender.tail_push && seqGt(tcb.write_seq, tcb.snd_nxt) && !(tcb.flags & TcbFlag.WRITES_FOR_EVER))
    sender.next_push = tcb.write_seq;
  else sender.next_push = tcb.snd_nxt + NOWHERE;
}

/** Whether a segment that ends at `end` is to carry PSH; its marks are passed when it has left. */
@inline
export function isPushed(sender: Sender, end: u32): bool {
  return seqGeq(end, sender.next_push);
}

export function releaseMarks(sender: Sender): void {
  if (sender.push_ring) giveSlab(sender.push_ring, <u32>sender.push_bits + 2);
  sender.push_ring = 0;
}

@inline
function markAt(sender: Sender, index: u32): usize {
  return <usize>sender.push_ring + ((<usize>(index & ((1 << sender.push_bits) - 1))) << 2);
}

function keepMark(sender: Sender, seq: u32): void {
  if (!sender.push_ring) {
    sender.push_ring = <u32>takeSlab(FIRST_BITS + 2);
    sender.push_bits = <u8>FIRST_BITS;
  } else if (sender.push_tail - sender.push_head == (<u32>1) << sender.push_bits) {
    growMarks(sender);
  }
  store<u32>(markAt(sender, sender.push_tail++), seq);
}

function growMarks(sender: Sender): void {
  const bits = <u32>sender.push_bits;
  const from = <usize>sender.push_ring;
  const size = (<u32>1) << bits;
  const to = takeSlab(bits + 3);
  for (let i: u32 = 0; i < size; i++) {
    store<u32>(to + ((<usize>i) << 2), load<u32>(markAt(sender, sender.push_head + i)));
  }
  giveSlab(from, bits + 2);
  sender.push_ring = <u32>to;
  sender.push_bits = <u8>(bits + 1);
  sender.push_head = 0;
  sender.push_tail = size;
}
