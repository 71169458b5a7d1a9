/**
 * A receive buffer that follows what the application reads (Linux's dynamic right-sizing): the window of the start
 * grows with full segments, the buffer to some twice of what is read in a round trip. `rcv_buf` is memory; text takes
 * twice its length of it (tcp_adv_win_scale 1).
 */
import { Opt, TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Receiver } from "../layout/receiver";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { slabClass } from "../base/arena";
import { engine } from "../base/root";
import { seqLt } from "../base/seq";
import { microseconds, timestampClock } from "../base/time";
import { WSCALE_MAX, windowScaleFor } from "./options";
import { TIMESTAMPS_LENGTH } from "./pmtu";
import { largerRing } from "./real_bytes";

/** Linux's net.core.rmem_max: SO_RCVBUF could ask for as much, so the scale allows it. */
const SOCKET_RMEM_MAX: u32 = 212992;
/** Smaller segments say little of what the sender could do. */
const GROWING_SEGMENT: u32 = 128;
/** RFC 6928. */
const INITIAL_SEGMENTS: u32 = 10;
/** How far beyond the buffer rounding a window up to its scale may push the right edge. */
export const EDGE_MARGIN: u32 = 0x8000;
/** What may arrive beyond the buffer: up to such an edge, and one segment more. */
const RING_MARGIN: u32 = EDGE_MARGIN + 0x10000;

/** Bytes that may be offered when nothing waits to be read. */
@inline
export function fullSpace(tcb: Tcb): u32 {
  return tcb.rcv_buf >> 1;
}

/** What this end announces as its MSS, less the options on every segment; not less than a byte, however small the MTU. */
@inline
export function advmss(tcb: Tcb): u32 {
  const options: u32 = tcb.flags & TcbFlag.TIMESTAMPS ? TIMESTAMPS_LENGTH : 0;
  return max<i32>(<i32>tcb.rcv_mss - <i32>options, 1);
}

/** Whether SO_RCVBUF has fixed the buffer. */
function isLocked(tcb: Tcb): bool {
  return tcb.ext != 0 && changetype<TcbExt>(<usize>tcb.ext).rcvbuf_locked != 0;
}

/** The most that the user or the route lets be offered. */
function largestWindow(tcb: Tcb): u32 {
  const own = tcb.ext ? changetype<TcbExt>(<usize>tcb.ext).window_clamp : 0;
  const clamp = own ? own : engine().route_window;
  return clamp ? clamp : u32.MAX_VALUE;
}

/** TCP_WINDOW_CLAMP on a connection that may have text: what is offered already is not taken back. */
export function windowClamped(tcb: Tcb, rx: Receiver): void {
  if (!rx.window_clamp) return;
  const clamp = largestWindow(tcb);
  if (clamp < rx.window_clamp) rx.rcv_ssthresh = min(rx.rcv_ssthresh, clamp);
  else rx.rcv_ssthresh = max(rx.rcv_ssthresh, min(tcb.rcv_adv - tcb.rcv_nxt, clamp));
  rx.window_clamp = min<u32>((<u32>0xffff) << tcb.rcv_wscale, clamp);
}

/** The window scale of our SYN. */
export function scaleOffered(tcb: Tcb): u8 {
  return tcb.flags & TcbFlag.TUNED_BUFFER ? tunedScale(tcb) : windowScaleFor(tcb.rcv_buf);
}

/** The shift for the largest window that this connection may come to offer. */
function tunedScale(tcb: Tcb): u8 {
  let space = fullSpace(tcb);
  if (!isLocked(tcb)) space = max(max(space, engine().rmem_max), SOCKET_RMEM_MAX);
  space = min(space, largestWindow(tcb));
  const log2 = 31 - <i32>clz(max<u32>(space, 1));
  return <u8>min<i32>(max<i32>(log2 - 15, 0), WSCALE_MAX);
}

/** What the SYN offers: whole segments of the space, as far as an unscaled window field can say it. */
export function startingWindow(tcb: Tcb): u32 {
  const mss = advmss(tcb);
  const space = min(fullSpace(tcb), largestWindow(tcb));
  const window = min<u32>(space > mss ? space - (space % mss) : space, 0xffff);
  const segments = engine().route_initrwnd;
  return segments ? min(window, segments * mss) : window;
}

/** The largest window at the start: one segment stays in reserve. */
export function startingClamp(tcb: Tcb): u32 {
  const mss = advmss(tcb);
  const space = fullSpace(tcb);
  const clamp = min(min<u32>((<u32>0xffff) << tcb.rcv_wscale, space), largestWindow(tcb));
  return clamp > mss << 1 && clamp + mss > space ? max<u32>(mss << 1, space - mss) : clamp;
}

/** What may be offered before any text has come. */
export function startingThreshold(tcb: Tcb): u32 {
  return min(startingWindow(tcb), startingClamp(tcb));
}

/** What the application is thought to read in the first round trip. */
export function startingSpace(tcb: Tcb): u32 {
  return min(startingThreshold(tcb), INITIAL_SEGMENTS * advmss(tcb));
}

