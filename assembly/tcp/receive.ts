/**
 * The segment text and the FIN, RFC 9293 §3.10.7.4 seventh and eighth checks: in order to the application,
 * ahead of order into reassembly, twice into nothing; and when to acknowledge (RFC 5681 §4.2, RFC 9293 §3.8.6.3).
 */
import { Flag, Notify, Opt, TcbFlag, Timer } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Segment, SegmentExt } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";
import { NS_PER_US } from "../base/time";
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
import { timerIsSet, timerSet } from "./timers";

/** Takes the payload. True when the peer's FIN is now in order. */
export function textArrives(tcb: Tcb, segment: Segment, now: u64): bool {
  const len = <u32>segment.len;
  const fin = (<u32>segment.flags) & Flag.FIN;
  if (len + fin == 0) return false;
  const start = segment.seq;
  const end = start + len;

  if (start == tcb.rcv_nxt && !(tcb.flags & TcbFlag.OUT_OF_ORDER) && seqLeq(end, tcb.rcv_adv)) {
    if (len) {
      if (tcb.flags & TcbFlag.REAL_BYTES) keepBytes(tcb, segment, start, start, end);
      deliver(tcb, end);
      acknowledgeLater(tcb, now);
    }
    return fin != 0;
  }

  return unexpectedText(tcb, segment);
}

/** Text that is not simply the next: partly or wholly old, ahead of order, beyond the window, or filling a hole. */
function unexpectedText(tcb: Tcb, segment: Segment): bool {
  const len = <u32>segment.len;
  const fin = (<u32>segment.flags) & Flag.FIN;
  const rcv_nxt = tcb.rcv_nxt;
  let start = segment.seq;
  let end = start + len;
  if (seqLt(start, rcv_nxt)) {
    // What was received before is dropped; RFC 2883 §4.1 lets the ACK say so
    if (len) reassemblyNoteDuplicate(tcb, start, seqLt(end, rcv_nxt) ? end : rcv_nxt);
    tcb.flags |= TcbFlag.ACK_NOW;
    if (seqLeq(end, rcv_nxt) && !(fin != 0 && end == rcv_nxt)) return finIsInOrder(tcb);
    start = rcv_nxt;
  }
  // RFC 9293 §3.10.7.4: what lies beyond the window is cut off, its FIN with it
  let fits = true;
  if (seqGt(end, tcb.rcv_adv)) {
    end = tcb.rcv_adv;
    fits = false;
    tcb.flags |= TcbFlag.ACK_NOW;
  }
  if (fin != 0 && fits && !(tcb.flags & TcbFlag.FIN_RECEIVED)) {
    if (end == rcv_nxt) return true;
    reassemblyNoteFin(tcb, end);
  }
  if (seqGeq(start, end)) return finIsInOrder(tcb);
  if (tcb.flags & TcbFlag.REAL_BYTES) keepBytes(tcb, segment, segment.seq, start, end);
  tcb.flags |= TcbFlag.ACK_NOW;
  if (start != rcv_nxt) {
    reassemblyInsert(tcb, start, end);
    return false;
  }
  if (tcb.flags & TcbFlag.OUT_OF_ORDER) end = reassemblyAdvance(tcb, end);
  deliver(tcb, end);
  const finished = finIsInOrder(tcb);
  if (reassemblyIsEmpty(tcb)) reassemblyRelease(tcb);
  return finished;
}

/** Eighth check: RCV.NXT moves over the FIN, and it is acknowledged at once. No text can follow it. */
export function takeFin(tcb: Tcb): void {
  reassemblyRelease(tcb);
  tcb.rcv_nxt++;
  if (tcb.flags & TcbFlag.READS_AT_ONCE) tcb.copied_seq = tcb.rcv_nxt;
  if (tcb.rcv_adv == tcb.rcv_nxt - 1) tcb.rcv_adv = tcb.rcv_nxt;
  tcb.flags |= TcbFlag.FIN_RECEIVED | TcbFlag.ACK_NOW;
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

/** RCV.NXT moves to `end`: the application may read up to there. */
function deliver(tcb: Tcb, end: u32): void {
  tcb.bytes_received += end - tcb.rcv_nxt;
  tcb.rcv_nxt = end;
  if (tcb.flags & TcbFlag.READS_AT_ONCE) tcb.copied_seq = end;
  else tcb.notify |= <u8>Notify.READABLE;
}

/** RFC 5681 §4.2: every second full-sized segment at once, else within the delay. */
function acknowledgeLater(tcb: Tcb, now: u64): void {
  const unacked = tcb.rcv_unacked + 1;
  tcb.rcv_unacked = unacked;
  if (unacked >= 2 || !(tcb.flags & TcbFlag.DELAYED_ACK)) {
    tcb.flags |= TcbFlag.ACK_NOW;
    return;
  }
  tcb.flags |= TcbFlag.ACK_DELAYED;
  if (!timerIsSet(tcb, Timer.DELAYED_ACK)) {
    timerSet(tcb, Timer.DELAYED_ACK, now + <u64>engine().delayed_ack_us * NS_PER_US);
  }
}

/** Puts [start, end) of a segment that begins at `seq` at its place in the receive ring. */
function keepBytes(tcb: Tcb, segment: Segment, seq: u32, start: u32, end: u32): void {
  if (!((<u32>segment.opts) & Opt.EXT)) return;
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  const bytes = changetype<TcbExt>(<usize>tcb.ext);
  copyToRing(bytes.receive, bytes.receive_mask, start, ext.payload + (start - seq), end - start);
}
