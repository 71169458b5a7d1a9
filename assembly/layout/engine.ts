/**
 * The root of all run state: one struct at a fixed address. No wasm global is mutable, so a copy of
 * the memory is a snapshot of the run.
 */
@unmanaged
export class Engine {
  // Clock and account
  now: u64;
  /** When the millisecond now_ms began. */
  now_ms_at: u64;
  events: u64;
  /** Of what happened event by event, in order, and of the deadlines that were met, in any, see `sim/digest`. */
  digest: u64;
  digest_deadlines: u64;
  /** RFC 6528's secret key, from the seed. */
  secret0: u64;
  secret1: u64;

  // Segments that TCP hands to its owner: the one seam out of `tcp/`
  out_head: u32;
  out_tail: u32;
  segment_free: u32;
  segment_ext_free: u32;
  event_free: u32;
  /** Free chunks, see `sim/chunks`. */
  chunks_free: u32;
  /** now in milliseconds, the timestamp clock. */
  now_ms: u32;

  // Event queue, see `sim/event_queue`
  /** log2 of a bucket's width in nanoseconds. */
  queue_shift: u32;
  queue_buckets: u32;
  queue_bitmap: u32;
  /** The open bucket: 64 lists of events, each of 2^due_shift ns; an event that was put at the end of one, or 0. */
  due: u32;
  due_shift: u32;
  due_last: u32;
  /** log2 of the number of buckets, and the number less one. */
  queue_bits: u32;
  queue_mask: u32;
  /** Buckets opened, events found in them, and events taken out of wheels, since the width was last judged. */
  queue_opened: u32;
  queue_found: u32;
  queue_refiled: u32;
  queue_judge_after: u32;
  queue_wheels: u32;
  /** Which of the lists are not empty, and which hold more than one: only those are chained. */
  due_bits: u64;
  due_shared: u64;
  /** What was read ahead. Kept so that it is read; nobody looks at it. */
  due_read: u32;
  /** Number of the bucket opened last: its first instant shifted right by queue_shift; -1 at first. */
  queue_opened_last: i64;
  /** Number of the first bucket of the current turn. */
  queue_turn: u64;

  /** `Gate`s, chained. */
  gates: u32;
  /** What came up to then has passed some gate. */
  ahead: u64;

  // Arena: its free lists stand behind this struct
  arena_top: u32;

  /** Data segments that reached a receiver's host intact. */
  segments_delivered: u64;

  // Captured packets wait here for the host
  capture: u32;
  capture_size: u32;
  capture_used: u32;
  /** Bytes kept of each packet. */
  capture_snaplen: u32;
  /** `RunStatus` with which the run is to return to the host after this event, 0 to go on. */
  pause: u32;
  /** Room for one packet as bytes, 0 until a corrupted one needs it. */
  wire_scratch: u32;
  /** Packets from outside that have passed their last link and wait for the host to take them, oldest first. */
  packets_head: u32;
  packets_tail: u32;

  // Account of the host: what was refused, and what was not answered
  challenge_acks: u32;
  challenge_acks_skipped: u32;
  oow_acks_skipped: u32;
  paws_rejected: u32;
  ofo_dropped: u32;
  /** The second that challenge_left counts for, and what it has left. */
  challenge_second: u32;
  challenge_left: u32;

  // Parameters of the whole run
  msl_ms: u32;
  rto_max_us: u32;
  rto_initial_us: u32;
  /** 1: the smallest RTO bounds the sum (RFC 6298); 0: its variance term (Linux). */
  rto_floor_on_sum: u32;
  /** `Recovery` bits. */
  recovery: u32;
  /** Segments that may overtake one before it counts as lost, as long as nothing better is known. */
  reordering: u32;
  /** The most that is ever known. */
  max_reordering: u32;
  /** How long an ACK is delayed; 0: as the gaps between arrivals say, from 40 ms to 200 ms. */
  delayed_ack_us: u32;
  /** ACKs of quick-ACK mode at most (Linux: 16); 0 for none of it. */
  quick_acks: u32;
  /** 1: every segment of text is acknowledged at once (the route's "quickack"). */
  route_quickack: u32;
  /** The route's "window": the most that is ever offered, bytes; and "initrwnd": at first, segments; 0 for neither. */
  route_window: u32;
  route_initrwnd: u32;
  /** Largest receive buffer (tcp_rmem[2]): window scales and auto-tuning follow it. */
  rmem_max: u32;
  /** 1: buffers grow with what the application reads (tcp_moderate_rcvbuf). */
  moderate_rcvbuf: u32;
  /** 1: a window may be taken back when memory is short (tcp_shrink_window). */
  shrink_window: u32;
  /** Shortest time between two answers to segments that are not acceptable (tcp_invalid_ratelimit), milliseconds. */
  invalid_ratelimit_ms: u32;
  /** Challenge ACKs of the host in a second (RFC 5961 §7, tcp_challenge_ack_limit); 0 for no limit. */
  challenge_ack_limit: u32;
  /** 1: duplicates are reported (RFC 2883, tcp_dsack). */
  dsack: u32;
  /** 1: a reset does not end TIME_WAIT (RFC 1337, tcp_rfc1337). */
  rfc1337: u32;
  /** Time-out of FIN_WAIT_2 in milliseconds, 0 for none. */
  fin_wait_2_ms: u32;
  /** The same when the application has closed for good (tcp_fin_timeout). */
  fin_timeout_ms: u32;
  /** SYN and SYN-ACK retransmissions before giving up. */
  syn_retries: u32;
  /** SYN-ACK retransmissions before giving up, when a passive OPEN answers. */
  synack_retries: u32;
  /** Data retransmissions before giving up, RFC 9293 §3.8.3 R2. */
  data_retries: u32;
  /** The seed, expanded: every random stream is split from it. */
  seed: u64;

