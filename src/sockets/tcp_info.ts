/** TCP_INFO of a socket, as Linux tells it: what the core reports of its connection, and what only a socket knows. */
import { Listener, Socket as SocketLayout } from "../core/layout.gen.ts";
import { readTcpInfo, type TcpInfo } from "../core/tcp_info.ts";
import { TcpState } from "./constants.ts";
import type { CoreHost } from "./core_host.ts";
import type { TcpSocket } from "./tcp_socket.ts";

/** A snapshot. */
export function tcpInfo(core: CoreHost, socket: TcpSocket): TcpInfo {
  const info = readTcpInfo(core.engine, core.tcbOf(socket.at), core.now);
  // A connection in TIME_WAIT has left its socket, which is closed
  if (info.tcpi_state === TcpState.TCP_TIME_WAIT) info.tcpi_state = TcpState.TCP_CLOSE;
  if (socket.isListening) {
    const listener = core.socket(socket.at, SocketLayout.listener);
    info.tcpi_unacked = core.engine.get(listener, Listener.accept_count);
    info.tcpi_sacked = core.engine.get(listener, Listener.backlog);
  }
  return info;
}
