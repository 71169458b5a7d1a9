/**
 * SEGMENT ARRIVES, RFC 9293 §3.10.7: the state diagram's one visible switch.
 *
 *      CLOSED, LISTEN, SYN_SENT     opening.ts
 *      SYN_RECEIVED and later       the checks of §3.10.7.4 here, then one function a state in synchronized.ts
 */
import { Flag, Opt, State, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { seqLeq, seqLt } from "../base/seq";
import { closed, listen, synSent } from "./opening";
import { offeredWindow } from "./receive_window";
import { segmentLength, sendAck, sendSyn } from "./output";
import { reassemblyNoteDuplicate } from "./reassembly";
import {
  closeWait,
  closing,
  established,
  finWait1,
  finWait2,
  lastAck,
  resetArrives,
  synReceived,
  timeWait,
  timeWaitReuse,
} from "./synchronized";

/** One segment for one connection; what it answers is on the engine's list when this returns. */
export function segmentArrives(tcb: Tcb, segment: Segment, now: u64): void {
  if (isExpected(tcb, segment)) {
    established(tcb, segment, now);
    if (tcb.flags & TcbFlag.ACK_NOW) sendAck(tcb, now);
    return;
  }
  switch (<i32>tcb.state) {
    case State.CLOSED:
      closed(tcb, segment);
      return;
    case State.LISTEN:
      listen(tcb, segment, now);
      return;
    case State.SYN_SENT:
      synSent(tcb, segment, now);
      return;
    default:
      synchronized(tcb, segment, now);
  }
  if (tcb.flags & TcbFlag.ACK_NOW) sendAck(tcb, now);
}

/** Header prediction: the next segment of an established connection, for which every check below would pass. */
@inline
function isExpected(tcb: Tcb, segment: Segment): bool {
  if (tcb.state != <u8>State.ESTABLISHED || segment.seq != tcb.rcv_nxt) return false;
  if (((<u32>segment.flags) & (Flag.SYN | Flag.RST | Flag.ACK)) != Flag.ACK) return false;
  if (tcb.flags & TcbFlag.TIMESTAMPS) {
    const tsval = segment.tsval;
    if (!((<u32>segment.opts) & Opt.TIMESTAMPS) || seqLt(tsval, tcb.ts_recent)) return false;
    if (seqLeq(segment.seq, tcb.last_ack_sent)) tcb.ts_recent = tsval;
  }
  return true;
}

/** RFC 9293 §3.10.7.4: checks that all later states share, then the state's own part. */
function synchronized(tcb: Tcb, segment: Segment, now: u64): void {
  if ((<u32>segment.flags) & Flag.SYN && synNeedsCare(tcb, segment, now)) return;
  const flags = <u32>segment.flags;

  // RFC 7323 §5.3 R1 and §3.2, ahead of the first check
  if (tcb.flags & TcbFlag.TIMESTAMPS && !(flags & Flag.RST) && !timestampsPass(tcb, segment)) return;

  // First check: sequence number
  if (!isAcceptable(tcb, segment)) {
    if (!(flags & Flag.RST)) tcb.flags |= TcbFlag.ACK_NOW;
    // RFC 2883 §4: data that came again is reported; TIME_WAIT hears the peer's FIN again here
    if (tcb.state == State.TIME_WAIT && flags & Flag.FIN) timeWait(tcb, segment, now);
    else if (segment.len != 0 && seqLt(segment.seq, tcb.rcv_nxt)) noteOldDuplicate(tcb, segment);
    return;
  }

  // Second check: RST. RFC 5961 §3.2: only the exact next sequence number resets
  if (flags & Flag.RST) {
    if (segment.seq == tcb.rcv_nxt) resetArrives(tcb, now);
    else tcb.flags |= TcbFlag.ACK_NOW;
    return;
  }

  // Fourth check: SYN. RFC 5961 §4.2: answered by a challenge ACK, whatever its sequence number
  if (flags & Flag.SYN) {
    tcb.flags |= TcbFlag.ACK_NOW;
    return;
  }

  // Fifth check: without ACK there is nothing to be said
  if (!(flags & Flag.ACK)) return;

  // RFC 7323 §4.3 (2)
  if ((<u32>segment.opts) & Opt.TIMESTAMPS && seqLeq(segment.seq, tcb.last_ack_sent)) tcb.ts_recent = segment.tsval;

  switch (<i32>tcb.state) {
    case State.SYN_RECEIVED:
      synReceived(tcb, segment, now);
      return;
    case State.ESTABLISHED:
      established(tcb, segment, now);
      return;
    case State.FIN_WAIT_1:
      finWait1(tcb, segment, now);
      return;
    case State.FIN_WAIT_2:
      finWait2(tcb, segment, now);
      return;
    case State.CLOSE_WAIT:
      closeWait(tcb, segment, now);
      return;
    case State.CLOSING:
      closing(tcb, segment, now);
      return;
    case State.LAST_ACK:
      lastAck(tcb, segment, now);
      return;
    case State.TIME_WAIT:
      timeWait(tcb, segment, now);
      return;
    default:
      unreachable();
  }
}

/** Old SYNs of this very handshake, and new ones for a connection in TIME_WAIT. True when that was all. */
function synNeedsCare(tcb: Tcb, segment: Segment, now: u64): bool {
  const flags = <u32>segment.flags;
  if (tcb.state == State.TIME_WAIT) return timeWaitReuse(tcb, segment, now);
  if (segment.seq != tcb.irs) return false;
  if (flags & Flag.ACK) {
    // Simultaneous open, RFC 9293 figure 7: the peer's SYN-ACK repeats the SYN that was taken already
    if (tcb.state != State.SYN_RECEIVED || segment.ack != tcb.snd_nxt) return false;
    segment.seq++;
    segment.flags = <u8>(flags & ~Flag.SYN);
    return false;
  }
  // The peer has not heard our SYN-ACK, even if a FIN has followed it since
  const unheard = tcb.state == State.FIN_WAIT_1 && tcb.snd_una == tcb.iss + 1 && tcb.rcv_nxt == tcb.irs + 1;
  if (tcb.state == State.SYN_RECEIVED || unheard) {
    sendSyn(tcb, now, Opt.RETRANSMISSION);
    return true;
  }
  return false;
}

/** RFC 7323 §5.3 R1: a segment older than TS.Recent is of another age; one without timestamps is none of ours. */
function timestampsPass(tcb: Tcb, segment: Segment): bool {
  if (!((<u32>segment.opts) & Opt.TIMESTAMPS)) return false;
  if (!seqLt(segment.tsval, tcb.ts_recent)) return true;
  tcb.flags |= TcbFlag.ACK_NOW;
  if (segment.len != 0 && seqLt(segment.seq, tcb.rcv_nxt)) noteOldDuplicate(tcb, segment);
  return false;
}

/** RFC 9293 §3.10.7.4, table 6. At a zero window a segment at RCV.NXT still brings its ACK; its text is cut off. */
function isAcceptable(tcb: Tcb, segment: Segment): bool {
  const seq = segment.seq;
  const nxt = tcb.rcv_nxt;
  if (seq == nxt) return true;
  const window = offeredWindow(tcb);
  if (seq - nxt < window) return true;
  const len = segmentLength(segment);
  return len != 0 && seq + len - 1 - nxt < window;
}

/** RFC 2883 §4.1: the ACK that answers data received before says which. */
function noteOldDuplicate(tcb: Tcb, segment: Segment): void {
  if (tcb.state == State.TIME_WAIT) return;
  const end = segment.seq + segment.len;
  if (seqLeq(end, tcb.rcv_nxt)) reassemblyNoteDuplicate(tcb, segment.seq, end);
}
