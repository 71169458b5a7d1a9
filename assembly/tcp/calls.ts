/** The user's calls, RFC 9293 §3.10.1 to §3.10.5: OPEN, SEND, RECEIVE, CLOSE, ABORT. */
import { Chrono, EndReason, Notify, SendFlag, State, TcbFlag, Timer } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import {
  beginCongestionControl,
  chooseIss,
  connectionReset,
  enterClosed,
  lingersNot,
  startFinWait2Timer,
} from "./connection";
import { chronoStart } from "./chrono";
import { ackIsDueAfterRead, setQuickAck } from "./delayed_ack";
import { restartAfterIdle } from "./new_data";
import { connectionExt, ringsTake } from "./extension";
import { ecnOffer } from "./ecn";
import { fastOpenAsk, fastOpenIsEarly, fastOpenRelease, sendEarly } from "./fast_open";
import { sendAck, sendPending, sendReset, sendSyn } from "./output";
import { keepaliveChanged } from "./probes";
import { queueWrite } from "./push";
import { growRing, tuneOnRead, windowClamped } from "./receive_tuning";
import { windowUpdateIsDue } from "./receive_window";
import { receiverOf } from "./receiver";
import { backedOffRto } from "./rtt";
import { sendRoom } from "./send_buffer";
import { senderOf, takeSender } from "./sender";
import { timerClear, timerSet } from "./timers";
import { markUrgent, passUrgent, readyUpToUrgent, stepOverUrgent } from "./urgent";

/** Half of Linux's smallest receive buffer. */
const SMALLEST_CLAMP: u32 = 1152;

/** Passive OPEN: waits for a SYN. Without effect on a connection that exists. */
export function openPassive(tcb: Tcb): void {
  if (<i32>tcb.state != State.CLOSED) return;
  prepare(tcb);
  tcb.flags |= TcbFlag.PASSIVE;
  ecnOffer(tcb, true);
  tcb.state = <u8>State.LISTEN;
}

/** Active OPEN: sends a SYN. From LISTEN too, as §3.10.1 has it; without effect on a connection that exists. */
export function openActive(tcb: Tcb, now: u64): void {
  if (beginActive(tcb, now)) sendOpeningSyn(tcb, now);
}

/** An active OPEN by RFC 7413: what SEND takes next may ride on the SYN, which leaves with `sendOpeningSyn`. */
export function openFast(tcb: Tcb, now: u64): void {
  if (beginActive(tcb, now)) fastOpenAsk(tcb);
}

function beginActive(tcb: Tcb, now: u64): bool {
  if (<i32>tcb.state > State.LISTEN) return false;
  prepare(tcb);
  tcb.flags &= ~TcbFlag.PASSIVE;
  ecnOffer(tcb, false);
  chooseIss(tcb, now);
  tcb.state = <u8>State.SYN_SENT;
  tcb.cwnd_since = now;
  return true;
}

/** The first SYN of an active OPEN. */
export function sendOpeningSyn(tcb: Tcb, now: u64): void {
  sendSyn(tcb, now, 0);
  timerSet(tcb, Timer.RETRANSMIT, now + backedOffRto(tcb, 0));
}

function prepare(tcb: Tcb): void {
  connectionReset(tcb);
  fastOpenRelease(tcb);
  tcb.rtt_min_us = u32.MAX_VALUE;
  if (tcb.flags & TcbFlag.REAL_BYTES) ringsTake(tcb);
}

/** SEND: takes up to `bytes` into the send buffer and sends what may leave; how many it took. */
export function sendBytes(tcb: Tcb, bytes: u32, now: u64): u32 {
  return sendMessage(tcb, bytes, 0, now);
}

/** The same with `SendFlag` bits. */
export function sendMessage(tcb: Tcb, bytes: u32, flags: u32, now: u64): u32 {
  const taken = min(bytes, sendRoom(tcb));
  if (taken < bytes) tcb.flags |= TcbFlag.WRITE_BLOCKED;
  else tcb.flags &= ~TcbFlag.WRITE_BLOCKED;
  if (!taken) return 0;
  const opening = <i32>tcb.state < State.ESTABLISHED;
  if (opening && !fastOpenIsEarly(tcb)) {
    tcb.write_seq += taken;
    return taken;
  }
  takeSender(tcb);
  const sender = senderOf(tcb);
  if (tcb.write_seq == tcb.snd_nxt) {
    restartAfterIdle(tcb, now);
    chronoStart(sender, Chrono.BUSY, now);
  }
  // A write that found no room for all of it is pushed all the same
  const more = (flags & SendFlag.MORE) != 0 && taken == bytes;
  queueWrite(tcb, sender, taken, !more);
  if (flags & SendFlag.URGENT && taken == bytes) markUrgent(tcb, sender);
  const corked = tcb.flags & TcbFlag.CORK;
  if (more) tcb.flags |= TcbFlag.CORK;
  if (opening) sendEarly(tcb, now);
  else sendPending(tcb, now);
  if (!corked) tcb.flags &= ~TcbFlag.CORK;
  return taken;
}