  // Sending, by Linux's names (net.ipv4.tcp_...)
  /** 1: a window that was not used for a time-out is validated anew, RFC 5681 §4.1. */
  slow_start_after_idle: u32;
  /** Largest burst that the host hands to its device in one piece, bytes; 0: segment by segment (no TSO, no GSO). */
  tso_bytes_max: u32;
  /** A burst smaller than this fraction of the window may wait for more; 0: for no more than three segments. */
  tso_win_divisor: u32;
  tso_segs_min: u32;
  /** Bursts may be the larger the shorter the path: by tso_bytes_max >> (min RTT in us >> tso_rtt_log). */
  tso_rtt_log: u32;
  /** Pacing rate in percent of cwnd / SRTT, in slow start and after. */
  pacing_ss_ratio: u32;
  pacing_ca_ratio: u32;
  /** 1: every connection paces what it sends. */
  pacing: u32;
  /** Retransmissions for a connection that no application holds; 0: as many as Linux thinks right. */
  orphan_retries: u32;
  /** Retransmissions after which the path is doubted, RFC 9293 §3.8.3 R1. */
  path_retries: u32;
  /** The first so many SYNs follow at one interval, RFC 6298's initial RTO; then it doubles. */
  syn_linear_timeouts: u32;
  /** Keepalive, RFC 9293 §3.8.4: silence before the first probe, between probes, and how many. */
  keepalive_time_s: u32;
  keepalive_interval_s: u32;
  keepalive_probes: u32;
  /** Bytes that may wait unsent before the application hears WRITABLE no more; 0: no limit. */
  notsent_lowat: u32;
  /** `MtuProbing`: whether the path MTU is searched for, RFC 4821. */
  mtu_probing: u32;
  /** The search begins with segments of this length, and goes no lower than the floor. */
  base_mss: u32;
  mtu_probe_floor: u32;
  /** The search ends when it has come this close, bytes; and begins anew after so long. */
  probe_threshold: u32;
  probe_interval_s: u32;
  /** The MSS before options is never less, whatever a peer announces or a router says. */
  min_snd_mss: u32;
  /** How long the smallest round-trip time is remembered, seconds. */
  min_rtt_wlen_s: u32;
  /** net.ipv4.ip_no_pmtu_disc: with 2 no report of a smaller MTU is heard. */
  ip_no_pmtu_disc: u32;
  /** Largest send buffer that tuning gives (tcp_wmem[2]). */
  wmem_max: u32;
  /** `Stack` of a run that is a host; 0 in a simulation. */
  stack: u32;

  // TCP Fast Open
  /** net.ipv4.tcp_fastopen: `FastOpenSysctl` bits. */
  fastopen: u32;
  /** What clients remember of servers: `FastOpenCache` entries, 0 before the first. */
  fastopen_cache: u32;
  /** net.ipv4.tcp_fastopen_key: the host's `FastOpenKeys`, for listeners without their own. */
  fastopen_key0: u64;
  fastopen_key1: u64;
  /** The key before that one, whose cookies still count; zeros: none. */
  fastopen_backup0: u64;
  fastopen_backup1: u64;

  // Explicit congestion notification (net.ipv4.tcp_ecn...)
  /** What every connection asks for and accepts, `EcnSysctl`; beside what its own flags offer. */
  ecn: u32;
  /** 1: a SYN that goes unanswered is sent again without, RFC 3168 §6.1.1.1; marks that are changed are no longer sent. */
  ecn_fallback: u32;
  /** AccECN option: 0 never, 1 when something changed and as a beacon, 2 whenever it fits, 3 though the path wipes it. */
  ecn_option: u32;
  /** How often a round trip the option is sent at least with 1. */
  ecn_option_beacon: u32;
}

/** What one ACK told the sender: the congestion control sees this and its `Tcb`. */
@unmanaged
export class AckSample {
  now: u64;
  /** Segments newly acknowledged, cumulatively or by SACK. */
  delivered: u32;
  /** Segments newly acknowledged cumulatively. */
  acked: u32;
  /** Segments SACKed, or stood for by duplicate ACKs, before the ACK. */
  prior_sacked: u32;
  /** Round-trip time in microseconds, 0 when the ACK gives no valid sample. */
  rtt_us: u32;
  /** `AckFlag` bits. */
  flags: u32;
  /** SND.UNA before the ACK. */
  prior_una: u32;
  /** Where the highest SACKed segment ended before the ACK; SND.UNA when none was SACKed. */
  prior_fack: u32;
  /** First sequence number among what was delivered now behind its successors, never having been sent again. */
  reord: u32;
  /** Segments marked lost by the ACK. */
  lost: u32;
  /** When the first and the last of the segments were sent that SACKs newly told of; 0 when they told of none. */
  first_sacked_at: u64;
  last_sacked_at: u64;
}
