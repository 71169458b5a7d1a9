/**
 * What an end needs once it has received text: how it acknowledges, and what window it offers (Linux's
 * `icsk_ack`, `rcv_rtt_est` and `rcvq_space`). In a slab taken with the first text, given back with the connection.
 */
@unmanaged
export class Receiver {
  // ---- line 0: every segment of text ------------------------------------------------------------
  /** `Reassembly`, 0 while nothing is out of order. */
  reassembly: u32;
  /** The size of full segments as the arrivals show it; not what this end announces. */
  rcv_mss: u16;
  last_seg_size: u16;
  /** ACKs that may still leave at once: quick-ACK mode while it is not 0. */
  quick: u8;
  /** 1 while the two ends talk in turns, so that an ACK can wait for the answer. */
  pingpong: u8;
  /** `Pushed` bits. */
  pushed: u8;
  unused0: u8;
  /** Predicted time to the next arrival, milliseconds: how long an ACK may be delayed. 0 before the first text. */
  ato_ms: u32;
  /** When text last arrived, and when an unacceptable segment was last answered, milliseconds of the clock. */
  lrcvtime_ms: u32;
  last_oow_ack_ms: u32;
  /** Bytes of window that may be offered now, grown as full segments come. */
  rcv_ssthresh: u32;
  /** The largest window that may be offered. */
  window_clamp: u32;
  /** Round-trip time as the receiver sees it, microseconds times 8; 0 before the first sample. */
  rcv_rtt_us8: u32;
  /** Measured without timestamps: one window, from rcv_rtt_time until RCV.NXT reaches rcv_rtt_seq. */
  rcv_rtt_seq: u32;
  rcv_rtt_time: u64;
  rcv_rtt_last_tsecr: u32;
  /** What the application has read since rcvq_time begins here. */
  rcvq_seq: u32;
  rcvq_time: u64;

  // ---- line 1: tuning, and the account ----------------------------------------------------------
  /** Bytes that the application read in the round trip before. */
  rcvq_space: u32;
  /** Text held out of order, bytes. */
  ofo_bytes: u32;
  /** Segments that came out of order, and those that the bounded queue refused or gave up. */
  rcv_ooopack: u32;
  ofo_drops: u32;
  /** Duplicates that an ACK has reported or would have. */
  dsack_dups: u32;
  /** 1 while there is urgent data at urg_seq, 2 when it was read by itself; RCV.UP, RFC 9293 §3.3.1. */
  urgent: u32;
  urg_seq: u32;
  unused2: u32;
  unused3: u64;
  unused4: u64;
  unused5: u64;
  unused6: u64;
}
