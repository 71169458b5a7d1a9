/**
 * The applications of a flow: `a` writes, as much as the scenario says, then closes; `b` reads, at once or at a
 * rate, and closes when it has seen the end. With real bytes the host program is the application.
 */
import { EventKind, Notify, RunStatus, State, TcbFlag } from "../layout/enums";
import { Flow } from "../layout/flow";
import { Event } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { giveEvent, takeEvent } from "../base/pool";
import { engine } from "../base/root";
import { NS_PER_MS } from "../base/time";
import { closeConnection, openActive, receiveBytes, receiveReady, sendBytes } from "../tcp/calls";
import { schedule } from "./event_queue";
import { drain, settle } from "./host";

/** A reading application wakes up this often. */
const READ_EVERY: u64 = 10 * NS_PER_MS;

@inline
function flowOf(tcb: Tcb): Flow {
  return changetype<Flow>(<usize>tcb.owner);
}

/** The flow opens its connection. */
export function flowStarts(flow: Flow, now: u64): void {
  const a = changetype<Tcb>(<usize>flow.a);
  flow.started = 1;
  flow.start_ns = now;
  openActive(a, now);
  if (!(a.flags & TcbFlag.REAL_BYTES)) write(flow, a, now);
  settle(a, now);
}

/** The flow's writing application stops: what it has written is sent, then the end. */
export function flowStops(flow: Flow, now: u64): void {
  const a = changetype<Tcb>(<usize>flow.a);
  flow.bytes_left = 0;
  closeConnection(a, now);
  settle(a, now);
}

/** Writes what the send buffer takes; closes behind the last byte. */
function write(flow: Flow, a: Tcb, now: u64): void {
  if (a.flags & TcbFlag.WRITES_FOR_EVER) return;
  const offer = <u32>min<u64>(flow.bytes_left, 0x7fffffff);
  flow.bytes_left -= sendBytes(a, offer, now);
  // A connection that is still opening is closed when it is open: CLOSE in SYN_SENT would abandon it
  if (flow.bytes_left == 0 && <i32>a.state >= State.ESTABLISHED) closeConnection(a, now);
}

/** News from one end of a flow; clears them. Actions may bring more: it loops until there are none. */
export function applicationHears(tcb: Tcb, now: u64): void {
  const flow = flowOf(tcb);
  while (tcb.notify) {
    const news = <u32>tcb.notify;
    if (tcb.flags & TcbFlag.REAL_BYTES) {
      // The host program hears of it between slices
      if (news & Notify.ENDED) ends(flow, tcb, now);
      engine().pause = RunStatus.NOTIFY;
      return;
    }
    tcb.notify = 0;
    const isWriter = <u32>changetype<usize>(tcb) == flow.a;
    if (isWriter && news & (Notify.ESTABLISHED | Notify.WRITABLE)) write(flow, tcb, now);
    if (news & Notify.READABLE && !isWriter && flow.read_event == 0) startReading(flow, now);
    if (news & Notify.PEER_CLOSED) peerCloses(flow, tcb, now);
    if (news & Notify.ENDED) ends(flow, tcb, now);
    drain(tcb, now);
  }
}

/** The peer has closed and all it sent is here: this end closes too, unless it has more to write. */
function peerCloses(flow: Flow, tcb: Tcb, now: u64): void {
  if (<u32>changetype<usize>(tcb) == flow.b) {
    if (receiveReady(tcb) == 0) completes(flow, tcb, now);
    else if (flow.read_event == 0) startReading(flow, now);
    return;
  }
  if (flow.bytes_left == 0 && !(tcb.flags & TcbFlag.WRITES_FOR_EVER)) closeConnection(tcb, now);
}

/** The reading application has had everything. */
function completes(flow: Flow, b: Tcb, now: u64): void {
  if (!flow.complete_ns) flow.complete_ns = now;
  closeConnection(b, now);
}

/** The flow has ended when the end that opened it has: what the other does then changes nothing for it. */
function ends(flow: Flow, tcb: Tcb, now: u64): void {
  if (<u32>changetype<usize>(tcb) == flow.a && flow.end_ns == 0) flow.end_ns = now;
}

function startReading(flow: Flow, now: u64): void {
  if (flow.read_bytes_per_s == 0) return;
  const event = takeEvent(EventKind.FLOW_READ, <u32>changetype<usize>(flow));
  flow.read_event = 1;
  schedule(event, now + READ_EVERY);
}

/** The reading application wakes up and takes its share. */
export function flowReads(flow: Flow, event: Event, now: u64): void {
  const b = changetype<Tcb>(<usize>flow.b);
  const credit = flow.read_credit + <f64>flow.read_bytes_per_s * (<f64>READ_EVERY * 1e-9);
  const share = <u32>min(credit, 2147483647.0);
  flow.read_credit = credit - <f64>share;
  receiveBytes(b, share, now);
  const ready = receiveReady(b);
  if (ready) {
    schedule(event, now + READ_EVERY);
  } else {
    flow.read_event = 0;
    giveEvent(event);
    if (b.flags & TcbFlag.FIN_RECEIVED) completes(flow, b, now);
  }
  settle(b, now);
}
