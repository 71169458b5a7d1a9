/** Sockets come from a pool: one slab holds a socket and its control block. */
import { Event } from "../layout/segment";
import { Socket, SocketFlag } from "../layout/stack";
import { giveSlab, takeSlab } from "../base/arena";
import { NEVER } from "../base/time";
import { connectionInherits, connectionRelease } from "../tcp/extension";
import { State } from "../layout/enums";
import { fastOpenForgets } from "./fast_open";
import { portLeave } from "./ports";
import { socketAt, SOCKET_CLASS, stack, tcbOf } from "./stack";
import { tableRemove } from "./table";

/** What a copy keeps of its original's flags. */
const INHERITED: u32 = SocketFlag.REUSE_ADDRESS | SocketFlag.REUSE_PORT | SocketFlag.IPV6;

/** A closed socket with the settings of another: the host's template, or a listener. */
export function takeSocket(like: u32): Socket {
  const at = <u32>takeSlab(SOCKET_CLASS);
  memory.copy(at, like, (<usize>1) << SOCKET_CLASS);
  const socket = socketAt(at);
  const tcb = tcbOf(socket);
  socket.flags &= INHERITED;
  socket.next = 0;
  socket.port = 0;
  socket.local_port = 0;
  socket.remote_port = 0;
  socket.handle = 0;
  socket.parent = 0;
  socket.listener = 0;
  socket.queue_next = 0;
  socket.queue_prev = 0;
  socket.news_next = 0;
  socket.news = 0;
  socket.error = 0;
  socket.soft_error = 0;
  socket.defer_accept = 0;
  socket.fastopen_backlog = 0;
  socket.fast_open_keys = 0;
  socket.segs_in = 0;
  socket.data_segs_in = 0;
  tcb.owner = at;
  tcb.state = <u8>State.CLOSED;
  tcb.timer_event = 0;
  tcb.timer_mask = 0;
  tcb.timer_min = NEVER;
  connectionInherits(tcb);
  stack().socket_count++;
  return socket;
}

/** Nobody looks at it again. */
export function giveSocket(socket: Socket): void {
  const tcb = tcbOf(socket);
  if (tcb.timer_event) changetype<Event>(<usize>tcb.timer_event).target = 0;
  connectionRelease(tcb);
  fastOpenForgets(socket);
  tableRemove(socket);
  portLeave(socket);
  stack().socket_count--;
  giveSlab(changetype<usize>(socket), SOCKET_CLASS);
}
