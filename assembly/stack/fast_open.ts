/** A listener's part in TCP Fast Open, RFC 7413 §4.2.2: who may, how many at a time, and with which cookie. */
import { FastOpenSysctl, State } from "../layout/enums";
import { FastOpenKeys } from "../layout/fast_open";
import { Segment, SynOptions } from "../layout/segment";
import { Socket, SocketFlag } from "../layout/stack";
import { giveSlab, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import {
  fastOpenBackupCookie,
  fastOpenCookie4,
  fastOpenCookie6,
  fastOpenHostKeys,
  fastOpenRenews,
  fastOpenSyn,
} from "../tcp/fast_open";
import { isIpv4, unmapped } from "./address";
import { findListenerNamed } from "./ports";
import { listenerOf } from "./queues";
import { socketAt, tcbOf } from "./stack";

const KEYS_CLASS: u32 = 5;
if (offsetof<FastOpenKeys>() != 1 << KEYS_CLASS) ERROR("FastOpenKeys is not 32 bytes");

/** How many connections may begin early at a time; 0: Fast Open is not offered. */
function limit(parent: Socket): u32 {
  const settings = engine().fastopen;
  if (!(settings & FastOpenSysctl.SERVER)) return 0;
  if (parent.fastopen_backlog) return parent.fastopen_backlog;
  return settings & FastOpenSysctl.EVERY_LISTENER ? listenerOf(parent).backlog : 0;
}

/** A SYN for a child that listens: whether the connection begins before the handshake is over. */
export function fastOpenBegins(parent: Socket, child: Socket, segment: Segment): bool {
  const syn = changetype<SynOptions>(changetype<usize>(segment));
  if (segment.len == 0 && syn.fast_open == 0) return false;
  const listener = listenerOf(parent);
  const most = limit(parent);
  if (!most) return false;
  const keys = keysOf(parent);
  const cookie = cookieFor(child, keys);
  const backup = syn.cookie0 == cookie ? 0 : fastOpenBackupCookie(keys, isIpv4(child.remote_hi, child.remote_lo));
  const old = backup != 0 && syn.cookie0 == backup;
  if (!fastOpenSyn(tcbOf(child), segment, old ? backup : cookie, listener.fastopen_count < most)) return false;
  if (old) fastOpenRenews(tcbOf(child), segment, cookie);
  listener.fastopen_count++;
  child.flags |= SocketFlag.FAST_OPEN;
  child.fast_open_listener = listener.id;
  return true;
}

/** TCP_FASTOPEN_KEY of a listener, else the host's. */
function keysOf(parent: Socket): FastOpenKeys {
  return parent.fast_open_keys ? changetype<FastOpenKeys>(<usize>parent.fast_open_keys) : fastOpenHostKeys();
}

/** Keys of a socket's own, as it has them or as the host has. */
export function socketFastOpenKeys(at: u32): usize {
  const socket = socketAt(at);
  if (!socket.fast_open_keys) {
    socket.fast_open_keys = <u32>takeSlab(KEYS_CLASS);
    memory.copy(socket.fast_open_keys, changetype<usize>(fastOpenHostKeys()), offsetof<FastOpenKeys>());
  }
  return <usize>socket.fast_open_keys;
}

/** The socket is about to vanish. */
export function fastOpenForgets(socket: Socket): void {
  if (socket.fast_open_keys) giveSlab(socket.fast_open_keys, KEYS_CLASS);
}

function cookieFor(child: Socket, keys: FastOpenKeys): u64 {
  if (isIpv4(child.remote_hi, child.remote_lo)) {
    return fastOpenCookie4(keys, unmapped(child.remote_lo), unmapped(child.local_lo));
  }
  return fastOpenCookie6(keys, child.remote_hi, child.remote_lo, child.local_hi, child.local_lo);
}

/** An early connection that is confirmed, or over, makes room for another. */
export function fastOpenSettles(child: Socket): void {
  if (tcbOf(child).state == <u8>State.SYN_RECEIVED) return;
  child.flags &= ~SocketFlag.FAST_OPEN;
  // The listener may be gone, its memory somebody else's, and another be in its place
  const at = findListenerNamed(child.fast_open_listener, child.local_port);
  if (at) listenerOf(socketAt(at)).fastopen_count--;
}
