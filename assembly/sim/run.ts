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
import { captureIsFull } from "./capture";
import { openNextBucket } from "./event_queue";
import { deliver, timerFires } from "./host";
import { forward } from "./link";
import { datagramArrives, sourceEmits } from "./source";

/** Runs until the clock stands at `until` or `budget` events have happened. */
export function run(until: u64, budget: u32): RunStatus {
  const e = engine();
  e.host_wakes = 0;
  while (budget) {
    if (e.due_next == e.due_count) {
      if (!openNextBucket()) break;
      continue;
    }
    const entry = changetype<Due>(<usize>e.due + (<usize>e.due_next << 4));
    const time = entry.time;
    if (time > until) break;
    e.due_next++;
    e.now = time;
    e.events++;
    happen(changetype<Event>(<usize>entry.event), time);
    budget--;
    if (e.host_wakes) return RunStatus.NOTIFY;
    if (captureIsFull()) return RunStatus.CAPTURE_FULL;
  }
  if (!budget) return RunStatus.BUDGET;
  e.now = until;
  return RunStatus.DONE;
}

@inline
function digest(event: Event, time: u64): void {
  const e = engine();
  const at = changetype<usize>(event);
  // kind, hop, options and flags; then sequence and acknowledgment number
  const head = <u64>load<u32>(at, offsetof<Event>("kind"));
  const body = load<u64>(at, offsetof<Segment>("seq"));
  const h = (e.digest ^ time ^ (head << 40)) * 0x9e3779b97f4a7c15;
  e.digest = (rotl(h, 29) ^ body) * 0xbf58476d1ce4e5b9;
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
