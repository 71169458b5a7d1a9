/**
 * The transmission control block, RFC 9293 §3.3.1: one end of one connection in six cache lines,
 * ordered by how often a segment touches them: a receiver of data lives in the first two. Everything that
 * grows with the data in flight (`SentSegment` ring, reassembly ranges, real bytes) is in slabs taken only
 * while it is needed.
 */
@unmanaged
export class Tcb {
  // ---- line 0: every segment: the sequence space, both ways -------------------------------------
  /** `State`. */
  state: u8;
  /** `CaState`. */
  ca_state: u8;
  /** `Cc`. */
  cc: u8;
  /** `Timer` bits: which deadlines are set. */
  timer_mask: u8;
  /** `TcbFlag` bits. */
  flags: u32;
  // These three lie as `prediction.ts` compares and sends them: RCV.NXT and SND.UNA are what a segment's SEQ and ACK should
  // be, SND.NXT and RCV.NXT what the next one says.
  snd_nxt: u32;
  rcv_nxt: u32;
  snd_una: u32;
  snd_wl2: u32;
  /** SND.WND in bytes, scaled. */
  snd_wnd: u32;
  /** Segments between SND.UNA and SND.NXT; with the next three RFC 6675's pipe in segments. */
  packets_out: u32;
  /** Right edge that the peer was told: RCV.NXT + RCV.WND at the last ACK sent. */
  rcv_adv: u32;
  /** One past the last byte that the application has read. */
  copied_seq: u32;
  /** TS.Recent, RFC 7323 §4.3. */
  ts_recent: u32;
  /** Last.ACK.sent, RFC 7323 §4.3. */
  last_ack_sent: u32;
  /** `Receiver`, 0 before the first text. */
  rx: u32;
  rcv_buf: u32;
  iss: u32;
  /** The owner's: where its segments go; written into each as its target. */
  route: u32;

  // ---- line 1: every segment: what is owed and when, what has come ------------------------------
  /** No deadline is earlier than this, nanoseconds; may be stale on the early side. */
  timer_min: u64;
  t_delayed_ack: u64;
  bytes_received: u64;
  /** IP bytes that reached this host for this connection. */
  ip_bytes_received: u64;
  segments_sent: u32;
  /** The owner's: the armed entry of the event queue, an `Event`; it goes off at timer_min. */
  timer_event: u32;
  /** What this end announces as its MSS. */
  rcv_mss: u16;
  snd_wscale: u8;
  rcv_wscale: u8;
  /** When TS.Recent was last set, in turns of 1.6 days (2^47 ns) of the clock. */
  ts_recent_age: u8;
  /** Retransmissions by time-out and window probes since the peer last answered. */
  unanswered: u8;
  /** `Notify` bits. */
  notify: u8;
  /** 1 when timer_min became earlier since the owner last armed its event. */
  timer_moved: u8;
  /** The owner's: `Flow`. */
  owner: u32;
  snd_wl1: u32;
  /** Doublings of the RTO; kept until a fresh round-trip sample (Karn). */
  backoff: u8;
  /** log2 of the ring's size. */
  sent_bits: u8;
  /** Effective send MSS, RFC 6691: the peer's MSS less the options on every segment. */
  mss: u16;
  /** One past the last byte that the application has written. */
  write_seq: u32;

  // ---- line 2: every ACK: the congestion window and the queue -----------------------------------
  t_retransmit: u64;
  /** Ring of `SentSegment`, 0 while nothing is in flight. */
  sent: u32;
  /** Absolute index of the oldest record in the ring; the newest is head + packets_out - 1. */
  sent_head: u32;
  sacked_out: u32;
  lost_out: u32;
  retrans_out: u32;
  /** Congestion window in segments. */
  cwnd: u32;
  /** Segments acknowledged towards the next increase of cwnd. */
  cwnd_cnt: u32;
  /** Slow start threshold in segments. */
  ssthresh: u32;
  /** Largest window the peer has offered, bytes: RFC 9293 §3.8.6.2.1 Max(SND.WND). */
  snd_wnd_max: u32;
  /** Most segments in flight in the window that ends at cwnd_usage_seq (window validation). */
  max_packets_out: u32;
  cwnd_usage_seq: u32;
  snd_buf: u32;
  /** `Sender`, 0 until data is sent. */
  tx: u32;
  /** When data was last sent, in timestamp-clock milliseconds: idle detection. */
  last_sent_ms: u32;

  // ---- line 3: every ACK: round-trip times and the account --------------------------------------
  /** Integral of cwnd over time, segment nanoseconds, up to cwnd_since. */
  cwnd_sum: f64;
  cwnd_since: u64;
  bytes_acked: u64;
  rtt_sum_us: u64;
  rtt_count: u32;
  rtt_max_us: u32;
  /** The smallest since it was last measured anew, see rtt.ts. */
  rtt_min_us: u32;
  /** SRTT in microseconds, times 8; 0 before the first sample. */
  srtt_us8: u32;
  /** RTTVAR in microseconds, times 4. */
  rttvar_us4: u32;
  /** RTO in microseconds, before backoff. */
  rto_us: u32;
  /** Smallest RTO, microseconds. */
  rto_min_us: u32;
  /** `TcbExt`, 0 for most. */
  ext: u32;

  // ---- line 4: every ACK: the congestion control's own state ------------------------------------
  cc_priv0: u64;
  cc_priv1: u64;
  cc_priv2: u64;
  cc_priv3: u64;
  cc_priv4: u64;
  cc_priv5: u64;
  cc_priv6: u64;
  cc_priv7: u64;

  // ---- line 5: when something is lost, opened or closed -----------------------------------------
  t_persist: u64;
  t_time_wait: u64;
  /** Absolute index: no lost record below it waits for its retransmission. */
  rtx_hint: u32;
  /** Absolute index: every record below it has been judged by RFC 6675's IsLost. */
  lost_frontier: u32;
  /** Tail loss probes sent, and reductions that were taken back. */
  tlps: u16;
  spurious: u16;
  retransmits: u32;
  irs: u32;
  local_addr: u32;
  remote_addr: u32;
  local_port: u16;
  remote_port: u16;
  /** SND.NXT when the current recovery began: RFC 6675's RecoveryPoint, RFC 6582's recover. */
  high_seq: u32;
  rtos: u16;
  /** What the peer announced; 536 (IPv6: 1220) when it did not, RFC 9293 §3.7.1. */
  snd_mss: u16;
  /** Initial and restart window in segments, RFC 6928. */
  initial_cwnd: u16;
  /** `EndReason`. */
  end_reason: u8;
  /** Doublings of the persist timer. */
  persist_backoff: u8;
  /** Largest cwnd before any reduction; the present one may be larger. */
  cwnd_max: u32;
}

/** One segment in flight, RFC 6675's scoreboard entry; its end is the next one's start. */
@unmanaged
export class SentSegment {
  seq: u32;
  /** `Sent` bits; from `Sent.RUN_SHIFT`, on a SACKed one, how many SACKed ones follow at least. */
  meta: u32;
  /** When it was last sent, nanoseconds. */
  sent_at: u64;
}
