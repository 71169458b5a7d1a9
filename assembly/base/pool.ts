/** Free lists of the three nodes that come and go by the million: segments, long segments, events. */
import { Event, Segment, SegmentExt } from "../layout/segment";
import { Opt } from "../layout/enums";
import { engine } from "./root";
import { giveSlab, reserve } from "./arena";

const BATCH: u32 = 64;

/** Cuts a batch of `size`-byte nodes, chains all but the first behind each other, returns the first. */
function refill(size: u32): u32 {
  const first = <u32>reserve(<u64>size * BATCH);
  for (let i: u32 = 1; i < BATCH; i++) {
    changetype<Event>(<usize>(first + i * size)).next = i + 1 < BATCH ? first + (i + 1) * size : 0;
  }
  return first;
}

/** A segment whose fields are whatever they were. */
export function takeSegment(): Segment {
  const e = engine();
  let p = e.segment_free;
  if (p) {
    e.segment_free = changetype<Segment>(<usize>p).next;
  } else {
    p = refill(64);
    e.segment_free = p + 64;
  }
  return changetype<Segment>(<usize>p);
}

/** A segment with room for a `SegmentExt` behind it. */
export function takeLongSegment(): Segment {
  const e = engine();
  let p = e.segment_ext_free;
  if (p) {
    e.segment_ext_free = changetype<Segment>(<usize>p).next;
  } else {
    p = refill(128);
    e.segment_ext_free = p + 128;
  }
  return changetype<Segment>(<usize>p);
}

export function giveSegment(segment: Segment): void {
  const e = engine();
  if (segment.opts & Opt.EXT) {
    giveLongSegment(segment);
    return;
  }
  segment.next = e.segment_free;
  e.segment_free = <u32>changetype<usize>(segment);
}

function giveLongSegment(segment: Segment): void {
  const e = engine();
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  if (ext.payload) giveSlab(ext.payload, ext.payload_class);
  ext.payload = 0;
  segment.next = e.segment_ext_free;
  e.segment_ext_free = <u32>changetype<usize>(segment);
}

/** An event of the given kind for the given target. */
export function takeEvent(kind: u32, target: u32): Event {
  const e = engine();
  let p = e.event_free;
  if (p) {
    e.event_free = changetype<Event>(<usize>p).next;
  } else {
    p = refill(32);
    e.event_free = p + 32;
  }
  const event = changetype<Event>(<usize>p);
  store<u32>(<usize>p, kind, offsetof<Event>("kind"));
  event.target = target;
  return event;
}

export function giveEvent(event: Event): void {
  const e = engine();
  event.next = e.event_free;
  e.event_free = <u32>changetype<usize>(event);
}
