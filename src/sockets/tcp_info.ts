/** TCP_INFO of a socket, as Linux tells it: what the core reports of its connection, and what only a socket knows. */
import { Listener, Socket as SocketLayout, SocketFlag } from "../core/layout.gen.ts";
import { readTcpInfo, type TcpInfo } from "../core/tcp_info.ts";
import { TcpState } from "./constants.ts";
import type { CoreHost } from "./core_host.ts";
import type { TcpSocket } from "./tcp_socket.ts";

/** A snapshot. */
export function tcpInfo(core: CoreHost, socket: TcpSocket): TcpInfo {
  const info = readTcpInfo(core.engine, core.tcbOf(socket.at), core.now);
  // A connection in TIME_WAIT has left its socket, which is closed
  if (info.tcpi_state === TcpState.TCP_TIME_WAIT) info.tcpi_state = TcpState.TCP_CLOSE;
  info.tcpi_segs_in = core.socket(socket.at, SocketLayout.segs_in);
  info.tcpi_data_segs_in = core.socket(socket.at, SocketLayout.data_segs_in);
  // Of a connection that the peer opened Linux counts from the handshake's end
  if (core.socket(socket.at, SocketLayout.flags) & SocketFlag.ACCEPTED) {
    if (info.tcpi_bytes_acked > 0) info.tcpi_bytes_acked -= 1;
  }
  if (socket.isListening) {
    const listener = core.socket(socket.at, SocketLayout.listener);
    info.tcpi_unacked = core.engine.get(listener, Listener.accept_count);
    info.tcpi_sacked = core.engine.get(listener, Listener.backlog);
  }
  return info;
}
