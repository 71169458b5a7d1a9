/**
 * CUBIC as Linux computes it: RFC 9438 in whole segments, whole milliseconds and a counter of ACKs. Where that differs from
 * the RFC's real numbers (`cubic_rfc.ts`): the window grows by one segment for each `cnt` acknowledged, the curve is
 * looked at once a millisecond at most, and Reno's estimated window keeps alpha below one for ever (§4.3).
 * HyStart, see `hystart.ts`, ends the first slow start before the queue overflows (§4.10).
 */
import { AckSample } from "../layout/engine";
import { CcOption } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { cbrt } from "../base/cbrt";
import { timestampClock } from "../base/time";
import { ccOptions } from "./options";
import { HystartState, hystartOnAck } from "./hystart";
import { additiveIncrease, inSlowStart, slowStart } from "./window";

/** Lies over `Tcb.cc_priv0` and what follows, up to the options in cc_priv7. */
@unmanaged
class CubicState {
  // Of a stage of congestion avoidance; in slow start HyStart's state lies here, see `hystartOf`
  /** K, §4.2: from the stage's start to the plateau, in 1024ths of a second. */
  k: u32;
  /** Where the plateau lies, segments. */
  origin: u32;
  /** Segments acknowledged that Reno's estimate has not counted yet. */
  ack_cnt: u32;
  /** Reno's estimated window, W_est. */
  tcp_cwnd: u32;
  /** Smallest round-trip time, microseconds; 0 before the first. HyStart's own. */
  delay_min_us: u32;
  hystart_rest: u32;
  // Of the connection
  /** Segments acknowledged for which the window grows by one. */
  cnt: u32;
  /** W_max: the window before the last reduction, after fast convergence. */
  last_max_cwnd: u32;
  /** The window, and when, that the curve was last looked at for. */
  last_cwnd: u32;
  last_time_ms: u32;
  /** When the stage began; 0 when none has. */
  epoch_start_ms: u32;
}

if (offsetof<CubicState>() > 56) ERROR("CubicState leaves no room for the options in cc_priv7");
if (offsetof<CubicState>("delay_min_us") != offsetof<HystartState>("delay_min_us")) {
  ERROR("HystartState and CubicState have the smallest round-trip time in different places");
}
if (offsetof<HystartState>() > offsetof<CubicState>("cnt")) ERROR("HystartState reaches into what outlives a stage");

/** beta of 1024, §4.6. */
const BETA: u32 = 717;
/** RFC 8511 §3.1: after a mark, which comes early, the window keeps more. */
const BETA_ECN: u32 = 870;
/** The segments for which Reno's estimate grows by one are cwnd times this, of 8: 8 (1 + beta) / (3 (1 - beta)). */
const RENO_SCALE: u32 = 15;
/** C of §4.2 in 1024ths, times ten: what (t - K)^3 in 1024ths of a second is worth, of 2^40. */
const CUBE_SCALE: u64 = 410;
const CUBE_SHIFT: u64 = 40;
/** 2^40 / (10 C): K^3 for each segment that the window is short of the plateau. */
const CUBE_FACTOR: f64 = 1099511627776.0 / 410.0;
/** Five minutes: the cube of a longer time would not fit. */
const FAR: u64 = 307200;
/** Round-trip times right after a recovery say nothing of the path. */
const SETTLE_MS: u32 = 1000;
/** An unchanged window is not looked at again within this time. */
const LOOK_AGAIN_MS: u32 = 31;

@inline
function stateOf(tcb: Tcb): CubicState {
  return changetype<CubicState>(changetype<usize>(tcb) + offsetof<Tcb>("cc_priv0"));
}

@inline
function hystartOf(s: CubicState): HystartState {
  return changetype<HystartState>(changetype<usize>(s));
}

export function cubicInit(tcb: Tcb): void {
  memory.fill(changetype<usize>(stateOf(tcb)), 0, offsetof<CubicState>());
}

export function cubicOnAck(tcb: Tcb, sample: AckSample): void {
  const now = sample.now;
  const s = stateOf(tcb);
  let acked = sample.delivered;
  if (inSlowStart(tcb)) {
    if (s.epoch_start_ms == 0 && !(ccOptions(tcb) & CcOption.NO_HYSTART)) hystartOnAck(tcb, hystartOf(s), sample);
    acked = slowStart(tcb, acked, now);
    if (!acked) return;
  }
  const now_ms = timestampClock(now);
  const rtt_us = sample.rtt_us;
  if (rtt_us != 0 && (s.delay_min_us == 0 || rtt_us < s.delay_min_us)) {
    if (s.epoch_start_ms == 0 || now_ms - s.epoch_start_ms >= SETTLE_MS) s.delay_min_us = rtt_us;
  }
  // Samples of ACKs that did not ask for growth are the connection's
  if (s.delay_min_us == 0 && tcb.rtt_min_us != u32.MAX_VALUE) s.delay_min_us = tcb.rtt_min_us;
  update(s, tcb.cwnd, acked, now_ms);
  additiveIncrease(tcb, s.cnt, acked, now);
}

