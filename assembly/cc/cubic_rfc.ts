/**
 * CUBIC to the letter of RFC 9438, with the variables' names of its §4.1.2: time in seconds, windows in segments, both
 * real numbers; the reduced window is Linux's integer. HyStart, see `hystart.ts`, ends the first slow start before the
 * queue overflows (§4.10). What Linux makes of the RFC is in `cubic.ts`.
 */
import { AckSample } from "../layout/engine";
import { CcOption } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { cbrt } from "../base/cbrt";
import { ccOptions } from "./options";
import { HystartState, hystartOnAck } from "./hystart";
import { inSlowStart, setCwnd, slowStart } from "./window";

/** Lies over `Tcb.cc_priv0` and what follows, up to the options in cc_priv7. */
@unmanaged
class CubicState {
  /** Window before the last reduction, after fast convergence. */
  w_max: f64;
  // What follows up to epoch_start means something once a stage has begun; before, HyStart's state lies here
  /** Time that the cubic takes from the epoch's start to w_max. */
  k: f64;
  /** Where the plateau of the cubic lies: w_max, or the window that the epoch began with when that is larger. */
  w_origin: f64;
  /** Estimate of Reno's window, §4.3. */
  w_est: f64;
  /** Window before the reduction: until w_est reaches it, w_est grows with alpha_cubic. */
  cwnd_prior: f64;
  /** Fraction of a segment that cwnd has grown. */
  fraction: f64;
  /** When the current congestion avoidance stage began, nanoseconds; 0 when none has. */
  epoch_start: u64;
}

if (offsetof<CubicState>() > 56) ERROR("CubicState leaves no room for the options in cc_priv7");
if (offsetof<HystartState>() > offsetof<CubicState>("cwnd_prior") - offsetof<CubicState>("k")) {
  ERROR("HystartState does not fit into what a stage of CUBIC needs");
}

const BETA_CUBIC: f64 = 0.7;
/** Linux's 0.7, in 1024ths. */
const BETA_1024: u64 = 717;
/** RFC 8511 §3.1: after a mark, which comes early, the window keeps more. */
const BETA_ECN_1024: u64 = 870;
const C: f64 = 0.4;
/** §4.3: 3 (1 - beta) / (1 + beta). */
const ALPHA_CUBIC: f64 = (3.0 * (1.0 - BETA_CUBIC)) / (1.0 + BETA_CUBIC);

@inline
function stateOf(tcb: Tcb): CubicState {
  return changetype<CubicState>(changetype<usize>(tcb) + offsetof<Tcb>("cc_priv0"));
}

@inline
function hystartOf(tcb: Tcb): HystartState {
  return changetype<HystartState>(changetype<usize>(stateOf(tcb)) + offsetof<CubicState>("k"));
}

/** A stage ends: HyStart begins anew where the stage's state was. */
@inline
function endEpoch(tcb: Tcb): void {
  stateOf(tcb).epoch_start = 0;
  memory.fill(changetype<usize>(hystartOf(tcb)), 0, offsetof<HystartState>());
}

export function cubicRfcInit(tcb: Tcb): void {
  memory.fill(changetype<usize>(stateOf(tcb)), 0, offsetof<CubicState>());
}

/** §4.2: K = cbrt((W_max - cwnd_epoch) / C). */
export function cubicK(w_max: f64, cwnd_epoch: f64): f64 {
  return cbrt((w_max - cwnd_epoch) / C);
}

/** §4.2: W_cubic(t) = C (t - K)^3 + W_max. */
export function cubicWindow(t: f64, k: f64, w_max: f64): f64 {
  const d = t - k;
  return C * d * d * d + w_max;
}

function beginEpoch(tcb: Tcb, s: CubicState, now: u64): void {
  const cwnd_epoch = <f64>tcb.cwnd + s.fraction;
  s.epoch_start = now;
  s.w_est = cwnd_epoch;
  if (cwnd_epoch < s.w_max) {
    s.k = cubicK(s.w_max, cwnd_epoch);
    s.w_origin = s.w_max;
  } else {
    s.k = 0;
    s.w_origin = cwnd_epoch;
  }
}

export function cubicRfcOnAck(tcb: Tcb, sample: AckSample): void {
  const now = sample.now;
  let acked = sample.delivered;
  const s = stateOf(tcb);
  if (inSlowStart(tcb)) {
    if (s.epoch_start == 0 && !(ccOptions(tcb) & CcOption.NO_HYSTART)) hystartOnAck(tcb, hystartOf(tcb), sample);
    acked = slowStart(tcb, acked, now);
    if (!acked) return;
  }
  if (!s.epoch_start) beginEpoch(tcb, s, now);
  const cwnd = <f64>tcb.cwnd + s.fraction;
  const t = <f64>(<i64>(now - s.epoch_start)) * 1e-9;
  const rtt = <f64>(tcb.srtt_us8 >> 3) * 1e-6;

  // §4.3: what Reno would have by now
  const alpha = s.w_est < s.cwnd_prior ? ALPHA_CUBIC : 1.0;
  const share = <f64>acked / cwnd;
  s.w_est += alpha * share;

  let grown: f64;
  if (cubicWindow(t, s.k, s.w_origin) < s.w_est) {
    grown = max(cwnd, s.w_est);
  } else {
    // §4.2 and §4.4: head for the cubic one RTT ahead, at most half as much again in an RTT
    const target = min(max(cubicWindow(t + rtt, s.k, s.w_origin), cwnd), 1.5 * cwnd);
    grown = cwnd + share * (target - cwnd);
  }
  const whole = <u32>(<i32>grown);
  s.fraction = grown - <f64>whole;
  if (whole != tcb.cwnd) setCwnd(tcb, whole, now);
}

/** §4.6 and §4.7: multiplicative decrease and fast convergence. `ecn`: a mark and not a loss was what told. */
export function cubicRfcOnCongestionEvent(tcb: Tcb, ecn: bool): void {
  const s = stateOf(tcb);
  const cwnd = <f64>tcb.cwnd + s.fraction;
  s.w_max = cwnd < s.w_max ? (cwnd * (1.0 + BETA_CUBIC)) / 2.0 : cwnd;
  s.cwnd_prior = cwnd;
  const beta = ecn && ccOptions(tcb) & CcOption.ABE ? BETA_ECN_1024 : BETA_1024;
  tcb.ssthresh = max<u32>(<u32>((<u64>tcb.cwnd * beta) >> 10), 2);
  s.fraction = 0;
  endEpoch(tcb);
}

/** §4.8: the same reduction; the window falls to one, and the stage after slow start begins with K = 0. */
export function cubicRfcOnRto(tcb: Tcb): void {
  cubicRfcOnCongestionEvent(tcb, false);
  stateOf(tcb).w_max = 0;
}

/** §5.8: time in which the application sent nothing does not count. */
export function cubicRfcOnTransmitStart(tcb: Tcb, idle_ms: u32, now: u64): void {
  const s = stateOf(tcb);
  if (s.epoch_start) s.epoch_start = min(s.epoch_start + <u64>idle_ms * 1000000, now);
}
