/**
 * Hosts: where TCP meets the simulator. After each call into a connection `settle` takes what it wants to
 * send, arms its timer, and tells the application.
 */
import { EventKind, Opt } from "../layout/enums";
import { Event, Segment } from "../layout/segment";
import { Packet, WireStatus } from "../layout/wire";
import { Tcb } from "../layout/tcb";
import { giveEvent, giveSegment, giveSegmentHere, takeEvent, takeLongSegment } from "../base/pool";
import { reserve } from "../base/arena";
import { engine } from "../base/root";
import { NEVER } from "../base/time";
import { segmentArrives } from "../tcp/segment_arrives";
import { timersExpired } from "../tcp/timeouts";
import { timersEarliest } from "../tcp/timers";
import { encodeIpv4Tcp, parseIpv4Tcp } from "../wire/ipv4";
import { segmentExt } from "../wire/options";
import { applicationHears } from "./application";
import { countDeadline } from "./digest";
import { schedule } from "./event_queue";
import { forwardBurst, ipLength } from "./link";

/** A segment has passed its last link. */
export function deliver(segment: Segment, tcb: Tcb, now: u64): void {
  if ((<u32>segment.opts) & Opt.CORRUPTED && !survivesChecksum(segment)) {
    giveSegment(segment);
    return;
  }
  tcb.ip_bytes_received += ipLength(segment, segment.opts);
  if (segment.len) engine().segments_delivered++;
  segmentArrives(tcb, segment, now);
  giveSegmentHere(segment);
  settle(tcb, now);
}

/**
 * `deliver` for a segment that comes at `now`, which may lie ahead of the clock: what the connection has to do before is
 * done before. Of one instant packets come first.
 */
export function deliverAhead(segment: Segment, now: u64): void {
  const tcb = changetype<Tcb>(<usize>segment.target);
  if (tcb.timer_min < now) meetDeadlines(tcb, now);
  deliver(segment, tcb, now);
}

/** The armed event comes up all the same, and finds the next deadline. */
function meetDeadlines(tcb: Tcb, now: u64): void {
  for (let at = timersEarliest(tcb); at < now; at = timersEarliest(tcb)) {
    countDeadline(tcb, at);
    timersExpired(tcb, at);
    settle(tcb, at);
  }
}

const SCRATCH: usize = memory.data(96, 8);

/**
 * A corrupted segment becomes bytes, one of them is damaged, and the parser judges: the checksum catches every
 * single flipped bit, so the answer is no; it is asked all the same.
 */
function survivesChecksum(segment: Segment): bool {
  const e = engine();
  if (!e.wire_scratch) e.wire_scratch = <u32>reserve(65536);
  const packet = changetype<Packet>(SCRATCH);
  packet.payload = 0;
  const at = <usize>e.wire_scratch;
  segment.opts &= <u8>~Opt.CORRUPTED;
  const length = encodeIpv4Tcp(segment, packet, at, 65535);
  // Which bit: by the sequence number, so that it is the same in every run
  const bit = (segment.seq ^ segment.ack) % (length << 3);
  store<u8>(at + (bit >> 3), load<u8>(at + (bit >> 3)) ^ (<u8>((<u32>1) << (bit & 7))));
  const parsed = takeLongSegment();
  const status = parseIpv4Tcp(at, length, parsed, packet);
  parsed.opts = <u8>Opt.EXT;
  segmentExt(parsed).payload = 0;
  giveSegment(parsed);
  return status == WireStatus.OK;
}

/** A connection's armed event has come up. */
export function timerFires(event: Event, now: u64): void {
  const tcb = takeDue(event, now);
  if (!tcb) return;
  countDeadline(tcb, now);
  timersExpired(tcb, now);
  timersEarliest(tcb);
  tcb.timer_moved = 1;
  settle(tcb, now);
}

/** The connection that has reached its deadline, whose event is gone then; none when the deadline has moved on. */
@inline
export function takeDue(event: Event, now: u64): Tcb | null {
  const tcb = changetype<Tcb>(<usize>event.target);
  // 0: an earlier deadline was armed since, or the connection is gone
  if (event.target == 0) {
    giveEvent(event);
    return null;
  }
  const earliest = timersEarliest(tcb);
  if (earliest > now) {
    rearm(tcb, event, earliest);
    return null;
  }
  tcb.timer_event = 0;
  giveEvent(event);
  return tcb;
}

/** Pushes the armed event back to where the earliest deadline has moved meanwhile. */
function rearm(tcb: Tcb, event: Event, earliest: u64): void {
  if (earliest == NEVER) {
    tcb.timer_event = 0;
    giveEvent(event);
    return;
  }
  schedule(event, earliest);
}

/** Takes what the last call into TCP left: segments to send, a deadline to arm, news for the application. */
@inline
export function settle(tcb: Tcb, now: u64): void {
  if (engine().out_head) drain(tcb, now);
  // Most often there is neither; the two flags are neighbours
  if (load<u16>(changetype<usize>(tcb), offsetof<Tcb>("notify"))) settleNews(tcb, now);
}

if (offsetof<Tcb>("timer_moved") != offsetof<Tcb>("notify") + 1) ERROR("notify and timer_moved are not neighbours");

function settleNews(tcb: Tcb, now: u64): void {
  if (tcb.notify) applicationHears(tcb, now);
  if (tcb.timer_moved) arm(tcb);
}

/** Sends what TCP has put on its list. */
export function drain(tcb: Tcb, now: u64): void {
  const e = engine();
  const first = e.out_head;
  e.out_head = 0;
  if (first) forwardBurst(first, tcb.route, now);
}

/** Files the connection's one event at its earliest deadline. */
export function arm(tcb: Tcb): void {
  tcb.timer_moved = 0;
  if (tcb.timer_event) changetype<Event>(<usize>tcb.timer_event).target = 0;
  if (tcb.timer_min == NEVER) {
    tcb.timer_event = 0;
    return;
  }
  const event = takeEvent(EventKind.TIMER, <u32>changetype<usize>(tcb));
  tcb.timer_event = <u32>changetype<usize>(event);
  schedule(event, tcb.timer_min);
}
