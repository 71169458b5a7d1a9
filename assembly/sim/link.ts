/**
 * Links. A FIFO link needs no event for its transmitter: when a packet will have left is known when it comes, so
 * it costs one event, its arrival at the other end. `forward` takes a packet over as many links as can be known now.
 */
import { EventKind, Mark, Opt } from "../layout/enums";
import { Source } from "../layout/flow";
import { Gate, Hop, Link, LinkExt, Route } from "../layout/link";
import { Event, Segment, SegmentExt } from "../layout/segment";
import { giveSegment, takeLongSegment, takeSegment } from "../base/pool";
import { takeSlab } from "../base/arena";
import { histogramAdd } from "../base/histogram";
import { qdiscEnqueue } from "../qdisc/qdisc";
import { optionsLength } from "../wire/options";
import { capture } from "./capture";
import { schedule } from "./event_queue";
import { gather, gatherHere } from "./gate";
import { markPacket } from "./packet";
import { corruptionHits, damagePacket, delayedArrival, duplicationHits, lossTakes } from "./impairments";

/** In place of an arrival: the link does not deliver the packet. */
const DROPPED: u64 = u64.MAX_VALUE;
const HEADERS: u32 = 40;
const TIMESTAMPS_LENGTH: u32 = 12;
const Q: u32 = 20;

/** Bytes of the IP packet that carries `segment`; a datagram's length counts its headers. */
@inline
export function ipLength(segment: Segment, opts: u32): u32 {
  // All but SYNs, SACKs and connections without timestamps
  if ((opts & ~(Opt.RETRANSMISSION | Opt.CORRUPTED | Opt.EXT)) == <u32>Opt.TIMESTAMPS) {
    return HEADERS + TIMESTAMPS_LENGTH + <u32>segment.len;
  }
  return rareIpLength(segment);
}

function rareIpLength(segment: Segment): u32 {
  const kind = <i32>segment.kind;
  // Neither has marks
  if (kind == EventKind.DATAGRAM || kind == EventKind.DATAGRAM_ARRIVAL || kind == EventKind.PACKET) return segment.len;
  return HEADERS + optionsLength(segment) + segment.len;
}

/** kind, hop, options, flags and, in the upper half, the target: what `forward` wants to know of a segment. */
@inline
export function headWord(event: usize): u64 {
  return load<u64>(event, offsetof<Segment>("kind"));
}

/**
 * Sends a packet over the link at its hop and over those behind it that only this one feeds. `word` is its
 * `headWord`. Behind the last link its next event is its arrival: it knows where, and its route is not looked at again.
 */
export function forward(segment: Segment, word: u64, now: u64): void {
  forwardHere(segment, word, now);
}

/** `forward`, not as a call. */
@inline
export function forwardHere(segment: Segment, word: u64, now: u64): void {
  const route = <usize>(word >> 32);
  const hops = changetype<Route>(route).hops;
  const bytes = ipLength(segment, ((<u32>word) >> 16) & 0xff);
  let hop = ((<u32>word) >> 8) & 0xff;
  let at = route + ((<usize>hop) << 2);
  let entry = load<u32>(at, offsetof<Route>());
  let time = now;
  let gate: u32 = 0;
  for (;;) {
    const link = changetype<Link>((<usize>entry) & ~Hop.FUSED);
    const ext = link.ext;
    if (ext) {
      time = transmitWatched(link, changetype<LinkExt>(<usize>ext), segment, bytes, time, hop);
      if (time == DROPPED) return;
    } else {
      const busy = link.busy_until;
      time = serialise(link, bytes, max(busy, time), busy > time) + link.delay_ns;
    }
    if (++hop == hops) {
      arriveNext(segment, changetype<Route>(route));
      gate = changetype<Route>(route).gate;
      break;
    }
    at += 4;
    entry = load<u32>(at, offsetof<Route>());
    if (!(entry & Hop.FUSED)) {
      segment.hop = <u8>hop;
      gate = gateAt(entry);
      break;
    }
  }
  if (gate) gatherHere(changetype<Gate>(<usize>gate), segment, time, time - now);
  else schedule(changetype<Event>(changetype<usize>(segment)), time);
}

