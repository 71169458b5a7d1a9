/**
 * TIME_WAIT of a connection that nobody holds: the front half of its block is all that is kept, and becomes a whole block
 * again when a segment comes or its time is over. TCP never sees the half.
 *
 *      whole   | Socket 128 | Tcb: line 0 | line 1 | 2 | 3 | 4 | 5 |     512 bytes
 *      short   | Socket 128 | Tcb: line 0 | line 1 |                     256 bytes
 *
 * Lines 0 and 1 have what TIME_WAIT answers from: state, flags, sequence numbers, windows, timestamps, the armed event.
 * The deadline itself, of line 5, stands in the place of the delayed ACK's. What else there is says nothing any more.
 */
import { EndReason, State, Timer } from "../layout/enums";
import { Event } from "../layout/segment";
import { Socket, SocketFlag } from "../layout/stack";
import { Tcb } from "../layout/tcb";
import { giveSlab, takeSlab } from "../base/arena";
import { socketAt, SOCKET_CLASS, tcbOf } from "./stack";
import { tableReplace } from "./table";

const SHORT_CLASS: u32 = 8;
const SHORT_BYTES: usize = 256;

if (offsetof<Socket>() + offsetof<Tcb>("t_retransmit") != SHORT_BYTES)
  ERROR("half a block is not a Socket and two lines");

/** Whether a connection may be kept short: nobody looks at it, and nothing hangs from the lines behind the second. */
export function mayShorten(socket: Socket, tcb: Tcb): bool {
  if (tcb.state != <u8>State.TIME_WAIT || tcb.timer_mask != <u8>((<u32>1) << Timer.TIME_WAIT)) return false;
  if (socket.flags & (SocketFlag.HELD | SocketFlag.IN_ACCEPT_QUEUE | SocketFlag.SHORT)) return false;
  return (tcb.ext | tcb.tx | tcb.sent) == 0;
}

/** Keeps the front of the block; the rest, and `socket` with it, is gone. */
export function shorten(socket: Socket): void {
  tcbOf(socket).t_delayed_ack = tcbOf(socket).t_time_wait;
  socket.flags |= SocketFlag.SHORT;
  moves(socket, <u32>takeSlab(SHORT_CLASS));
  giveSlab(changetype<usize>(socket), SOCKET_CLASS);
}

/** The connection as a whole block, short or not; `at` is gone if it was. */
export function whole(at: u32): u32 {
  const short = socketAt(at);
  if (!(short.flags & SocketFlag.SHORT)) return at;
  const to = <u32>takeSlab(SOCKET_CLASS);
  memory.fill(<usize>to + SHORT_BYTES, 0, ((<usize>1) << SOCKET_CLASS) - SHORT_BYTES);
  moves(short, to);
  giveSlab(at, SHORT_CLASS);
  const socket = socketAt(to);
  const tcb = tcbOf(socket);
  socket.flags &= ~SocketFlag.SHORT;
  tcb.t_time_wait = tcb.t_delayed_ack;
  tcb.end_reason = <u8>EndReason.CLOSED;
  return to;
}

/** Copies the front of a block; who pointed to the old one points to the new. */
function moves(socket: Socket, to: u32): void {
  memory.copy(to, changetype<usize>(socket), SHORT_BYTES);
  tableReplace(socket, socketAt(to));
  const tcb = tcbOf(socketAt(to));
  tcb.owner = to;
  if (tcb.timer_event) changetype<Event>(<usize>tcb.timer_event).target = <u32>changetype<usize>(tcb);
}
