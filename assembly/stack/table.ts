/** The table of connections by 4-tuple: chains under a keyed hash, so that nobody can make them long; doubles when full. */
import { Socket, SocketFlag } from "../layout/stack";
import { giveSlab, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { siphash } from "../base/siphash";
import { isIpv4 } from "./address";
import { socketAt, stack } from "./stack";

/** A 32-bit number that nobody without the secret can steer. */
export function tupleHash(
  local_hi: u64,
  local_lo: u64,
  remote_hi: u64,
  remote_lo: u64,
  local_port: u32,
  remote_port: u32,
  salt: u32,
): u32 {
  const e = engine();
  const ports = (<u64>local_port) | ((<u64>remote_port) << 16) | ((<u64>salt) << 32);
  if (isIpv4(local_hi, local_lo) && isIpv4(remote_hi, remote_lo)) {
    return <u32>siphash(e.secret0, e.secret1, (local_lo >> 32) | ((remote_lo >> 32) << 32), ports);
  }
  const local = siphash(e.secret0, e.secret1, local_hi, local_lo);
  const both = siphash(local, e.secret1, remote_hi, remote_lo);
  return <u32>siphash(e.secret0, e.secret1, both, ports);
}

@inline
function chain(hash: u32): usize {
  const s = stack();
  return <usize>s.table + ((<usize>(hash & ((1 << s.table_bits) - 1))) << 2);
}

/** The connection with these ends; 0 when there is none. */
export function tableFind(
  local_hi: u64,
  local_lo: u64,
  remote_hi: u64,
  remote_lo: u64,
  local_port: u32,
  remote_port: u32,
): u32 {
  const hash = tupleHash(local_hi, local_lo, remote_hi, remote_lo, local_port, remote_port, 0);
  for (let at = load<u32>(chain(hash)); at; at = socketAt(at).next) {
    const socket = socketAt(at);
    if (socket.hash != hash || <u32>socket.local_port != local_port || <u32>socket.remote_port != remote_port) continue;
    if (socket.remote_lo != remote_lo || socket.remote_hi != remote_hi) continue;
    if (socket.local_lo == local_lo && socket.local_hi == local_hi) return at;
  }
  return 0;
}

/** Enters a connection whose ends are set. */
export function tableAdd(socket: Socket): void {
  const s = stack();
  if (s.table_count >> s.table_bits) grow();
  socket.hash = tupleHash(
    socket.local_hi,
    socket.local_lo,
    socket.remote_hi,
    socket.remote_lo,
    socket.local_port,
    socket.remote_port,
    0,
  );
  put(socket);
  socket.flags |= SocketFlag.CONNECTED;
  s.table_count++;
}

export function tableRemove(socket: Socket): void {
  if (!(socket.flags & SocketFlag.CONNECTED)) return;
  socket.flags &= ~SocketFlag.CONNECTED;
  stack().table_count--;
  const self = <u32>changetype<usize>(socket);
  const first = chain(socket.hash);
  if (load<u32>(first) == self) {
    store<u32>(first, socket.next);
    return;
  }
  let before = socketAt(load<u32>(first));
  while (before.next != self) before = socketAt(before.next);
  before.next = socket.next;
}

/** `to` takes the place of `from`, whose ends it has. */
export function tableReplace(from: Socket, to: Socket): void {
  const self = <u32>changetype<usize>(from);
  let link = chain(from.hash);
  while (load<u32>(link) != self) link = changetype<usize>(socketAt(load<u32>(link))) + offsetof<Socket>("next");
  store<u32>(link, <u32>changetype<usize>(to));
}

@inline
function put(socket: Socket): void {
  const first = chain(socket.hash);
  socket.next = load<u32>(first);
  store<u32>(first, <u32>changetype<usize>(socket));
}

function grow(): void {
  const s = stack();
  const old = <usize>s.table;
  const bits = s.table_bits;
  s.table_bits = bits + 1;
  s.table = <u32>takeSlab(bits + 3);
  memory.fill(s.table, 0, (<usize>4) << (bits + 1));
  for (let i: usize = 0; i < (<usize>1) << bits; i++) {
    let at = load<u32>(old + (i << 2));
    while (at) {
      const socket = socketAt(at);
      at = socket.next;
      put(socket);
    }
  }
  giveSlab(old, bits + 2);
}
