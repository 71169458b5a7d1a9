/**
 * New data: when it leaves, in what bursts, and what that says of the congestion window. The peer's window and silly
 * windows RFC 9293 §3.8.6.2.1, Nagle's rule §3.7.4 in Minshall's variant, bursts and PSH as Linux's TSO has them, idle
 * periods RFC 5681 §4.1, window validation by Linux's rule.
 */
import { CaState, Chrono, Flag, MtuProbe, Opt, Sent, State, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { takeSegmentHere } from "../base/pool";
import { engine } from "../base/root";
import { seqGeq, seqGt, seqLeq } from "../base/seq";
import { NS_PER_MS, NS_PER_US, timestampClock } from "../base/time";
import { ccOnApplicationLimited, ccOnIdle, ccOnTransmitStart } from "../cc/cc";
import { isCwndLimited } from "../cc/window";
import { chronoStart, chronoStop } from "./chrono";
import { answerSent } from "./delayed_ack";
import { fastOpenIsEarly } from "./fast_open";
import { beginProbe, probeIsDue } from "./mtu_probing";
import { head, send, setHead, settleOwedAck, optionRoom } from "./output";
import { burstSegments, paceBurst, pacingHolds } from "./pacing";
import { pathMtuExpires } from "./pmtu";
import { isPushed, passMarks } from "./push";
import { probeInterval } from "./probes";
import { noteSentInReduction } from "./prr";
import { selectWindowHere } from "./receive_window";
import { backedOffRto } from "./rtt";
import { senderOf, takeSender } from "./sender";
import { inFlight, sentAt, sentIn, sentPush, sentReserve, sentTail } from "./sent";
import { timerClear, timerIsSet, timerSet } from "./timers";
import { watchNewData } from "./tlp";
import { isUrgent } from "./urgent";

/** New data as far as cwnd, the peer's window and Nagle allow; the FIN behind the last of it. */
export function sendNew(tcb: Tcb, now: u64): bool {
  const finQueued = (tcb.flags & TcbFlag.FIN_QUEUED) != 0;
  if (tcb.snd_nxt == tcb.write_seq && !finQueued) return false;
  if ((<i32>tcb.state < State.ESTABLISHED && !maySendEarly(tcb)) || tcb.flags & TcbFlag.FIN_SENT) return false;
  takeSender(tcb);
  const sender = senderOf(tcb);
  chronoStart(sender, Chrono.BUSY, now);
  const begin = tcb.snd_nxt;
  const out = tcb.packets_out;
  if (tcb.flags & TcbFlag.SEND_CARE && mtuProbeHolds(tcb, sender, now)) return false;
  let flight = inFlight(tcb);
  const room = flight ? steadyRoom(tcb, sender, flight) : -1;
  if (room >= 0) {
    if (room) sendFullSegments(tcb, sender, <u32>room, tcb.mss, false, false, now);
    noteCwndLimited(tcb, sender);
    if (room) newDataLeft(tcb, out, now);
    return room != 0;
  }
  const mss = <u32>tcb.mss - optionRoom(tcb, now);
  const edge = tcb.snd_una + tcb.snd_wnd;
  const cwnd = tcb.cwnd;
  let cwndLimited = false;
  let rwndLimited = false;
  for (;;) {
    if (flight >= cwnd || tcb.flags & TcbFlag.FIN_SENT) break;
    const data = tcb.write_seq - tcb.snd_nxt;
    if (data == 0 && !finQueued) break;
    const window = <i32>(edge - tcb.snd_nxt);
    if (data <= mss) {
      // The last segment: it fits whole, its FIN too, or waits
      if (<i32>data + (finQueued ? 1 : 0) > window) {
        rwndLimited = true;
        break;
      }
      if (!finQueued && data < mss && nagleHolds(tcb, sender)) break;
      if (tcb.flags & TcbFlag.SEND_CARE && pacingHolds(tcb, sender, now)) break;
      if (flight == 0) startsAnew(tcb, now);
      sendOne(tcb, sender, data, finQueued, isPushed(sender, tcb.snd_nxt + data), 0, now);
      if (data < mss) sender.snd_sml = tcb.snd_nxt;
      if (tcb.flags & TcbFlag.SEND_CARE) paceBurst(tcb, sender, data, now);
      flight++;
      break;
    }
    if (<i32>mss > window) {
      rwndLimited = true;
      break;
    }
    if (tcb.flags & TcbFlag.SEND_CARE && pacingHolds(tcb, sender, now)) break;
    const room = min(data, <u32>window);
    const free = cwnd - flight;
    let quota = isUrgent(tcb, sender) ? 1 : burstSegments(tcb, mss, cwnd, free);
    const whole = quota > 1 && engine().tso_bytes_max != 0;
    if (whole && burstWaits(tcb, mss, quota, free, <u32>window, data, now)) {
      if (<u64>free * mss < <u64>window) cwndLimited = cwndLimited || <u64>free * mss <= <u64>data;
      else rwndLimited = rwndLimited || <u32>window <= data;
      break;
    }
    let rest: u32 = 0;
    if (<u64>quota * mss > room) {
      quota = room / mss;
      rest = room - quota * mss;
      // What is left over rides along where a burst can take it, if it might leave by itself
      if (!whole || (rest != 0 && nagleHolds(tcb, sender))) rest = 0;
    }
    if (flight == 0) startsAnew(tcb, now);
    sendBurst(tcb, sender, quota, mss, rest, whole, now);
    flight += rest ? quota + 1 : quota;
    if (tcb.flags & TcbFlag.SEND_CARE) paceBurst(tcb, sender, quota * mss + rest, now);
  }
  if (rwndLimited) chronoStart(sender, Chrono.RWND_LIMITED, now);
  else if (sender.chrono == <u8>Chrono.RWND_LIMITED) chronoStop(tcb, sender, Chrono.RWND_LIMITED, now);
  cwndLimited = cwndLimited || flight >= cwnd;
  const sent = tcb.snd_nxt != begin;
  if (sent || cwndLimited) validateCwnd(tcb, sender, cwndLimited, now);
  if (sent) {
    assert(inFlight(tcb) <= cwnd, "new data beyond the congestion window");
    assert(seqLeq(tcb.snd_nxt, edge), "new data beyond the peer's window");
    newDataLeft(tcb, out, now);
  } else if (tcb.packets_out == 0 && !timerIsSet(tcb, Timer.PERSIST)) {
    // RFC 9293 §3.8.6.1: data waits, nothing is in flight, so only a probe can learn of the window
    timerSet(tcb, Timer.PERSIST, now + probeInterval(tcb, tcb.persist_backoff));
  }
  return sent;
}

/** Segments that cwnd lets go for a steady sender that has some in flight; -1 when more must be asked than cwnd. */
@inline
export function steadyRoom(tcb: Tcb, sender: Sender, flight: u32): i32 {
  if (!isSteady(tcb, sender)) return -1;
  const room = <i32>(tcb.cwnd - flight);
  if (room <= 0) return 0;
  const bytes = <u64>room * tcb.mss;
  const begin = tcb.snd_nxt;
  const window = <i32>(tcb.snd_una + tcb.snd_wnd - begin);
  return bytes >= <u64>(tcb.write_seq - begin) || <i64>bytes > <i64>window ? -1 : room;
}

/** Sends what `steadyRoom` has found, if any; the timer is the caller's. */
@inline
export function sendSteadily(tcb: Tcb, sender: Sender, room: u32, now: u64): void {
  if (room) {
    sendFullSegmentsHere(tcb, sender, room, tcb.mss, false, false, now);
    tcb.last_sent_ms = timestampClock(now);
  }
  noteCwndLimited(tcb, sender);
}

/** An endless writer in a simulation, of which mostly cwnd decides what leaves: nothing of the rest need be asked. */
@inline
function isSteady(tcb: Tcb, sender: Sender): bool {
  const care = TcbFlag.SEND_CARE | TcbFlag.OUT_OF_ORDER | TcbFlag.REAL_BYTES | TcbFlag.FIN_QUEUED | TcbFlag.ECN;
  if ((tcb.flags & (TcbFlag.WRITES_FOR_EVER | care)) != TcbFlag.WRITES_FOR_EVER) return false;
  return engine().tso_bytes_max == 0 && sender.chrono == <u8>Chrono.BUSY;
}

/** RFC 4821: sends a probe of the path MTU when one is due. True while new data waits for one to get room. */
function mtuProbeHolds(tcb: Tcb, sender: Sender, now: u64): bool {
  const probe = probeIsDue(tcb, sender, now);
  if (probe == MtuProbe.SEND) {
    if (inFlight(tcb) == 0) startsAnew(tcb, now);
    const length = beginProbe(tcb, now);
    sendOne(tcb, sender, length, false, isPushed(sender, tcb.snd_nxt + length), 0, now);
  }
  return probe == MtuProbe.WAITS;
}

/** RFC 7413 §4.2.2: a connection that was made by its SYN may send before the handshake is over. */
function maySendEarly(tcb: Tcb): bool {
  return tcb.state == <u8>State.SYN_RECEIVED && fastOpenIsEarly(tcb);
}

/** What follows when new data has left; `out` segments were in flight before. */
function newDataLeft(tcb: Tcb, out: u32, now: u64): void {
  tcb.last_sent_ms = timestampClock(now);
  noteSentInReduction(tcb, tcb.packets_out - out);
  watchNewData(tcb, out, now);
  if (!out) {
    // What is unanswered from now on are not the probes of a window that was closed
    tcb.unanswered = 0;
    tcb.persist_backoff = 0;
    timerClear(tcb, Timer.PERSIST);
  }
}

/** RFC 9293 §3.7.4 and TCP_CORK: must a segment that is not full wait? Minshall: only for another small one. */
function nagleHolds(tcb: Tcb, sender: Sender): bool {
  if (sender.nagle_push != 0 || isUrgent(tcb, sender)) return false;
  if (tcb.flags & TcbFlag.CORK) return true;
  if (tcb.flags & TcbFlag.NODELAY || tcb.packets_out == 0) return false;
  return seqGt(sender.snd_sml, tcb.snd_una) && seqLeq(sender.snd_sml, tcb.snd_nxt);
}

/**
 * Linux's tcp_tso_should_defer: a burst smaller than it might be waits for the ACK that lets it grow, if one is
 * likely to come soon.
 */
function burstWaits(tcb: Tcb, mss: u32, quota: u32, free: u32, window: u32, data: u32, now: u64): bool {
  if (<i32>tcb.ca_state >= CaState.RECOVERY || tcb.packets_out == 0) return false;
  if (now - sentAt(tcb, sentTail(tcb) - 1).sent_at > NS_PER_MS) return false;
  const cong_win = <u64>free * mss;
  const limit = min(<u64>window, cong_win);
  if (limit >= <u64>burstSegments(tcb, mss, u32.MAX_VALUE, u32.MAX_VALUE) * mss) return false;
  const divisor = engine().tso_win_divisor;
  if (divisor) {
    if (limit >= min<u64>(tcb.snd_wnd, <u64>tcb.cwnd * mss) / divisor) return false;
  } else if (limit > <u64>3 * mss) {
    return false;
  }
  // The next ACK is far if the oldest segment left less than half a round trip ago
  if (now - sentAt(tcb, tcb.sent_head).sent_at < <u64>(tcb.srtt_us8 >> 4) * NS_PER_US) return false;
  if (cong_win < window ? cong_win <= data : window <= data) return true;
  return !(tcb.flags & TcbFlag.FIN_QUEUED);
}

/** `count` full segments and `rest` bytes more that leave as one, PSH on the last when `whole`. */
function sendBurst(tcb: Tcb, sender: Sender, count: u32, mss: u32, rest: u32, whole: bool, now: u64): void {
  const segments = rest ? count + 1 : count;
  const force = whole && segments > 1;
  const end = tcb.snd_nxt + count * mss + rest;
  const fin = (tcb.flags & TcbFlag.FIN_QUEUED) != 0 && end == tcb.write_seq && end != tcb.snd_una + tcb.snd_wnd;
  let joins: u32 = 0;
  // The one with the FIN, and what is shorter, is built by itself
  let full = fin && !rest ? count - 1 : count;
  if (!(tcb.flags & (TcbFlag.REAL_BYTES | TcbFlag.OUT_OF_ORDER | TcbFlag.ECN)) && !isUrgent(tcb, sender)) {
    if (full) {
      sendFullSegments(tcb, sender, full, mss, force && full == segments, whole, now);
      joins = whole ? <u32>Sent.CONTINUES : 0;
    }
    full = 0;
  }
  for (; full; full--) {
    const last = full == 1 && !rest && !fin;
    sendOne(tcb, sender, mss, false, (force && last) || isPushed(sender, tcb.snd_nxt + mss), joins, now);
    joins = whole ? <u32>Sent.CONTINUES : 0;
  }
  if (rest) {
    sendOne(tcb, sender, rest, fin, force || isPushed(sender, end), joins, now);
    sender.snd_sml = tcb.snd_nxt;
  } else if (fin) {
    sendOne(tcb, sender, mss, true, force || isPushed(sender, end), joins, now);
  }
}

/**
 * `count` full segments of new data in one go: what is the same in all of them is worked out once. Only for virtual
 * bytes, while nothing is held out of order, and without ECN.
 */
function sendFullSegments(tcb: Tcb, sender: Sender, count: u32, mss: u32, force: bool, whole: bool, now: u64): void {
  sendFullSegmentsHere(tcb, sender, count, mss, force, whole, now);
}

/** `sendFullSegments`, not as a call. */
@inline
function sendFullSegmentsHere(
  tcb: Tcb,
  sender: Sender,
  count: u32,
  mss: u32,
  force: bool,
  whole: bool,
  now: u64,
): void {
  const e = engine();
  const ack = tcb.rcv_nxt;
  const wnd = selectWindowHere(tcb);
  const stamped = (tcb.flags & TcbFlag.TIMESTAMPS) != 0;
  const tsval = timestampClock(now) + tcb.iss;
  const tsecr = tcb.ts_recent;
  const word = head(tcb, stamped ? <u32>Opt.TIMESTAMPS : 0, Flag.ACK);
  // len, wnd and tsval lie in one word too
  const middle = (<u64>mss) | ((<u64>wnd) << 16) | ((<u64>tsval) << 32);
  let next_push = sender.next_push;
  const joins: u64 = whole ? (<u64>Sent.CONTINUES) << 32 : 0;
  let seq = tcb.snd_nxt;
  sentReserve(tcb, count);
  const ring = <usize>tcb.sent;
  const mask = ((<u32>1) << tcb.sent_bits) - 1;
  let index = sentTail(tcb);
  let meta: u64 = 0;
  let last = e.out_head ? <usize>e.out_tail : 0;
  for (const end = index + count; index != end; index++) {
    const record = sentIn(ring, mask, index);
    store<u64>(changetype<usize>(record), (<u64>seq) | meta);
    meta = joins;
    record.sent_at = now;
    const segment = takeSegmentHere();
    const at = changetype<usize>(segment);
    if (last) changetype<Segment>(last).next = <u32>at;
    else e.out_head = <u32>at;
    last = at;
    segment.seq = seq;
    seq += mss;
    segment.ack = ack;
    store<u64>(changetype<usize>(segment), middle, offsetof<Segment>("len"));
    segment.tsecr = tsecr;
    setHead(segment, word);
    if (seqGeq(seq, next_push)) {
      record.meta |= Sent.PUSH;
      segment.flags = <u8>(Flag.ACK | Flag.PSH);
      tcb.snd_nxt = seq;
      passMarks(tcb, sender);
      next_push = sender.next_push;
    }
  }
  changetype<Segment>(last).next = 0;
  e.out_tail = <u32>last;
  if (force) changetype<Segment>(last).flags = <u8>(Flag.ACK | Flag.PSH);
  tcb.packets_out += count;
  tcb.snd_nxt = seq;
  tcb.last_ack_sent = ack;
  tcb.segments_sent += count;
  settleOwedAck(tcb);
  answerSent(tcb, now);
}

/** One segment of new data, or the FIN alone. */
function sendOne(tcb: Tcb, sender: Sender, len: u32, fin: bool, push: bool, joins: u32, now: u64): void {
  const seq = tcb.snd_nxt;
  const end = seq + len;
  const marked = len != 0 && isPushed(sender, end);
  sentPush(tcb, seq, joins | (fin ? <u32>Sent.FIN : 0) | (marked ? <u32>Sent.PUSH : 0), now);
  let flags: u32 = push && len != 0 ? <u32>Flag.PSH : 0;
  tcb.snd_nxt = end;
  if (fin) {
    tcb.snd_nxt = end + 1;
    tcb.flags |= TcbFlag.FIN_SENT;
    flags |= Flag.FIN;
  }
  send(tcb, seq, len, flags, now, 0);
  if (marked) passMarks(tcb, sender);
}

/** A loss probe with new data, one segment whatever cwnd and Nagle say. True when there was any. */
export function probeWithNewData(tcb: Tcb, now: u64): bool {
  if (tcb.flags & TcbFlag.FIN_SENT) return false;
  const sender = senderOf(tcb);
  const data = tcb.write_seq - tcb.snd_nxt;
  const mss = <u32>tcb.mss - optionRoom(tcb, now);
  const fin = (tcb.flags & TcbFlag.FIN_QUEUED) != 0 && data <= mss;
  const len = min(data, mss);
  if (len == 0 && !fin) return false;
  if (<i32>(tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt) < <i32>len + (fin ? 1 : 0)) return false;
  const out = tcb.packets_out;
  sendOne(tcb, sender, len, fin, isPushed(sender, tcb.snd_nxt + len), 0, now);
  if (len < mss) sender.snd_sml = tcb.snd_nxt;
  tcb.last_sent_ms = timestampClock(now);
  noteSentInReduction(tcb, tcb.packets_out - out);
  return true;
}

/** Sends a segment of new data although RFC 9293's rules would wait: the persist timer's override time-out. */
export function sendOverride(tcb: Tcb, now: u64): void {
  takeSender(tcb);
  const sender = senderOf(tcb);
  const window = tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt;
  const data = tcb.write_seq - tcb.snd_nxt;
  const mss = <u32>tcb.mss - optionRoom(tcb, now);
  const len = min(min(data, mss), window);
  const fin = (tcb.flags & TcbFlag.FIN_QUEUED) != 0 && len == data && len < window;
  const end = tcb.snd_nxt + len;
  if (seqGt(end, sender.pushed_seq)) sender.pushed_seq = end;
  sendOne(tcb, sender, len, fin, true, 0, now);
  if (len < mss) sender.snd_sml = tcb.snd_nxt;
  newDataLeft(tcb, 0, now);
}

/**
 * Congestion window validation, RFC 7661's aim by Linux's rule: was cwnd what held the sender back? Where it was not
 * for a time-out, and a silence is to cost the window, it moves halfway to what was used (RFC 2861).
 */
function validateCwnd(tcb: Tcb, sender: Sender, limited: bool, now: u64): void {
  if (limited) {
    noteCwndLimited(tcb, sender);
    return;
  }
  const was = (tcb.flags & TcbFlag.CWND_LIMITED) != 0;
  if (seqLeq(tcb.cwnd_usage_seq, tcb.snd_una) || (!was && tcb.packets_out > tcb.max_packets_out)) {
    tcb.flags &= ~TcbFlag.CWND_LIMITED;
    tcb.max_packets_out = tcb.packets_out;
    tcb.cwnd_usage_seq = tcb.snd_nxt;
  }
  if (isCwndLimited(tcb)) {
    if (sender.snd_cwnd_used) sender.snd_cwnd_used = 0;
    return;
  }
  const now_ms = timestampClock(now);
  // Until the last time that something left, cwnd was the limit
  if (!sender.snd_cwnd_used) sender.snd_cwnd_stamp_ms = tcb.last_sent_ms;
  if (tcb.packets_out > sender.snd_cwnd_used) sender.snd_cwnd_used = tcb.packets_out;
  const blocked = (tcb.flags & TcbFlag.WRITE_BLOCKED) != 0;
  if (engine().slow_start_after_idle && (now_ms - sender.snd_cwnd_stamp_ms) * 1000 >= tcb.rto_us) {
    if (tcb.ca_state == <u8>CaState.OPEN && !blocked) {
      ccOnApplicationLimited(tcb, max(sender.snd_cwnd_used, <u32>tcb.initial_cwnd), now);
      sender.snd_cwnd_used = 0;
    }
    sender.snd_cwnd_stamp_ms = now_ms;
  }
  // Nothing is left to send, and the application waits for room
  const writes = tcb.state == <u8>State.ESTABLISHED || tcb.state == <u8>State.CLOSE_WAIT;
  if (blocked && writes && tcb.snd_nxt == tcb.write_seq) chronoStart(sender, Chrono.SNDBUF_LIMITED, now);
}

/** cwnd is what holds the sender back. */
@inline
function noteCwndLimited(tcb: Tcb, sender: Sender): void {
  tcb.flags |= TcbFlag.CWND_LIMITED;
  tcb.max_packets_out = tcb.packets_out;
  tcb.cwnd_usage_seq = tcb.snd_nxt;
  sender.snd_cwnd_used = 0;
}

/** Data leaves after a pause: time in which nothing was in flight is none of the congestion control's. */
function startsAnew(tcb: Tcb, now: u64): void {
  if (tcb.ext) pathMtuExpires(tcb, now);
  if (tcb.last_sent_ms) ccOnTransmitStart(tcb, timestampClock(now) - tcb.last_sent_ms, now);
}

/** RFC 5681 §4.1, by Linux's rule: at a write, a window unused for a time-out halves, down to the restart window. */
export function restartAfterIdle(tcb: Tcb, now: u64): void {
  if (!engine().slow_start_after_idle || tcb.packets_out != 0 || tcb.last_sent_ms == 0) return;
  const idle_ms = timestampClock(now) - tcb.last_sent_ms;
  const rto_ms = tcb.rto_us / 1000 + 1;
  if (idle_ms <= rto_ms || <i32>idle_ms < 0) return;
  ccOnIdle(tcb, idle_ms / rto_ms, now);
  if (tcb.tx) {
    senderOf(tcb).snd_cwnd_used = 0;
    senderOf(tcb).snd_cwnd_stamp_ms = timestampClock(now);
  }
}
