/** Round-trip time and retransmission time-out, RFC 6298. */
import { Timer } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { histogramAdd } from "../base/histogram";
import { engine } from "../base/root";
import { NS_PER_US } from "../base/time";
import { timerClear, timerSet } from "./timers";

/** Longer ones count as this, some four minutes: SRTT times 8 and RTTVAR times 4 must fit their words. */
const RTT_US_MAX: u32 = 1 << 28;

/** Takes a sample of `rtt_us` microseconds into SRTT, RTTVAR and RTO. */
export function rttSample(tcb: Tcb, rtt_us: u32): void {
  if (rtt_us == 0) rtt_us = 1;
  rtt_us = min(rtt_us, RTT_US_MAX);
  const srtt = tcb.srtt_us8;
  if (srtt == 0) {
    // RFC 6298 (2.2): SRTT <- R, RTTVAR <- R/2
    tcb.srtt_us8 = rtt_us << 3;
    tcb.rttvar_us4 = rtt_us << 1;
  } else {
    // RFC 6298 (2.3): RTTVAR first, with the old SRTT; alpha 1/8, beta 1/4
    const error = <i32>rtt_us - <i32>(srtt >> 3);
    const rttvar = tcb.rttvar_us4;
    tcb.rttvar_us4 = rttvar - (rttvar >> 2) + <u32>abs(error);
    tcb.srtt_us8 = srtt + <u32>error;
  }
  tcb.rto_us = computeRto(tcb);
  tcb.backoff = 0;
  tcb.rtt_sum_us += rtt_us;
  tcb.rtt_count++;
  if (rtt_us > tcb.rtt_max_us) tcb.rtt_max_us = rtt_us;
  if (rtt_us < tcb.rtt_min_us) tcb.rtt_min_us = rtt_us;
  if (tcb.ext) {
    const histogram = changetype<TcbExt>(<usize>tcb.ext).rtt_histogram;
    if (histogram) histogramAdd(histogram, <u64>rtt_us * NS_PER_US);
  }
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
export function backedOffRto(tcb: Tcb, doublings: u32): u64 {
  const rto = (<u64>tcb.rto_us) << min(doublings, 30);
  return min(rto, <u64>engine().rto_max_us) * NS_PER_US;
}

/** RFC 6298 (5.1) to (5.3): runs while data is outstanding, starts anew when some is acknowledged. */
@inline
export function restartRetransmitTimer(tcb: Tcb, now: u64): void {
  if (tcb.packets_out) timerSet(tcb, Timer.RETRANSMIT, now + backedOffRto(tcb, tcb.backoff));
  else timerClear(tcb, Timer.RETRANSMIT);
}
