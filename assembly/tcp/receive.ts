/**
 * The segment text and the FIN, RFC 9293 §3.10.7.4 seventh and eighth checks: in order to the application,
 * ahead of order into reassembly, twice into nothing. When to acknowledge it is decided in `delayed_ack.ts`.
 */
import { Flag, Notify, Opt, State, TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Segment, SegmentExt } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";
import { beginReceiving, enterQuickAcks, expectAnswer, textReceived } from "./delayed_ack";
import { ecnTextArrives } from "./ecn";
import { copyToRing } from "./real_bytes";
import {
  reassemblyAdvance,
  reassemblyInsert,
  reassemblyIsEmpty,
  reassemblyNoteDuplicate,
  reassemblyNoteFin,
  reassemblyOf,
  reassemblyRelease,
} from "./reassembly";
import { growWindow, tuneOnRead, tuneOnText } from "./receive_tuning";
import { offeredWindow } from "./receive_window";
import { receiverOf } from "./receiver";

/** Takes the payload. True when the peer's FIN is now in order. */
export function textArrives(tcb: Tcb, segment: Segment, now: u64): bool {
  const len = <u32>segment.len;
  const fin = (<u32>segment.flags) & Flag.FIN;
  if (len + fin == 0) return false;
  if (tcb.flags & TcbFlag.ECN) ecnTextArrives(tcb, segment);
  const start = segment.seq;
  const end = start + len;

  if (start == tcb.rcv_nxt && !(tcb.flags & TcbFlag.OUT_OF_ORDER) && seqLeq(end, tcb.rcv_adv)) {
    if (len) {
      if (tcb.flags & TcbFlag.REAL_BYTES) keepBytes(tcb, segment, start, start, end);
      takeText(tcb, segment, end, now);
    }
    return fin != 0;
  }

  return unexpectedText(tcb, segment, now);
}

/** RCV.NXT moves to `end`: the text is the application's, and an ACK is owed. */
@inline
function takeText(tcb: Tcb, segment: Segment, end: u32, now: u64): void {
  const rx = tcb.rx != 0 && receiverOf(tcb).rcv_mss != 0 ? receiverOf(tcb) : beginReceiving(tcb, now);
  deliver(tcb, end);
  textReceived(tcb, rx, segment, now);
  if (tcb.flags & TcbFlag.TUNED_BUFFER) {
    tuneOnText(tcb, rx, segment, now);
    if (tcb.flags & TcbFlag.READS_AT_ONCE) tuneOnRead(tcb, rx, now);
  }
}

/** Text that is not simply the next: partly or wholly old, ahead of order, beyond the window, or filling a hole. */
function unexpectedText(tcb: Tcb, segment: Segment, now: u64): bool {
  const len = <u32>segment.len;
  const fin = (<u32>segment.flags) & Flag.FIN;
  const rcv_nxt = tcb.rcv_nxt;
  let start = segment.seq;
  const end = start + len;

  if (seqLeq(end + fin, rcv_nxt)) {
    // RFC 2883 §4.1: all of it was here before
    noteOldDuplicate(tcb, segment);
    tcb.flags |= TcbFlag.ACK_NOW;
    return finIsInOrder(tcb);
  }
  if (tcb.flags & TcbFlag.FIN_RECEIVED) return false;
  const closed = offeredWindow(tcb) == 0;
  if (!fits(tcb, segment, end, closed)) {
    if (seqLt(start, rcv_nxt)) reassemblyNoteDuplicate(tcb, start, rcv_nxt);
    enterQuickAcks(tcb, engine().quick_acks);
    tcb.flags |= TcbFlag.ACK_NOW;
    return finIsInOrder(tcb);
  }
  if (seqLt(start, rcv_nxt)) {
    // RFC 2883 §4.2: its beginning was
    reassemblyNoteDuplicate(tcb, start, rcv_nxt);
    start = rcv_nxt;
  }
  if (fin) {
    if (end == rcv_nxt) return true;
    reassemblyNoteFin(tcb, end);
  }
  if (tcb.flags & TcbFlag.REAL_BYTES) keepBytes(tcb, segment, segment.seq, start, end);
  if (start != rcv_nxt) {
    tcb.flags |= TcbFlag.ACK_NOW;
    if (!tcb.rx || receiverOf(tcb).rcv_mss == 0) beginReceiving(tcb, now);
    const rx = receiverOf(tcb);
    rx.rcv_ooopack++;
    // A FIN counts in the block (RFC 2018 §3: sequence numbers)
    reassemblyInsert(tcb, start, fin ? end + 1 : end);
    if (tcb.flags & TcbFlag.TUNED_BUFFER && tcb.flags & TcbFlag.SACK) growWindow(tcb, rx, segment);
    return false;
  }
  fillHole(tcb, segment, end, now);
  const finished = finIsInOrder(tcb);
  if (reassemblyIsEmpty(tcb)) reassemblyRelease(tcb);
  return finished;
}

