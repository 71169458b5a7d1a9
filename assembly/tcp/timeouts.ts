/** TIMEOUTS, RFC 9293 §3.10.8: what each deadline does when it is reached. */
import { CaState, EndReason, Pending, State, TcbFlag, Timer } from "../layout/enums";
import { Opt } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { timestampClock } from "../base/time";
import { enterClosed, listenOn, mayListenOn } from "./connection";
import { delayMissed } from "./delayed_ack";
import { fastOpenIsEarly, sendEarly } from "./fast_open";
import { closedWindowIsGone, handshakeIsGone, peerIsGone, withinUserTimeout } from "./give_up";
import { suspectBlackHole } from "./mtu_probing";
import { sendAck, sendPending, sendSyn } from "./output";
import { keepaliveTimeout, persistTimeout } from "./probes";
import { reduce } from "./prr";
import { rackTimeout } from "./rack";
import { beginRecovery, enterLoss } from "./recovery";
import { retransmit, retransmitQueue } from "./retransmit";
import { backedOffRto } from "./rtt";
import { senderOf } from "./sender";
import { inFlight, sentAt } from "./sent";
import { probeTimeout, rearmRto } from "./tlp";
import { timerAt, timerClear, timerIsSet, timerSet } from "./timers";

/** More doublings than any RTO needs to reach its largest. */
const BACKOFF_MAX: u8 = 30;

/** Deals with every deadline that `now` has reached. */
export function timersExpired(tcb: Tcb, now: u64): void {
  for (let timer: u32 = 0; timer < <u32>Timer.COUNT; timer++) {
    if (!timerIsSet(tcb, timer) || timerAt(tcb, timer) > now) continue;
    timerClear(tcb, timer);
    switch (timer) {
      case Timer.RETRANSMIT:
        transmitTimeout(tcb, now);
        break;
      case Timer.PERSIST:
        persistTimeout(tcb, now);
        break;
      case Timer.DELAYED_ACK:
        delayedAckTimeout(tcb, now);
        break;
      case Timer.TIME_WAIT:
        timeWaitTimeout(tcb, now);
        break;
      case Timer.PACING:
        if (<i32>tcb.state < State.ESTABLISHED) sendEarly(tcb, now);
        else sendPending(tcb, now);
        break;
      case Timer.KEEPALIVE:
        keepaliveTimeout(tcb, now);
        break;
      default:
        unreachable();
    }
  }
}

/** The timer of an end with data in flight stands for one of three things. */
function transmitTimeout(tcb: Tcb, now: u64): void {
  if (tcb.tx != 0 && tcb.packets_out != 0) {
    const tx = senderOf(tcb);
    switch (<i32>tx.pending) {
      case Pending.PROBE:
        probeTimeout(tcb, now);
        return;
      case Pending.REORDERING:
        reorderingTimeout(tcb, now);
        return;
      default:
        break;
    }
  }
  retransmissionTimeout(tcb, now);
}

/** RFC 8985 §6.3: what is overdue by now is lost, and recovery begins if it has not. */
function reorderingTimeout(tcb: Tcb, now: u64): void {
  const tx = senderOf(tcb);
  const flight = inFlight(tcb);
  const lost = tx.lost;
  rackTimeout(tcb, now);
  if (inFlight(tcb) != flight) {
    if (tcb.ca_state != <u8>CaState.RECOVERY) {
      beginRecovery(tcb, false, now);
      reduce(tcb, 1, tx.lost - lost, 0, now);
    }
    retransmitQueue(tcb, now);
  }
  rearmRto(tcb, now);
}

