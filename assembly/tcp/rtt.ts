/** Round-trip time and retransmission time-out, RFC 6298, with Linux's rule for the variance. */
import { Pending, Timer } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { histogramAdd } from "../base/histogram";
import { engine } from "../base/root";
import { seqGt } from "../base/seq";
import { NS_PER_US } from "../base/time";
import { senderOf } from "./sender";
import { timerClear, timerSet } from "./timers";

/** Longer ones count as this, some four minutes: SRTT times 8 and RTTVAR times 4 must fit their words. */
const RTT_US_MAX: u32 = 1 << 28;

/** Takes a sample of `rtt_us` microseconds into SRTT, RTTVAR and RTO. */
export function rttSample(tcb: Tcb, rtt_us: u32): void {
  rttSampleHere(tcb, rtt_us);
}

/** `rttSample`, not as a call. */
@inline
export function rttSampleHere(tcb: Tcb, rtt_us: u32): void {
  rtt_us = min(max(rtt_us, 1), RTT_US_MAX);
  const literal = engine().rto_floor_on_sum != 0;
  const srtt = tcb.srtt_us8;
  if (srtt == 0) {
    // RFC 6298 (2.2): SRTT <- R, RTTVAR <- R/2
    tcb.srtt_us8 = rtt_us << 3;
    tcb.rttvar_us4 = literal ? rtt_us << 1 : max(rtt_us << 1, tcb.rto_min_us);
    if (tcb.tx) beginDeviation(tcb);
  } else {
    const error = <i32>rtt_us - <i32>(srtt >> 3);
    tcb.srtt_us8 = srtt + <u32>error;
    if (literal || tcb.tx == 0) {
      // RFC 6298 (2.3): RTTVAR first, with the old SRTT; alpha 1/8, beta 1/4
      const rttvar = tcb.rttvar_us4;
      tcb.rttvar_us4 = rttvar - (rttvar >> 2) + <u32>abs(error);
    } else {
      updateDeviation(tcb, error, rtt_us);
    }
  }
  tcb.rto_us = computeRto(tcb);
  tcb.backoff = 0;
  tcb.rtt_sum_us += rtt_us;
  tcb.rtt_count++;
  if (rtt_us > tcb.rtt_max_us) tcb.rtt_max_us = rtt_us;
  if (tcb.ext) {
    const histogram = changetype<TcbExt>(<usize>tcb.ext).rtt_histogram;
    if (histogram) histogramAdd(histogram, <u64>rtt_us * NS_PER_US);
  }
}

/** Of one sample the mean deviation is half: RFC 6298 (2.2). */
export function beginDeviation(tcb: Tcb): void {
  const tx = senderOf(tcb);
  tx.mdev_us4 = tcb.srtt_us8 >> 2;
  tx.mdev_max_us4 = tcb.rttvar_us4;
  tx.rtt_seq = tcb.snd_nxt;
}

/**
 * Linux: RTTVAR follows the largest deviation of a round trip, so that a few even samples do not hide a wide one; it
 * falls only once a round, and a round-trip time that falls widens it by an eighth of the usual weight.
 */
function updateDeviation(tcb: Tcb, error: i32, rtt_us: u32): void {
  const tx = senderOf(tcb);
  const mdev = tx.mdev_us4;
  let step = abs(error) - <i32>(mdev >> 2);
  if (error < 0 && step > 0) step >>= 3;
  const deviation = mdev + <u32>step;
  tx.mdev_us4 = deviation;
  if (deviation > tx.mdev_max_us4) {
    tx.mdev_max_us4 = deviation;
    if (deviation > tcb.rttvar_us4) tcb.rttvar_us4 = deviation;
  }
  if (seqGt(tcb.snd_una, tx.rtt_seq)) {
    if (tx.mdev_max_us4 < tcb.rttvar_us4) tcb.rttvar_us4 -= (tcb.rttvar_us4 - tx.mdev_max_us4) >> 2;
    tx.rtt_seq = tcb.snd_nxt;
    tx.mdev_max_us4 = tcb.rto_min_us;
    const e = engine();
    if (e.now_ms - tx.rtt_min_since_ms >= e.min_rtt_wlen_s * 500) renewMinRtt(tcb, rtt_us);
  }
}

/**
 * The smallest round-trip time is that of the last tcp_min_rtt_wlen seconds. Linux keeps three samples of it up to date with
 * each ACK; here half the time is measured anew while what the half before had still counts, so between half and all of it
 * is seen, and ACKs cost nothing for it.
 */
function renewMinRtt(tcb: Tcb, rtt_us: u32): void {
  const e = engine();
  const tx = senderOf(tcb);
  // Samples come at least once a half, or none has come for so long
  const stale = e.now_ms - tx.rtt_min_since_ms >= e.min_rtt_wlen_s * 1500;
  tx.rtt_min_ever_us = min(tx.rtt_min_ever_us, tcb.rtt_min_us);
  tx.rtt_min_before_us = stale ? u32.MAX_VALUE : tcb.rtt_min_us;
  tcb.rtt_min_us = rtt_us;
  tx.rtt_min_since_ms = e.now_ms;
}

/** The smallest round-trip time of the last minutes, microseconds. */
@inline
export function minRtt(tcb: Tcb): u32 {
  return tcb.tx ? min(tcb.rtt_min_us, senderOf(tcb).rtt_min_before_us) : tcb.rtt_min_us;
}

/** A sample for the smallest round-trip time; of ACKs that were delayed only what is smaller still. */
@inline
export function noteMinRtt(tcb: Tcb, rtt_us: u32): void {
  if (rtt_us < tcb.rtt_min_us) tcb.rtt_min_us = max<u32>(rtt_us, 1);
}

function computeRto(tcb: Tcb): u32 {
  const e = engine();
  const srtt = tcb.srtt_us8 >> 3;
  const rttvar = tcb.rttvar_us4;
  const floor = tcb.rto_min_us;
  // Linux floors the variance term, RFC 6298 (2.4) the sum
  const rto = e.rto_floor_on_sum ? max(srtt + rttvar, floor) : srtt + max(rttvar, floor);
  return min(rto, e.rto_max_us);
}

/** The time-out in nanoseconds with its backoff, RFC 6298 (5.5), at most the largest allowed. */
@inline
export function backedOffRto(tcb: Tcb, doublings: u32): u64 {
  // The RTO itself is within bounds
  return doublings ? backOff(tcb, doublings) : <u64>tcb.rto_us * NS_PER_US;
}

function backOff(tcb: Tcb, doublings: u32): u64 {
  const rto = (<u64>tcb.rto_us) << min(doublings, 30);
  return min(rto, <u64>engine().rto_max_us) * NS_PER_US;
}

/** RFC 6298 (5.1) to (5.3): runs while data is outstanding, starts anew when some is acknowledged. */
export function restartRetransmitTimer(tcb: Tcb, now: u64): void {
  if (tcb.tx) senderOf(tcb).pending = <u8>Pending.RETRANSMISSION;
  if (tcb.packets_out) timerSet(tcb, Timer.RETRANSMIT, now + backedOffRto(tcb, tcb.backoff));
  else timerClear(tcb, Timer.RETRANSMIT);
}
