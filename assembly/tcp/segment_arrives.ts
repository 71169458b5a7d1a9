/**
 * SEGMENT ARRIVES, RFC 9293 §3.10.7: the state diagram's one visible switch.
 *
 *      CLOSED, LISTEN, SYN_SENT     opening.ts
 *      SYN_RECEIVED and later       the checks of §3.10.7.4 here, then one function a state in synchronized.ts
 */
import { Flag, Notify, Opt, State, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGeq, seqLeq, seqLt } from "../base/seq";
import { answerDropped, challenge } from "./challenge";
import { mayListenOn } from "./connection";
import { decideAck } from "./delayed_ack";
import { ecnReflects } from "./ecn";
import { fastOpenInFlight } from "./fast_open";
import { closed, listen, synSent } from "./opening";
import { refuse, segmentLength, sendAck, sendPending, sendSyn } from "./output";
import { isOlder, storeTimestamp } from "./paws";
import { predicted } from "./prediction";
import { reassemblyNoteDuplicate, reassemblyRightEdge } from "./reassembly";
import { noteOldDuplicate } from "./receive";
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
} from "./synchronized";
import { urgentArrives } from "./urgent";

/** One segment for one connection; what it answers is on the engine's list when this returns. */
export function segmentArrives(tcb: Tcb, segment: Segment, now: u64): void {
  if (!predicted(tcb, segment, now)) examine(tcb, segment, now);
}

function examine(tcb: Tcb, segment: Segment, now: u64): void {
  if (isExpected(tcb, segment, now)) {
    established(tcb, segment, now);
    answer(tcb, segment, now);
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
  answer(tcb, segment, now);
}

/** New data that the ACK lets go leaves and takes an ACK along; one that is still owed for text leaves or is delayed. */
@inline
function answer(tcb: Tcb, segment: Segment, now: u64): void {
  const text = <u32>segment.len + ((<u32>segment.flags) & Flag.FIN) != 0;
  if (text && tcb.snd_nxt != tcb.write_seq + (tcb.flags & TcbFlag.FIN_QUEUED ? 1 : 0)) sendPending(tcb, now);
  const owed = tcb.flags & (TcbFlag.ACK_NOW | TcbFlag.ACK_DELAYED);
  if (!owed) return;
  if (text && owed == TcbFlag.ACK_DELAYED) decideAck(tcb, now);
  if (tcb.flags & TcbFlag.ACK_NOW) sendAck(tcb, now);
}

/** The next segment of an established connection, for which every check below would pass. */
@inline
function isExpected(tcb: Tcb, segment: Segment, now: u64): bool {
  if (tcb.state != <u8>State.ESTABLISHED || segment.seq != tcb.rcv_nxt) return false;
  if (((<u32>segment.flags) & (Flag.SYN | Flag.RST | Flag.ACK | Flag.URG)) != Flag.ACK) return false;
  if (tcb.flags & TcbFlag.TIMESTAMPS) {
    const tsval = segment.tsval;
    if (!((<u32>segment.opts) & Opt.TIMESTAMPS) || seqLt(tsval, tcb.ts_recent)) return false;
    // What acknowledges the unsent or the long gone must not set TS.Recent
    if (segment.ack - tcb.snd_una > tcb.snd_nxt - tcb.snd_una) return false;
    if (seqLeq(segment.seq, tcb.last_ack_sent)) storeTimestamp(tcb, tsval, now);
  }
  return true;
}

/** RFC 9293 §3.10.7.4: checks that all later states share, then the state's own part. */
function synchronized(tcb: Tcb, segment: Segment, now: u64): void {
  if (tcb.state == <u8>State.TIME_WAIT) {
    timeWait(tcb, segment, now);
    return;
  }
  if ((<u32>segment.flags) & Flag.SYN && synNeedsCare(tcb, segment, now)) return;
  const flags = <u32>segment.flags;
  // Fifth check, first half: without ACK there is nothing to be said. Linux looks before it would answer
  if (!(flags & (Flag.ACK | Flag.RST | Flag.SYN))) return;

  // RFC 7323 §5.3 R1, ahead of the first check
  if (isOlder(tcb, segment, now) && !(flags & Flag.RST) && !isReordered(tcb, segment)) {
    if (flags & Flag.SYN) {
      challenge(tcb, now);
      return;
    }
    engine().paws_rejected++;
    // An old ACK is common and says nothing
    if (segmentLength(segment) == 0 && seqLt(segment.seq, tcb.rcv_nxt)) return;
    drop(tcb, segment, now);
    return;
  }

  // First check: sequence number
  if (!isAcceptable(tcb, segment)) {
    if (flags & Flag.RST) {
      if (resetsBehindFin(tcb, segment)) resetArrives(tcb, now);
    } else if (flags & Flag.SYN) {
      challengeSyn(tcb, segment, now);
    } else {
      drop(tcb, segment, now);
    }
    return;
  }

  // Second check: RST. RFC 5961 §3.2: only the exact next sequence number resets, or what a peer may take for it
  if (flags & Flag.RST) {
    // A handshake that a listener answers is believed to be given up by any reset in the window, as Linux believes it
    const exact = isListeners(tcb) || segment.seq == tcb.rcv_nxt || resetsBehindFin(tcb, segment);
    if (exact || segment.seq == reassemblyRightEdge(tcb)) resetArrives(tcb, now);
    else challenge(tcb, now);
    return;
  }

  // Fourth check: SYN. RFC 5961 §4.2: answered by a challenge ACK, whatever its sequence number
  if (flags & Flag.SYN) {
    if (isListeners(tcb)) {
      // Another one in the window gives a listener's handshake up, with a reset: Linux's tcp_check_req
      refuse(tcb, segment);
      resetArrives(tcb, now);
      return;
    }
    challengeSyn(tcb, segment, now);
    return;
  }

  // RFC 7323 §4.3 (2), when the ACK field is such that a peer could have sent it
  if (
    (<u32>segment.opts) & Opt.TIMESTAMPS &&
    seqLeq(segment.seq, tcb.last_ack_sent) &&
    segment.ack - tcb.snd_una <= tcb.snd_nxt - tcb.snd_una &&
    !isOlder(tcb, segment, now)
  ) {
    storeTimestamp(tcb, segment.tsval, now);
  }

  // Sixth check: URG, where text may still come
  if (flags & Flag.URG && (<u32>segment.opts) & Opt.EXT && <i32>tcb.state <= State.FIN_WAIT_2) {
    if (urgentArrives(tcb, segment)) tcb.notify |= <u8>Notify.URGENT;
  }

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
    default:
      unreachable();
  }
}

