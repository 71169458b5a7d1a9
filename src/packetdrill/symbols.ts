/** The names that scripts use for numbers: those of the sockets, and what only code blocks know. */
import { Errno, PathMtuDiscovery, SYMBOLS } from "../sockets/constants.ts";

const CALL_SYMBOLS: Readonly<Record<string, number>> = {
  ...SYMBOLS,
  ...Object.fromEntries(Object.entries(PathMtuDiscovery).map(([name, value]) => [name.replace("IP", "IPV6"), value])),
  O_RDONLY: 0,
  EPOLL_CLOEXEC: 0x80000,
  NULL: 0,
};

const TCP_INFO_VALUES = {
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCPI_OPT_TIMESTAMPS: 1,
  TCPI_OPT_SACK: 2,
  TCPI_OPT_WSCALE: 4,
  TCPI_OPT_ECN: 8,
  TCPI_OPT_ECN_SEEN: 16,
  TCPI_OPT_SYN_DATA: 32,
  TCPI_OPT_USEC_TS: 64,
  TCPI_OPT_TFO_CHILD: 128,
};

const CODE_SYMBOLS: Readonly<Record<string, number>> = { ...SYMBOLS, ...TCP_INFO_VALUES };

/** All names that calls may use. */
export const SYMBOL_NAMES: readonly string[] = Object.keys(CALL_SYMBOLS);

/** The number that a name of a system call stands for. */
export function symbol(name: string): number | undefined {
  return Object.hasOwn(CALL_SYMBOLS, name) ? CALL_SYMBOLS[name] : undefined;
}

/** The number that a name of a code block stands for. */
export function codeSymbol(name: string): number | undefined {
  return Object.hasOwn(CODE_SYMBOLS, name) ? CODE_SYMBOLS[name] : undefined;
}

/** The name of an error, `EAGAIN`; the number if it has none here. */
export function errnoName(errno: number): string {
  return Object.entries(Errno).find(([, value]) => value === errno)?.[0] ?? `error ${errno}`;
}

/** Members of Linux's `struct tcp_info` that code may read: those that the engine keeps. */
export const TCP_INFO_FIELDS: readonly string[] = [
  "tcpi_state",
  "tcpi_ca_state",
  "tcpi_retransmits",
  "tcpi_probes",
  "tcpi_backoff",
  "tcpi_options",
  "tcpi_snd_wscale",
  "tcpi_rcv_wscale",
  "tcpi_rto",
  "tcpi_ato",
  "tcpi_snd_mss",
  "tcpi_rcv_mss",
  "tcpi_unacked",
  "tcpi_sacked",
  "tcpi_lost",
  "tcpi_retrans",
  "tcpi_last_data_sent",
  "tcpi_last_data_recv",
  "tcpi_last_ack_recv",
  "tcpi_pmtu",
  "tcpi_rcv_ssthresh",
  "tcpi_rtt",
  "tcpi_rttvar",
  "tcpi_snd_ssthresh",
  "tcpi_snd_cwnd",
  "tcpi_advmss",
  "tcpi_reordering",
  "tcpi_rcv_rtt",
  "tcpi_rcv_space",
  "tcpi_total_retrans",
  "tcpi_pacing_rate",
  "tcpi_max_pacing_rate",
  "tcpi_bytes_acked",
  "tcpi_bytes_received",
  "tcpi_segs_out",
  "tcpi_segs_in",
  "tcpi_notsent_bytes",
  "tcpi_min_rtt",
  "tcpi_data_segs_in",
  "tcpi_data_segs_out",
  "tcpi_delivery_rate",
  "tcpi_busy_time",
  "tcpi_rwnd_limited",
  "tcpi_sndbuf_limited",
  "tcpi_delivered",
  "tcpi_delivered_ce",
  "tcpi_bytes_sent",
  "tcpi_bytes_retrans",
  "tcpi_dsack_dups",
  "tcpi_reord_seen",
  "tcpi_rcv_ooopack",
  "tcpi_snd_wnd",
  "tcpi_rcv_wnd",
  "tcpi_total_rto",
  "tcpi_received_ce",
  "tcpi_delivered_e1_bytes",
  "tcpi_delivered_e0_bytes",
  "tcpi_delivered_ce_bytes",
  "tcpi_received_e1_bytes",
  "tcpi_received_e0_bytes",
  "tcpi_received_ce_bytes",
];
