/**
 * After each call into a connection: what it wants to send is sent, its timer armed, and what became of it dealt with:
 * a handshake's end, TIME_WAIT and its bound, the end.
 */
import { EndReason, Notify, State, TcbFlag } from "../layout/enums";
import { Socket, SocketFlag } from "../layout/stack";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { abortConnection, closeReceiving } from "../tcp/calls";
import { enterClosed } from "../tcp/connection";
import { connectionRelease } from "../tcp/extension";
import { arm } from "../sim/host";
import { fastOpenSettles } from "./fast_open";
import { forgetNews, post } from "./news";
import { portLeave } from "./ports";
import { acceptQueuePush, synQueueRemove } from "./queues";
import { giveSocket } from "./socket";
import { stack, tcbOf } from "./stack";
import { tableRemove } from "./table";
import { mayShorten, shorten } from "./time_wait";
import { alternateOf, transmit } from "./output";

/** The socket may be gone when this returns. */
export function settle(socket: Socket, now: u64): void {
  const tcb = tcbOf(socket);
  if (engine().out_head) transmit(socket);
  if (socket.flags & SocketFlag.FAST_OPEN) fastOpenSettles(socket);
  if (socket.flags & SocketFlag.IN_SYN_QUEUE && !handshakeGoesOn(socket, tcb)) return;
  if (tcb.notify != 0 && !hear(socket, tcb, now)) return;
  if (tcb.timer_moved) arm(tcb);
  if (socket.flags & SocketFlag.COUNTED_TIME_WAIT && mayShorten(socket, tcb)) shorten(socket);
}

/** A handshake in the SYN queue: false when it failed, and with it the socket. */
function handshakeGoesOn(socket: Socket, tcb: Tcb): bool {
  const state = <i32>tcb.state;
  // One that began early is the application's at once
  if (state == State.SYN_RECEIVED && !(socket.flags & SocketFlag.FAST_OPEN)) return true;
  synQueueRemove(socket);
  if (state == State.CLOSED || state == State.LISTEN) {
    giveSocket(socket);
    return false;
  }
  // A SYN over its TIME_WAIT goes to the listener, not to this connection
  tcb.flags &= ~TcbFlag.PASSIVE;
  socket.flags |= SocketFlag.ACCEPTED;
  // SYN-ACKs are nobody's: Linux counts from here
  tcb.segments_sent -= 1 + tcb.retransmits;
  acceptQueuePush(socket);
  return true;
}

/** News from the connection. False when the socket is gone. */
function hear(socket: Socket, tcb: Tcb, now: u64): bool {
  const news = <u32>tcb.notify;
  tcb.notify = 0;
  post(socket, news);
  if (!(news & Notify.ENDED)) return true;
  if (tcb.state == State.TIME_WAIT) {
    waits(socket, tcb, now);
    if (tcb.state == State.TIME_WAIT) return true;
    tcb.notify = 0;
  }
  return ended(socket, tcb);
}

/** Into TIME_WAIT: as many connections as tcp_max_tw_buckets may wait, one more is over at once. */
function waits(socket: Socket, tcb: Tcb, now: u64): void {
  const s = stack();
  uncountOrphan(socket);
  if (s.time_wait_count >= s.tcp_max_tw_buckets) {
    s.time_wait_overflows++;
    enterClosed(tcb, EndReason.CLOSED, now);
    return;
  }
  socket.flags |= SocketFlag.COUNTED_TIME_WAIT;
  s.time_wait_count++;
  shed(socket, tcb);
}

/** What nobody will read from waits as its block alone, or half of it: rings and settings are given back. */
function shed(socket: Socket, tcb: Tcb): void {
  if (socket.flags & (SocketFlag.HELD | SocketFlag.IN_ACCEPT_QUEUE)) return;
  // What it may yet answer has the checksum that was agreed on
  if (!alternateOf(socket)) connectionRelease(tcb);
}

/** CLOSED: the 4-tuple is free. The socket is too, unless the host program still holds it. */
function ended(socket: Socket, tcb: Tcb): bool {
  uncount(socket);
  tableRemove(socket);
  if (socket.flags & SocketFlag.PORT_CHOSEN) portLeave(socket);
  if (tcb.timer_moved) arm(tcb);
  if (socket.flags & (SocketFlag.HELD | SocketFlag.IN_ACCEPT_QUEUE)) return false;
  forgetNews(socket);
  giveSocket(socket);
  return false;
}

function uncount(socket: Socket): void {
  uncountOrphan(socket);
  if (!(socket.flags & SocketFlag.COUNTED_TIME_WAIT)) return;
  socket.flags &= ~SocketFlag.COUNTED_TIME_WAIT;
  stack().time_wait_count--;
}

function uncountOrphan(socket: Socket): void {
  if (!(socket.flags & SocketFlag.COUNTED_ORPHAN)) return;
  socket.flags &= ~SocketFlag.COUNTED_ORPHAN;
  stack().orphan_count--;
}

/** The host program has let go of a socket: it lives on as an orphan, or is over. May free it. */
export function orphaned(socket: Socket, now: u64): void {
  const s = stack();
  const tcb = tcbOf(socket);
  forgetNews(socket);
  socket.flags &= ~SocketFlag.HELD;
  closeReceiving(tcb, now);
  const state = <i32>tcb.state;
  if (state == State.CLOSED) {
    if (engine().out_head) transmit(socket);
    if (socket.flags & SocketFlag.FAST_OPEN) fastOpenSettles(socket);
    uncount(socket);
    giveSocket(socket);
    return;
  }
  if (state == State.TIME_WAIT) {
    shed(socket, tcb);
  } else {
    socket.flags |= SocketFlag.COUNTED_ORPHAN;
    s.orphan_count++;
    if (s.orphan_count > s.tcp_max_orphans) {
      s.orphan_overflows++;
      abortConnection(tcb, now);
    }
  }
  settle(socket, now);
}
