/** TCP_INFO of a connection: Linux's `struct tcp_info`, by its names. */
import type { Engine, Field } from "./engine.ts";
import { TcpInfo as Layout } from "./layout.gen.ts";

/**
 * What Linux's `TCP_INFO` reports of a connection, by the kernel's names and units: times are microseconds, but
 * `tcpi_last_*` milliseconds; `tcpi_snd_cwnd`, `tcpi_snd_ssthresh`, `tcpi_unacked`, `tcpi_sacked`, `tcpi_lost`,
 * `tcpi_retrans` and `tcpi_reordering` are segments. `tcpi_state` has Linux's numbers: 1 is ESTABLISHED.
 *
 * @example
 * ```ts
 * import { Simulation, type TcpInfo } from "@cwnd/cwnd";
 *
 * const simulation = await Simulation.create({
 *   topology: { kind: "path", links: [{ rate: "10Mbps", delay: "5ms" }] },
 *   flows: [{}],
 * });
 * await simulation.runUntil("1s");
 * const info: TcpInfo = simulation.tcpInfo(0);
 * console.log(info.tcpi_snd_cwnd, info.tcpi_rtt, info.tcpi_busy_time);
 * simulation.close();
 * ```
 */
export interface TcpInfo {
  tcpi_pacing_rate: number;
  tcpi_max_pacing_rate: number;
  tcpi_bytes_acked: number;
  tcpi_bytes_received: number;
  tcpi_delivery_rate: number;
  tcpi_busy_time: number;
  tcpi_rwnd_limited: number;
  tcpi_sndbuf_limited: number;
  tcpi_bytes_sent: number;
  tcpi_bytes_retrans: number;
  tcpi_state: number;
  tcpi_ca_state: number;
  tcpi_retransmits: number;
  tcpi_probes: number;
  tcpi_backoff: number;
  tcpi_options: number;
  tcpi_snd_wscale: number;
  tcpi_rcv_wscale: number;
  tcpi_rto: number;
  tcpi_ato: number;
  tcpi_snd_mss: number;
  tcpi_rcv_mss: number;
  tcpi_unacked: number;
  tcpi_sacked: number;
  tcpi_lost: number;
  tcpi_retrans: number;
  tcpi_last_data_sent: number;
  tcpi_last_data_recv: number;
  tcpi_last_ack_recv: number;
  tcpi_pmtu: number;
  tcpi_rcv_ssthresh: number;
  tcpi_rtt: number;
  tcpi_rttvar: number;
  tcpi_snd_ssthresh: number;
  tcpi_snd_cwnd: number;
  tcpi_advmss: number;
  tcpi_reordering: number;
  tcpi_rcv_rtt: number;
  tcpi_rcv_space: number;
  tcpi_total_retrans: number;
  tcpi_segs_out: number;
  tcpi_data_segs_out: number;
  tcpi_notsent_bytes: number;
  tcpi_min_rtt: number;
  tcpi_delivered: number;
  tcpi_delivered_ce: number;
  tcpi_dsack_dups: number;
  tcpi_reord_seen: number;
  tcpi_rcv_ooopack: number;
  tcpi_snd_wnd: number;
  tcpi_rcv_wnd: number;
  tcpi_total_rto: number;
  tcpi_received_ce: number;
  tcpi_delivered_e1_bytes: number;
  tcpi_delivered_e0_bytes: number;
  tcpi_delivered_ce_bytes: number;
  tcpi_received_e1_bytes: number;
  tcpi_received_e0_bytes: number;
  tcpi_received_ce_bytes: number;
}

const { size: _, ...FIELDS } = Layout;

/** Reads the snapshot of the connection at `tcb`, as of `now`, nanoseconds of the engine's clock. */
export function readTcpInfo(engine: Engine, tcb: number, now: bigint): TcpInfo {
  const at = engine.exports.tcpInfo(tcb, now);
  const fields = Object.entries<Field>(FIELDS).map(([name, field]) => [name, engine.get(at, field)]);
  return Object.fromEntries(fields) as Record<keyof typeof FIELDS, number>;
}
