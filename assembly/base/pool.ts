/**
 * The three nodes that come and go by the million: segments, long segments, events. They live in blocks of 8 KiB:
 *
 *      0             1024                                  8192
 *      | link words  | node | node | node | ...              |
 *
 * Each node has a word in its block's head for the event queue to chain it by. A list of waiting events can then be
 * walked without touching the events: with thousands of flows each of them is a cache miss, and one after the other.
 */
import { Event, Segment, SegmentExt } from "../layout/segment";
import { Opt } from "../layout/enums";
import { engine } from "./root";
import { giveSlab, reserveAligned } from "./arena";

const BLOCK: u32 = 8192;
const HEAD: u32 = BLOCK >> 3;
/** Blocks taken at a time, because aligning each alone would waste as much as it holds. */
const BLOCKS: u32 = 8;

/** Address of a node's link word. */
@inline
export function linkWord(node: u32): usize {
  return <usize>((node & ~(BLOCK - 1)) + ((node & (BLOCK - 1)) >> 3));
}

/** Cuts fresh blocks into nodes of `size` bytes and returns them as a list. */
function refill(size: u32): u32 {
  const start = <u32>reserveAligned(BLOCK * BLOCKS, BLOCK);
  let list: u32 = 0;
  for (let i: u32 = 1; i <= BLOCKS; i++) {
    const block = start + BLOCK * (BLOCKS - i);
    for (let node = block + BLOCK - size; node >= block + HEAD; node -= size) {
      changetype<Event>(<usize>node).next = list;
      list = node;
    }
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
