/**
 * When a peer that does not answer is given up: RFC 9293 §3.8.3 (R1, R2), RFC 5482's user timeout, all by Linux's rules. A
 * limit is a number of retransmissions and means the time that so many take with the smallest RTO doubling each time.
 */
import { State, TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { NS_PER_MS, timestampClock } from "../base/time";
import { senderOf } from "./sender";
import { sentAt } from "./sent";

/** What Linux takes for the smallest RTO here, whatever a route says. */
const RTO_MIN_MS: u32 = 200;
/** An orphan whose peer may still answer is kept for so many retransmissions. */
const ORPHAN_RETRIES: u32 = 8;

/** TCP_USER_TIMEOUT in milliseconds, 0: none. */
export function userTimeout(tcb: Tcb): u32 {
  return tcb.ext ? changetype<TcbExt>(<usize>tcb.ext).user_timeout_ms : 0;
}

/** Linux's tcp_model_timeout, milliseconds: doublings up to the largest RTO, then that one again and again. */
function modelTimeout(retries: u32): u32 {
  const max_ms = engine().rto_max_us / 1000;
  const doublings: u32 = 31 - clz<u32>(max<u32>(max_ms / RTO_MIN_MS, 1));
  if (retries <= doublings) return (((<u32>2) << retries) - 1) * RTO_MIN_MS;
  return (((<u32>2) << doublings) - 1) * RTO_MIN_MS + (retries - doublings) * max_ms;
}

/** Whether retransmissions go unanswered since `limit_ms`, or since as long as `retries` of them take when that is 0. */
export function unansweredFor(tcb: Tcb, retries: u32, limit_ms: u32, now: u64): bool {
  if (tcb.unanswered == 0 || tcb.tx == 0) return false;
  if (limit_ms == 0) limit_ms = modelTimeout(retries);
  return <i32>(timestampClock(now) - senderOf(tcb).unanswered_ms - limit_ms) >= 0;
}

/** Linux's tcp_write_timeout once the connection is open. */
export function peerIsGone(tcb: Tcb, now: u64): bool {
  let retries = engine().data_retries;
  if (tcb.flags & TcbFlag.ORPHAN) retries = orphanRetries((<u64>tcb.rto_us) << tcb.backoff < engine().rto_max_us);
  return unansweredFor(tcb, retries, userTimeout(tcb), now);
}

/** The same for a peer whose window is closed on data in flight: it is alive as long as it is heard. */
export function closedWindowIsGone(tcb: Tcb, now: u64): bool {
  const sender = senderOf(tcb);
  const now_ms = timestampClock(now);
  const first_ms = sender.retrans_stamp ? sender.retrans_stamp : <u32>(sentAt(tcb, tcb.sent_head).sent_at / NS_PER_MS);
  const silent_ms = now_ms - first_ms;
  let limit_ms = (engine().rto_max_us / 1000) * 2;
  const user_ms = userTimeout(tcb);
  if (user_ms) {
    if (silent_ms > user_ms) return true;
    limit_ms = min(limit_ms, user_ms);
  }
  return now_ms - sender.heard_ms > limit_ms && silent_ms > limit_ms;
}

/** How often to try for a connection that no application holds any more; `alive`: there may yet be an answer. */
export function orphanRetries(alive: bool): u32 {
  const retries = engine().orphan_retries;
  return retries == 0 && alive ? ORPHAN_RETRIES : retries;
}

/** Whether a SYN or SYN-ACK has been repeated often enough. */
export function handshakeIsGone(tcb: Tcb, retries: u32, now: u64): bool {
  // While the time-out does not double, the tries are not counted
  if (tcb.state == <u8>State.SYN_SENT) retries += engine().syn_linear_timeouts;
  if (<u32>tcb.unanswered >= retries) return true;
  const limit_ms = userTimeout(tcb);
  if (limit_ms == 0 || tcb.unanswered == 0) return false;
  return timestampClock(now) - changetype<TcbExt>(<usize>tcb.ext).probes_at_ms >= limit_ms;
}

/** A time-out that the user's limit cuts short: `since_ms` is when the first try went unanswered. */
export function withinUserTimeout(tcb: Tcb, timeout_ns: u64, since_ms: u32, now: u64): u64 {
  const limit_ms = userTimeout(tcb);
  if (limit_ms == 0) return timeout_ns;
  const left_ms = <i32>(limit_ms - (timestampClock(now) - since_ms));
  return min(timeout_ns, left_ms > 0 ? <u64>left_ms * NS_PER_MS : NS_PER_MS);
}