/** TCP_CORK: while it is on, only full segments leave. */
export function setCork(tcb: Tcb, on: bool, now: u64): void {
  if (on) {
    tcb.flags |= TcbFlag.CORK;
    return;
  }
  tcb.flags &= ~TcbFlag.CORK;
  pushPending(tcb, (tcb.flags & TcbFlag.NODELAY) != 0, now);
}

/** TCP_NODELAY: what is queued leaves at once, even when it is corked. */
export function setNoDelay(tcb: Tcb, on: bool, now: u64): void {
  if (on) {
    tcb.flags |= TcbFlag.NODELAY;
    pushPending(tcb, true, now);
  } else {
    tcb.flags &= ~TcbFlag.NODELAY;
  }
}

/** SO_KEEPALIVE and its three options; 0 for what the run says. */
export function setKeepalive(tcb: Tcb, on: bool, idle_s: u32, interval_s: u32, probes: u32, now: u64): void {
  const ext = connectionExt(tcb);
  ext.keepalive = on ? 1 : 0;
  ext.keepalive_time_s = idle_s;
  ext.keepalive_interval_s = interval_s;
  ext.keepalive_probes = <u8>probes;
  keepaliveChanged(tcb, now);
}

/** SO_OOBINLINE: urgent bytes stay in the stream. */
export function setUrgentInline(tcb: Tcb, on: bool): void {
  connectionExt(tcb).oob_inline = on ? 1 : 0;
}

/** SO_MAX_PACING_RATE, bytes a second; 0: none. Also in the midst of a connection. */
export function setPacingRate(tcb: Tcb, rate: u64): void {
  connectionExt(tcb).max_pacing_rate = rate;
  if (rate) tcb.flags |= TcbFlag.SEND_CARE;
}

/** TCP_USER_TIMEOUT, RFC 5482: how long what is sent may go unanswered. */
export function setUserTimeout(tcb: Tcb, ms: u32): void {
  connectionExt(tcb).user_timeout_ms = ms;
}

/** Sends what may leave; `all`: without regard to Nagle and cork, until the next write. */
function pushPending(tcb: Tcb, all: bool, now: u64): void {
  if (<i32>tcb.state < State.ESTABLISHED || tcb.write_seq == tcb.snd_nxt) return;
  takeSender(tcb);
  if (all) senderOf(tcb).nagle_push = 1;
  sendPending(tcb, now);
}

/** How many bytes RECEIVE would give now. */
export function receiveReady(tcb: Tcb): u32 {
  const fin = tcb.flags & TcbFlag.FIN_RECEIVED && tcb.copied_seq != tcb.rcv_nxt ? 1 : 0;
  const ready = tcb.rcv_nxt - tcb.copied_seq - fin;
  return tcb.rx ? readyUpToUrgent(tcb, ready) : ready;
}

/**
 * RECEIVE: up to `bytes` are read; sends an ACK that waited for it, or one that tells the peer of a window that opened
 * by enough. How many it gave.
 */
export function receiveBytes(tcb: Tcb, bytes: u32, now: u64): u32 {
  const given = min(bytes, receiveReady(tcb));
  if (!given) return 0;
  stepOverUrgent(tcb);
  tcb.copied_seq += given;
  passUrgent(tcb);
  if (tcb.flags & TcbFlag.TUNED_BUFFER && tcb.rx) tuneOnRead(tcb, receiverOf(tcb), now);
  const state = <i32>tcb.state;
  const open = state == State.ESTABLISHED || state == State.FIN_WAIT_1 || state == State.FIN_WAIT_2;
  if (ackIsDueAfterRead(tcb) || (open && windowUpdateIsDue(tcb))) sendAck(tcb, now);
  return given;
}

/** TCP_QUICKACK: odd for quick-ACK mode, even for one ACK at once, 0 to wait for answers. */
export function setQuickAcks(tcb: Tcb, value: u32, now: u64): void {
  if (setQuickAck(tcb, value)) sendAck(tcb, now);
}

