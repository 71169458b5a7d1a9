/** What an ICMP error does to a connection, RFC 1122 §4.2.3.9 as Linux reads it. */
import { EndReason, Errno, State } from "../layout/enums";
import { Socket, SocketFlag } from "../layout/stack";
import { enterClosed } from "../tcp/connection";
import { pathMtuReduced } from "../tcp/pmtu";
import { backOffReverted } from "../tcp/timeouts";
import { settle } from "./settle";
import { tcbOf } from "./stack";

/** RFC 6069: what a time-out sent again from `seq` on found no way. */
export function wayIsDown(socket: Socket, seq: u32, now: u64): void {
  const tcb = tcbOf(socket);
  if (<i32>tcb.state < State.ESTABLISHED) return;
  backOffReverted(tcb, seq, now);
  settle(socket, now);
}

/** `error` is an errno, or 0 when a packet was longer than `mtu`. */
export function unreachable(socket: Socket, error: u32, mtu: u32, now: u64): void {
  const tcb = tcbOf(socket);
  if (error == 0) {
    pathMtuReduced(tcb, mtu, now);
    settle(socket, now);
    return;
  }
  if (socket.flags & SocketFlag.IN_SYN_QUEUE) {
    // A handshake that cannot reach its peer is given up
    if (error != Errno.ENETUNREACH && error != Errno.EHOSTUNREACH) return;
    enterClosed(tcb, EndReason.REFUSED, now);
    settle(socket, now);
    return;
  }
  if (tcb.state == <u8>State.SYN_SENT || tcb.state == <u8>State.SYN_RECEIVED) {
    socket.error = <u16>error;
    enterClosed(tcb, EndReason.REFUSED, now);
    settle(socket, now);
    return;
  }
  // A route may come back: remembered as the reason, should the connection time out
  socket.soft_error = <u16>error;
}
