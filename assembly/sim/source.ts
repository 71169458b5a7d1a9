/** Open-loop sources: datagrams at their own pace, whatever the network makes of them. */
import { EventKind, Opt, SourceKind } from "../layout/enums";
import { Source } from "../layout/flow";
import { Event, Segment } from "../layout/segment";
import { giveEvent, giveSegment, takeSegment } from "../base/pool";
import { nextExponential } from "../base/prng";
import { schedule } from "./event_queue";
import { forward, headWord } from "./link";

/** An IPv4 and a UDP header: no datagram is smaller. */
const BYTES_MIN: f64 = 28;

/** Sends a datagram and comes back after the gap. */
export function sourceEmits(source: Source, event: Event, now: u64): void {
  if (now >= source.stop_ns) {
    giveEvent(event);
    return;
  }
  const random = changetype<usize>(source) + offsetof<Source>("random");
  let bytes = <f64>source.bytes;
  let gap = source.gap_ns;
  if (source.kind != SourceKind.CBR) gap = nextExponential(random, gap);
  if (source.kind == SourceKind.POISSON_EXPONENTIAL) bytes = nextExponential(random, bytes);
  const segment = takeSegment();
  store<u32>(changetype<usize>(segment), EventKind.DATAGRAM, offsetof<Segment>("kind"));
  segment.target = source.route;
  segment.seq = <u32>source.sent;
  segment.ack = source.index;
  // Where TCP's timestamps would be: when it left
  store<u64>(changetype<usize>(segment), now, offsetof<Segment>("tsval"));
  segment.len = <u16>min(65535.0, max(bytes, source.kind == SourceKind.POISSON_EXPONENTIAL ? 1.0 : BYTES_MIN));
  source.sent++;
  forward(segment, headWord(changetype<usize>(segment)), now);
  source.due_ns += gap;
  schedule(event, <u64>source.due_ns);
}

/** A datagram has passed its last link. */
export function datagramArrives(segment: Segment, source: Source, now: u64): void {
  // A datagram has a checksum too
  if ((<u32>segment.opts) & Opt.CORRUPTED) {
    source.dropped++;
  } else {
    const delay = now - load<u64>(changetype<usize>(segment), offsetof<Segment>("tsval"));
    source.received++;
    source.received_bytes += segment.len;
    source.delay_ns += delay;
    source.delay_ns_max = max(source.delay_ns_max, delay);
  }
  giveSegment(segment);
}