/** SO_RCVBUF: the buffer is so large, in bytes of memory (Linux doubles what it is given), and no longer tuned. */
export function setReceiveBuffer(tcb: Tcb, bytes: u32): void {
  const ext = connectionExt(tcb);
  ext.rcvbuf_locked = 1;
  tcb.rcv_buf = bytes;
  if (tcb.flags & TcbFlag.REAL_BYTES) growRing(tcb);
}

/** TCP_WINDOW_CLAMP: the most that is ever offered, bytes. */
export function setWindowClamp(tcb: Tcb, bytes: u32): void {
  connectionExt(tcb).window_clamp = bytes ? max(bytes, SMALLEST_CLAMP) : 0;
  if (tcb.rx) windowClamped(tcb, receiverOf(tcb));
}

/** CLOSE as sockets mean it: the application reads no more either. Text that still comes is answered by a reset. */
export function closeReceiving(tcb: Tcb, now: u64): void {
  tcb.flags |= TcbFlag.ORPHAN | TcbFlag.RECEIVE_SHUTDOWN;
  if (tcb.state != <u8>State.FIN_WAIT_2) return;
  if (lingersNot(tcb)) abortConnection(tcb, now);
  else startFinWait2Timer(tcb, now);
}

/** CLOSE: no more to send. What is queued goes first, then the FIN; receiving goes on. */
export function closeConnection(tcb: Tcb, now: u64): void {
  switch (<i32>tcb.state) {
    case State.CLOSED:
      return;
    case State.LISTEN:
    case State.SYN_SENT:
      enterClosed(tcb, EndReason.CLOSED, now);
      return;
    case State.SYN_RECEIVED:
      // §3.10.4: data that waits for the handshake goes first; with none the FIN leaves at once
      tcb.flags |= TcbFlag.FIN_QUEUED;
      if (fastOpenIsEarly(tcb)) {
        // The FIN follows early data, but the handshake goes on: it is the SYN-ACK that is sent again
        sendEarly(tcb, now);
        return;
      }
      if (tcb.write_seq != tcb.snd_nxt) return;
      beginCongestionControl(tcb, now);
      timerClear(tcb, Timer.RETRANSMIT);
      tcb.state = <u8>State.FIN_WAIT_1;
      break;
    case State.ESTABLISHED:
      tcb.state = <u8>State.FIN_WAIT_1;
      break;
    case State.CLOSE_WAIT:
      tcb.state = <u8>State.LAST_ACK;
      break;
    default:
      // Closing already
      return;
  }
  stopEndlessWriting(tcb);
  tcb.flags |= TcbFlag.FIN_QUEUED;
  sendPending(tcb, now);
}

/**
 * CLOSE of the sending direction as `shutdown` means it: like `closeConnection`, but in SYN_RECEIVED the FIN waits for the
 * end of the handshake, as in Linux.
 */
export function finishSending(tcb: Tcb, now: u64): void {
  if (tcb.state == <u8>State.SYN_RECEIVED) tcb.flags |= TcbFlag.FIN_QUEUED;
  else closeConnection(tcb, now);
}

/** An endless source has filled the buffer: what was not sent yet is withdrawn, so that closing ends. */
function stopEndlessWriting(tcb: Tcb): void {
  if (!(tcb.flags & TcbFlag.WRITES_FOR_EVER)) return;
  tcb.flags &= ~TcbFlag.WRITES_FOR_EVER;
  tcb.write_seq = tcb.snd_nxt;
}

/** ABORT: the peer is told by a reset, nothing queued is sent. */
export function abortConnection(tcb: Tcb, now: u64): void {
  const state = <i32>tcb.state;
  if (state == State.CLOSED) return;
  const tell =
    state == State.SYN_RECEIVED ||
    state == State.ESTABLISHED ||
    state == State.FIN_WAIT_1 ||
    state == State.FIN_WAIT_2 ||
    state == State.CLOSE_WAIT;
  if (tell) sendReset(tcb, now);
  enterClosed(tcb, EndReason.ABORTED, now);
}

/** Clears and returns what the application has not heard yet. */
export function takeNotifications(tcb: Tcb): u32 {
  const notify = <u32>tcb.notify;
  tcb.notify = 0;
  return notify & (Notify.ESTABLISHED | Notify.READABLE | Notify.WRITABLE | Notify.PEER_CLOSED | Notify.ENDED);
}