/** The first text has come. */
export function beginTuning(tcb: Tcb, rx: Receiver, now: u64): void {
  rx.window_clamp = startingClamp(tcb);
  rx.rcv_ssthresh = startingThreshold(tcb);
  rx.rcvq_space = startingSpace(tcb);
  rx.rcvq_seq = tcb.copied_seq;
  rx.rcvq_time = now;
}

/** Text has come in order: measures the round trip and lets the window grow. */
export function tuneOnText(tcb: Tcb, rx: Receiver, segment: Segment, now: u64): void {
  measureWindow(tcb, rx, now);
  const both = (<u32>segment.opts) & Opt.TIMESTAMPS && tcb.flags & TcbFlag.TIMESTAMPS;
  if (both && segment.tsecr != rx.rcv_rtt_last_tsecr) {
    rx.rcv_rtt_last_tsecr = segment.tsecr;
    const ms = timestampClock(now) - (segment.tsecr - tcb.iss);
    if (segment.len >= rx.rcv_mss && ms < 1 << 20) takeRtt(rx, max<u32>(ms, 1) * 1000, false);
  }
  growWindow(tcb, rx, segment);
}

/** A window's worth of text takes a round trip at most: the smallest such time counts when there are no timestamps. */
function measureWindow(tcb: Tcb, rx: Receiver, now: u64): void {
  if (rx.rcv_rtt_time) {
    if (seqLt(tcb.rcv_nxt, rx.rcv_rtt_seq)) return;
    takeRtt(rx, max<u32>(microseconds(now - rx.rcv_rtt_time), 1), true);
  }
  rx.rcv_rtt_seq = tcb.rcv_nxt + (tcb.rcv_adv - tcb.last_ack_sent);
  rx.rcv_rtt_time = now;
}

function takeRtt(rx: Receiver, rtt_us: u32, bound: bool): void {
  const sample = min<u32>(rtt_us, 1 << 28) << 3;
  const known = rx.rcv_rtt_us8;
  if (known == 0) rx.rcv_rtt_us8 = sample;
  else if (!bound) rx.rcv_rtt_us8 = known - (known >> 3) + (sample >> 3);
  else if (sample < known) rx.rcv_rtt_us8 = sample;
}

/** Each full segment lets the window grow by two, as far as the buffer goes. */
export function growWindow(tcb: Tcb, rx: Receiver, segment: Segment): void {
  const len = <u32>segment.len;
  if (len < GROWING_SEGMENT) return;
  const space = fullSpace(tcb);
  const used = tcb.rcv_nxt - tcb.copied_seq + rx.ofo_bytes;
  const free = space > used ? space - used : 0;
  const room = <i32>(min(rx.window_clamp, free) - rx.rcv_ssthresh);
  if (room <= 0) return;
  rx.rcv_ssthresh += min<u32>(<u32>room, max(advmss(tcb), len) << 1);
  // The sender hears of it soon
  if (engine().quick_acks) rx.quick |= 1;
}

/** The application has read: once a round trip, the buffer becomes what twice as much a round trip would need. */
export function tuneOnRead(tcb: Tcb, rx: Receiver, now: u64): void {
  const rtt_us = rx.rcv_rtt_us8 >> 3;
  if (rtt_us == 0 || now - rx.rcvq_time < <u64>rtt_us * 1000) return;
  const copied = tcb.copied_seq - rx.rcvq_seq;
  if (copied > rx.rcvq_space) {
    if (engine().moderate_rcvbuf != 0 && !isLocked(tcb)) growBuffer(tcb, rx, copied);
    rx.rcvq_space = copied;
  }
  rx.rcvq_seq = tcb.copied_seq;
  rx.rcvq_time = now;
}

function growBuffer(tcb: Tcb, rx: Receiver, copied: u32): void {
  // Twice what was read, so that losses do not stall it, and more while it grows: slow start doubles it
  let window = ((<u64>copied) << 1) + 16 * advmss(tcb);
  window += ((window * (copied - rx.rcvq_space)) / max<u32>(rx.rcvq_space, 1)) << 1;
  const buffer = <u32>min<u64>(window << 1, engine().rmem_max);
  if (buffer <= tcb.rcv_buf) return;
  tcb.rcv_buf = buffer;
  rx.window_clamp = min<u32>((<u32>0xffff) << tcb.rcv_wscale, buffer >> 1);
  if (tcb.flags & TcbFlag.REAL_BYTES) growRing(tcb);
}

/** The class of a ring for all that may arrive while the buffer is `rcv_buf`. */
export function receiveRingClass(tcb: Tcb): u32 {
  return slabClass((tcb.flags & TcbFlag.TUNED_BUFFER ? fullSpace(tcb) : tcb.rcv_buf) + RING_MARGIN);
}

/** Moves real bytes, in order and ahead of it, to a ring for the buffer as it is now. */
export function growRing(tcb: Tcb): void {
  const bytes = changetype<TcbExt>(<usize>tcb.ext);
  const mask = ((<u32>1) << receiveRingClass(tcb)) - 1;
  if (bytes.receive == 0 || mask <= bytes.receive_mask) return;
  bytes.receive = largerRing(bytes.receive, bytes.receive_mask, mask, tcb.copied_seq);
  bytes.receive_mask = mask;
}
