/**
 * HyStart (Ha and Rhee, 2011; RFC 9438 §4.10) as Linux's CUBIC has it: ends slow start when a round's round-trip times have grown by an
 * eighth of the smallest (RFC 9406 §4.2 looks for the same, and grows on more slowly), or when a train of ACKs without
 * gaps has grown as long as half the smallest round-trip time: then a round trip's worth of segments is in flight.
 * No division while slow start goes on, but for one a round.
 */
import { AckSample } from "../layout/engine";
import { Tcb } from "../layout/tcb";
import { seqGt } from "../base/seq";
import { NS_PER_US } from "../base/time";

/** A tick is 1.024 us: its clock costs a shift, and wraps as its differences do. */
const TICK_SHIFT: u32 = 10;
/** Below this window there is no queue worth speaking of. */
const LOW_WINDOW: u32 = 16;
const MIN_SAMPLES: u32 = 8;
const DELAY_US_MIN: u32 = 4000;
const DELAY_US_MAX: u32 = 16000;
/** ACKs further apart than 2 ms are of two trains; in ticks. */
const ACK_DELTA: u32 = 2000000 >> TICK_SHIFT;
/** The largest burst of a sender, four of which an ACK train may be late for, and the most that this counts. */
const BURST_BYTES: u64 = 65536;
const ACK_DELAY_US_MAX: u64 = 1000;

@unmanaged
export class HystartState {
  /** SND.NXT when the round began: it ends when that is acknowledged. */
  end_seq: u32;
  /** When it began, and the last ACK of the train; ticks. */
  round_start: u32;
  last_ack: u32;
  /** Smallest round-trip times, of this round and of all; 0 before the first sample. */
  curr_rtt_us: u32;
  delay_min_us: u32;
  /** What an ACK may be late by for a burst's sake. */
  ack_delay_us: u16;
  /** Samples of this round, counted up to the least that are needed. */
  sample_cnt: u8;
  /** 1 once a first round has begun. */
  begun: u8;
}

/** An ACK in slow start: sets ssthresh to cwnd when it is time to leave. */
export function hystartOnAck(tcb: Tcb, s: HystartState, sample: AckSample): void {
  const rtt_us = sample.rtt_us;
  if (!rtt_us) return;
  if (s.delay_min_us == 0 || rtt_us < s.delay_min_us) s.delay_min_us = rtt_us;
  const now = <u32>(sample.now >> TICK_SHIFT);
  if (!s.begun || seqGt(tcb.snd_una, s.end_seq)) beginRound(tcb, s, now);
  const cwnd = tcb.cwnd;
  if (cwnd < LOW_WINDOW) return;

  const delay_min = s.delay_min_us;
  if (now - s.last_ack <= ACK_DELTA) {
    s.last_ack = now;
    const train_ns = (<u64>(now - s.round_start)) << TICK_SHIFT;
    if (train_ns > <u64>(delay_min + s.ack_delay_us) * (NS_PER_US / 2)) tcb.ssthresh = cwnd;
  }
  if (s.curr_rtt_us == 0 || rtt_us < s.curr_rtt_us) s.curr_rtt_us = rtt_us;
  if (<u32>s.sample_cnt < MIN_SAMPLES) {
    s.sample_cnt++;
  } else if (s.curr_rtt_us > delay_min + min(max(delay_min >> 3, DELAY_US_MIN), DELAY_US_MAX)) {
    tcb.ssthresh = cwnd;
  }
}

function beginRound(tcb: Tcb, s: HystartState, now: u32): void {
  s.begun = 1;
  s.end_seq = tcb.snd_nxt;
  s.round_start = now;
  s.last_ack = now;
  s.curr_rtt_us = 0;
  s.sample_cnt = 0;
  // The rate of slow start is two windows a round trip
  const per_rtt = <u64>tcb.cwnd * tcb.mss * 2;
  s.ack_delay_us = <u16>min((BURST_BYTES * 4 * (tcb.srtt_us8 >> 3)) / per_rtt, ACK_DELAY_US_MAX);
}
