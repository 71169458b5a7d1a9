/**
 * Urgent data, RFC 9293 §3.8.5 as RFC 6093 asks: kept for who still uses it, with the pointer behind the last urgent
 * byte, as everybody reads it. The byte stands in the stream; unless it is to stay there (SO_OOBINLINE) it is taken out
 * and read by itself.
 */
import { TcbFlag } from "../layout/enums";
import { Receiver } from "../layout/receiver";
import { TcbExt } from "../layout/reassembly";
import { Segment, SegmentExt } from "../layout/segment";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";
import { sendsWithCare } from "./mtu_probing";
import { takeReceiver } from "./receiver";
import { senderOf } from "./sender";

// ---- Sending -----------------------------------------------------------------------------------------------------

/** The last byte written so far is urgent. */
export function markUrgent(tcb: Tcb, sender: Sender): void {
  sender.snd_up = tcb.write_seq;
  sender.urgent = 1;
  tcb.flags |= TcbFlag.SEND_CARE;
}

/** Whether urgent data waits for its acknowledgment: what leaves then leaves by itself, and at once. */
@inline
export function isUrgent(tcb: Tcb, sender: Sender): bool {
  return (tcb.flags & TcbFlag.SEND_CARE) != 0 && sender.urgent != 0 && stillUrgent(tcb, sender);
}

function stillUrgent(tcb: Tcb, sender: Sender): bool {
  if (seqLt(tcb.snd_una, sender.snd_up)) return true;
  sender.urgent = 0;
  if (!sendsWithCare(tcb)) tcb.flags &= ~TcbFlag.SEND_CARE;
  return false;
}

/** SEG.UP of a segment at `seq`, 0 when it has none: behind the urgent byte, or as far ahead as can be said. */
export function urgentPointer(tcb: Tcb, seq: u32): u32 {
  if (!tcb.tx) return 0;
  const sender = senderOf(tcb);
  if (!isUrgent(tcb, sender) || !seqLt(seq, sender.snd_up)) return 0;
  const ahead = sender.snd_up - seq;
  if (ahead <= 0xffff) return ahead;
  return seqGt(seq + 0xffff, tcb.snd_nxt) ? 0xffff : 0;
}

// ---- Receiving ---------------------------------------------------------------------------------------------------

/** The peer points at urgent data: the newest pointer counts. True when it is news. */
export function urgentArrives(tcb: Tcb, segment: Segment): bool {
  const pointer = <u32>changetype<SegmentExt>(changetype<usize>(segment) + 64).urgent;
  const seq = segment.seq + (pointer ? pointer - 1 : 0);
  if (seqGt(tcb.copied_seq, seq) || seqLt(seq, tcb.rcv_nxt)) return false;
  const receiver = takeReceiver(tcb);
  if (receiver.urgent != 0 && seqLeq(seq, receiver.urg_seq)) return false;
  // One that was reached and not read yet becomes a byte like any other, but one taken out of the stream
  if (receiver.urgent != 0 && !isInline(tcb) && receiver.urg_seq == tcb.copied_seq && tcb.copied_seq != tcb.rcv_nxt) {
    tcb.copied_seq++;
  }
  receiver.urg_seq = seq;
  receiver.urgent = 1;
  return true;
}

@inline
function isInline(tcb: Tcb): bool {
  return tcb.ext != 0 && changetype<TcbExt>(<usize>tcb.ext).oob_inline != 0;
}

/** The connection's receiver while it has urgent data that was not passed; null else. */
@inline
function pointing(tcb: Tcb): Receiver | null {
  if (!tcb.rx) return null;
  const receiver = changetype<Receiver>(<usize>tcb.rx);
  return receiver.urgent ? receiver : null;
}

/** Of `ready` bytes, how many one read gives: it stops at the urgent byte. */
export function readyUpToUrgent(tcb: Tcb, ready: u32): u32 {
  const receiver = pointing(tcb);
  if (receiver === null) return ready;
  const ahead = receiver.urg_seq - tcb.copied_seq;
  if (<i32>ahead < 0 || ahead >= ready) return ready;
  if (ahead) return ahead;
  return isInline(tcb) ? ready : ready - 1;
}

/** A read begins: an urgent byte that it stands at is stepped over, unless it belongs into the stream. */
export function stepOverUrgent(tcb: Tcb): void {
  const receiver = pointing(tcb);
  if (receiver === null || receiver.urg_seq != tcb.copied_seq || isInline(tcb)) return;
  if (seqGt(tcb.rcv_nxt, tcb.copied_seq)) tcb.copied_seq++;
}

/** A read is over: what lies behind it points at nothing any more. */
export function passUrgent(tcb: Tcb): void {
  const receiver = pointing(tcb);
  if (receiver !== null && seqGt(tcb.copied_seq, receiver.urg_seq)) receiver.urgent = 0;
}

/** SIOCATMARK: the next byte to read is the urgent one. */
export function isAtMark(tcb: Tcb): bool {
  const receiver = pointing(tcb);
  return receiver !== null && receiver.urg_seq == tcb.copied_seq;
}

/** Whether the urgent byte can be read by itself: it is here, and was not. */
export function urgentIsReady(tcb: Tcb): bool {
  const receiver = pointing(tcb);
  // The FIN has a sequence number and no byte
  const end = tcb.rcv_nxt - (tcb.flags & TcbFlag.FIN_RECEIVED ? 1 : 0);
  return receiver !== null && receiver.urgent == 1 && seqGeq(end, receiver.urg_seq + 1);
}

/** What `readUrgent` answers besides a byte. */
export const NOT_URGENT: i32 = -1;
export const NOT_YET: i32 = -2;

/** Reads the urgent byte, or says that there is none, or that it has not come yet. */
export function readUrgent(tcb: Tcb, peek: bool): i32 {
  const receiver = pointing(tcb);
  if (receiver === null || isInline(tcb) || receiver.urgent != 1) return NOT_URGENT;
  if (!urgentIsReady(tcb)) return NOT_YET;
  if (!peek) receiver.urgent = 2;
  if (!(tcb.flags & TcbFlag.REAL_BYTES)) return 0;
  const bytes = changetype<TcbExt>(<usize>tcb.ext);
  return load<u8>(<usize>bytes.receive + (receiver.urg_seq & bytes.receive_mask));
}
