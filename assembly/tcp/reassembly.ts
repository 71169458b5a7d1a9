/**
 * What has arrived beyond RCV.NXT: sorted, disjoint ranges, and the SACK blocks that tell the peer of them
 * (RFC 2018 §4, RFC 2883 §4). Ranges, not bytes: real bytes lie in the receive ring already, at their place.
 */
import { TcbFlag } from "../layout/enums";
import { Range, Reassembly } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { giveSlab, slabClass, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { seqGeq, seqGt, seqLeq, seqLt, seqMax } from "../base/seq";
import { receiverOf, takeReceiver } from "./receiver";

const FIRST_CLASS: u32 = 8;
const HEADER: usize = 64;
const BLOCKS: u32 = 4;
/** All that lies behind a sequence number begins less than this before it. */
const HALF: u32 = 0x7fffffff;

if (offsetof<Reassembly>() != 64) ERROR("Reassembly is not 64 bytes");

@inline
function range(held: Reassembly, i: u32): Range {
  return changetype<Range>(changetype<usize>(held) + HEADER + ((<usize>i) << 3));
}

@inline
function block(held: Reassembly, i: u32): Range {
  return changetype<Range>(changetype<usize>(held) + offsetof<Reassembly>("block0_start") + ((<usize>i) << 3));
}

/** What is held; only while `TcbFlag.OUT_OF_ORDER` is set. */
@inline
export function reassemblyOf(tcb: Tcb): Reassembly {
  return changetype<Reassembly>(<usize>receiverOf(tcb).reassembly);
}

function take(tcb: Tcb): Reassembly {
  if (!(tcb.flags & TcbFlag.OUT_OF_ORDER)) {
    const p = takeSlab(FIRST_CLASS);
    memory.fill(p, 0, HEADER);
    changetype<Reassembly>(p).capacity = ((1 << FIRST_CLASS) - <u32>HEADER) >> 3;
    takeReceiver(tcb).reassembly = <u32>p;
    tcb.flags |= TcbFlag.OUT_OF_ORDER;
  }
  return reassemblyOf(tcb);
}

export function reassemblyRelease(tcb: Tcb): void {
  if (!(tcb.flags & TcbFlag.OUT_OF_ORDER)) return;
  const held = reassemblyOf(tcb);
  receiverOf(tcb).ofo_bytes = 0;
  giveSlab(changetype<usize>(held), slabClass((held.capacity << 3) + <u32>HEADER));
  receiverOf(tcb).reassembly = 0;
  tcb.flags &= ~TcbFlag.OUT_OF_ORDER;
}

/** Remembers that [start, end) came twice; the next ACK says so, if SACK was agreed on. */
export function reassemblyNoteDuplicate(tcb: Tcb, start: u32, end: u32): void {
  if (!(tcb.flags & TcbFlag.SACK) || !engine().dsack) return;
  const held = take(tcb);
  receiverOf(tcb).dsack_dups++;
  held.dsack = 1;
  held.dsack_start = start;
  held.dsack_end = end;
}

/** More of the same segment came twice: one block can say so only where it touches the first. */
function extendDuplicate(tcb: Tcb, held: Reassembly, start: u32, end: u32): void {
  if (!held.dsack) {
    reassemblyNoteDuplicate(tcb, start, end);
  } else if (seqLeq(start, held.dsack_end) && seqGeq(end, held.dsack_start)) {
    if (seqLt(start, held.dsack_start)) held.dsack_start = start;
    held.dsack_end = seqMax(held.dsack_end, end);
  }
}

/** Remembers a FIN at `seq`, ahead of RCV.NXT. */
export function reassemblyNoteFin(tcb: Tcb, seq: u32): void {
  const held = take(tcb);
  // A peer that sends two is rude: its stream ends at the first
  if (held.fin != 0 && seqLeq(held.fin_seq, seq)) return;
  held.fin = 1;
  held.fin_seq = seq;
}

/** Index of the first range that ends at `seq` or later: the first that [seq, ...) could touch. */
function firstTouching(held: Reassembly, seq: u32): u32 {
  let low: u32 = 0;
  let high = held.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seqLt(range(held, middle).end, seq)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Holds [start, end), ahead of RCV.NXT: merges it with what it touches. */
export function reassemblyInsert(tcb: Tcb, start: u32, end: u32): void {
  let held = take(tcb);
  const at = firstTouching(held, start);
  let past = at;
  let low = start;
  let high = end;
  let swallowed: u32 = 0;
  while (past < held.count && seqLeq(range(held, past).start, end)) {
    const r = range(held, past);
    if (seqLeq(r.start, start) && seqGeq(r.end, end)) {
      // RFC 2883 §4.2: all of it is held already
      extendDuplicate(tcb, held, start, end);
    } else if (seqLt(start, r.end) && seqGt(end, r.start)) {
      extendDuplicate(tcb, held, seqMax(start, r.start), seqLt(end, r.end) ? end : r.end);
    }
    if (seqLt(r.start, low)) low = r.start;
    if (seqGt(r.end, high)) high = r.end;
    swallowed += r.end - r.start;
    past++;
  }
  if (past == at) {
    if (held.count >= rangesAllowed(tcb) && !makeRoom(tcb, held, at)) return;
    if (held.count == held.capacity) held = grow(tcb, held);
    moveRanges(held, at + 1, at);
    held.count++;
  } else if (past > at + 1) {
    moveRanges(held, at + 1, past);
    held.count -= past - at - 1;
  }
  const merged = range(held, at);
  merged.start = low;
  merged.end = high;
  receiverOf(tcb).ofo_bytes += high - low - swallowed;
  reportFirst(held, low, high);
}

/** Linux's queue is bounded by memory, of which the smallest segment takes some 768 bytes. */
@inline
function rangesAllowed(tcb: Tcb): u32 {
  return max<u32>(tcb.rcv_buf >> 10, 64);
}

/**
 * The queue is full: what lies farthest ahead goes, because it will be needed last (RFC 2018 §8 allows it). False when
 * that is what has just come.
 */
function makeRoom(tcb: Tcb, held: Reassembly, at: u32): bool {
  const rx = receiverOf(tcb);
  rx.ofo_drops++;
  engine().ofo_dropped++;
  if (at == held.count) return false;
  const last = range(held, --held.count);
  rx.ofo_bytes -= last.end - last.start;
  dropBlocks(held, last.start, last.end);
  return true;
}

/** Moves the ranges from index `from` on to index `to`. */
function moveRanges(held: Reassembly, to: u32, from: u32): void {
  if (held.count == from) return;
  memory.copy(
    changetype<usize>(range(held, to)),
    changetype<usize>(range(held, from)),
    (<usize>(held.count - from)) << 3,
  );
}

function grow(tcb: Tcb, held: Reassembly): Reassembly {
  const klass = slabClass((held.capacity << 3) + <u32>HEADER);
  const bigger = changetype<Reassembly>(takeSlab(klass + 1));
  memory.copy(changetype<usize>(bigger), changetype<usize>(held), (<usize>1) << klass);
  bigger.capacity = ((2 << klass) - <u32>HEADER) >> 3;
  giveSlab(changetype<usize>(held), klass);
  receiverOf(tcb).reassembly = <u32>changetype<usize>(bigger);
  return bigger;
}

/** Puts [start, end) in front of the SACK blocks and drops those that it swallowed. */
function reportFirst(held: Reassembly, start: u32, end: u32): void {
  const blocks = held.blocks;
  let kept: u32 = 0;
  for (let i: u32 = 0; i < blocks; i++) {
    const b = block(held, i);
    if (seqGeq(b.start, start) && seqLeq(b.end, end)) continue;
    const target = block(held, kept++);
    target.start = b.start;
    target.end = b.end;
  }
  kept = min(kept, BLOCKS - 1);
  const first = changetype<usize>(block(held, 0));
  memory.copy(first + 8, first, (<usize>kept) << 3);
  block(held, 0).start = start;
  block(held, 0).end = end;
  held.blocks = kept + 1;
  fillBlocks(held);
}

/** RFC 2018 §4: as many distinct blocks as there are, so ranges that no block shows any more come back. */
function fillBlocks(held: Reassembly): void {
  // Four blocks show four ranges at most: the search ends soon
  for (let i: u32 = 0; i < held.count && held.blocks < min(BLOCKS, held.count); i++) {
    const r = range(held, i);
    let shown = false;
    for (let j: u32 = 0; j < held.blocks && !shown; j++) {
      const b = block(held, j);
      shown = seqGeq(b.start, r.start) && seqLeq(b.end, r.end);
    }
    if (shown) continue;
    const last = block(held, held.blocks++);
    last.start = r.start;
    last.end = r.end;
  }
}

/** RCV.NXT has reached a held range: swallows all that is now in order; returns the new RCV.NXT. */
export function reassemblyAdvance(tcb: Tcb, rcv_nxt: u32): u32 {
  const held = reassemblyOf(tcb);
  let gone: u32 = 0;
  while (gone < held.count && seqLeq(range(held, gone).start, rcv_nxt)) {
    const r = range(held, gone);
    // RFC 2883 §4.2: the segment that filled the hole may have carried some of it again
    if (seqLt(r.start, rcv_nxt)) {
      extendDuplicate(tcb, held, r.start, seqLt(r.end, rcv_nxt) ? r.end : rcv_nxt);
    }
    rcv_nxt = seqMax(rcv_nxt, r.end);
    receiverOf(tcb).ofo_bytes -= r.end - r.start;
    gone++;
  }
  if (gone) {
    moveRanges(held, 0, gone);
    held.count -= gone;
    dropBlocks(held, rcv_nxt - HALF, rcv_nxt);
    fillBlocks(held);
  }
  return rcv_nxt;
}

/** Takes back the SACK blocks that lie within [start, end). */
function dropBlocks(held: Reassembly, start: u32, end: u32): void {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < held.blocks; i++) {
    const b = block(held, i);
    if (seqGeq(b.start, start) && seqLeq(b.end, end)) continue;
    const target = block(held, kept++);
    target.start = b.start;
    target.end = b.end;
  }
  held.blocks = kept;
}

/** Where the last of what is held ends, as the peer may have been told; RCV.NXT when nothing is. */
export function reassemblyRightEdge(tcb: Tcb): u32 {
  if (!(tcb.flags & TcbFlag.OUT_OF_ORDER) || !(tcb.flags & TcbFlag.SACK)) return tcb.rcv_nxt;
  const held = reassemblyOf(tcb);
  return held.count ? range(held, held.count - 1).end : tcb.rcv_nxt;
}

/** Whether what is held tells anything that the next ACK has to say. */
@inline
export function reassemblyIsEmpty(tcb: Tcb): bool {
  if (!(tcb.flags & TcbFlag.OUT_OF_ORDER)) return true;
  const held = reassemblyOf(tcb);
  return held.count == 0 && held.fin == 0 && held.dsack == 0;
}
