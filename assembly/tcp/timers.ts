/**
 * The table of deadlines, RFC 9293 §3.10.8 and what came after. TCP only writes deadlines down; the owner
 * keeps one event armed at `timer_min` and calls `timersExpired` then. A deadline that moves later, as the
 * retransmission timer does on every ACK, touches nothing but its own word.
 */
import { Timer } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { NEVER } from "../base/time";

/** Where a deadline stands: each in the cache line of those that set it. Folds away for a constant timer. */
@inline
function slot(tcb: Tcb, timer: u32): usize {
  const at = changetype<usize>(tcb);
  if (timer == Timer.RETRANSMIT) return at + offsetof<Tcb>("t_retransmit");
  if (timer == Timer.DELAYED_ACK) return at + offsetof<Tcb>("t_delayed_ack");
  if (timer == Timer.PERSIST) return at + offsetof<Tcb>("t_persist");
  if (timer == Timer.TIME_WAIT) return at + offsetof<Tcb>("t_time_wait");
  // Rare ones stand with what they are for
  if (timer == Timer.PACING) return <usize>tcb.tx + offsetof<Sender>("t_pacing");
  return <usize>tcb.ext + offsetof<TcbExt>("t_keepalive");
}

@inline
export function timerSet(tcb: Tcb, timer: u32, at: u64): void {
  store<u64>(slot(tcb, timer), at);
  tcb.timer_mask |= <u8>((<u32>1) << timer);
  if (at < tcb.timer_min) {
    tcb.timer_min = at;
    tcb.timer_moved = 1;
  }
}

@inline
export function timerClear(tcb: Tcb, timer: u32): void {
  tcb.timer_mask &= ~(<u8>((<u32>1) << timer));
}

@inline
export function timerIsSet(tcb: Tcb, timer: u32): bool {
  return (tcb.timer_mask & (<u8>((<u32>1) << timer))) != 0;
}

@inline
export function timerAt(tcb: Tcb, timer: u32): u64 {
  return load<u64>(slot(tcb, timer));
}

/** The earliest deadline, now exact; NEVER when none is set. */
export function timersEarliest(tcb: Tcb): u64 {
  let earliest = NEVER;
  for (let timer: u32 = 0; timer < <u32>Timer.COUNT; timer++) {
    if (timerIsSet(tcb, timer)) earliest = min(earliest, timerAt(tcb, timer));
  }
  tcb.timer_min = earliest;
  return earliest;
}
