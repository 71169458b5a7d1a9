/**
 * The run loop. Events happen in the order of the event queue, and each is counted and goes into the digest as it happens,
 * but for those that depend on where runs end: a gate's count and digest what passes, a timer's only what it was for.
 */
import { EventKind, Mark, RunStatus } from "../layout/enums";
import { Flow, Source } from "../layout/flow";
import { Event, Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { giveEvent } from "../base/pool";
import { engine } from "../base/root";
import { flowReads, flowStarts, flowStops } from "./application";
import { mixed } from "./digest";
import { takeNext } from "./event_queue";
import { gateOpens, passRest, waitEnds } from "./gate";
import { deliver, timerFires } from "./host";
import { forward, headWord } from "./link";
import { packetArrives } from "./packet";
import { datagramArrives, sourceEmits } from "./source";

/**
 * Runs until the clock stands at `until`, or until `budget` events have happened or something asks for a pause: then the
 * clock first catches up with what gates have let pass ahead of it, so that nobody sees more than has happened.
 */
export function run(until: u64, budget: u32): RunStatus {
  const e = engine();
  const begun = e.events;
  e.pause = 0;
  passRest(until);
  let status = RunStatus.DONE;
  for (;;) {
    const next = takeNext(until);
    if (!next) break;
    const event = changetype<Event>(<usize>next);
    const time = event.time;
    e.now = time;
    happen(event, time, until);
    if ((e.pause != 0 || e.events - begun >= budget) && status == RunStatus.DONE) {
      status = e.pause ? e.pause : RunStatus.BUDGET;
      if (e.ahead <= time) return status;
      until = min(until, e.ahead);
    }
  }
  if (until > e.now) e.now = until;
  return status;
}

const UNCOUNTED: u32 = (1 << EventKind.TIMER) | (1 << EventKind.GATE) | (1 << EventKind.GATE_WAIT);

function happen(event: Event, time: u64, until: u64): void {
  const e = engine();
  const at = changetype<usize>(event);
  const word = headWord(at);
  const kind = (<u32>word) & Mark.KIND_MASK;
  if (!(((<u32>1) << kind) & UNCOUNTED)) {
    // Behind the word lie the sequence and the acknowledgment number
    e.digest = mixed(e.digest, time, <u32>word, load<u64>(at, offsetof<Segment>("seq")));
    e.events++;
  }
  const target = <usize>(word >> 32);
  switch (<i32>kind) {
    case EventKind.SEGMENT:
    case EventKind.DATAGRAM:
    case EventKind.PACKET:
      forward(changetype<Segment>(at), word, time);
      return;
    case EventKind.ARRIVAL:
      deliver(changetype<Segment>(at), changetype<Tcb>(target), time);
      return;
    case EventKind.DATAGRAM_ARRIVAL:
      datagramArrives(changetype<Segment>(at), changetype<Source>(target), time);
      return;
    case EventKind.PACKET_ARRIVAL:
      packetArrives(changetype<Segment>(at));
      return;
    case EventKind.GATE:
      gateOpens(event, until);
      return;
    case EventKind.TIMER:
      timerFires(event, time);
      return;
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
    case EventKind.GATE_WAIT:
      waitEnds(event);
      return;
    default:
      unreachable();
  }
}