/** Works out `cnt`. */
function update(s: CubicState, cwnd: u32, acked: u32, now_ms: u32): void {
  s.ack_cnt += acked;
  const since = now_ms - s.last_time_ms;
  if (s.epoch_start_ms != 0) {
    if (s.last_cwnd == cwnd && since <= LOOK_AGAIN_MS) return;
    if (since) look(s, cwnd, now_ms);
  } else {
    beginStage(s, cwnd, acked, now_ms);
    look(s, cwnd, now_ms);
  }
  followReno(s, cwnd);
  // At most half as much again in a round trip, §4.4
  s.cnt = max(s.cnt, 2);
}

function beginStage(s: CubicState, cwnd: u32, acked: u32, now_ms: u32): void {
  // 0 says that there is none
  s.epoch_start_ms = max<u32>(now_ms, 1);
  s.ack_cnt = acked;
  s.tcp_cwnd = cwnd;
  s.hystart_rest = 0;
  if (s.last_max_cwnd <= cwnd) {
    s.k = 0;
    s.origin = cwnd;
  } else {
    s.k = <u32>cbrt(CUBE_FACTOR * <f64>(s.last_max_cwnd - cwnd));
    s.origin = s.last_max_cwnd;
  }
}

/** Where the curve is a round trip ahead, §4.2, and how fast the window has to grow to be there. */
function look(s: CubicState, cwnd: u32, now_ms: u32): void {
  s.last_cwnd = cwnd;
  s.last_time_ms = now_ms;
  const ahead_ms = <u64>(now_ms - s.epoch_start_ms) + s.delay_min_us / 1000;
  const t = (ahead_ms << 10) / 1000;
  const before = t < s.k;
  const distance = min(before ? s.k - t : t - s.k, FAR);
  const delta = <u32>((CUBE_SCALE * distance * distance * distance) >> CUBE_SHIFT);
  const target = before ? s.origin - delta : s.origin + delta;
  let cnt = <i32>(target - cwnd) > 0 ? cwnd / (target - cwnd) : 100 * cwnd;
  // As long as no loss has told what the path takes: a twentieth a round trip at least
  if (s.last_max_cwnd == 0) cnt = min<u32>(cnt, 20);
  s.cnt = cnt;
}

/** §4.3: not slower than Reno would be. */
function followReno(s: CubicState, cwnd: u32): void {
  const each = (cwnd * RENO_SCALE) >> 3;
  if (s.ack_cnt > each) {
    const steps = (s.ack_cnt - 1) / each;
    s.ack_cnt -= steps * each;
    s.tcp_cwnd += steps;
  }
  if (s.tcp_cwnd > cwnd) s.cnt = min(s.cnt, cwnd / (s.tcp_cwnd - cwnd));
}

/** §4.6 and §4.7: multiplicative decrease and fast convergence. `ecn`: a mark and not a loss was what told. */
export function cubicOnCongestionEvent(tcb: Tcb, ecn: bool): void {
  const s = stateOf(tcb);
  const cwnd = tcb.cwnd;
  endStage(s);
  s.last_max_cwnd = cwnd < s.last_max_cwnd ? <u32>((<u64>cwnd * (1024 + BETA)) >> 11) : cwnd;
  const beta = ecn && ccOptions(tcb) & CcOption.ABE ? BETA_ECN : BETA;
  tcb.ssthresh = max<u32>(<u32>((<u64>cwnd * beta) >> 10), 2);
}

/** HyStart begins anew where the stage's state was. */
@inline
function endStage(s: CubicState): void {
  s.epoch_start_ms = 0;
  s.hystart_rest = 0;
}

/** §4.8: the same reduction; what was known of the path is forgotten. */
export function cubicOnRto(tcb: Tcb): void {
  cubicOnCongestionEvent(tcb, false);
  memory.fill(changetype<usize>(stateOf(tcb)), 0, offsetof<CubicState>());
}

/** §5.8: time in which the application sent nothing does not count. */
export function cubicOnTransmitStart(tcb: Tcb, idle_ms: u32, now: u64): void {
  const s = stateOf(tcb);
  if (s.epoch_start_ms == 0 || <i32>idle_ms <= 0) return;
  const begun = s.epoch_start_ms + idle_ms;
  const now_ms = timestampClock(now);
  s.epoch_start_ms = <i32>(begun - now_ms) > 0 ? now_ms : begun;
}