/** A handshake that a listener answers. */
@inline
function isListeners(tcb: Tcb): bool {
  return tcb.state == <u8>State.SYN_RECEIVED && mayListenOn(tcb);
}

/** Old SYNs of this very handshake, and what is none of it. True when that was all. */
function synNeedsCare(tcb: Tcb, segment: Segment, now: u64): bool {
  const flags = <u32>segment.flags;
  if (flags & Flag.ACK && isListeners(tcb)) {
    // It acknowledges what was never sent; or does not fit, and is told what would
    if (segment.ack == tcb.snd_nxt) return false;
    refuse(tcb, segment);
    return true;
  }
  if (segment.seq != tcb.irs) return false;
  if (flags & Flag.ACK) {
    // Simultaneous open, RFC 9293 figure 7: the peer's SYN-ACK repeats the SYN that was taken already
    if (tcb.state != State.SYN_RECEIVED || segment.ack - tcb.snd_nxt > fastOpenInFlight(tcb)) return false;
    segment.seq++;
    segment.flags = <u8>(flags & ~Flag.SYN);
    // Linux tells that it has come before, RFC 2883
    reassemblyNoteDuplicate(tcb, tcb.irs, tcb.irs + 1);
    tcb.flags |= TcbFlag.ACK_NOW;
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

/** RFC 5961 §4.2. The answer to a SYN-ACK that comes again reflects its mark again (RFC 9768 §3.2.2.1). */
function challengeSyn(tcb: Tcb, segment: Segment, now: u64): void {
  challenge(tcb, now);
  const repeated = (<u32>segment.flags) & Flag.ACK && segment.seq == tcb.irs && segment.ack == tcb.iss + 1;
  if (repeated && tcb.flags & TcbFlag.ECN && tcb.flags & TcbFlag.ACK_NOW) ecnReflects(tcb, segment);
}

/** Not acceptable: an ACK says what is, and which of it came again (RFC 2883 §4.1). */
function drop(tcb: Tcb, segment: Segment, now: u64): void {
  noteOldDuplicate(tcb, segment);
  answerDropped(tcb, segment, now);
}

/** RFC 7323 §5.3: a pure ACK may be overtaken by data, and its timestamp with it, within a time-out. */
function isReordered(tcb: Tcb, segment: Segment): bool {
  return (
    segmentLength(segment) == 0 &&
    segment.seq == tcb.rcv_nxt &&
    segment.ack == tcb.snd_una &&
    (<u32>segment.wnd) << tcb.snd_wscale == tcb.snd_wnd &&
    tcb.ts_recent - segment.tsval <= tcb.rto_us / 1000 + tcb.rto_us / 5000
  );
}

/**
 * RFC 9293 §3.10.7.4, table 6, as Linux applies it: on the left it looks back to the last ACK sent, because the peer
 * knows of no later one; on the right the edge itself passes. At a zero window a segment at RCV.NXT still brings its
 * ACK. What of the text fits is decided with the text.
 */
function isAcceptable(tcb: Tcb, segment: Segment): bool {
  const seq = segment.seq;
  const end = seq + segmentLength(segment);
  // The SYN is no text that could come again
  if (tcb.state == <u8>State.SYN_RECEIVED && seq != tcb.rcv_nxt && seqLeq(end, tcb.rcv_nxt)) return false;
  return seqGeq(end, tcb.last_ack_sent) && seqLeq(seq, tcb.rcv_adv);
}

/** A peer that has not heard the ACK of its FIN may reset from in front of it. */
function resetsBehindFin(tcb: Tcb, segment: Segment): bool {
  const state = <i32>tcb.state;
  const closing = state == State.CLOSE_WAIT || state == State.LAST_ACK || state == State.CLOSING;
  return closing && segment.seq == tcb.rcv_nxt - 1;
}