/** The gate in front of the link of a route's entry, 0 when it has none. */
@inline
function gateAt(entry: u32): u32 {
  const ext = changetype<Link>((<usize>entry) & ~Hop.FUSED).ext;
  return ext ? changetype<LinkExt>(<usize>ext).gate : 0;
}

@inline
function arriveNext(segment: Segment, route: Route): void {
  const kind = <u32>segment.kind;
  // The ECN field stays
  segment.kind = <u8>((kind & Mark.KIND_MASK) == EventKind.SEGMENT ? kind | EventKind.ARRIVAL : rareArrival(<u8>kind));
  segment.target = route.destination;
}

function rareArrival(kind: u8): EventKind {
  switch (<i32>kind) {
    case EventKind.DATAGRAM:
      return EventKind.DATAGRAM_ARRIVAL;
    case EventKind.PACKET:
      return EventKind.PACKET_ARRIVAL;
    default:
      return unreachable();
  }
}

/**
 * Sends what a host has put on a list, `first` and what follows it, all by one route. A host's link is mostly a plain
 * one: its state is read once for the whole burst.
 */
export function forwardBurst(first: u32, route: u32, now: u64): void {
  const entry = load<u32>(route, offsetof<Route>());
  const link = changetype<Link>((<usize>entry) & ~Hop.FUSED);
  let next = first;
  if (link.ext != 0 || changetype<Route>(<usize>route).hops == 1 || isFused(route, 1)) {
    while (next) {
      const segment = changetype<Segment>(<usize>next);
      next = segment.next;
      forward(segment, headWord(changetype<usize>(segment)) & ~(<u64>0xff00), now);
    }
    return;
  }
  const ns_per_byte = link.ns_per_byte_q20;
  const delay = link.delay_ns;
  const gate = gateAt(load<u32>(<usize>route + 4, offsetof<Route>()));
  let busy = link.busy_until;
  let fraction: u64 = link.busy_frac;
  if (busy <= now) {
    busy = now;
    fraction = 0;
  }
  while (next) {
    const segment = changetype<Segment>(<usize>next);
    next = segment.next;
    fraction += <u64>ipLength(segment, segment.opts) * ns_per_byte;
    busy += fraction >> Q;
    fraction &= (1 << Q) - 1;
    if (gate) gatherHere(changetype<Gate>(<usize>gate), segment, busy + delay, busy + delay - now);
    else schedule(changetype<Event>(changetype<usize>(segment)), busy + delay);
  }
  link.busy_until = busy;
  link.busy_frac = <u32>fraction;
}

@inline
function isFused(route: u32, hop: u32): bool {
  return (load<u32>(<usize>route + ((<usize>hop) << 2), offsetof<Route>()) & Hop.FUSED) != 0;
}

/** Serialises `bytes` from `start`, `queued` behind other packets or not; returns when the transmitter falls idle. */
@inline
function serialise(link: Link, bytes: u32, start: u64, queued: bool): u64 {
  const sum = <u64>bytes * link.ns_per_byte_q20 + (queued ? <u64>link.busy_frac : 0);
  const end = start + (sum >> Q);
  link.busy_until = end;
  link.busy_frac = (<u32>sum) & ((1 << Q) - 1);
  return end;
}

