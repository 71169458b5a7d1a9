/**
 * The fifth to eighth checks of RFC 9293 §3.10.7.4 in each synchronised state: ACK, text, FIN.
 *
 *                          FIN acked            FIN
 *      ESTABLISHED -CLOSE-> FIN_WAIT_1 -------> FIN_WAIT_2 -------> TIME_WAIT
 *           |                   `---- FIN ----> CLOSING --FIN acked-'
 *           `----- FIN ---> CLOSE_WAIT -CLOSE-> LAST_ACK --FIN acked--> CLOSED
 */
import { EndReason, Flag, Notify, Opt, State, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGt, seqLeq, seqLt } from "../base/seq";
import { ackArrives, ackIsOldNews } from "./ack";
import { answerDropped } from "./challenge";
import {
  enterClosed,
  enterEstablished,
  enterTimeWait,
  lingersNot,
  listenOn,
  mayListenOn,
  startFinWait2Timer,
  startTimeWaitTimer,
} from "./connection";
import { fastOpenInFlight, fastOpenTextAnswered } from "./fast_open";
import { listenAgain } from "./opening";
import { refuse, segmentLength, sendPending } from "./output";
import { isOlder } from "./paws";
import { syncMss } from "./pmtu";
import { noteOldDuplicate, takeFin, textArrives } from "./receive";

/** Second check: the peer has reset the connection. */
export function resetArrives(tcb: Tcb, now: u64): void {
  // An active OPEN has heard its peer: reset and not refused, Linux's tcp_reset
  if (tcb.state == <u8>State.SYN_RECEIVED && mayListenOn(tcb)) listenOn(tcb);
  else enterClosed(tcb, EndReason.RESET, now);
}

/** Whether the FIN that was sent is acknowledged. */
@inline
function finIsAcked(tcb: Tcb): bool {
  return (tcb.flags & TcbFlag.FIN_SENT) != 0 && tcb.snd_una == tcb.snd_nxt;
}

export function synReceived(tcb: Tcb, segment: Segment, now: u64): void {
  // The SYN of an early connection counts as acknowledged (RFC 7413)
  const least = tcb.iss + 1;
  // Simultaneous open: text of our SYN may have been taken
  const synData = fastOpenInFlight(tcb);
  if (!seqLeq(least, segment.ack) || !seqLeq(segment.ack, tcb.snd_nxt + synData)) {
    refuse(tcb, segment);
    return;
  }
  tcb.snd_wnd = (<u32>segment.wnd) << tcb.snd_wscale;
  tcb.snd_wnd_max = tcb.snd_wnd;
  syncMss(tcb);
  enterEstablished(tcb, segment, now);
  if (synData) fastOpenTextAnswered(tcb, segment.ack, now);
  tcb.snd_wl1 = segment.seq;
  tcb.snd_wl2 = segment.ack;
  if (tcb.flags & TcbFlag.FIN_QUEUED) {
    // CLOSE was called while data waited for the handshake
    tcb.state = <u8>State.FIN_WAIT_1;
    finWait1(tcb, segment, now);
  } else {
    established(tcb, segment, now);
  }
  sendPending(tcb, now);
}

export function established(tcb: Tcb, segment: Segment, now: u64): void {
  if (!ackIsOldNews(tcb, segment) && !ackArrives(tcb, segment, now)) return;
  if (textArrives(tcb, segment, now)) {
    takeFin(tcb);
    tcb.state = <u8>State.CLOSE_WAIT;
  }
}

export function finWait1(tcb: Tcb, segment: Segment, now: u64): void {
  if (!ackArrives(tcb, segment, now) || refusesText(tcb, segment, now)) return;
  if (finIsAcked(tcb)) {
    tcb.state = <u8>State.FIN_WAIT_2;
    tcb.notify |= <u8>Notify.FIN_ACKED;
    if (tcb.flags & TcbFlag.ORPHAN && lingersNot(tcb)) {
      refuse(tcb, segment);
      enterClosed(tcb, EndReason.ABORTED, now);
      return;
    }
    startFinWait2Timer(tcb, now);
    finWait2Text(tcb, segment, now);
    return;
  }
  if (textArrives(tcb, segment, now)) {
    takeFin(tcb);
    tcb.state = <u8>State.CLOSING;
  }
}

export function finWait2(tcb: Tcb, segment: Segment, now: u64): void {
  if (!ackArrives(tcb, segment, now) || refusesText(tcb, segment, now)) return;
  finWait2Text(tcb, segment, now);
}

function finWait2Text(tcb: Tcb, segment: Segment, now: u64): void {
  if (textArrives(tcb, segment, now)) {
    takeFin(tcb);
    enterTimeWait(tcb, now);
    return;
  }
  // The peer is alive and sending: the optional time-out starts anew
  if (segment.len) startFinWait2Timer(tcb, now);
}

