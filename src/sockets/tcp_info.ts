/** TCP_INFO: what Linux tells of a connection, from the core's control block. */
import { State, Tcb, TcbFlag } from "../core/layout.gen.ts";
import { TcpState } from "./constants.ts";
import type { CoreHost } from "./core_host.ts";
import type { TcpSocket } from "./tcp_socket.ts";

/** Members of `struct tcp_info` by their names. */
export type TcpInfo = Record<string, number | bigint>;

/** States as Linux counts them; a socket whose connection waits in TIME_WAIT is itself closed. */
const STATES: Record<number, number> = {
  [State.CLOSED]: TcpState.TCP_CLOSE,
  [State.LISTEN]: TcpState.TCP_LISTEN,
  [State.SYN_SENT]: TcpState.TCP_SYN_SENT,
  [State.SYN_RECEIVED]: TcpState.TCP_SYN_RECV,
  [State.ESTABLISHED]: TcpState.TCP_ESTABLISHED,
  [State.FIN_WAIT_1]: TcpState.TCP_FIN_WAIT1,
  [State.FIN_WAIT_2]: TcpState.TCP_FIN_WAIT2,
  [State.CLOSE_WAIT]: TcpState.TCP_CLOSE_WAIT,
  [State.CLOSING]: TcpState.TCP_CLOSING,
  [State.LAST_ACK]: TcpState.TCP_LAST_ACK,
  [State.TIME_WAIT]: TcpState.TCP_CLOSE,
};

/** A snapshot of a socket's connection. */
export function tcpInfo(core: CoreHost, socket: TcpSocket): TcpInfo {
  const get = (field: { offset: number; type: string }): number => core.tcb(socket.at, field);
  const flags = get(Tcb.flags);
  return {
    tcpi_state: STATES[get(Tcb.state)],
    tcpi_ca_state: get(Tcb.ca_state),
    tcpi_retransmits: get(Tcb.unanswered),
    tcpi_backoff: get(Tcb.backoff),
    tcpi_options: (flags & TcbFlag.TIMESTAMPS ? 1 : 0) | (flags & TcbFlag.SACK ? 2 : 0) |
      (flags & TcbFlag.WINDOW_SCALING ? 4 : 0),
    tcpi_snd_wscale: get(Tcb.snd_wscale),
    tcpi_rcv_wscale: get(Tcb.rcv_wscale),
    tcpi_rto: get(Tcb.rto_us),
    tcpi_snd_mss: get(Tcb.mss),
    tcpi_advmss: get(Tcb.rcv_mss),
    tcpi_unacked: get(Tcb.packets_out),
    tcpi_sacked: get(Tcb.sacked_out),
    tcpi_lost: get(Tcb.lost_out),
    tcpi_retrans: get(Tcb.retrans_out),
    tcpi_rtt: get(Tcb.srtt_us8) >> 3,
    tcpi_rttvar: get(Tcb.rttvar_us4) >> 2,
    tcpi_min_rtt: get(Tcb.rtt_min_us),
    tcpi_snd_ssthresh: get(Tcb.ssthresh),
    tcpi_snd_cwnd: get(Tcb.cwnd),
    tcpi_bytes_acked: get(Tcb.bytes_acked),
    tcpi_bytes_received: get(Tcb.bytes_received),
  };
}
