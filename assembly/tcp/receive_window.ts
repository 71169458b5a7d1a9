/**
 * The offered window, RFC 9293 §3.8.6 and RFC 7323 §2: never takes back what was offered (unless allowed to), and
 * grows in steps worth a segment (the receiver's part against the silly window syndrome, §3.8.6.2.2).
 *
 *      fixed     rcv_buf is what may be offered: the room that unread text leaves in it
 *      tuned     rcv_buf is memory (`TcbFlag.TUNED_BUFFER`): half of it may be offered, as far as rcv_ssthresh
 *                has grown (`receive_tuning.ts`): Linux's window
 */
import { TcbFlag } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGt } from "../base/seq";
import { receiverOf } from "./receiver";
import { EDGE_MARGIN, fullSpace, startingThreshold, startingWindow } from "./receive_tuning";

/** RCV.WND as the peer knows it: from RCV.NXT to the edge it was told. */
@inline
export function offeredWindow(tcb: Tcb): u32 {
  return tcb.rcv_adv - tcb.rcv_nxt;
}

/** Bytes that the buffer has room for beyond RCV.NXT. */
@inline
function receiveRoom(tcb: Tcb): u32 {
  const unread = tcb.rcv_nxt - tcb.copied_seq;
  return tcb.rcv_buf > unread ? tcb.rcv_buf - unread : 0;
}

/** Bytes from the first unread one to the right edge, at most. */
@inline
function mostHeld(tcb: Tcb): u32 {
  return (tcb.flags & TcbFlag.TUNED_BUFFER ? fullSpace(tcb) : tcb.rcv_buf) + EDGE_MARGIN;
}

/** The value for the window field; moves the advertised edge. */
export function selectWindow(tcb: Tcb): u16 {
  return advertise(tcb, windowToOffer(tcb), tcb.rcv_wscale);
}

/** `selectWindow`, not as a call for buffers of a fixed size. */
@inline
export function selectWindowHere(tcb: Tcb): u16 {
  if (tcb.flags & TcbFlag.TUNED_BUFFER) return selectWindow(tcb);
  return advertise(tcb, fixedWindow(tcb), tcb.rcv_wscale);
}

/** The same on a SYN, whose window is never scaled: RFC 7323 §2.2. */
export function selectSynWindow(tcb: Tcb): u16 {
  return advertise(tcb, tcb.flags & TcbFlag.TUNED_BUFFER ? startingWindow(tcb) : windowToOffer(tcb), 0);
}

@inline
function advertise(tcb: Tcb, window: u32, scale: u32): u16 {
  const offered = offeredWindow(tcb);
  const shrinks = window < offered && scale != 0 && engine().shrink_window != 0;
  if (window < offered && !shrinks) window = offered;
  let field = window >> scale;
  // Rounding down must not pull the edge back: RFC 7323 §2.4. But small segments would push it on and on, so beyond
  // what the buffer may be strained it is said as less, and kept all the same
  if (!shrinks && field << scale < offered && tcb.rcv_nxt + ((field + 1) << scale) - tcb.copied_seq <= mostHeld(tcb)) {
    field++;
  }
  field = min<u32>(field, 0xffff);
  // A SYN sent again, its window unscaled, says less than what was offered since
  const edge = tcb.rcv_nxt + (field << scale);
  if (shrinks || seqGt(edge, tcb.rcv_adv)) tcb.rcv_adv = edge;
  return <u16>field;
}

/** The window that the room is worth now; less than what is offered already when room has gone. */
@inline
function windowToOffer(tcb: Tcb): u32 {
  return tcb.flags & TcbFlag.TUNED_BUFFER ? tunedWindow(tcb) : fixedWindow(tcb);
}

@inline
function fixedWindow(tcb: Tcb): u32 {
  const offered = offeredWindow(tcb);
  const room = receiveRoom(tcb);
  const step = <i32>min<u32>(tcb.rcv_buf >> 1, tcb.rcv_mss);
  return <i32>(room - offered) >= step || room < offered ? room : offered;
}

/** Linux's choice: bounded by rcv_ssthresh, zero rather than silly, a multiple of the scale or of the MSS. */
function tunedWindow(tcb: Tcb): u32 {
  const scale = <u32>tcb.rcv_wscale;
  const step = (<u32>1) << scale;
  const allowed = fullSpace(tcb);
  if (!tcb.rx || receiverOf(tcb).window_clamp == 0) return roundUp(startingThreshold(tcb), step);
  const rx = receiverOf(tcb);
  const shrink = engine().shrink_window != 0 && scale != 0;
  const used = tcb.rcv_nxt - tcb.copied_seq + rx.ofo_bytes;
  const full = min(rx.window_clamp, allowed);
  const mss = min<u32>(rx.rcv_mss, full);
  if (mss == 0) return 0;
  let free = allowed > used ? allowed - used : 0;
  if (shrink) free &= ~(step - 1);
  if (free < full >> 1) {
    // Less than half is free: the sender need not hurry, and a window not worth much is none
    rx.quick = 0;
    free &= ~(step - 1);
    if (free < allowed >> 4 || free < mss || free == 0) return 0;
  }
  if (free > rx.rcv_ssthresh) free = rx.rcv_ssthresh;
  if (scale) return roundUp(free, step);
  // Without scaling: whole segments, and the last window again as long as it is within one of what is free
  const offered = tcb.rcv_adv - tcb.last_ack_sent;
  if (<i32>offered <= <i32>(free - mss) || offered > free) return free - (free % mss);
  if (mss == full && free > offered + (full >> 1)) return free;
  return offered;
}

@inline
function roundUp(bytes: u32, step: u32): u32 {
  return (bytes + step - 1) & ~(step - 1);
}

/** Whether an ACK would move the right edge as far as RCV.NXT has moved since the last. */
export function windowMoves(tcb: Tcb): bool {
  return windowToOffer(tcb) >= tcb.rcv_adv - tcb.last_ack_sent;
}

/** Whether an ACK would tell the peer of a window worth knowing: a closed one that opened, or twice as large. */
export function windowUpdateIsDue(tcb: Tcb): bool {
  const offered = offeredWindow(tcb);
  if (tcb.flags & TcbFlag.TUNED_BUFFER) {
    if (tcb.rx && offered > receiverOf(tcb).window_clamp >> 1) return false;
    const window = tunedWindow(tcb);
    return window != 0 && window >= offered << 1;
  }
  const room = receiveRoom(tcb);
  if (room <= offered) return false;
  return room - offered >= min<u32>(tcb.rcv_buf >> 1, (<u32>tcb.rcv_mss) << 1);
}
