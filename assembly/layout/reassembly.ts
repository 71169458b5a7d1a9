/**
 * What a receiver holds beyond RCV.NXT, in a slab taken when the first segment arrives out of order.
 *
 *      RCV.NXT        range 0          range 1
 *         |------------[######]---------[##########]-------> sequence
 *
 * Ranges are sorted, disjoint and never touch; SACK blocks are reported most recent first, RFC 2018 §4.
 */
@unmanaged
export class Reassembly {
  /** Ranges in use. */
  count: u32;
  /** Ranges that fit this slab. */
  capacity: u32;
  /** SACK blocks to report, most recent first: how many of the four below. */
  blocks: u32;
  /** 1 when block 0 is a DSACK (RFC 2883), reported once. */
  dsack: u32;
  dsack_start: u32;
  dsack_end: u32;
  block0_start: u32;
  block0_end: u32;
  block1_start: u32;
  block1_end: u32;
  block2_start: u32;
  block2_end: u32;
  block3_start: u32;
  block3_end: u32;
  /** 1 when a FIN has arrived out of order; it stands at fin_seq. */
  fin: u32;
  fin_seq: u32;
}

/** Follows `Reassembly` at +64, `capacity` times. */
@unmanaged
export class Range {
  start: u32;
  end: u32;
}

/** What few connections have: real bytes, a histogram of round-trip times. */
@unmanaged
export class TcbExt {
  /** Address of the send ring; byte `seq` lies at `seq & send_mask`. */
  send: u32;
  send_mask: u32;
  receive: u32;
  receive_mask: u32;
  /** `base/histogram` of round-trip times in nanoseconds, 0 when not kept. */
  rtt_histogram: u32;
  /** 1 when SO_RCVBUF has fixed the receive buffer. */
  rcvbuf_locked: u32;
  /** `Ecn`, 0 without. */
  ecn: u32;
  /** `FastOpen`, 0 without. */
  fast_open: u32;

  // ---- What the user asked for: socket options -------------------------------------------------
  /** SO_MAX_PACING_RATE, bytes a second; 0: none. */
  max_pacing_rate: u64;
  /** TCP_USER_TIMEOUT, RFC 5482, milliseconds; 0: none. */
  user_timeout_ms: u32;
  /** TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT; 0: the run's. */
  keepalive_time_s: u32;
  keepalive_interval_s: u32;
  keepalive_probes: u8;
  /** SO_KEEPALIVE. */
  keepalive: u8;
  /** `TCP_SYNCNT`; 0: the run's. */
  syn_retries: u8;
  /** 1 when SO_SNDBUF has fixed the send buffer. */
  sndbuf_locked: u8;
  /** TCP_NOTSENT_LOWAT, bytes; 0: the run's. */
  notsent_lowat: u32;

  // ---- What becomes of it ----------------------------------------------------------------------
  /** When the keepalive timer is due. */
  t_keepalive: u64;
  /** When the peer was last heard, while keepalive is on; when probing its window began, 0 while it is not. */
  heard_ms: u32;
  probes_at_ms: u32;
  /** What the path takes, as an MSS before options; 0: as much as the host. */
  path_mss: u16;
  /** TCP_MAXSEG; 0: what the link takes. */
  user_mss: u16;
  /** When the path is to be tried anew with longer segments, timestamp-clock milliseconds. */
  path_until_ms: u32;
  /** IP and TCP headers without options; 0: 40, as IPv4 has them. */
  header_bytes: u8;
  /** 1: reports of a smaller path MTU are not believed (IP_MTU_DISCOVER off). */
  ignores_path_mtu: u8;
  /** SO_OOBINLINE. */
  oob_inline: u8;
  /** `AltChecksum` that this end asks for, and what both have agreed on. */
  alt_checksum_wish: u8;
  alt_checksum: u8;
  /** 1 while the path MTU is searched for, RFC 4821. */
  mtu_probing: u8;
  /** 1 when something in flight may be longer than the MSS is now. */
  outgrown: u8;
  /** TCP_FASTOPEN_NO_COOKIE. */
  fast_open_no_cookie: u8;
  /** What is known to fit and what is not known not to, as an MSS before options. */
  search_low: u16;
  search_high: u16;
  /** Length of the probe in flight by the same measure, 0 when there is none, and where it lies. */
  probe_size: u16;
  unused4: u16;
  probe_seq_start: u32;
  probe_seq_end: u32;
  /** When the search began last, timestamp-clock milliseconds. */
  searched_ms: u32;
  /** TCP_WINDOW_CLAMP, bytes; 0: the run's. */
  window_clamp: u32;
  /** TCP_LINGER2, milliseconds: how long FIN_WAIT_2 may last without an application; 0: the run's, below 0: not at all. */
  linger2_ms: i32;
}