/**
 * RFC 9293 §3.6.1: the application has closed for good and nobody will read new text, so the peer is told by a reset.
 * True when the connection has ended by it.
 */
function refusesText(tcb: Tcb, segment: Segment, now: u64): bool {
  if (!(tcb.flags & TcbFlag.RECEIVE_SHUTDOWN) || segment.len == 0) return false;
  if (!seqGt(segment.seq + segment.len, tcb.rcv_nxt)) return false;
  refuse(tcb, segment);
  enterClosed(tcb, EndReason.ABORTED, now);
  return true;
}

export function closeWait(tcb: Tcb, segment: Segment, now: u64): void {
  if (ackArrives(tcb, segment, now)) answerOldText(tcb, segment, now);
}

export function closing(tcb: Tcb, segment: Segment, now: u64): void {
  if (!ackArrives(tcb, segment, now)) return;
  if (finIsAcked(tcb)) enterTimeWait(tcb, now);
  else answerOldText(tcb, segment, now);
}

export function lastAck(tcb: Tcb, segment: Segment, now: u64): void {
  if (!ackArrives(tcb, segment, now)) return;
  if (finIsAcked(tcb)) enterClosed(tcb, EndReason.CLOSED, now);
  else answerOldText(tcb, segment, now);
}

/**
 * After the peer's FIN no text can be new. What came before is acknowledged again, what would come behind the FIN is
 * ignored, and what reaches from before it to behind it is no text of this peer.
 */
function answerOldText(tcb: Tcb, segment: Segment, now: u64): void {
  const len = <u32>segment.len;
  if (len + ((<u32>segment.flags) & Flag.FIN) == 0 || !seqLt(segment.seq, tcb.rcv_nxt)) return;
  if (seqGt(segment.seq + len, tcb.rcv_nxt)) {
    refuse(tcb, segment);
    enterClosed(tcb, EndReason.RESET, now);
    return;
  }
  noteOldDuplicate(tcb, segment);
  tcb.flags |= TcbFlag.ACK_NOW;
}

/**
 * TIME_WAIT, RFC 9293 §3.10.7.4 with RFC 1337 and RFC 6191: the next sequence number alone is heard in silence, a new
 * connection may begin, all else is told where things stand.
 */
export function timeWait(tcb: Tcb, segment: Segment, now: u64): void {
  const flags = <u32>segment.flags;
  const old = isOlder(tcb, segment, now);
  const reset = (flags & Flag.RST) != 0;
  if (!old && segment.seq == tcb.rcv_nxt && (reset || segmentLength(segment) == 0)) {
    if (!reset) startTimeWaitTimer(tcb, now);
    // RFC 1337: an old reset can cut the wait short; Linux lets it, unless told not to
    else if (!engine().rfc1337) enterClosed(tcb, EndReason.CLOSED, now);
    return;
  }
  if (reset || (flags & Flag.SYN && !old && timeWaitReuse(tcb, segment, now))) return;
  // A SYN without ACK may be of a new connection and its number by chance an old one: it does not prolong the wait
  if (old || flags & Flag.ACK) startTimeWaitTimer(tcb, now);
  if (old) engine().paws_rejected++;
  answerDropped(tcb, segment, now);
}

/**
 * RFC 6191 §2: a SYN may start a new connection over one in TIME_WAIT when timestamps or sequence numbers prove
 * it newer than all that the old one sent. True when the segment is dealt with.
 */
function timeWaitReuse(tcb: Tcb, segment: Segment, now: u64): bool {
  if (!(tcb.flags & TcbFlag.PASSIVE) || !isNewerSyn(tcb, segment)) return false;
  listenAgain(tcb, segment, now);
  return true;
}

/** Whether a segment is a SYN that the old connection cannot have sent; PAWS is asked apart. */
function isNewerSyn(tcb: Tcb, segment: Segment): bool {
  if (((<u32>segment.flags) & (Flag.SYN | Flag.RST | Flag.ACK)) != Flag.SYN) return false;
  const stamped = ((<u32>segment.opts) & Opt.TIMESTAMPS) != 0 && (tcb.flags & TcbFlag.TIMESTAMPS) != 0;
  return seqGt(segment.seq, tcb.rcv_nxt) || (stamped && seqGt(segment.tsval, tcb.ts_recent));
}

/** Whether a connection in TIME_WAIT may give way to the new one that this segment begins. */
export function timeWaitGivesWay(tcb: Tcb, segment: Segment, now: u64): bool {
  return isNewerSyn(tcb, segment) && !isOlder(tcb, segment, now);
}
