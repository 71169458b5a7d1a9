/** The run of a host: timers of its connections, and nothing else. */
import { EventKind, RunStatus } from "../layout/enums";
import { Event } from "../layout/segment";
import { SocketFlag } from "../layout/stack";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { timersExpired } from "../tcp/timeouts";
import { timersEarliest } from "../tcp/timers";
import { nextEvent } from "../sim/event_queue";
import { takeDue } from "../sim/host";
import { deferredTimeout } from "./listen";
import { settle } from "./settle";
import { socketOf, stack } from "./stack";
import { shorten, whole } from "./time_wait";

/** Packets wait to be fetched when this many bytes of them have gathered. */
const OUTPUT_FULL: u32 = 1 << 20;

/**
 * Runs until the clock stands at `until`. Comes back early with NOTIFY, when `toNews` says so and something happened
 * that a caller could see; and with OUTPUT_FULL when packets should be fetched first.
 */
export function stackRun(until: u64, toNews: bool): RunStatus {
  const e = engine();
  const s = stack();
  s.stirred = 0;
  for (;;) {
    if (s.output_used > OUTPUT_FULL) return RunStatus.OUTPUT_FULL;
    if (toNews && s.stirred) return RunStatus.NOTIFY;
    const next = nextEvent(until);
    if (!next) break;
    const event = changetype<Event>(<usize>next);
    e.now = event.time;
    e.events++;
    assert(event.kind == EventKind.TIMER, "an event that a host does not know");
    timerFires(event, event.time);
  }
  if (until > e.now) e.now = until;
  return RunStatus.DONE;
}

@inline
function isShort(tcb: u32): bool {
  return (socketOf(changetype<Tcb>(<usize>tcb)).flags & SocketFlag.SHORT) != 0;
}

/** A connection's armed event has come up; the like of `timerFires` in `sim/host`. */
function timerFires(event: Event, now: u64): void {
  const armed = event.target;
  const short = armed != 0 && isShort(armed);
  if (short) whole(<u32>changetype<usize>(socketOf(changetype<Tcb>(<usize>armed))));
  const tcb = takeDue(event, now);
  if (!tcb) {
    // Its time was put off
    if (short) shorten(socketOf(changetype<Tcb>(<usize>event.target)));
    return;
  }
  const socket = socketOf(tcb);
  if (!(socket.flags & SocketFlag.IN_SYN_QUEUE) || !deferredTimeout(socket, now)) timersExpired(tcb, now);
  timersEarliest(tcb);
  tcb.timer_moved = 1;
  settle(socket, now);
}
