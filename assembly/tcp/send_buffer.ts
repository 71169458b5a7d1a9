/**
 * What the send buffer takes, and when an application that waits for room hears of some. In a simulation it is so many
 * bytes; a host with TSO counts as Linux does, memory and not bytes, and takes whole bursts as long as it is not full.
 */
import { Chrono, Notify, Sent, State, TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGt } from "../base/seq";
import { chronoStop } from "./chrono";
import { sizeGoal } from "./push";
import { sendBufferIsShort } from "./send_tuning";
import { senderOf } from "./sender";
import { inFlight, sentAt, sentTail } from "./sent";

/** What Linux reckons for a burst beside its bytes: struct sk_buff and room for headers. */
const BURST_OVERHEAD: u32 = 896;

/** How many bytes SEND would take now. */
export function sendRoom(tcb: Tcb): u32 {
  const state = <i32>tcb.state;
  // Whoever has called CLOSE has a FIN queued, in whatever state since
  if (tcb.flags & TcbFlag.FIN_QUEUED || state <= State.LISTEN) return 0;
  const queued = queuedBytes(tcb);
  if (countsMemory(tcb)) return min(roomInBursts(tcb), ringRoom(tcb, queued));
  return queued < tcb.snd_buf ? tcb.snd_buf - queued : 0;
}

@inline
function countsMemory(tcb: Tcb): bool {
  return engine().tso_bytes_max != 0 && <i32>tcb.state >= State.ESTABLISHED;
}

/** Real bytes that the ring takes without losing those still queued: bursts are counted loosely, a ring is not. */
function ringRoom(tcb: Tcb, queued: u32): u32 {
  if (!(tcb.flags & TcbFlag.REAL_BYTES) || !tcb.ext) return u32.MAX_VALUE;
  const ext = changetype<TcbExt>(<usize>tcb.ext);
  return ext.send ? ext.send_mask - queued : u32.MAX_VALUE;
}

/** Bytes that are not acknowledged; a SYN is none of them. */
@inline
function queuedBytes(tcb: Tcb): u32 {
  const queued = tcb.write_seq - tcb.snd_una;
  return queued != 0 && tcb.snd_una == tcb.iss ? queued - 1 : queued;
}

/** The rest of the last burst, and whole ones as long as the buffer is not full (Linux's tcp_sendmsg). */
function roomInBursts(tcb: Tcb): u32 {
  const goal = sizeGoal(tcb);
  let room: u32 = 0;
  const unsent = tcb.write_seq - tcb.snd_nxt;
  if (unsent != 0 && tcb.tx != 0) {
    const tail = senderOf(tcb).tail_start;
    const used = seqGt(tail, tcb.snd_nxt) ? tcb.write_seq - tail : unsent;
    if (used < goal) room = goal - used;
  }
  // What fills the last burst takes memory as well. A buffer full of bytes alone need not be counted
  if (tcb.write_seq - tcb.snd_una + room >= tcb.snd_buf) return room;
  let memory = queuedMemory(tcb, goal) + room;
  const low = lowWater(tcb);
  const leaves = sendable(tcb);
  while (memory < tcb.snd_buf && (unsent + room <= leaves || unsent + room - leaves < low)) {
    room += goal;
    memory += goal + BURST_OVERHEAD;
  }
  return room;
}

/** Linux's sk_wmem_queued. */
function queuedMemory(tcb: Tcb, goal: u32): u32 {
  const unsent = tcb.write_seq - tcb.snd_nxt;
  let bursts = (unsent + goal - 1) / goal;
  const tail = sentTail(tcb);
  for (let index = tcb.sent_head; index != tail; index++) {
    if (!(sentAt(tcb, index).meta & Sent.CONTINUES)) bursts++;
  }
  return tcb.write_seq - tcb.snd_una + bursts * BURST_OVERHEAD;
}

/** TCP_NOTSENT_LOWAT. */
function lowWater(tcb: Tcb): u32 {
  const own = tcb.ext ? changetype<TcbExt>(<usize>tcb.ext).notsent_lowat : 0;
  const low = own ? own : engine().notsent_lowat;
  return low ? low : u32.MAX_VALUE;
}

/** Bytes that would leave at once. */
function sendable(tcb: Tcb): u32 {
  const flight = inFlight(tcb);
  const window = <i32>(tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt);
  if (flight >= tcb.cwnd || window <= 0) return 0;
  return <u32>min<u64>(<u64>(tcb.cwnd - flight) * tcb.mss, <u64>window);
}

/** Linux's sk_stream_is_writeable: a third of the buffer is free, and little enough waits unsent. */
export function isWritable(tcb: Tcb): bool {
  const unsent = tcb.write_seq - tcb.snd_nxt;
  if (<u64>unsent * 2 >= lowWater(tcb)) return false;
  // Memory is more than bytes: an ACK that leaves too many of them need not count the bursts
  if (!leavesAThird(tcb, queuedBytes(tcb))) return false;
  return !countsMemory(tcb) || leavesAThird(tcb, queuedMemory(tcb, sizeGoal(tcb)));
}

@inline
function leavesAThird(tcb: Tcb, queued: u32): bool {
  return tcb.snd_buf > queued && tcb.snd_buf - queued >= queued >> 1;
}

/** What was acknowledged, or has left, made room: an application that waits for it hears. */
export function noteWritable(tcb: Tcb, now: u64): void {
  sendBufferIsShort(tcb);
  if (!isWritable(tcb)) return;
  tcb.flags &= ~TcbFlag.WRITE_BLOCKED;
  tcb.notify |= <u8>Notify.WRITABLE;
  chronoStop(tcb, senderOf(tcb), Chrono.SNDBUF_LIMITED, now);
}
