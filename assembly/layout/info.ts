/**
 * TCP_INFO: what Linux's `struct tcp_info` reports of a connection, by its names and units (tcp(7), linux/tcp.h). Times are
 * microseconds unless the name says otherwise; cwnd, ssthresh, unacked, sacked, lost, retrans and reordering are segments.
 */
@unmanaged
export class TcpInfo {
  tcpi_pacing_rate: u64;
  tcpi_max_pacing_rate: u64;
  tcpi_bytes_acked: u64;
  tcpi_bytes_received: u64;
  tcpi_delivery_rate: u64;
  tcpi_busy_time: u64;
  tcpi_rwnd_limited: u64;
  tcpi_sndbuf_limited: u64;
  tcpi_bytes_sent: u64;
  tcpi_bytes_retrans: u64;
  /** Linux's numbers: 1 is ESTABLISHED, 7 CLOSE. */
  tcpi_state: u8;
  tcpi_ca_state: u8;
  tcpi_retransmits: u8;
  tcpi_probes: u8;
  tcpi_backoff: u8;
  /** `InfoOption` bits. */
  tcpi_options: u8;
  tcpi_snd_wscale: u8;
  tcpi_rcv_wscale: u8;
  tcpi_rto: u32;
  tcpi_ato: u32;
  tcpi_snd_mss: u32;
  tcpi_rcv_mss: u32;
  tcpi_unacked: u32;
  tcpi_sacked: u32;
  tcpi_lost: u32;
  tcpi_retrans: u32;
  /** Milliseconds since then. */
  tcpi_last_data_sent: u32;
  tcpi_last_data_recv: u32;
  tcpi_last_ack_recv: u32;
  tcpi_pmtu: u32;
  tcpi_rcv_ssthresh: u32;
  tcpi_rtt: u32;
  tcpi_rttvar: u32;
  tcpi_snd_ssthresh: u32;
  tcpi_snd_cwnd: u32;
  tcpi_advmss: u32;
  tcpi_reordering: u32;
  tcpi_rcv_rtt: u32;
  tcpi_rcv_space: u32;
  tcpi_total_retrans: u32;
  tcpi_segs_out: u32;
  tcpi_data_segs_out: u32;
  tcpi_segs_in: u32;
  tcpi_data_segs_in: u32;
  tcpi_notsent_bytes: u32;
  tcpi_min_rtt: u32;
  tcpi_delivered: u32;
  tcpi_delivered_ce: u32;
  tcpi_dsack_dups: u32;
  tcpi_reord_seen: u32;
  tcpi_rcv_ooopack: u32;
  tcpi_snd_wnd: u32;
  tcpi_rcv_wnd: u32;
  tcpi_total_rto: u32;
  // AccECN, RFC 9768
  tcpi_received_ce: u32;
  tcpi_delivered_e1_bytes: u32;
  tcpi_delivered_e0_bytes: u32;
  tcpi_delivered_ce_bytes: u32;
  tcpi_received_e1_bytes: u32;
  tcpi_received_e0_bytes: u32;
  tcpi_received_ce_bytes: u32;
}
