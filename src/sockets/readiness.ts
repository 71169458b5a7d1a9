/** What poll says of a socket, as Linux computes it. */
import { Listener, Socket as SocketLayout, State } from "../core/layout.gen.ts";
import { PollEvent } from "./constants.ts";
import type { CoreHost } from "./core_host.ts";
import type { TcpSocket } from "./tcp_socket.ts";

const { POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLRDNORM, POLLWRNORM, POLLRDHUP } = PollEvent;

/** Every event that holds now. */
export function readiness(core: CoreHost, socket: TcpSocket): number {
  const state = socket.state;
  if (state === State.LISTEN) {
    const listener = core.socket(socket.at, SocketLayout.listener);
    return core.engine.get(listener, Listener.accept_count) > 0 ? POLLIN | POLLRDNORM : 0;
  }
  let events = 0;
  if ((!socket.canReceive && !socket.canSend) || state === State.CLOSED) events |= POLLHUP;
  if (!socket.canReceive) events |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (!socket.isOpening) {
    if (socket.readable >= socket.receiveLowWater) events |= POLLIN | POLLRDNORM;
    if (core.engine.exports.socketUrgent(socket.at) & 2) events |= POLLPRI;
    if (!socket.canSend || isWritable(core, socket)) events |= POLLOUT | POLLWRNORM;
  }
  if (socket.isDeferred) events |= POLLOUT | POLLWRNORM;
  if (socket.pendingError !== 0) events |= POLLERR;
  return events;
}

/** Linux: when a third of the send buffer is free, and half of what TCP_NOTSENT_LOWAT says has still to leave. */
function isWritable(core: CoreHost, socket: TcpSocket): boolean {
  return Boolean(core.call((exports) => exports.socketMayWrite(socket.at)));
}
