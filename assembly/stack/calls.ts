/** The host program's calls; each acts at the time that the clock shows. They return 0 or a count, or an `Errno` where said. */
import { EndReason, Errno, State, TcbFlag } from "../layout/enums";
import { Listener, Socket, SocketFlag } from "../layout/stack";
import { TcbExt } from "../layout/reassembly";
import { giveSlab, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { ccInit } from "../cc/cc";
import {
  abortConnection,
  closeConnection,
  finishSending,
  openActive,
  openFast,
  receiveBytes,
  receiveReady,
  sendMessage,
  sendOpeningSyn,
  setCork,
  setKeepalive,
  setNoDelay,
  setQuickAcks,
  setReceiveBuffer,
  setUrgentInline,
  setPacingRate,
  setUserTimeout,
  setWindowClamp,
} from "../tcp/calls";
import { enterClosed } from "../tcp/connection";
import { connectionExt, ringsGrow } from "../tcp/extension";
import { fastOpenRoom } from "../tcp/fast_open";
import { copyFromRing, copyToRing } from "../tcp/real_bytes";
import { isWritable, sendRoom } from "../tcp/send_buffer";
import { isAtMark, NOT_URGENT, NOT_YET, readUrgent, stepOverUrgent, urgentIsReady } from "../tcp/urgent";
import { isAny, isIpv4, isLocal, localAddress } from "./address";
import { nameTcb } from "./listen";
import { portConflicts, portForBind, portForConnect, portJoin, portListens, portMoves, portShares } from "./ports";
import { acceptQueueTake, listenerOf } from "./queues";
import { orphaned, settle } from "./settle";
import { takeSocket } from "./socket";
import { socketAt, stack, tcbOf } from "./stack";
import { tableAdd, tableFind } from "./table";

const LISTENER_CLASS: u32 = 6;
if (offsetof<Listener>() > 64) ERROR("Listener has outgrown its slab");

/** A closed socket with the host's defaults, held by the caller. */
export function socketOpen(ipv6: bool): usize {
  const socket = takeSocket(stack().template);
  socket.flags = SocketFlag.HELD | (ipv6 ? <u32>SocketFlag.IPV6 : 0);
  return changetype<usize>(socket);
}

/** Binds to a local address (any: zeros) and port (0: one that is free). An `Errno`, or 0. */
export function socketBind(at: u32, hi: u64, lo: u64, port: u32): u32 {
  const socket = socketAt(at);
  if (socket.flags & SocketFlag.BOUND || tcbOf(socket).state != <u8>State.CLOSED) return Errno.EINVAL;
  if (!isAny(hi, lo) && !isLocal(hi, lo)) return Errno.EADDRNOTAVAIL;
  socket.local_hi = hi;
  socket.local_lo = lo;
  const number = port ? port : portForBind(socket);
  if (number == 0 || (port != 0 && portConflicts(socket, port))) return Errno.EADDRINUSE;
  if (!isAny(hi, lo)) socket.flags |= SocketFlag.ADDRESS_BOUND;
  portJoin(socket, number);
  return 0;
}

/** Waits for connections; again: changes the backlog. An `Errno`, or 0. */
export function socketListen(at: u32, backlog: u32): u32 {
  const socket = socketAt(at);
  const tcb = tcbOf(socket);
  const bound = min(backlog, stack().somaxconn);
  if (socket.flags & SocketFlag.LISTENING) {
    listenerOf(socket).backlog = bound;
    return 0;
  }
  if (tcb.state != <u8>State.CLOSED) return Errno.EINVAL;
  if (!(socket.flags & SocketFlag.BOUND)) {
    const number = portForBind(socket);
    if (!number) return Errno.EADDRINUSE;
    portJoin(socket, number);
  }
  // Two may share a port by SO_REUSEADDR, but only one may listen
  portListens(socket, true);
  if (portConflicts(socket, socket.local_port)) {
    portListens(socket, false);
    return Errno.EADDRINUSE;
  }
  const listener = takeSlab(LISTENER_CLASS);
  memory.fill(listener, 0, offsetof<Listener>());
  socket.listener = <u32>listener;
  listenerOf(socket).backlog = bound;
  listenerOf(socket).id = ++stack().listeners;
  tcb.state = <u8>State.LISTEN;
  return 0;
}

/** The next connection, held by the caller; 0 when none waits. */
export function socketAccept(at: u32): usize {
  const child = acceptQueueTake(socketAt(at));
  if (child) socketAt(child).flags |= SocketFlag.HELD;
  return <usize>child;
}

/** Opens a connection. An `Errno`, or 0 when its SYN has left. */
export function socketConnect(at: u32, hi: u64, lo: u64, port: u32): u32 {
  const socket = socketAt(at);
  const refused = nameConnection(socket, hi, lo, port);
  if (refused) return refused;
  const now = engine().now;
  openActive(tcbOf(socket), now);
  settle(socket, now);
  return 0;
}

/** The same by RFC 7413: the SYN waits for `socketSendSyn`, so that data may ride on it. */
export function socketConnectFast(at: u32, hi: u64, lo: u64, port: u32): u32 {
  const socket = socketAt(at);
  const refused = nameConnection(socket, hi, lo, port);
  if (refused) return refused;
  openFast(tcbOf(socket), engine().now);
  return 0;
}

/** Bytes of data that may ride on the SYN; 0 while the peer's cookie is not known. */
export function socketFastRoom(at: u32): u32 {
  return fastOpenRoom(tcbOf(socketAt(at)));
}

/** The SYN leaves, with what has been written. */
export function socketSendSyn(at: u32): void {
  const now = engine().now;
  sendOpeningSyn(tcbOf(socketAt(at)), now);
  settle(socketAt(at), now);
}

/** Gives a connection its ends and enters it into the tables. An `Errno`, or 0. */
function nameConnection(socket: Socket, hi: u64, lo: u64, port: u32): u32 {
  const tcb = tcbOf(socket);
  if (isAny(socket.local_hi, socket.local_lo) || !(socket.flags & SocketFlag.ADDRESS_BOUND)) {
    const own = localAddress(isIpv4(hi, lo));
    if (!own) return Errno.ENETUNREACH;
    portMoves(socket, own.hi, own.lo);
  }
  socket.remote_hi = hi;
  socket.remote_lo = lo;
  socket.remote_port = <u16>port;
  if (!(socket.flags & SocketFlag.BOUND)) {
    const number = portForConnect(socket);
    if (!number) return Errno.EADDRNOTAVAIL;
    socket.flags |= SocketFlag.PORT_CHOSEN;
    portJoin(socket, number);
  } else if (tableFind(socket.local_hi, socket.local_lo, hi, lo, socket.local_port, port)) {
    return Errno.EADDRNOTAVAIL;
  }
  nameTcb(socket, tcb);
  socket.error = 0;
  socket.soft_error = 0;
  tableAdd(socket);
  return 0;
}

/** Writes `len` bytes that lie at `from` (0: zeros, for a virtual stream), with `SendFlag` bits; how many were taken. */
export function socketWrite(at: u32, from: u32, len: u32, flags: u32): u32 {
  const socket = socketAt(at);
  const tcb = tcbOf(socket);
  const now = engine().now;
  if (tcb.flags & TcbFlag.REAL_BYTES) {
    const bytes = changetype<TcbExt>(<usize>tcb.ext);
    const room = min(len, sendRoom(tcb));
    assert(tcb.write_seq - tcb.snd_una + room <= bytes.send_mask + 1, "a write overruns what is in flight");
    copyToRing(bytes.send, bytes.send_mask, tcb.write_seq, from, room);
  }
  const taken = sendMessage(tcb, len, flags, now);
  settle(socket, now);
  return taken;
}

/** Reads up to `len` bytes to `to`; how many there were. They stay when `peek` says so. */
export function socketRead(at: u32, to: u32, len: u32, peek: bool): u32 {
  const socket = socketAt(at);
  const tcb = tcbOf(socket);
  const now = engine().now;
  const ready = min(len, receiveReady(tcb));
  const from = tcb.copied_seq;
  if (ready) stepOverUrgent(tcb);
  if (ready != 0 && tcb.flags & TcbFlag.REAL_BYTES) {
    const bytes = changetype<TcbExt>(<usize>tcb.ext);
    copyFromRing(to, bytes.receive, bytes.receive_mask, tcb.copied_seq, ready);
  }
  if (peek) {
    tcb.copied_seq = from;
    return ready;
  }
  receiveBytes(tcb, ready, now);
  settle(socket, now);
  return ready;
}

/** Reads the urgent byte, -errno when there is none to read by itself. */
export function socketReadUrgent(at: u32, peek: bool): i32 {
  const byte = readUrgent(tcbOf(socketAt(at)), peek);
  if (byte == NOT_URGENT) return -Errno.EINVAL;
  return byte == NOT_YET ? -Errno.EAGAIN : byte;
}

/** SIOCATMARK, and whether an urgent byte is there to be read (POLLPRI): bits 1 and 2. */
export function socketUrgent(at: u32): u32 {
  const tcb = tcbOf(socketAt(at));
  return (isAtMark(tcb) ? 1 : 0) | (urgentIsReady(tcb) ? 2 : 0);
}

/** Bytes that a read would give. */
export function socketReadable(at: u32): u32 {
  return receiveReady(tcbOf(socketAt(at)));
}

/** Bytes that a write would take. */
export function socketWritable(at: u32): u32 {
  return sendRoom(tcbOf(socketAt(at)));
}

/** Whether enough room is free to tell an application of it (POLLOUT). */
export function socketMayWrite(at: u32): bool {
  return isWritable(tcbOf(socketAt(at)));
}

/** Closes the sending direction: what is queued, then a FIN. */
export function socketFinish(at: u32): void {
  const socket = socketAt(at);
  const now = engine().now;
  finishSending(tcbOf(socket), now);
  settle(socket, now);
}

/** The socket's `TcbExt`, where options live that few set; made when it has none. */
export function socketExt(at: u32): usize {
  return changetype<usize>(connectionExt(tcbOf(socketAt(at))));
}

/** TCP_NODELAY */
export function socketNoDelay(at: u32, on: bool): void {
  const now = engine().now;
  setNoDelay(tcbOf(socketAt(at)), on, now);
  settle(socketAt(at), now);
}

/** TCP_CORK */
export function socketCork(at: u32, on: bool): void {
  const now = engine().now;
  setCork(tcbOf(socketAt(at)), on, now);
  settle(socketAt(at), now);
}

/** TCP_QUICKACK */
export function socketQuickAck(at: u32, value: u32): void {
  const now = engine().now;
  setQuickAcks(tcbOf(socketAt(at)), value, now);
  settle(socketAt(at), now);
}

/** SO_REUSEADDR and SO_REUSEPORT: bits of `SocketFlag`. */
export function socketReuse(at: u32, bits: u32): void {
  portShares(socketAt(at), bits);
}

/** SO_OOBINLINE */
export function socketUrgentInline(at: u32, on: bool): void {
  setUrgentInline(tcbOf(socketAt(at)), on);
}

/** SO_KEEPALIVE with its options; 0 is the host's. */
export function socketKeepalive(at: u32, on: bool, idle_s: u32, interval_s: u32, probes: u32): void {
  const now = engine().now;
  setKeepalive(tcbOf(socketAt(at)), on, idle_s, interval_s, probes, now);
  settle(socketAt(at), now);
}

/** SO_MAX_PACING_RATE, bytes a second; 0: none. */
export function socketPacingRate(at: u32, rate: u64): void {
  setPacingRate(tcbOf(socketAt(at)), rate);
}

/** TCP_USER_TIMEOUT */
export function socketUserTimeout(at: u32, ms: u32): void {
  setUserTimeout(tcbOf(socketAt(at)), ms);
}

/** SO_RCVBUF: bytes of memory. */
export function socketReceiveBuffer(at: u32, bytes: u32): void {
  setReceiveBuffer(tcbOf(socketAt(at)), bytes);
}

/** TCP_WINDOW_CLAMP */
export function socketWindowClamp(at: u32, bytes: u32): void {
  setWindowClamp(tcbOf(socketAt(at)), bytes);
}

/** Another congestion control takes over; it begins with what the window is. */
export function socketCongestion(at: u32, cc: u32): void {
  const tcb = tcbOf(socketAt(at));
  tcb.cc = <u8>cc;
  ccInit(tcb);
}

/** The buffers have been changed: their rings follow. */
export function socketResize(at: u32): void {
  ringsGrow(tcbOf(socketAt(at)));
}

/** Ends the connection with a reset; the socket is closed but still held. */
export function socketAbort(at: u32): void {
  const socket = socketAt(at);
  const now = engine().now;
  const tcb = tcbOf(socket);
  if (tcb.state == <u8>State.TIME_WAIT) enterClosed(tcb, EndReason.CLOSED, now);
  else abortConnection(tcb, now);
  settle(socket, now);
}

/**
 * CLOSE: the caller lets go. Unread data, or `reset`, makes it a reset (RFC 2525 §2.17); else what is queued goes first,
 * then a FIN.
 */
export function socketClose(at: u32, reset: bool): void {
  const socket = socketAt(at);
  const tcb = tcbOf(socket);
  const now = engine().now;
  if (socket.flags & SocketFlag.LISTENING) {
    stopListening(socket, now);
  } else if (tcb.state == <u8>State.TIME_WAIT) {
    // It waits on by itself
  } else if (reset || (receiveReady(tcb) != 0 && <i32>tcb.state >= State.ESTABLISHED)) {
    abortConnection(tcb, now);
  } else {
    closeConnection(tcb, now);
  }
  orphaned(socket, now);
}

/** Ceases to listen; the socket is closed but still held. */
export function socketUnlisten(at: u32): void {
  stopListening(socketAt(at), engine().now);
}

/** Whoever waits in its queues is turned away. */
function stopListening(socket: Socket, now: u64): void {
  const listener = listenerOf(socket);
  while (listener.syn_head) {
    const child = socketAt(listener.syn_head);
    // In silence: should the peer's ACK come, it is refused then
    enterClosed(tcbOf(child), EndReason.ABORTED, now);
    settle(child, now);
  }
  for (;;) {
    const child = acceptQueueTake(socket);
    if (!child) break;
    abortConnection(tcbOf(socketAt(child)), now);
    orphaned(socketAt(child), now);
  }
  portListens(socket, false);
  tcbOf(socket).state = <u8>State.CLOSED;
  giveSlab(socket.listener, LISTENER_CLASS);
  socket.listener = 0;
}