/** A link with a queue, impairments or observers: when the packet arrives, or DROPPED. */
function transmitWatched(link: Link, ext: LinkExt, segment: Segment, ip_bytes: u32, now: u64, hop: u32): u64 {
  const bytes = ip_bytes + ext.overhead;
  const staged = ext.staged;
  const lost = staged != 0 && lossTakes(ext, segment);
  let start = now;
  const busy = link.busy_until;
  const queued = busy > now;
  if (queued) {
    if (!qdiscEnqueue(ext, now, busy, bytes)) {
      ext.drops_overflow++;
      drop(segment);
      return DROPPED;
    }
    if (ext.mark_packets) mark(ext, segment);
    start = busy;
    const waited = busy - now;
    ext.waited_ns += waited;
    // The host knows how many did not wait
    if (ext.histogram) histogramAdd(ext.histogram, waited);
  }
  ext.packets++;
  ext.bytes += bytes;
  const arrival = serialise(link, bytes, start, queued) + link.delay_ns;
  return staged ? passStages(ext, segment, now, start, arrival, lost, hop) : arrival;
}

/** A queue as long as that marks what its sender allows to be marked, RFC 3168 §5. */
function mark(ext: LinkExt, segment: Segment): void {
  if (ext.waiting_tail - ext.waiting_head < ext.mark_packets) return;
  if (segment.kind == EventKind.PACKET) {
    if (!markPacket(segment)) return;
  } else {
    if (!(segment.kind & Mark.ECN_MASK)) return;
    segment.kind |= <u8>Mark.CE;
  }
  ext.marks++;
}

/** Impairments and captures, behind the transmitter: when the packet arrives, or DROPPED. */
function passStages(ext: LinkExt, segment: Segment, now: u64, start: u64, arrival: u64, lost: bool, hop: u32): u64 {
  // A capture stands at the left end: it sees what begins to leave to the right, and what has come from there
  if (ext.capture != 0 && ext.reverse == 0) capture(ext.capture - 1, segment, start);
  if (lost) {
    ext.drops_loss++;
    drop(segment);
    return DROPPED;
  }
  if (corruptionHits(ext)) {
    ext.corrupted++;
    segment.opts |= <u8>Opt.CORRUPTED;
    if (segment.kind == EventKind.PACKET) damagePacket(ext, segment);
  }
  arrival = delayedArrival(ext, arrival);
  if (ext.capture != 0 && ext.reverse != 0) capture(ext.capture - 1, segment, arrival);
  if (duplicationHits(ext)) {
    ext.duplicated++;
    const copy = clone(segment);
    if (ext.capture != 0 && ext.reverse != 0) capture(ext.capture - 1, copy, arrival);
    comesTo(copy, hop + 1, arrival, now);
  }
  return arrival;
}

/** A packet that will come to a hop of its route, or to its end, as an event or through a gate. */
function comesTo(segment: Segment, hop: u32, time: u64, sent: u64): void {
  const route = changetype<Route>(<usize>segment.target);
  segment.hop = <u8>hop;
  const ends = hop == route.hops;
  const gate = ends ? route.gate : gateAt(load<u32>(changetype<usize>(route) + ((<usize>hop) << 2), offsetof<Route>()));
  if (ends) arriveNext(segment, route);
  if (gate) gather(changetype<Gate>(<usize>gate), segment, time, time - sent);
  else schedule(changetype<Event>(changetype<usize>(segment)), time);
}

/** A packet that nobody gets; a source of datagrams has nobody else to tell it. */
function drop(segment: Segment): void {
  if (segment.kind == EventKind.DATAGRAM) {
    const route = changetype<Route>(<usize>segment.target);
    changetype<Source>(<usize>route.destination).dropped++;
  }
  giveSegment(segment);
}

function clone(segment: Segment): Segment {
  if (!((<u32>segment.opts) & Opt.EXT)) {
    const copy = takeSegment();
    memory.copy(changetype<usize>(copy), changetype<usize>(segment), 64);
    return copy;
  }
  const copy = takeLongSegment();
  memory.copy(changetype<usize>(copy), changetype<usize>(segment), 128);
  const from = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  const to = changetype<SegmentExt>(changetype<usize>(copy) + 64);
  if (from.payload) {
    to.payload = <u32>takeSlab(from.payload_class);
    memory.copy(to.payload, from.payload, segment.len);
  }
  return copy;
}
