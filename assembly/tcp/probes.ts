/**
 * Asking a silent peer: for its window (RFC 9293 §3.8.6.1, the persist timer), and whether it is there at all (§3.8.4,
 * keepalive). Both send what the peer has to answer, and count what goes unanswered.
 */
import { EndReason, State, TcbFlag, Timer } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { NS_PER_MS, NS_PER_S, timestampClock } from "../base/time";
import { enterClosed } from "./connection";
import { orphanRetries, userTimeout, withinUserTimeout } from "./give_up";
import { sendOverride } from "./new_data";
import { sendProbe, sendReset } from "./output";
import { backedOffRto } from "./rtt";
import { timerClear, timerIsSet, timerSet } from "./timers";

/** Doublings of the probe's interval stop here, if not at the largest RTO before. */
const DOUBLINGS_MAX: u32 = 10;
/** Linux's smallest interval between probes. */
const INTERVAL_MIN: u64 = 200 * NS_PER_MS;

@inline
function extOf(tcb: Tcb): TcbExt {
  return changetype<TcbExt>(<usize>tcb.ext);
}

// ---- The window ------------------------------------------------------------------------------------------------

/** How long until the next probe of the window. */
export function probeInterval(tcb: Tcb, doublings: u32): u64 {
  const base = max(backedOffRto(tcb, tcb.backoff), INTERVAL_MIN);
  return min(base << min(doublings, DOUBLINGS_MAX), <u64>engine().rto_max_us * 1000);
}

/** An ACK has come while nothing is in flight (Linux's tcp_ack_probe): the window is open, or is asked for anew. */
export function windowAnswered(tcb: Tcb, now: u64): void {
  const data = tcb.write_seq - tcb.snd_nxt;
  const fin = (tcb.flags & (TcbFlag.FIN_QUEUED | TcbFlag.FIN_SENT)) == TcbFlag.FIN_QUEUED ? 1 : 0;
  if (!timerIsSet(tcb, Timer.PERSIST)) return;
  const window = <i32>(tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt);
  if (<i32>min<u32>(data, tcb.mss) + fin <= window) {
    tcb.persist_backoff = 0;
    if (tcb.ext) extOf(tcb).probes_at_ms = 0;
    timerClear(tcb, Timer.PERSIST);
  } else {
    setProbeTimer(tcb, now);
  }
}

function setProbeTimer(tcb: Tcb, now: u64): void {
  let interval = probeInterval(tcb, tcb.persist_backoff);
  if (tcb.ext != 0 && extOf(tcb).probes_at_ms != 0) {
    interval = withinUserTimeout(tcb, interval, extOf(tcb).probes_at_ms, now);
  }
  timerSet(tcb, Timer.PERSIST, now + interval);
}

/** The persist timer: what the window allows leaves, however small; else the window is asked for. */
export function persistTimeout(tcb: Tcb, now: u64): void {
  // An early connection (RFC 7413) waits for its handshake, and looks again when that is over
  if (<i32>tcb.state < State.ESTABLISHED) return;
  const waiting =
    tcb.snd_nxt != tcb.write_seq || (tcb.flags & (TcbFlag.FIN_QUEUED | TcbFlag.FIN_SENT)) == TcbFlag.FIN_QUEUED;
  if (!waiting || tcb.packets_out != 0) return;
  if (windowIsGone(tcb, now)) {
    enterClosed(tcb, EndReason.TIMED_OUT, now);
    return;
  }
  if (<i32>(tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt) > 0) {
    sendOverride(tcb, now);
    return;
  }
  if (tcb.unanswered < u8.MAX_VALUE) tcb.unanswered++;
  if (<u32>tcb.persist_backoff < engine().data_retries) tcb.persist_backoff++;
  sendProbe(tcb, now);
  setProbeTimer(tcb, now);
}

/** A peer that answers may keep its window closed for ever; one that does not is given up, an orphan's one sooner. */
function windowIsGone(tcb: Tcb, now: u64): bool {
  const limit_ms = userTimeout(tcb);
  if (limit_ms) {
    const ext = extOf(tcb);
    const now_ms = timestampClock(now);
    if (ext.probes_at_ms == 0) ext.probes_at_ms = max<u32>(now_ms, 1);
    else if (now_ms - ext.probes_at_ms >= limit_ms) return true;
  }
  let probes = engine().data_retries;
  if (tcb.flags & TcbFlag.ORPHAN) {
    const alive = probeInterval(tcb, tcb.persist_backoff) < <u64>engine().rto_max_us * 1000;
    probes = orphanRetries(alive);
  }
  return <u32>tcb.unanswered >= probes;
}

// ---- Keepalive ---------------------------------------------------------------------------------------------------

/** SO_KEEPALIVE; the caller has made the `TcbExt` and stored the setting. Also after a change of the times. */
export function keepaliveChanged(tcb: Tcb, now: u64): void {
  if (!tcb.ext || <i32>tcb.state <= State.LISTEN || tcb.state == <u8>State.TIME_WAIT) return;
  const ext = extOf(tcb);
  if (!ext.keepalive) {
    timerClear(tcb, Timer.KEEPALIVE);
    return;
  }
  if (!timerIsSet(tcb, Timer.KEEPALIVE)) ext.heard_ms = timestampClock(now);
  const silent = <u64>(timestampClock(now) - ext.heard_ms) * NS_PER_MS;
  const idle = idleTime(ext);
  timerSet(tcb, Timer.KEEPALIVE, now + (idle > silent ? idle - silent : 0));
}

/** The peer was heard. */
@inline
export function noteHeard(tcb: Tcb, now: u64): void {
  if (timerIsSet(tcb, Timer.KEEPALIVE)) extOf(tcb).heard_ms = timestampClock(now);
}

function idleTime(ext: TcbExt): u64 {
  return <u64>(ext.keepalive_time_s ? ext.keepalive_time_s : engine().keepalive_time_s) * NS_PER_S;
}

/** Linux's tcp_keepalive_timer. */
export function keepaliveTimeout(tcb: Tcb, now: u64): void {
  const ext = extOf(tcb);
  if (!ext.keepalive || tcb.state == <u8>State.SYN_SENT) return;
  const idle = idleTime(ext);
  // Data in flight, or waiting for a window, has timers of its own
  if (tcb.packets_out != 0 || tcb.snd_nxt != tcb.write_seq + (tcb.flags & TcbFlag.FIN_SENT ? 1 : 0)) {
    timerSet(tcb, Timer.KEEPALIVE, now + idle);
    return;
  }
  const silent = <u64>(timestampClock(now) - ext.heard_ms) * NS_PER_MS;
  if (silent < idle) {
    timerSet(tcb, Timer.KEEPALIVE, now + idle - silent);
    return;
  }
  const limit = <u64>ext.user_timeout_ms * NS_PER_MS;
  const probes: u32 = ext.keepalive_probes ? ext.keepalive_probes : engine().keepalive_probes;
  if (limit != 0 ? silent >= limit && tcb.unanswered != 0 : <u32>tcb.unanswered >= probes) {
    sendReset(tcb, now);
    enterClosed(tcb, EndReason.TIMED_OUT, now);
    return;
  }
  if (tcb.unanswered < u8.MAX_VALUE) tcb.unanswered++;
  sendProbe(tcb, now);
  const interval = ext.keepalive_interval_s ? ext.keepalive_interval_s : engine().keepalive_interval_s;
  timerSet(tcb, Timer.KEEPALIVE, now + <u64>interval * NS_PER_S);
}
