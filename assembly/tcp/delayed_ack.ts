/**
 * When to acknowledge: RFC 5681 §4.2 and RFC 9293 §3.8.6.3, in Linux's shape.
 *
 *      at once      out of order, a filled hole, a duplicate; more than one full segment when the window moves;
 *                   in quick-ACK mode: at the start, after a long silence, while the sender may be in slow start
 *      within ato   anything else; ato follows the gaps between arrivals, from 40 ms to 200 ms
 *      with data    in interactive mode ("pingpong"): an answer to the last text is expected and takes the ACK along
 *
 * Left out: compressed ACKs during loss (tcp_comp_sack_*); every segment out of order is answered, as RFC 2018 has it.
 */
import { Flag, Opt, Pushed, State, TcbFlag, Timer } from "../layout/enums";
import { Receiver } from "../layout/receiver";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { NS_PER_MS, NS_PER_US, timestampClock } from "../base/time";
import { TIMESTAMPS_LENGTH } from "./pmtu";
import { advmss, beginTuning } from "./receive_tuning";
import { receiverOf, takeReceiver } from "./receiver";
import { offeredWindow, windowMoves } from "./receive_window";
import { timerAt, timerIsSet, timerSet } from "./timers";

const ATO_MIN_MS: u32 = 40;
const DELAY_MAX_MS: u32 = 200;
/** Bound of a delay that only the arrival gaps speak for. */
const DELAY_UNPUSHED_MAX_MS: u32 = 500;
/** RFC 9293 §3.7.1: smaller segments say nothing of the peer's MSS. */
const DEFAULT_MSS: u32 = 536;
const MIN_MSS: u32 = 88;

/** What a full segment is, must be guessed before the first text, and low. */
export function guessSegment(tcb: Tcb): u32 {
  const guess = min<u32>(min(advmss(tcb), <u32>tcb.mss), offeredWindow(tcb) >> 1);
  return max(MIN_MSS, min(DEFAULT_MSS, guess));
}

/** The first text. */
export function beginReceiving(tcb: Tcb, now: u64): Receiver {
  const rx = takeReceiver(tcb);
  rx.rcv_mss = <u16>guessSegment(tcb);
  rx.lrcvtime_ms = timestampClock(now);
  if (tcb.flags & TcbFlag.TUNED_BUFFER) beginTuning(tcb, rx, now);
  return rx;
}

/** Text has come in order: an ACK is owed. */
@inline
export function textReceived(tcb: Tcb, rx: Receiver, segment: Segment, now: u64): void {
  tcb.flags |= TcbFlag.ACK_DELAYED;
  if (<u32>segment.len != <u32>rx.rcv_mss || (<u32>segment.flags) & Flag.PSH) measureSegment(tcb, rx, segment);
  else rx.last_seg_size = 0;
  noteGap(tcb, rx, now);
}

/** The gap since the last text tells how long the next ACK may take. */
@inline
export function noteGap(tcb: Tcb, rx: Receiver, now: u64): void {
  const now_ms = timestampClock(now);
  const gap = now_ms - rx.lrcvtime_ms;
  rx.lrcvtime_ms = now_ms;
  const ato = rx.ato_ms;
  if (ato != 0 && gap <= ATO_MIN_MS / 2) rx.ato_ms = (ato >> 1) + ATO_MIN_MS / 2;
  else adaptToGap(tcb, rx, ato, gap);
}

function adaptToGap(tcb: Tcb, rx: Receiver, ato: u32, gap: u32): void {
  const rto_ms = tcb.rto_us / 1000;
  if (ato == 0) {
    raiseQuickAcks(tcb, rx, engine().quick_acks);
    rx.ato_ms = ATO_MIN_MS;
  } else if (gap < ato) {
    rx.ato_ms = min((ato >> 1) + gap, max(rto_ms, 1));
  } else if (gap > rto_ms) {
    // Too long a gap: the sender starts again, or its window has run out
    raiseQuickAcks(tcb, rx, engine().quick_acks);
  }
}

/** The size of full segments, from what comes; options that vary are taken out of it. */
function measureSegment(tcb: Tcb, rx: Receiver, segment: Segment): void {
  const len = <u32>segment.len;
  const flags = <u32>segment.flags;
  const options = tcb.flags & TcbFlag.TIMESTAMPS ? TIMESTAMPS_LENGTH : 0;
  const last = <u32>rx.last_seg_size;
  rx.last_seg_size = 0;
  if (len >= <u32>rx.rcv_mss) {
    rx.rcv_mss = <u16>min(len, <u32>tcb.rcv_mss - options);
    // The end of a write may be as long as a full segment; its sender may wait for the ACK
    if (flags & Flag.PSH) rx.pushed |= <u8>Pushed.ONCE;
    return;
  }
  const blocks = ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  const size = len + (blocks ? 4 + (blocks << 3) : 0);
  const ended = flags & (Flag.PSH | Flag.FIN | Flag.URG | Flag.SYN);
  if (size + options >= DEFAULT_MSS || (size + options >= MIN_MSS && ended == 0)) {
    // A smaller MSS is believed when two in a row have it
    rx.last_seg_size = <u16>size;
    if (size == last) {
      rx.rcv_mss = <u16>size;
      return;
    }
  }
  rx.pushed |= <u8>(rx.pushed & Pushed.ONCE ? Pushed.ONCE | Pushed.TWICE : Pushed.ONCE);
}

/** So many ACKs at once as the sender may need to fill half the window. */
function raiseQuickAcks(tcb: Tcb, rx: Receiver, most: u32): void {
  const window = tcb.rcv_adv - tcb.last_ack_sent;
  const quick = min<u32>(max<u32>(window / max<u32>((<u32>rx.rcv_mss) << 1, 1), 2), most);
  if (quick > <u32>rx.quick) rx.quick = <u8>quick;
}

