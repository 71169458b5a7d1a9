/** Local ports: who is bound to which, and which is free; Linux's rules of BIND, LISTEN and CONNECT. */
import { Port, Socket, SocketFlag } from "../layout/stack";
import { giveSlab, takeSlab } from "../base/arena";
import { isAny, localPlace } from "./address";
import { listenerOf } from "./queues";
import { PORT_BITS, socketAt, stack } from "./stack";
import { tableFind, tupleHash } from "./table";

const PORT_CLASS: u32 = 5;
if (offsetof<Port>() > 1 << PORT_CLASS) ERROR("Port has outgrown its slab");
/** Rows of `Port.sockets0`. */
const SHARES: u32 = 4;
const REUSE: u32 = SocketFlag.REUSE_ADDRESS | SocketFlag.REUSE_PORT;

@inline
function chain(number: u32): usize {
  return <usize>stack().ports + ((<usize>(number & ((1 << PORT_BITS) - 1))) << 2);
}

@inline
function portAt(address: u32): Port {
  return changetype<Port>(<usize>address);
}

/** The next of a chain that has this number, from `at` on; 0 when there is none. */
@inline
function ofNumber(at: u32, number: u32): u32 {
  while (at != 0 && <u32>portAt(at).number != number) at = portAt(at).next;
  return at;
}

/** `Port.address` of an address of this host, or of none. */
function placeOf(hi: u64, lo: u64): u32 {
  return isAny(hi, lo) ? 0 : localPlace(hi, lo) + 1;
}

/** Which row of `Port.sockets0` counts a socket: what it shares its port for. */
@inline
function share(flags: u32): u32 {
  return (flags & SocketFlag.REUSE_ADDRESS ? 1 : 0) | (flags & SocketFlag.REUSE_PORT ? 2 : 0);
}

@inline
function row(port: Port, share: u32): usize {
  return changetype<usize>(port) + offsetof<Port>("sockets0") + ((<usize>share) << 2);
}

@inline
function count(port: Port, share: u32, change: i32): void {
  store<u32>(row(port, share), load<u32>(row(port, share)) + change);
}

/** Whether nobody is bound to it. */
export function portIsEmpty(port: Port): bool {
  if (port.listeners) return false;
  for (let share: u32 = 0; share < SHARES; share++) if (load<u32>(row(port, share))) return false;
  return true;
}

/**
 * The listener for a peer's segment to `hi`, `lo`, `number`, at just this address or else at any; 0: none. Of several, by
 * SO_REUSEPORT, a keyed hash of the ends takes one, the same for each segment of a connection.
 */
export function findListener(
  hi: u64,
  lo: u64,
  number: u32,
  remote_hi: u64,
  remote_lo: u64,
  remote_port: u32,
  ipv6: bool,
): u32 {
  const place = placeOf(hi, lo);
  let exact: u32 = 0;
  let any: u32 = 0;
  for (let at = ofNumber(load<u32>(chain(number)), number); at; at = ofNumber(portAt(at).next, number)) {
    if (!portAt(at).address) any = portAt(at).listeners;
    else if (<u32>portAt(at).address == place) exact = portAt(at).listeners;
  }
  const first = exact ? exact : any;
  // An IPv6 socket takes IPv4 too, where there is none of IPv4
  const family = ipv6 || !countFamily(first, 0) ? <u32>SocketFlag.IPV6 : 0;
  const count = countFamily(first, family);
  if (!count) return 0;
  let skip: u32 = 0;
  if (count > 1) {
    const hash = tupleHash(hi, lo, remote_hi, remote_lo, number, remote_port, 2);
    skip = <u32>((<u64>hash * count) >> 32);
  }
  let s = first;
  while ((socketAt(s).flags & SocketFlag.IPV6) != family || skip-- != 0) s = socketAt(s).port_next;
  return s;
}

/** How many of a list of listeners were opened over a family. */
function countFamily(first: u32, family: u32): u32 {
  let count: u32 = 0;
  for (let s = first; s; s = socketAt(s).port_next) if ((socketAt(s).flags & SocketFlag.IPV6) == family) count++;
  return count;
}

/** The listener of a port that has this `Listener.id`; 0 when it is gone. */
export function findListenerNamed(id: u32, number: u32): u32 {
  for (let at = ofNumber(load<u32>(chain(number)), number); at; at = ofNumber(portAt(at).next, number)) {
    for (let s = portAt(at).listeners; s; s = socketAt(s).port_next) {
      if (socketAt(s).listener != 0 && listenerOf(socketAt(s)).id == id) return s;
    }
  }
  return 0;
}

/** Binds without asking, at the socket's local address. */
export function portJoin(socket: Socket, number: u32): void {
  const place = placeOf(socket.local_hi, socket.local_lo);
  const first = chain(number);
  let at = ofNumber(load<u32>(first), number);
  while (at != 0 && <u32>portAt(at).address != place) at = ofNumber(portAt(at).next, number);
  if (!at) {
    at = <u32>takeSlab(PORT_CLASS);
    memory.fill(at, 0, offsetof<Port>());
    portAt(at).number = <u16>number;
    portAt(at).address = <u16>place;
    portAt(at).next = load<u32>(first);
    store<u32>(first, at);
  }
  socket.port = at;
  socket.local_port = <u16>number;
  socket.flags |= SocketFlag.BOUND;
  if (!(socket.flags & SocketFlag.PORT_CHOSEN)) portAt(at).taken++;
  link(socket);
}

