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
  /** Bytes a second that pacing lets out. */
  tcpi_pacing_rate: number;
  /** The limit that SO_MAX_PACING_RATE sets, bytes a second; all ones for none. */
  tcpi_max_pacing_rate: number;
  /** Bytes of text acknowledged (RFC 4898, tcpEStatsAppHCThruOctetsAcked). */
  tcpi_bytes_acked: number;
  /** Bytes of text received in order. */
  tcpi_bytes_received: number;
  /** Bytes a second delivered lately: not kept, always 0. */
  tcpi_delivery_rate: number;
  /** Time with anything queued or in flight. */
  tcpi_busy_time: number;
  /** Part of it held up by the peer's window. */
  tcpi_rwnd_limited: number;
  /** Part of it held up by the send buffer. */
  tcpi_sndbuf_limited: number;
  /** Bytes of text sent, repetitions counted. */
  tcpi_bytes_sent: number;
  /** Bytes of text sent again. */
  tcpi_bytes_retrans: number;
  /** The state, in Linux's numbers: 1 is ESTABLISHED, 7 CLOSE. */
  tcpi_state: number;
  /** The sender's state: 0 Open, 1 Disorder, 2 CWR, 3 Recovery, 4 Loss. */
  tcpi_ca_state: number;
  /** Time-outs in a row that went unanswered. */
  tcpi_retransmits: number;
  /** Window and keepalive probes in a row that went unanswered. */
  tcpi_probes: number;
  /** How often the retransmission or persist timer has doubled. */
  tcpi_backoff: number;
  /** Bits of what was agreed on: 1 timestamps, 2 SACK, 4 window scale, 8 ECN, 16 ECN seen, 32 data on the SYN. */
  tcpi_options: number;
  /** Shift of the peer's windows. */
  tcpi_snd_wscale: number;
  /** Shift of the own windows. */
  tcpi_rcv_wscale: number;
  /** The retransmission time-out. */
  tcpi_rto: number;
  /** The delay of the next delayed ACK. */
  tcpi_ato: number;
  /** The MSS of what is sent. */
  tcpi_snd_mss: number;
  /** The MSS as seen on what arrives. */
  tcpi_rcv_mss: number;
  /** Segments in flight and not acknowledged; of a listener, connections that wait to be accepted. */
  tcpi_unacked: number;
  /** Segments that SACK blocks name; of a listener, its backlog. */
  tcpi_sacked: number;
  /** Segments that count as lost. */
  tcpi_lost: number;
  /** Retransmissions in flight. */
  tcpi_retrans: number;
  /** Milliseconds since text was sent. */
  tcpi_last_data_sent: number;
  /** Milliseconds since text was received. */
  tcpi_last_data_recv: number;
  /** Milliseconds since an ACK was received. */
  tcpi_last_ack_recv: number;
  /** What the path takes, bytes of IP. */
  tcpi_pmtu: number;
  /** How far the offered window may grow, bytes. */
  tcpi_rcv_ssthresh: number;
  /** Smoothed round-trip time. */
  tcpi_rtt: number;
  /** Its mean deviation. */
  tcpi_rttvar: number;
  /** The slow-start threshold. */
  tcpi_snd_ssthresh: number;
  /** The congestion window. */
  tcpi_snd_cwnd: number;
  /** The MSS that was announced. */
  tcpi_advmss: number;
  /** How far segments may be overtaken before they count as lost. */
  tcpi_reordering: number;
  /** Round-trip time as the receiver estimates it. */
  tcpi_rcv_rtt: number;
  /** Bytes that the application reads in a round trip: what tunes the receive buffer. */
  tcpi_rcv_space: number;
  /** Segments sent again. */
  tcpi_total_retrans: number;
  /** Segments sent. */
  tcpi_segs_out: number;
  /** Segments with text sent. */
  tcpi_data_segs_out: number;
  /** Segments received, of a socket; 0 in a simulation. */
  tcpi_segs_in: number;
  /** Those with text. */
  tcpi_data_segs_in: number;
  /** Bytes written and not sent yet. */
  tcpi_notsent_bytes: number;
  /** The smallest round-trip time seen. */
  tcpi_min_rtt: number;
  /** Segments delivered, the SYN among them. */
  tcpi_delivered: number;
  /** Segments whose marks the peer has reported. */
  tcpi_delivered_ce: number;
  /** Duplicates that DSACK has reported. */
  tcpi_dsack_dups: number;
  /** How often reordering was seen. */
  tcpi_reord_seen: number;
  /** Segments that arrived out of order. */
  tcpi_rcv_ooopack: number;
  /** The peer's window, bytes. */
  tcpi_snd_wnd: number;
  /** The window offered, bytes. */
  tcpi_rcv_wnd: number;
  /** Retransmission time-outs. */
  tcpi_total_rto: number;
  /** Segments that arrived marked CE. */
  tcpi_received_ce: number;
  /** Bytes that the peer reports as arrived with ECT(1), RFC 9768. */
  tcpi_delivered_e1_bytes: number;
  /** Bytes that the peer reports as arrived with ECT(0). */
  tcpi_delivered_e0_bytes: number;
  /** Bytes that the peer reports as arrived with CE. */
  tcpi_delivered_ce_bytes: number;
  /** Bytes that arrived with ECT(1). */
  tcpi_received_e1_bytes: number;
  /** Bytes that arrived with ECT(0). */
  tcpi_received_e0_bytes: number;
  /** Bytes that arrived with CE. */
  tcpi_received_ce_bytes: number;
}

const { size: _, ...FIELDS } = Layout;

/** Reads the snapshot of the connection at `tcb`, as of `now`, nanoseconds of the engine's clock. */
export function readTcpInfo(engine: Engine, tcb: number, now: bigint): TcpInfo {
  const at = engine.exports.tcpInfo(tcb, now);
  const fields = Object.entries<Field>(FIELDS).map(([name, field]) => [name, engine.get(at, field)]);
  return Object.fromEntries(fields) as Record<keyof typeof FIELDS, number>;
}
