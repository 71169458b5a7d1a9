/**
 * Links. A FIFO link needs no event for its transmitter: when a packet will have left is known when it comes, so
 * it costs one event, its arrival at the other end. `forward` takes a packet over as many links as can be known now.
 */
import { EventKind, LinkFlag, Opt } from "../layout/enums";
import { Link, LinkExt, LinkParams, Route } from "../layout/link";
import { Event, Segment, SegmentExt } from "../layout/segment";
import { giveSegment, takeLongSegment, takeSegment } from "../base/pool";
import { takeSlab } from "../base/arena";
import { histogramAdd } from "../base/histogram";
import { qdiscAdmits, qdiscAdvance, qdiscPush } from "../qdisc/qdisc";
import { optionsLength } from "../wire/options";
import { capture } from "./capture";
import { schedule } from "./event_queue";
import { corruptionHits, delayedArrival, duplicationHits, lossTakes } from "./impairments";

/** A packet that its link does not deliver. */
const DROPPED: u64 = 0;
const HEADERS: u32 = 40;
const Q: u32 = 20;

/** Bytes of the IP packet that carries `segment`; a datagram's length counts its headers. */
@inline
export function ipLength(segment: Segment): u32 {
  const opts = <u32>segment.opts;
  if (opts & ~(Opt.RETRANSMISSION | Opt.CORRUPTED) == Opt.TIMESTAMPS) return HEADERS + 12 + <u32>segment.len;
  if (segment.kind == EventKind.DATAGRAM) return segment.len;
  return HEADERS + optionsLength(segment) + segment.len;
}

@inline
function linkOf(route: Route, hop: u32): Link {
  return changetype<Link>(
    <usize>load<u32>(changetype<usize>(route) + (<usize>hop << 2), offsetof<Route>()),
  );
}

/** Sends a packet over the link at its hop and over those behind it that only this one feeds. */
export function forward(segment: Segment, now: u64): void {
  const route = changetype<Route>(<usize>segment.target);
  const hops = route.hops;
  let hop = <u32>segment.hop;
  let time = now;
  const bytes = ipLength(segment);
  do {
    const link = linkOf(route, hop);
    time = link.ext ? transmitWatched(link, segment, bytes, time, hop) : transmit(link, bytes, time);
    if (time == DROPPED) return;
    hop++;
  } while (hop < hops && changetype<LinkParams>(<usize>linkOf(route, hop).params).flags & LinkFlag.FUSED);
  segment.hop = <u8>hop;
  segment.time = time;
  schedule(changetype<Event>(changetype<usize>(segment)));
}

/** Serialises `bytes` from `now`, or from when the transmitter falls idle; returns when they begin to leave. */
@inline
function serialise(link: Link, params: LinkParams, bytes: u32, now: u64): u64 {
  const busy = link.busy_until;
  let start = now;
  let fraction: u64 = 0;
  if (busy > now) {
    start = busy;
    fraction = link.busy_frac;
  }
  const sum = <u64>(bytes + params.overhead) * params.ns_per_byte_q20 + fraction;
  link.busy_until = start + (sum >> Q);
  link.busy_frac = <u32>sum & ((1 << Q) - 1);
  link.packets++;
  link.bytes += bytes + params.overhead;
  return start;
}

/** A plain link: when the packet arrives at its other end. */
@inline
function transmit(link: Link, bytes: u32, now: u64): u64 {
  const params = changetype<LinkParams>(<usize>link.params);
  serialise(link, params, bytes, now);
  return link.busy_until + params.delay_ns;
}

/** A link with a queue, impairments or observers: when the packet arrives, or DROPPED. */
function transmitWatched(link: Link, segment: Segment, bytes: u32, now: u64, hop: u32): u64 {
  const params = changetype<LinkParams>(<usize>link.params);
  const ext = changetype<LinkExt>(<usize>link.ext);
  const lost = lossTakes(ext, segment);
  qdiscAdvance(ext, now);
  const waits = link.busy_until > now;
  if (waits && !qdiscAdmits(ext, bytes + params.overhead)) {
    ext.drops_overflow++;
    giveSegment(segment);
    return DROPPED;
  }
  const start = serialise(link, params, bytes, now);
  const waited = start - now;
  ext.waited_ns += waited;
  ext.waited_packets++;
  if (ext.histogram) histogramAdd(ext.histogram, waited);
  if (waits) qdiscPush(ext, start, bytes + params.overhead);
  // A capture stands at the left end: it sees what begins to leave to the right, and what has come from there
  if (ext.capture != 0 && ext.reverse == 0) capture(ext.capture - 1, segment, start);
  if (lost) {
    ext.drops_loss++;
    giveSegment(segment);
    return DROPPED;
  }
  if (ext.corrupt_threshold != 0 && corruptionHits(ext)) {
    ext.corrupted++;
    segment.opts |= <u8>Opt.CORRUPTED;
  }
  const arrival = delayedArrival(ext, link.busy_until + params.delay_ns);
  if (ext.capture != 0 && ext.reverse != 0) capture(ext.capture - 1, segment, arrival);
  if (ext.duplicate_threshold != 0 && duplicationHits(ext)) {
    ext.duplicated++;
    const copy = clone(segment);
    copy.hop = <u8>(hop + 1);
    copy.time = arrival;
    if (ext.capture != 0 && ext.reverse != 0) capture(ext.capture - 1, copy, arrival);
    schedule(changetype<Event>(changetype<usize>(copy)));
  }
  return arrival;
}

function clone(segment: Segment): Segment {
  if (!(<u32>segment.opts & Opt.EXT)) {
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