function link(socket: Socket): void {
  const port = portAt(socket.port);
  if (!(socket.flags & SocketFlag.LISTENING)) {
    count(port, share(socket.flags), 1);
    return;
  }
  const self = <u32>changetype<usize>(socket);
  socket.port_prev = 0;
  socket.port_next = port.listeners;
  if (port.listeners) socketAt(port.listeners).port_prev = self;
  port.listeners = self;
}

function unlink(socket: Socket): void {
  const port = portAt(socket.port);
  if (!(socket.flags & SocketFlag.LISTENING)) {
    count(port, share(socket.flags), -1);
    return;
  }
  if (socket.port_next) socketAt(socket.port_next).port_prev = socket.port_prev;
  if (socket.port_prev) socketAt(socket.port_prev).port_next = socket.port_next;
  else port.listeners = socket.port_next;
}

/** Gives the port up; the last to leave removes it. */
export function portLeave(socket: Socket): void {
  if (!(socket.flags & SocketFlag.BOUND)) return;
  unlink(socket);
  socket.flags &= ~SocketFlag.BOUND;
  const at = socket.port;
  socket.port = 0;
  const port = portAt(at);
  if (!(socket.flags & SocketFlag.PORT_CHOSEN)) port.taken--;
  socket.flags &= ~SocketFlag.PORT_CHOSEN;
  if (!portIsEmpty(port)) return;
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

/** Whether a bound socket is counted where its ends say. */
export function portFits(socket: Socket): bool {
  const port = portAt(socket.port);
  if (port.number != socket.local_port) return false;
  return <u32>port.address == placeOf(socket.local_hi, socket.local_lo) && !portIsEmpty(port);
}

/** Moves a socket that begins or ceases to listen. */
export function portListens(socket: Socket, listens: bool): void {
  unlink(socket);
  if (listens) socket.flags |= SocketFlag.LISTENING;
  else socket.flags &= ~SocketFlag.LISTENING;
  link(socket);
}

/** Another local address for a socket that is bound already: the same port there. */
export function portMoves(socket: Socket, hi: u64, lo: u64): void {
  const bound = (socket.flags & SocketFlag.BOUND) != 0;
  const number = <u32>socket.local_port;
  portLeave(socket);
  socket.local_hi = hi;
  socket.local_lo = lo;
  if (bound) portJoin(socket, number);
}

/** SO_REUSEADDR and SO_REUSEPORT, bits of `SocketFlag`. */
export function portShares(socket: Socket, reuse: u32): void {
  const counted = (socket.flags & SocketFlag.BOUND) != 0;
  if (counted) unlink(socket);
  socket.flags = (socket.flags & ~REUSE) | (reuse & REUSE);
  if (counted) link(socket);
}

/**
 * Whether `socket` may not have this port: somebody holds it whose address overlaps, unless both say SO_REUSEPORT, or
 * both say SO_REUSEADDR and the other does not listen.
 */
export function portConflicts(socket: Socket, number: u32): bool {
  return isHeld(socket, number, socket.flags & REUSE);
}

function isHeld(socket: Socket, number: u32, reuse: u32): bool {
  const place = placeOf(socket.local_hi, socket.local_lo);
  const own = share(reuse);
  for (let at = ofNumber(load<u32>(chain(number)), number); at; at = ofNumber(portAt(at).next, number)) {
    const port = portAt(at);
    if (place != 0 && port.address != 0 && <u32>port.address != place) continue;
    for (let other = port.listeners; other; other = socketAt(other).port_next) {
      if (other == <u32>changetype<usize>(socket)) continue;
      if (!(reuse & socketAt(other).flags & SocketFlag.REUSE_PORT)) return true;
    }
    for (let other: u32 = 0; other < SHARES; other++) if (!(own & other) && load<u32>(row(port, other))) return true;
  }
  return false;
}

/** A port that nobody holds, nor would share, for BIND to port 0; 0 when there is none. */
export function portForBind(socket: Socket): u32 {
  const s = stack();
  const first = s.ip_local_port_first;
  const range = s.ip_local_port_last - first + 1;
  // Odd ones first, which leaves CONNECT the even
  for (let i: u32 = 0; i < range; i++) {
    const number = first + ((s.port_hint + stride(i, range) + 1) % range);
    if (isHeld(socket, number, 0)) continue;
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
  const first = ofNumber(load<u32>(chain(number)), number);
  if (!first) return true;
  for (let at = first; at; at = ofNumber(portAt(at).next, number)) if (portAt(at).taken) return false;
  return !tableFind(socket.local_hi, socket.local_lo, socket.remote_hi, socket.remote_lo, number, socket.remote_port);
}
