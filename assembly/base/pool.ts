/** The three nodes that come and go by the million: segments, long segments, events. */
import { Event, Segment, SegmentExt } from "../layout/segment";
import { Opt } from "../layout/enums";
import { engine } from "./root";
import { giveSlab, reserve } from "./arena";

/** Bytes of nodes taken at a time. */
const BLOCK: u32 = 65536;

/** Cuts a fresh block into nodes of `size` bytes and returns them as a list. */
function refill(size: u32): u32 {
  const start = <u32>reserve(BLOCK);
  let list: u32 = 0;
  for (let node = start + BLOCK; node > start;) {
    node -= size;
    changetype<Event>(<usize>node).next = list;
    list = node;
  }
  return list;
}

/** A segment whose fields are whatever they were. */
export function takeSegment(): Segment {
  return takeSegmentHere();
}

/** `takeSegment` for where segments are made by the million: not a call. */
@inline
export function takeSegmentHere(): Segment {
  const e = engine();
  let p = e.segment_free;
  if (!p) p = refill(64);
  e.segment_free = changetype<Segment>(<usize>p).next;
  return changetype<Segment>(<usize>p);
}

/** A segment with room for a `SegmentExt` behind it. */
export function takeLongSegment(): Segment {
  const e = engine();
  let p = e.segment_ext_free;
  if (!p) p = refill(128);
  e.segment_ext_free = changetype<Segment>(<usize>p).next;
  return changetype<Segment>(<usize>p);
}

export function giveSegment(segment: Segment): void {
  giveSegmentHere(segment);
}

/** `giveSegment`, not as a call. */
@inline
export function giveSegmentHere(segment: Segment): void {
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
  if (!p) p = refill(32);
  e.event_free = changetype<Event>(<usize>p).next;
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
