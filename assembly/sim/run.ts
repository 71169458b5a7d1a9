/**
 * The run loop. Events happen in the order (time, insertion), and each goes into the digest as it happens:
 * two runs with one digest had the same events in the same order.
 */
import { EventKind, RunStatus } from "../layout/enums";
import { Due } from "../layout/engine";
import { Flow, Source } from "../layout/flow";
import { Route } from "../layout/link";
import { Event, Segment } from "../layout/segment";
import { giveEvent } from "../base/pool";
import { engine } from "../base/root";
import { flowReads, flowStarts, flowStops } from "./application";
import { openNextBucket } from "./event_queue";
import { deliver, timerFires } from "./host";
import { forward } from "./link";
import { datagramArrives, sourceEmits } from "./source";

/** Runs until the clock stands at `until` or `budget` events have happened. */
export function run(until: u64, budget: u32): RunStatus {
  const e = engine();
  e.pause = 0;
  let left = budget;
  let status = RunStatus.BUDGET;
  while (left) {
    const next = e.due_next;
    if (next == e.due_count) {
      if (openNextBucket()) continue;
      status = RunStatus.DONE;
      break;
    }
    const entry = changetype<Due>(<usize>e.due + (<usize>next << 4));
    const time = entry.time;
    if (time > until) {
      status = RunStatus.DONE;
      break;
    }
    e.due_next = next + 1;
    e.now = time;
    happen(changetype<Event>(<usize>entry.event), time);
    left--;
    if (e.pause) {
      status = e.pause;
      break;
    }
  }
  e.events += budget - left;
  if (status == RunStatus.DONE) e.now = until;
  return status;
}

@inline
function digest(event: Event, time: u64): void {
  const e = engine();
  const at = changetype<usize>(event);
  // kind, hop, options and flags; then sequence and acknowledgment number
  const head = <u64>load<u32>(at, offsetof<Event>("kind"));
  const body = load<u64>(at, offsetof<Segment>("seq"));
  e.digest = (rotl(e.digest, 29) ^ time ^ rotl(body, 17) ^ (head << 33)) * 0x9e3779b97f4a7c15;
}

function happen(event: Event, time: u64): void {
  digest(event, time);
  const target = <usize>event.target;
  switch (<i32>event.kind) {
    case EventKind.SEGMENT: {
      const segment = changetype<Segment>(changetype<usize>(event));
      const route = changetype<Route>(target);
      if (<u32>segment.hop < route.hops) forward(segment, time);
      else deliver(segment, route, time);
      return;
    }
    case EventKind.TIMER:
      timerFires(event, time);
      return;
    case EventKind.DATAGRAM: {
      const segment = changetype<Segment>(changetype<usize>(event));
      const route = changetype<Route>(target);
      if (<u32>segment.hop < route.hops) forward(segment, time);
      else datagramArrives(segment, changetype<Source>(<usize>route.destination));
      return;
    }
    case EventKind.FLOW_START:
      giveEvent(event);
      flowStarts(changetype<Flow>(target), time);
      return;
    case EventKind.FLOW_STOP:
      giveEvent(event);
      flowStops(changetype<Flow>(target), time);
      return;
    case EventKind.FLOW_READ:
      flowReads(changetype<Flow>(target), event, time);
      return;
    case EventKind.SOURCE:
      sourceEmits(changetype<Source>(target), event, time);
      return;
    default:
      unreachable();
  }
}
