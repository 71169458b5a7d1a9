/** What a host program may do with one end of a connection between slices: the user's calls, then what follows. */
import { TcbFlag } from "../layout/enums";
import { Flow } from "../layout/flow";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { LinkExt } from "../layout/link";
import { engine } from "../base/root";
import { reserve } from "../base/arena";
import { HISTOGRAM_BUCKETS } from "../base/histogram";
import {
  abortConnection,
  closeConnection,
  receiveBytes,
  receiveReady,
  sendBytes,
  takeNotifications,
} from "../tcp/calls";
import { connectionExt } from "../tcp/extension";
import { sendRoom } from "../tcp/send_buffer";
import { stepOverUrgent } from "../tcp/urgent";
import { copyFromRing, copyToRing } from "../tcp/real_bytes";
import { qdiscAdvance, qdiscRemaining } from "../qdisc/qdisc";
import { settle } from "./host";

@inline
function at(address: u32): Tcb {
  return changetype<Tcb>(<usize>address);
}

/** Writes `len` bytes that lie at `from` (0: zeros, for a virtual stream); how many were taken. */
export function programWrite(tcb: u32, from: u32, len: u32): u32 {
  const now = engine().now;
  const room = min(len, sendRoom(at(tcb)));
  if (at(tcb).flags & TcbFlag.REAL_BYTES) {
    const bytes = changetype<TcbExt>(<usize>at(tcb).ext);
    copyToRing(bytes.send, bytes.send_mask, at(tcb).write_seq, from, room);
  }
  const taken = sendBytes(at(tcb), len, now);
  settle(at(tcb), now);
  return taken;
}

/** Reads up to `len` bytes to `to`; how many there were. */
export function programRead(tcb: u32, to: u32, len: u32): u32 {
  const now = engine().now;
  const ready = min(len, receiveReady(at(tcb)));
  if (ready) stepOverUrgent(at(tcb));
  if (at(tcb).flags & TcbFlag.REAL_BYTES) {
    const bytes = changetype<TcbExt>(<usize>at(tcb).ext);
    copyFromRing(to, bytes.receive, bytes.receive_mask, at(tcb).copied_seq, ready);
  }
  receiveBytes(at(tcb), ready, now);
  if (at(tcb).flags & TcbFlag.FIN_RECEIVED && receiveReady(at(tcb)) == 0) {
    const flow = changetype<Flow>(<usize>at(tcb).owner);
    if (flow.b == tcb && flow.complete_ns == 0) flow.complete_ns = now;
  }
  settle(at(tcb), now);
  return ready;
}

/** Bytes that a read would give. */
export function programReady(tcb: u32): u32 {
  return receiveReady(at(tcb));
}

export function programClose(tcb: u32): void {
  const now = engine().now;
  closeConnection(at(tcb), now);
  settle(at(tcb), now);
}

export function programAbort(tcb: u32): void {
  const now = engine().now;
  abortConnection(at(tcb), now);
  settle(at(tcb), now);
}

/** `Notify` bits since the last call. */
export function programNews(tcb: u32): u32 {
  return takeNotifications(at(tcb));
}

/** Packets that wait at a link now. */
export function queuePackets(ext: u32): u32 {
  const e = changetype<LinkExt>(<usize>ext);
  qdiscAdvance(e, engine().now);
  return e.waiting_tail - e.waiting_head;
}

/** How long the packets that wait at a link have still to wait, summed, nanoseconds. */
export function queueRemaining(ext: u32): u64 {
  queuePackets(ext);
  return qdiscRemaining(changetype<LinkExt>(<usize>ext), engine().now);
}

/** Keeps a histogram of this connection's round-trip times; its address. Emptied when it is there already. */
export function keepRttHistogram(tcb: u32): usize {
  const ext = connectionExt(at(tcb));
  if (ext.rtt_histogram) memory.fill(ext.rtt_histogram, 0, HISTOGRAM_BUCKETS << 2);
  else ext.rtt_histogram = <u32>reserve(HISTOGRAM_BUCKETS << 2);
  return ext.rtt_histogram;
}
