/**
 * The offered window, RFC 9293 §3.8.6 and RFC 7323 §2: never takes back what was offered, and grows in
 * steps worth a segment (the receiver's part against the silly window syndrome, §3.8.6.2.2).
 */
import { Tcb } from "../layout/tcb";
import { seqGt } from "../base/seq";

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

/** The value for the window field; moves the advertised edge. */
export function selectWindow(tcb: Tcb): u16 {
  return advertise(tcb, tcb.rcv_wscale);
}

/** The same on a SYN, whose window is never scaled: RFC 7323 §2.2. */
export function selectSynWindow(tcb: Tcb): u16 {
  return advertise(tcb, 0);
}

@inline
function advertise(tcb: Tcb, scale: u32): u16 {
  const offered = offeredWindow(tcb);
  const room = receiveRoom(tcb);
  let window = offered;
  if (<i32>(room - offered) >= <i32>min<u32>(tcb.rcv_buf >> 1, tcb.rcv_mss)) window = room;
  let field = window >> scale;
  // Rounding down must not pull the edge back: RFC 7323 §2.4
  if (field << scale < offered) field++;
  field = min<u32>(field, 0xffff);
  // A SYN sent again, its window unscaled, says less than what was offered since
  const edge = tcb.rcv_nxt + (field << scale);
  if (seqGt(edge, tcb.rcv_adv)) tcb.rcv_adv = edge;
  return <u16>field;
}

/** Whether an ACK would tell the peer of a window worth knowing: a closed one that opened, or twice as large. */
export function windowUpdateIsDue(tcb: Tcb): bool {
  const offered = offeredWindow(tcb);
  const room = receiveRoom(tcb);
  if (room <= offered) return false;
  return room - offered >= min<u32>(tcb.rcv_buf >> 1, (<u32>tcb.rcv_mss) << 1);
}
