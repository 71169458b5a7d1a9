/**
 * The fifth to eighth checks of RFC 9293 §3.10.7.4 in each synchronised state: ACK, text, FIN.
 *
 *                          FIN acked            FIN
 *      ESTABLISHED -CLOSE-> FIN_WAIT_1 -------> FIN_WAIT_2 -------> TIME_WAIT
 *           |                   `---- FIN ----> CLOSING --FIN acked-'
 *           `----- FIN ---> CLOSE_WAIT -CLOSE-> LAST_ACK --FIN acked--> CLOSED
 */
import { EndReason, Flag, Opt, State, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGt, seqLeq, seqLt } from "../base/seq";
import { NS_PER_MS } from "../base/time";
import { ackArrives, ackIsOldNews } from "./ack";
import { enterClosed, enterEstablished, enterTimeWait, listenOn } from "./connection";
import { listenAgain } from "./opening";
import { refuse, sendPending } from "./output";
import { syncMss } from "./pmtu";
import { takeFin, textArrives } from "./receive";
import { timerSet } from "./timers";

/** Second check: the peer has reset the connection. */
export function resetArrives(tcb: Tcb, now: u64): void {
  switch (<i32>tcb.state) {
    case State.SYN_RECEIVED:
      // A passive OPEN goes back to listening
      if (tcb.flags & TcbFlag.PASSIVE) {
        listenOn(tcb);
      } else {
        enterClosed(tcb, EndReason.REFUSED, now);
      }
      return;
    case State.CLOSING:
    case State.LAST_ACK:
      enterClosed(tcb, EndReason.CLOSED, now);
      return;
    case State.TIME_WAIT:
      // RFC 1337: a reset must not cut the wait short
      return;
    default:
      enterClosed(tcb, EndReason.RESET, now);
  }
}

/** Whether the FIN that was sent is acknowledged. */
@inline
function finIsAcked(tcb: Tcb): bool {
  return (tcb.flags & TcbFlag.FIN_SENT) != 0 && tcb.snd_una == tcb.snd_nxt;
}

export function synReceived(tcb: Tcb, segment: Segment, now: u64): void {
  if (!seqLt(tcb.snd_una, segment.ack) || !seqLeq(segment.ack, tcb.snd_nxt)) {
    refuse(tcb, segment);
    return;
  }
  enterEstablished(tcb, now);
  tcb.snd_wnd = (<u32>segment.wnd) << tcb.snd_wscale;
  tcb.snd_wnd_max = tcb.snd_wnd;
  syncMss(tcb);
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
  if (!ackArrives(tcb, segment, now)) return;
  if (finIsAcked(tcb)) {
    tcb.state = <u8>State.FIN_WAIT_2;
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
  if (!ackArrives(tcb, segment, now)) return;
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

function startFinWait2Timer(tcb: Tcb, now: u64): void {
  const timeout_ms = engine().fin_wait_2_ms;
  if (timeout_ms) timerSet(tcb, Timer.TIME_WAIT, now + <u64>timeout_ms * NS_PER_MS);
}

export function closeWait(tcb: Tcb, segment: Segment, now: u64): void {
  ackArrives(tcb, segment, now);
  answerOldText(tcb, segment);
}

export function closing(tcb: Tcb, segment: Segment, now: u64): void {
  if (!ackArrives(tcb, segment, now)) return;
  if (finIsAcked(tcb)) enterTimeWait(tcb, now);
  else answerOldText(tcb, segment);
}

export function lastAck(tcb: Tcb, segment: Segment, now: u64): void {
  if (!ackArrives(tcb, segment, now)) return;
  if (finIsAcked(tcb)) enterClosed(tcb, EndReason.CLOSED, now);
  else answerOldText(tcb, segment);
}

/** After the peer's FIN no text can be new; what comes is acknowledged again. */
function answerOldText(tcb: Tcb, segment: Segment): void {
  if (segment.len != 0 || (<u32>segment.flags) & Flag.FIN) tcb.flags |= TcbFlag.ACK_NOW;
}

/** Only a retransmitted FIN can be expected: acknowledge it and wait 2 MSL again. */
export function timeWait(tcb: Tcb, segment: Segment, now: u64): void {
  if (!((<u32>segment.flags) & Flag.FIN)) {
    if (segment.len) tcb.flags |= TcbFlag.ACK_NOW;
    return;
  }
  tcb.flags |= TcbFlag.ACK_NOW;
  timerSet(tcb, Timer.TIME_WAIT, now + <u64>engine().msl_ms * 2 * NS_PER_MS);
}

/**
 * RFC 6191 §2: a SYN may start a new connection over one in TIME_WAIT when timestamps or sequence numbers prove
 * it newer than all that the old one sent. True when the segment is dealt with.
 */
export function timeWaitReuse(tcb: Tcb, segment: Segment, now: u64): bool {
  const flags = <u32>segment.flags;
  if (flags & (Flag.RST | Flag.ACK) || !(tcb.flags & TcbFlag.PASSIVE)) return false;
  const stamped = ((<u32>segment.opts) & Opt.TIMESTAMPS) != 0 && (tcb.flags & TcbFlag.TIMESTAMPS) != 0;
  const newerSequence = seqGt(segment.seq, tcb.rcv_nxt);
  const newer = stamped
    ? seqGt(segment.tsval, tcb.ts_recent) || (segment.tsval == tcb.ts_recent && newerSequence)
    : newerSequence;
  if (!newer) return false;
  listenAgain(tcb, segment, now);
  return true;
}
