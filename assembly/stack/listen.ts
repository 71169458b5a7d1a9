/**
 * A listener's part: SYNs become connections that wait in its SYN queue, the handshake's last ACK moves them to its
 * accept queue. Both queues are bounded; what happens beyond follows Linux: SYN cookies, or silence.
 */
import { Flag, State, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Socket, SocketFlag } from "../layout/stack";
import { Tcb } from "../layout/tcb";
import { Packet } from "../layout/wire";
import { engine } from "../base/root";
import { abortConnection, openPassive } from "../tcp/calls";
import { connectionRelease, ringsTake } from "../tcp/extension";
import { listenAgain } from "../tcp/opening";
import { refuse } from "../tcp/output";
import { offeredWindow } from "../tcp/receive_window";
import { backedOffRto } from "../tcp/rtt";
import { segmentArrives } from "../tcp/segment_arrives";
import { timerSet } from "../tcp/timers";
import { shortAddress } from "./address";
import { fastOpenBegins } from "./fast_open";
import { cookieArrives, sendCookie } from "./cookies";
import { portJoin } from "./ports";
import { acceptQueueIsFull, listenerOf, synQueueIsFull, synQueuePush } from "./queues";
import { settle } from "./settle";
import { takeSocket } from "./socket";
import { socketAt, stack, tcbOf } from "./stack";
import { tableAdd } from "./table";
import { transmit } from "./output";
import { maximumSegment } from "./path";

/**
 * A segment for no connection, but for a port that listens. With `reuse` it takes the place of a connection in TIME_WAIT
 * whose SND.NXT was `old_nxt`.
 */
export function listenerHears(
  parent: Socket,
  segment: Segment,
  packet: Packet,
  old_nxt: u32,
  reuse: bool,
  now: u64,
): void {
  const flags = <u32>segment.flags;
  // RFC 9293 §3.10.7.2
  if (flags & Flag.RST) return;
  if (flags & Flag.ACK) {
    if (flags & Flag.SYN || !cookieArrives(parent, segment, packet, now)) refuseFor(packet, segment);
    return;
  }
  // Linux: SYN with FIN is nonsense
  if (!(flags & Flag.SYN) || flags & Flag.FIN) return;
  const s = stack();
  const listener = listenerOf(parent);
  const full = synQueueIsFull(listener);
  if ((s.tcp_syncookies == 2 || full) && !reuse) {
    if (s.tcp_syncookies) {
      if (acceptQueueIsFull(listener)) {
        s.drops_accept_queue++;
        return;
      }
      sendCookie(parent, segment, packet, now);
      return;
    }
    s.drops_syn_queue++;
    return;
  }
  if (acceptQueueIsFull(listener)) {
    s.drops_accept_queue++;
    return;
  }
  // Linux keeps the last quarter of the queue for known peers when cookies cannot help out; nobody is known here
  const max = s.tcp_max_syn_backlog;
  if (!s.tcp_syncookies && listener.syn_count + (max >> 2) > max) {
    s.drops_syn_queue++;
    return;
  }
  const child = beginChild(parent, packet);
  const tcb = tcbOf(child);
  tcb.flags &= ~TcbFlag.REAL_BYTES;
  openPassive(tcb);
  synQueuePush(parent, child);
  if (fastOpenBegins(parent, child, segment)) {
    // It costs what a connection costs from now on
    if (tcbOf(parent).flags & TcbFlag.REAL_BYTES) {
      tcb.flags |= TcbFlag.REAL_BYTES;
      ringsTake(tcb);
    }
  }
  child.segs_in = 1;
  child.data_segs_in = segment.len ? 1 : 0;
  if (reuse) {
    tcb.snd_nxt = old_nxt;
    listenAgain(tcb, segment, now);
  } else {
    segmentArrives(tcb, segment, now);
  }
  settle(child, now);
}