/** The next text, while text, a FIN or a duplicate is held: takes what is in order now. */
function fillHole(tcb: Tcb, segment: Segment, end: u32, now: u64): void {
  let edge = end;
  if (tcb.flags & TcbFlag.OUT_OF_ORDER) {
    // RFC 5681 §4.2: at once when a hole is filled, and as long as there are others
    const held = reassemblyOf(tcb);
    if (held.count != 0 || held.fin != 0) tcb.flags |= TcbFlag.ACK_NOW;
    edge = reassemblyAdvance(tcb, end);
    // The FIN's own place is passed by taking it
    if (held.fin != 0 && seqGt(edge, held.fin_seq)) edge = held.fin_seq;
  }
  takeText(tcb, segment, edge, now);
  if (seqGt(edge, tcb.rcv_adv)) tcb.rcv_adv = edge;
}

/**
 * Linux takes a segment whole or not at all: text may pass the right edge when the application has read everything,
 * so that a peer with a blunt idea of the window is not stuck; a FIN just behind the edge is always taken.
 */
function fits(tcb: Tcb, segment: Segment, end: u32, closed: bool): bool {
  if (segment.len == 0) return seqLeq(end, tcb.rcv_adv);
  if (closed || seqGeq(segment.seq, tcb.rcv_adv)) return false;
  return seqLeq(end, tcb.rcv_adv) || tcb.copied_seq == tcb.rcv_nxt;
}

/** RFC 2883 §4.1: the ACK that answers text received before says which; the sender may be guessing, so ACKs hurry. */
export function noteOldDuplicate(tcb: Tcb, segment: Segment): void {
  const start = segment.seq;
  const end = start + segment.len + ((<u32>segment.flags) & Flag.FIN);
  if (start == end || !seqLt(start, tcb.rcv_nxt)) return;
  enterQuickAcks(tcb, engine().quick_acks);
  reassemblyNoteDuplicate(tcb, start, seqLt(end, tcb.rcv_nxt) ? end : tcb.rcv_nxt);
}

/** Eighth check: RCV.NXT moves over the FIN. No text can follow it. */
export function takeFin(tcb: Tcb): void {
  reassemblyRelease(tcb);
  tcb.rcv_nxt++;
  if (tcb.flags & TcbFlag.READS_AT_ONCE) tcb.copied_seq = tcb.rcv_nxt;
  if (tcb.rcv_adv == tcb.rcv_nxt - 1) tcb.rcv_adv = tcb.rcv_nxt;
  tcb.flags |= TcbFlag.FIN_RECEIVED | TcbFlag.ACK_DELAYED;
  // An application that has nothing to say closes too, and its FIN takes the ACK along; one that has closed waits
  if (tcb.state == <u8>State.ESTABLISHED) expectAnswer(tcb);
  else tcb.flags |= TcbFlag.ACK_NOW;
  tcb.notify |= <u8>Notify.PEER_CLOSED;
}

/** Whether a FIN that came early is now next. */
function finIsInOrder(tcb: Tcb): bool {
  if ((tcb.flags & (TcbFlag.OUT_OF_ORDER | TcbFlag.FIN_RECEIVED)) != TcbFlag.OUT_OF_ORDER) return false;
  const held = reassemblyOf(tcb);
  if (!held.fin || held.fin_seq != tcb.rcv_nxt) return false;
  held.fin = 0;
  return true;
}

/** The application may read up to `end`. */
function deliver(tcb: Tcb, end: u32): void {
  tcb.bytes_received += end - tcb.rcv_nxt;
  tcb.rcv_nxt = end;
  if (tcb.flags & TcbFlag.READS_AT_ONCE) tcb.copied_seq = end;
  else tcb.notify |= <u8>Notify.READABLE;
}

/** Puts [start, end) of a segment that begins at `seq` at its place in the receive ring. */
function keepBytes(tcb: Tcb, segment: Segment, seq: u32, start: u32, end: u32): void {
  if (!((<u32>segment.opts) & Opt.EXT)) return;
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  const bytes = changetype<TcbExt>(<usize>tcb.ext);
  copyToRing(bytes.receive, bytes.receive_mask, start, ext.payload + (start - seq), end - start);
}
