/**
 * How much leaves at once, and how fast: bursts sized by the pacing rate (Linux's TSO autosizing), and pacing itself,
 * for who asks for it. The rate is cwnd / SRTT, with room to grow: twice that in slow start, 1.2 times after.
 */
import { TcbFlag, Timer } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { NS_PER_S } from "../base/time";
import { minRtt } from "./rtt";
import { sentAt, sentTail } from "./sent";
import { timerIsSet, timerSet } from "./timers";

/** A burst is what the pacing rate lets out in a 1024th of a second. */
const PACING_SHIFT: u32 = 10;
/** Segments that leave before the rate is held to: the path is not known yet. */
const UNPACED: u32 = 10;

/** Bytes a second. */
export function pacingRate(tcb: Tcb): u64 {
  const e = engine();
  const ratio = tcb.cwnd < tcb.ssthresh >> 1 ? e.pacing_ss_ratio : e.pacing_ca_ratio;
  let rate = <u64>tcb.mss * max(tcb.cwnd, tcb.packets_out) * ratio * 80000;
  if (tcb.srtt_us8) rate /= tcb.srtt_us8;
  const ext = changetype<TcbExt>(<usize>tcb.ext);
  return tcb.ext != 0 && ext.max_pacing_rate != 0 ? min(rate, ext.max_pacing_rate) : rate;
}

/** Segments that the next burst may hold, of `free` that cwnd has room for; without TSO all that may leave. */
export function burstSegments(tcb: Tcb, mss: u32, cwnd: u32, free: u32): u32 {
  const most = engine().tso_bytes_max;
  if (!most) return tcb.flags & TcbFlag.SEND_CARE ? min<u32>(free, 1) : free;
  // Two bursts at least share the window
  const share = min(free, max<u32>(cwnd >> 1, 1));
  // What every burst may hold need not be worked out
  return share <= engine().tso_segs_min ? share : min(share, autosized(tcb, mss, most));
}

/** Linux's tcp_tso_autosize. */
function autosized(tcb: Tcb, mss: u32, most: u32): u32 {
  const e = engine();
  let bytes = pacingRate(tcb) >> PACING_SHIFT;
  const far = minRtt(tcb) >> e.tso_rtt_log;
  if (far < 32) bytes += most >> far;
  return max(<u32>min<u64>(bytes, most) / mss, e.tso_segs_min);
}

/** True while new data has to wait for its turn; the timer is set then. */
export function pacingHolds(tcb: Tcb, sender: Sender, now: u64): bool {
  if (sender.pace_ns <= now) return false;
  if (!timerIsSet(tcb, Timer.PACING)) timerSet(tcb, Timer.PACING, sender.pace_ns);
  return true;
}

/** A burst of `bytes` has left: the next one's turn comes when the rate has let it pass. */
export function paceBurst(tcb: Tcb, sender: Sender, bytes: u32, now: u64): void {
  if (!isPaced(tcb)) return;
  if (tcb.segments_sent < UNPACED) {
    sender.pace_ns = now;
    return;
  }
  const rate = pacingRate(tcb);
  if (!rate) return;
  let span = (<u64>bytes * NS_PER_S) / rate;
  // A timer that was late is made up for, by half the span at most
  const late = now - min(sender.pace_ns, now);
  span -= min(span >> 1, late);
  sender.pace_ns = now + span;
}

/** Whether this connection paces: all do, or it has a SO_MAX_PACING_RATE. */
@inline
export function isPaced(tcb: Tcb): bool {
  if (engine().pacing) return true;
  return tcb.ext != 0 && changetype<TcbExt>(<usize>tcb.ext).max_pacing_rate != 0;
}
