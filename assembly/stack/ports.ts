/** Local ports: who is bound to which, and which is free; Linux's rules of BIND, LISTEN and CONNECT. */
import { Port, Socket, SocketFlag } from "../layout/stack";
import { giveSlab, takeSlab } from "../base/arena";
import { isAny } from "./address";
import { PORT_BITS, socketAt, stack } from "./stack";
import { tableFind, tupleHash } from "./table";

const PORT_CLASS: u32 = 5;

@inline
function chain(number: u32): usize {
  return <usize>stack().ports + ((<usize>(number & ((1 << PORT_BITS) - 1))) << 2);
}

@inline
function portAt(address: u32): Port {
  return changetype<Port>(<usize>address);
}

/** The port, when anybody is bound to it; 0 else. */
function find(number: u32): u32 {
  let at = load<u32>(chain(number));
  while (at && portAt(at).number != number) at = portAt(at).next;
  return at;
}

/** The listener of a port that an address reaches; one bound to just this address comes first. 0: none. */
export function findListener(hi: u64, lo: u64, number: u32, ipv6: bool): u32 {
  const at = find(number);
  if (!at) return 0;
  let wildcard: u32 = 0;
  for (let s = portAt(at).listeners; s; s = socketAt(s).port_next) {
    const socket = socketAt(s);
    if (socket.local_lo == lo && socket.local_hi == hi) return s;
    // An IPv6 wildcard takes IPv4 too
    if (!isAny(socket.local_hi, socket.local_lo)) continue;
    if (!ipv6 || socket.flags & SocketFlag.IPV6) wildcard = s;
  }
  return wildcard;
}

/** Binds without asking. */
export function portJoin(socket: Socket, number: u32): void {
  let at = find(number);
  if (!at) {
    at = <u32>takeSlab(PORT_CLASS);
    memory.fill(at, 0, offsetof<Port>());
    portAt(at).number = number;
    portAt(at).next = load<u32>(chain(number));
    store<u32>(chain(number), at);
  }
  socket.port = at;
  socket.local_port = <u16>number;
  socket.flags |= SocketFlag.BOUND;
  link(socket);
}

function link(socket: Socket): void {
  const port = portAt(socket.port);
  const self = <u32>changetype<usize>(socket);
  const listens = (socket.flags & SocketFlag.LISTENING) != 0;
  const first = listens ? port.listeners : port.sockets;
  socket.port_prev = 0;
  socket.port_next = first;
  if (first) socketAt(first).port_prev = self;
  if (listens) port.listeners = self;
  else port.sockets = self;
}

function unlink(socket: Socket): void {
  const port = portAt(socket.port);
  if (socket.port_next) socketAt(socket.port_next).port_prev = socket.port_prev;
  if (socket.port_prev) socketAt(socket.port_prev).port_next = socket.port_next;
  else if (socket.flags & SocketFlag.LISTENING) port.listeners = socket.port_next;
  else port.sockets = socket.port_next;
}

/** Gives the port up; the last to leave removes it. */
export function portLeave(socket: Socket): void {
  if (!(socket.flags & SocketFlag.BOUND)) return;
  unlink(socket);
  socket.flags &= ~SocketFlag.BOUND;
  const at = socket.port;
  socket.port = 0;
  const port = portAt(at);
  if (port.sockets | port.listeners) return;
  const first = chain(port.number);
  if (load<u32>(first) == at) {
    store<u32>(first, port.next);
  } else {
    let before = portAt(load<u32>(first));
    while (before.next != at) before = portAt(before.next);
    before.next = port.next;
  }
  giveSlab(at, PORT_CLASS);
}

/** Moves a socket that begins or ceases to listen. */
export function portListens(socket: Socket, listens: bool): void {
  unlink(socket);
  if (listens) socket.flags |= SocketFlag.LISTENING;
  else socket.flags &= ~SocketFlag.LISTENING;
  link(socket);
}

/** Whether `socket` may not have this port: somebody holds it whose address overlaps, unless both say SO_REUSEADDR. */
export function portConflicts(socket: Socket, number: u32): bool {
  const at = find(number);
  if (!at) return false;
  return overlaps(socket, portAt(at).listeners, true) || overlaps(socket, portAt(at).sockets, false);
}

function overlaps(socket: Socket, first: u32, listening: bool): bool {
  for (let s = first; s; s = socketAt(s).port_next) {
    const other = socketAt(s);
    if (s == <u32>changetype<usize>(socket)) continue;
    if (socket.flags & other.flags & SocketFlag.REUSE_ADDRESS && !listening) continue;
    if (isAny(socket.local_hi, socket.local_lo) || isAny(other.local_hi, other.local_lo)) return true;
    if (socket.local_lo == other.local_lo && socket.local_hi == other.local_hi) return true;
  }
  return false;
}

/** A port that nobody holds, for BIND to port 0; 0 when there is none. */
export function portForBind(socket: Socket): u32 {
  const s = stack();
  const first = s.ip_local_port_first;
  const range = s.ip_local_port_last - first + 1;
  // Odd ones first, which leaves CONNECT the even
  for (let i: u32 = 0; i < range; i++) {
    const number = first + ((s.port_hint + stride(i, range) + 1) % range);
    if (portConflicts(socket, number)) continue;
    s.port_hint += 2;
    return number;
  }
  return 0;
}

/**
 * A port for CONNECT, RFC 6056 §3.3.4: begins where a keyed hash of the destination says. One that others have
 * connected from will do when the 4-tuple is new. 0 when there is none.
 */
export function portForConnect(socket: Socket): u32 {
  const s = stack();
  const first = s.ip_local_port_first;
  const range = s.ip_local_port_last - first + 1;
  const offset =
    tupleHash(socket.local_hi, socket.local_lo, socket.remote_hi, socket.remote_lo, 0, socket.remote_port, 1) +
    s.port_hint;
  for (let i: u32 = 0; i < range; i++) {
    const number = first + (((offset & ~1) + stride(i, range)) % range);
    if (!mayConnectFrom(socket, number)) continue;
    s.port_hint += 2;
    return number;
  }
  return 0;
}

/** Every second place of a range, then those between. */
@inline
function stride(i: u32, range: u32): u32 {
  const half = (range + 1) >> 1;
  return i < half ? i << 1 : ((i - half) << 1) + 1;
}

function mayConnectFrom(socket: Socket, number: u32): bool {
  const at = find(number);
  if (!at) return true;
  if (portAt(at).listeners) return false;
  const first = socketAt(portAt(at).sockets);
  if (!(first.flags & SocketFlag.PORT_CHOSEN)) return false;
  return !tableFind(socket.local_hi, socket.local_lo, socket.remote_hi, socket.remote_lo, number, socket.remote_port);
}