/** A connection like the listener's settings say, between the packet's ends: in the tables, CLOSED. */
export function beginChild(parent: Socket, packet: Packet): Socket {
  const child = takeSocket(<u32>changetype<usize>(parent));
  nameEnds(child, packet);
  tableAdd(child);
  portJoin(child, packet.dst_port);
  return child;
}

/** Takes the ends of a connection from a packet that arrived for it. */
export function nameEnds(socket: Socket, packet: Packet): void {
  const tcb = tcbOf(socket);
  socket.local_hi = packet.dst_hi;
  socket.local_lo = packet.dst_lo;
  socket.remote_hi = packet.src_hi;
  socket.remote_lo = packet.src_lo;
  socket.local_port = packet.dst_port;
  socket.remote_port = packet.src_port;
  nameTcb(socket, tcb);
}

/** The control block's short form of the ends, and the MSS of their family. */
export function nameTcb(socket: Socket, tcb: Tcb): void {
  tcb.local_addr = shortAddress(socket.local_hi, socket.local_lo);
  tcb.remote_addr = shortAddress(socket.remote_hi, socket.remote_lo);
  tcb.local_port = socket.local_port;
  tcb.remote_port = socket.remote_port;
  tcb.rcv_mss = maximumSegment(socket, tcb);
}

/** A segment for a handshake in the SYN queue. False when it is not to be seen by TCP yet. */
export function handshakeMayHear(child: Socket, segment: Segment, now: u64): bool {
  const flags = <u32>segment.flags;
  const tcb = tcbOf(child);
  if ((flags & (Flag.ACK | Flag.SYN | Flag.RST)) != Flag.ACK || segment.ack != tcb.snd_nxt) return true;
  if (segment.seq - tcb.rcv_nxt > offeredWindow(tcb)) return true;
  const listener = listenerOf(socketAt(child.parent));
  // TCP_DEFER_ACCEPT: an ACK that brings nothing does not count, until its time is over
  if (segment.len == 0 && !(flags & Flag.FIN) && <u32>tcb.unanswered < socketAt(child.parent).defer_accept) {
    child.flags |= SocketFlag.ACKED;
    return false;
  }
  if (acceptQueueIsFull(listener)) {
    const s = stack();
    s.drops_accept_queue++;
    child.flags |= SocketFlag.ACKED;
    if (s.tcp_abort_on_overflow) {
      abortConnection(tcb, now);
      settle(child, now);
    }
    return false;
  }
  // Only now does it cost more than its block
  if (tcbOf(socketAt(child.parent)).flags & TcbFlag.REAL_BYTES) {
    tcb.flags |= TcbFlag.REAL_BYTES;
    ringsTake(tcb);
  }
  return true;
}

/**
 * The SYN-ACK's timer while TCP_DEFER_ACCEPT waits for data behind an ACK that came: as Linux does, it counts on in
 * silence, and sends the SYN-ACK once more at the end, the last chance for the peer. True when there is no more to do.
 */
export function deferredTimeout(child: Socket, now: u64): bool {
  const tcb = tcbOf(child);
  const defer = socketAt(child.parent).defer_accept;
  if (tcb.state != State.SYN_RECEIVED || defer == 0 || !(child.flags & SocketFlag.ACKED)) return false;
  if (<u32>tcb.unanswered + 1 >= defer) return false;
  tcb.unanswered++;
  if (tcb.backoff < u8.MAX_VALUE) tcb.backoff++;
  timerSet(tcb, Timer.RETRANSMIT, now + backedOffRto(tcb, tcb.backoff));
  return true;
}

/** RFC 9293 §3.10.7.1: nobody wants this segment. */
export function refuseFor(packet: Packet, segment: Segment): void {
  const nobody = socketAt(stack().nobody);
  nameEnds(nobody, packet);
  refuse(tcbOf(nobody), segment);
  connectionRelease(tcbOf(nobody));
  if (!engine().out_head) return;
  stack().resets_refused++;
  transmit(nobody);
}
