/**
 * What an end needs once it has sent data, in a slab of its own: an end that only receives, and one that has been
 * idle since it opened, go without. Taken with the first data, given back when the connection is over.
 */
@unmanaged
export class Sender {
  // ---- line 0: every round-trip sample, every segment sent --------------------------------------
  /** RACK.xmit_ts, RFC 8985 §5.2: when the segment was sent that was, of all delivered, sent last. */
  rack_time: u64;
  /** RACK.end_seq: where that segment ends. */
  rack_end_seq: u32;
  /** RACK.rtt, microseconds. */
  rack_rtt_us: u32;
  /** Mean deviation of the round-trip time, and its largest of this round, microseconds times 4. */
  mdev_us4: u32;
  mdev_max_us4: u32;
  /** Where the round ends over which mdev_max_us4 is taken. */
  rtt_seq: u32;
  /** TLP.end_seq, RFC 8985 §7.1: SND.NXT after a loss probe; 0 when none is in flight. */
  tlp_high_seq: u32;
  /** `Pending`: what the retransmission timer stands for. */
  pending: u8;
  /** 1 when the probe repeated a segment: TLP.is_retrans. */
  tlp_retrans: u8;
  /** 1 when RACK.xmit_ts has moved since losses were last looked for. */
  rack_advanced: u8;
  /** 1 while a time-out may yet prove spurious, RFC 5682. */
  frto: u8;
  /** RACK.reo_wnd_mult, and the recoveries that it lasts for. */
  reo_wnd_steps: u8;
  reo_wnd_persist: u8;
  /** RACK.dsack_round is set: the window was widened in the round that ends there. */
  dsack_round_set: u8;
  /** `Chrono`: what holds the sender up, since chrono_start_ms. */
  chrono: u8;
  /** RACK.dsack_round: SND.NXT when a DSACK last widened the reordering window. */
  dsack_round: u32;
  /** Distance in segments within which a segment may be overtaken. */
  reordering: u32;
  /** Most segments in flight since cwnd last held the sender up; 0 while it does. */
  snd_cwnd_used: u32;
  /** Where PSH stands next in what has not left. */
  next_push: u32;
  /** End of the last segment sent that was not full: Minshall's variant of Nagle's rule. */
  snd_sml: u32;
  /** When an ACK last came, timestamp-clock milliseconds. */
  heard_ms: u32;

  // ---- line 1: while something is lost or in doubt ----------------------------------------------
  /** PRR, RFC 9937 §5: segments delivered and sent since recovery began. */
  prr_delivered: u32;
  prr_out: u32;
  /** cwnd and ssthresh before the reduction, for PRR and for its undo; 0: nothing to go back to. */
  prior_cwnd: u32;
  prior_ssthresh: u32;
  /** SND.UNA when recovery began; 0 when there is nothing to undo. */
  undo_marker: u32;
  /** Retransmissions that no DSACK has called needless yet; -1 when there were none to begin with. */
  undo_retrans: i32;
  /** Timestamp clock of the first retransmission of this episode, RFC 3522's RetransmitTS; 0 when none. */
  retrans_stamp: u32;
  /** Segments that were marked lost, ever. */
  lost: u32;
  /** Segments that DSACKs reported, and segments delivered beyond those that the ring counts. */
  dsack_dups: u32;
  delivered_again: u32;
  /** RescueRxt, RFC 6675 §2: the rescue retransmission waits until SND.UNA is beyond it. */
  rescue_rxt: u32;
  /** Ring of `Retransmission` in the order they left, 0 while none is in flight; its numbers run from head to tail. */
  rtx_ring: u32;
  rtx_head: u32;
  rtx_tail: u32;
  /** log2 of the ring's size. */
  rtx_bits: u32;
  /** Where the highest SACKed segment ends; meaningful while any is SACKed. */
  fack: u32;

  // ---- line 2: writes, and what is rare ---------------------------------------------------------
  /** Where the burst begins that the next write is added to, as long as it is smaller than a burst may be. */
  tail_start: u32;
  /** Queue of sequence numbers of PSH before the last one, a slab or 0; from push_head to push_tail. */
  push_ring: u32;
  push_head: u32;
  push_tail: u32;
  /** log2 of the queue's size. */
  push_bits: u8;
  /** 1 when the last byte written is to carry PSH. */
  tail_push: u8;
  /** 1: what is queued leaves although it is small, whatever Nagle and cork say. */
  nagle_push: u8;
  /** 1 while urgent data is not acknowledged. */
  urgent: u8;
  /** Timestamp-clock milliseconds. */
  chrono_start_ms: u32;
  busy_ms: u32;
  rwnd_limited_ms: u32;
  sndbuf_limited_ms: u32;
  /** How often reordering was seen. */
  reord_seen: u32;
  /** When cwnd last held the sender up, timestamp-clock milliseconds. */
  snd_cwnd_stamp_ms: u32;
  /** Before this new data does not leave: pacing. */
  pace_ns: u64;
  /** When the pacing timer is due. */
  t_pacing: u64;
  /** Where PSH stood last in what was written. */
  pushed_seq: u32;
  /** When the first of the retransmissions left that are unanswered now, timestamp-clock milliseconds. */
  unanswered_ms: u32;
  /** SND.UP, RFC 9293 §3.3.1: behind the last urgent byte. */
  snd_up: u32;
  /** When the connection was established, timestamp-clock milliseconds. */
  established_ms: u32;
  /** Payload sent again. */
  bytes_retrans: u64;
  /** SACKed records at `Tcb.lost_frontier` or above. */
  sacked_beyond: u32;
  /** What `Tcb.rtt_min_us` was before it was measured anew, and when that began, timestamp-clock milliseconds. */
  rtt_min_before_us: u32;
  rtt_min_since_ms: u32;
  /** The smallest of all before. */
  rtt_min_ever_us: u32;
}

/** A retransmission in flight; stale when its record was delivered or sent again since. */
@unmanaged
export class Retransmission {
  index: u32;
  unused: u32;
  sent_at: u64;
}
