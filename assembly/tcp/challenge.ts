/**
 * Answers to segments that are not acceptable, and challenge ACKs (RFC 5961 §3 to §5): each limited in time, so that
 * two ends cannot answer each other for ever, nor a stranger make an end talk. The limit is the connection's
 * (tcp_invalid_ratelimit); a host-wide one, when set, is drawn anew each second so that nobody can count by it
 * (CVE-2016-5696).
 */
import { Flag, TcbFlag } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { mix64 } from "../base/prng";
import { engine } from "../base/root";
import { NS_PER_S, timestampClock } from "../base/time";
import { receiverOf, takeReceiver } from "./receiver";

/** A challenge ACK leaves, unless the limits say no. */
export function challenge(tcb: Tcb, now: u64): void {
  const e = engine();
  if (tooSoon(tcb, now) || overHostLimit(now)) {
    e.challenge_acks_skipped++;
    return;
  }
  e.challenge_acks++;
  tcb.flags |= TcbFlag.ACK_NOW;
}

/** An ACK answers a segment that was dropped. Text always gets one: only segments without it can go back and forth. */
export function answerDropped(tcb: Tcb, segment: Segment, now: u64): void {
  if (segment.len == 0 && !((<u32>segment.flags) & Flag.FIN) && tooSoon(tcb, now)) {
    engine().oow_acks_skipped++;
    return;
  }
  tcb.flags |= TcbFlag.ACK_NOW;
}

/** Whether the last such answer is too recent; if not, this is one. */
function tooSoon(tcb: Tcb, now: u64): bool {
  const limit_ms = engine().invalid_ratelimit_ms;
  if (limit_ms == 0) return false;
  const now_ms = timestampClock(now);
  const last = tcb.rx ? receiverOf(tcb).last_oow_ack_ms : 0;
  if (last != 0 && now_ms - last < limit_ms) return true;
  // 0 stands for never
  takeReceiver(tcb).last_oow_ack_ms = max<u32>(now_ms, 1);
  return false;
}

function overHostLimit(now: u64): bool {
  const e = engine();
  const limit = e.challenge_ack_limit;
  if (limit == 0) return false;
  const second = <u32>(now / NS_PER_S) + 1;
  if (second != e.challenge_second) {
    // Between half the limit and one and a half of it
    const half = (limit + 1) >> 1;
    e.challenge_second = second;
    e.challenge_left = half + <u32>(mix64(e.secret0 ^ second) % limit);
  }
  if (e.challenge_left == 0) return true;
  e.challenge_left--;
  return false;
}