/** RFC 6298 (5.4) to (5.6). */
function retransmissionTimeout(tcb: Tcb, now: u64): void {
  const state = <i32>tcb.state;
  if (state == State.SYN_SENT || state == State.SYN_RECEIVED) {
    handshakeTimeout(tcb, now);
    return;
  }
  if (tcb.packets_out == 0) return;
  // A window that was taken back: the oldest segment asks for it, and a peer that answers is not given up
  const closed = tcb.snd_wnd == 0 && !(tcb.flags & TcbFlag.ORPHAN);
  if (closed ? closedWindowIsGone(tcb, now) : peerIsGone(tcb, now)) {
    enterClosed(tcb, EndReason.TIMED_OUT, now);
    return;
  }
  suspectBlackHole(tcb, now);
  const sender = senderOf(tcb);
  if (!closed) {
    if (tcb.unanswered == 0) sender.unanswered_ms = timestampClock(now);
    if (tcb.unanswered < u8.MAX_VALUE) tcb.unanswered++;
  }
  if (tcb.backoff < BACKOFF_MAX) tcb.backoff++;
  if (tcb.rtos < u16.MAX_VALUE) tcb.rtos++;
  enterLoss(tcb, now);
  retransmit(tcb, tcb.sent_head, now);
  const timeout = withinUserTimeout(
    tcb,
    backedOffRto(tcb, tcb.backoff),
    closed ? sender.retrans_stamp : sender.unanswered_ms,
    now,
  );
  timerSet(tcb, Timer.RETRANSMIT, now + timeout);
}

/**
 * RFC 6069 §4: a router says that the segment from `seq` on found no way. What was lost so says nothing about congestion:
 * one doubling is taken back.
 */
export function backOffReverted(tcb: Tcb, seq: u32, now: u64): void {
  if (tcb.packets_out == 0 || seq != tcb.snd_una || tcb.unanswered == 0 || tcb.backoff == 0) return;
  tcb.backoff--;
  const due = sentAt(tcb, tcb.sent_head).sent_at + backedOffRto(tcb, tcb.backoff);
  if (due > now) timerSet(tcb, Timer.RETRANSMIT, due);
  else retransmissionTimeout(tcb, now);
}

function handshakeTimeout(tcb: Tcb, now: u64): void {
  if (handshakeIsGone(tcb, handshakeRetries(tcb), now)) {
    if (tcb.state == <u8>State.SYN_RECEIVED && mayListenOn(tcb)) listenOn(tcb);
    else enterClosed(tcb, EndReason.TIMED_OUT, now);
    return;
  }
  if (tcb.ext != 0 && tcb.unanswered == 0) changetype<TcbExt>(<usize>tcb.ext).probes_at_ms = timestampClock(now);
  if (tcb.unanswered < u8.MAX_VALUE) tcb.unanswered++;
  const linear = tcb.state == <u8>State.SYN_SENT && <u32>tcb.unanswered <= engine().syn_linear_timeouts;
  if (!linear && tcb.backoff < BACKOFF_MAX) tcb.backoff++;
  sendSyn(tcb, now, Opt.RETRANSMISSION);
  let timeout = backedOffRto(tcb, tcb.backoff);
  if (tcb.ext) timeout = withinUserTimeout(tcb, timeout, changetype<TcbExt>(<usize>tcb.ext).probes_at_ms, now);
  timerSet(tcb, Timer.RETRANSMIT, now + timeout);
}

/** How often a SYN or SYN-ACK is sent again before giving up; the user may have said (TCP_SYNCNT). */
function handshakeRetries(tcb: Tcb): u32 {
  if (mayListenOn(tcb)) return engine().synack_retries;
  if (tcb.ext) {
    const own = changetype<TcbExt>(<usize>tcb.ext).syn_retries;
    if (own) return own;
  }
  // An early connection (RFC 7413) costs its peer more: Linux tries once more than for others
  return fastOpenIsEarly(tcb) ? engine().synack_retries + 1 : engine().syn_retries;
}

function delayedAckTimeout(tcb: Tcb, now: u64): void {
  if (!(tcb.flags & TcbFlag.ACK_DELAYED)) return;
  delayMissed(tcb);
  sendAck(tcb, now);
}

/** 2 MSL are over, or FIN_WAIT_2 has waited long enough. */
function timeWaitTimeout(tcb: Tcb, now: u64): void {
  const reason = tcb.state == State.TIME_WAIT ? EndReason.CLOSED : EndReason.TIMED_OUT;
  enterClosed(tcb, reason, now);
}