/** Something is wrong on the way here: the sender is told of each arrival for a while. */
export function enterQuickAcks(tcb: Tcb, most: u32): void {
  if (!tcb.rx) return;
  const rx = receiverOf(tcb);
  raiseQuickAcks(tcb, rx, most);
  rx.pingpong = 0;
  rx.ato_ms = ATO_MIN_MS;
}

/** An ACK is owed for what has just come: at once, or when? */
export function decideAck(tcb: Tcb, now: u64): void {
  if (!tcb.rx || !(tcb.flags & TcbFlag.DELAYED_ACK)) {
    tcb.flags |= TcbFlag.ACK_NOW;
    return;
  }
  const rx = receiverOf(tcb);
  const reads = (tcb.flags & TcbFlag.READS_AT_ONCE) != 0;
  if (ackIsDue(tcb, rx, reads) || !delayAck(tcb, rx, now)) tcb.flags |= TcbFlag.ACK_NOW;
}

/** An ACK that is owed is due at once. `reads`: the application reads whatever comes. */
@inline
export function ackIsDue(tcb: Tcb, rx: Receiver, reads: bool): bool {
  return (
    (tcb.rcv_nxt - tcb.last_ack_sent > <u32>rx.rcv_mss && (reads || windowMoves(tcb))) ||
    (rx.quick != 0 && rx.pingpong == 0) ||
    engine().route_quickack != 0 ||
    (reads && rx.pushed != 0 && pushedIsRead(rx)) ||
    rx.ato_ms == 0
  );
}

/** Sets the timer for an ACK that is owed; false when that would go off so soon that it may as well leave now. */
export function delayAck(tcb: Tcb, rx: Receiver, now: u64): bool {
  const fixed_us = engine().delayed_ack_us;
  if (fixed_us) {
    if (!timerIsSet(tcb, Timer.DELAYED_ACK)) timerSet(tcb, Timer.DELAYED_ACK, now + <u64>fixed_us * NS_PER_US);
    return true;
  }
  let ato = rx.ato_ms;
  if (ato > ATO_MIN_MS) {
    let longest = rx.pingpong | rx.pushed ? DELAY_MAX_MS : DELAY_UNPUSHED_MAX_MS;
    if (tcb.srtt_us8) longest = min(longest, max(tcb.srtt_us8 / 8000, ATO_MIN_MS));
    ato = min(min(ato, longest), DELAY_MAX_MS);
  }
  let deadline = now + <u64>ato * NS_PER_MS;
  if (timerIsSet(tcb, Timer.DELAYED_ACK)) {
    const set = timerAt(tcb, Timer.DELAYED_ACK);
    if (set <= now + <u64>(ato >> 2) * NS_PER_MS) return false;
    deadline = min(deadline, set);
  }
  timerSet(tcb, Timer.DELAYED_ACK, deadline);
  return true;
}

/** Whether a reader that has read everything should answer for a write that ended. */
@inline
function pushedIsRead(rx: Receiver): bool {
  return (rx.pushed & Pushed.TWICE) != 0 || (rx.pushed != 0 && rx.pingpong == 0);
}

/** The application has read: is an ACK that waits for it due now? */
export function ackIsDueAfterRead(tcb: Tcb): bool {
  if (!tcb.rx || !(tcb.flags & TcbFlag.ACK_DELAYED)) return false;
  const rx = receiverOf(tcb);
  if (tcb.rcv_nxt - tcb.last_ack_sent > <u32>rx.rcv_mss) return true;
  return tcb.copied_seq == tcb.rcv_nxt && pushedIsRead(rx);
}

/** An ACK has left for what was owed. */
@inline
export function quickAckSent(tcb: Tcb): void {
  if (!tcb.rx) return;
  const rx = receiverOf(tcb);
  rx.pushed = 0;
  if (rx.quick != 0 && --rx.quick == 0) rx.ato_ms = ATO_MIN_MS;
}

/** Data leaves: soon after text it is an answer, and the two ends talk in turns. */
@inline
export function answerSent(tcb: Tcb, now: u64): void {
  if (!tcb.rx) return;
  const rx = receiverOf(tcb);
  if (timestampClock(now) - rx.lrcvtime_ms < rx.ato_ms) rx.pingpong = 1;
}

/** The delay is over and nothing took the ACK along: the prediction was wrong. */
export function delayMissed(tcb: Tcb): void {
  if (!tcb.rx) return;
  const rx = receiverOf(tcb);
  if (rx.pingpong) {
    rx.pingpong = 0;
    rx.ato_ms = ATO_MIN_MS;
  } else {
    rx.ato_ms = min(rx.ato_ms << 1, max(tcb.rto_us / 1000, 1));
  }
}

/** After the peer's FIN the application will close, and its FIN will take the ACK along. */
export function expectAnswer(tcb: Tcb): void {
  if (tcb.rx) receiverOf(tcb).pingpong = 1;
}

/** TCP_QUICKACK: 0 leaves quick-ACK mode for the interactive one, others the other way. True when an ACK is due now. */
export function setQuickAck(tcb: Tcb, value: u32): bool {
  const rx = takeReceiver(tcb);
  rx.pingpong = value ? 0 : 1;
  const state = <i32>tcb.state;
  const open = state == State.ESTABLISHED || state == State.CLOSE_WAIT;
  if (value == 0 || !open || !(tcb.flags & TcbFlag.ACK_DELAYED)) return false;
  // As a reader would ask who has read everything; an even value asks for this one ACK only
  rx.pushed |= <u8>Pushed.ONCE;
  const due = ackIsDueAfterRead(tcb);
  if (!(value & 1)) rx.pingpong = 1;
  return due;
}
