/**
 * The pieces of the per-segment path as loops, for `bench/pieces.ts`. A module of its own beside the core, made of the
 * core's sources; nothing of it is shipped.
 */
import { checksum } from "./base/checksum";
import { arenaInit, reserve } from "./base/arena";
import { giveSegment, takeEvent, takeLongSegment, takeSegment } from "./base/pool";
import { nextRandom } from "./base/prng";
import { engine } from "./base/root";
import { NS_PER_MS, NS_PER_S, timestampClock } from "./base/time";
import { Cc, EventKind, Flag, Opt, RunStatus, State, TcbFlag } from "./layout/enums";
import { Flow } from "./layout/flow";
import { Route } from "./layout/link";
import { Event, Segment } from "./layout/segment";
import { SentSegment, Tcb } from "./layout/tcb";
import { nextEvent, queueInit, schedule } from "./sim/event_queue";
import { run } from "./sim/run";
import { addFlow, addLink, addRoute, init, scheduleFlow } from "./sim/setup";
import { openActive, openPassive, sendBytes } from "./tcp/calls";
import { sackBlock } from "./tcp/scoreboard";
import { segmentArrives } from "./tcp/segment_arrives";
import { parseOptions, writeOptions } from "./wire/options";

const PACKET_BYTES: u32 = 1500;
/** Timestamps and three SACK blocks: the longest options that an ACK carries. */
const OPTION_BYTES: u32 = 12 + 28;
/** Events are pushed up to this far ahead: a round-trip time. */
const AHEAD_NS: u64 = 20 * NS_PER_MS;
const MSS: u32 = 1448;
/** Serialisation of a full packet at 1 Gbit/s: the time between two segments. */
const GAP_NS: u64 = 12000;
/** Segments in flight when ACKs arrive. */
const FLIGHT: u32 = 64;
/** Every so many segments, from the first on, one is lost when ACKs carry SACK blocks. */
const HOLE_EVERY: u32 = 8;

/** Where the pieces keep what they work on; static, as the core keeps its root. */
@unmanaged
class Bench {
  random: u64;
  /** Written to, so that no loop is without effect. */
  sink: u64;
  now: u64;
  packet: usize;
  /** The end that opens and sends, and the one that listens. */
  sender: Tcb;
  receiver: Tcb;
  /** Copies of the sender with FLIGHT segments sent, and of its retransmission queue; when they reach the receiver. */
  saved_now: u64;
  saved_sender: usize;
  saved_queue: usize;
}

const BENCH: usize = memory.data(128, 64);

@inline
function bench(): Bench {
  return changetype<Bench>(BENCH);
}

@inline
function random(): usize {
  return BENCH + offsetof<Bench>("random");
}

// ---- Packets and events ------------------------------------------------------------------------------------------

/** Must come first; leaves `pendingEvents` in the event queue. */
export function prepare(pendingEvents: u32): void {
  arenaInit();
  queueInit();
  bench().packet = reserve(PACKET_BYTES);
  for (let i: u32 = 0; i < PACKET_BYTES; i++) store<u8>(bench().packet + i, <u8>nextRandom(random()));
  for (let i: u32 = 0; i < pendingEvents; i++) pushAfter(takeEvent(EventKind.TIMER, 0), 0);
  // Until the width of a bucket has followed the load
  queueSteps(pendingEvents * 8);
}

export function checksums(count: u32): void {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < count; i++) sum += checksum(bench().packet, PACKET_BYTES);
  bench().sink += sum;
}

export function optionParses(count: u32): void {
  const at = bench().packet;
  const segment = takeLongSegment();
  segment.flags = <u8>Flag.ACK;
  segment.opts = <u8>(Opt.TIMESTAMPS | (3 << Opt.SACK_SHIFT));
  writeOptions(segment, at);
  for (let i: u32 = 0; i < count; i++) {
    // Another value each time, or the compiler may parse once
    store<u32>(at, i, 4);
    parseOptions(at, at + OPTION_BYTES, segment);
    bench().sink += segment.tsval;
  }
  giveSegment(segment);
}

/** Takes the earliest event and puts it back up to a round-trip time later. */
export function queueSteps(count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const event = pop();
    pushAfter(event, event.time);
  }
}

@inline
function pushAfter(event: Event, time: u64): void {
  schedule(event, time + 1 + (((nextRandom(random()) >> 32) * AHEAD_NS) >> 32));
}

@inline
function pop(): Event {
  return changetype<Event>(<usize>nextEvent(u64.MAX_VALUE));
}

// ---- Connections -------------------------------------------------------------------------------------------------

/** Connects the two ends; without timestamps there is room for a fourth SACK block. */
export function connect(timestamps: bool): void {
  const b = bench();
  setDefaults();
  b.sender = endpoint(1, 2, 4 << 20, timestamps);
  b.receiver = endpoint(2, 1, 4 << 20, timestamps);
  openPassive(b.receiver);
  openActive(b.sender, b.now);
  // SYN, SYN-ACK, ACK; then two segments and the first ACK with a scaled window
  carry(b.receiver);
  carry(b.sender);
  carry(b.receiver);
  sendBytes(b.sender, 2 * MSS, b.now);
  carry(b.receiver);
  carry(b.sender);
  assert(b.sender.state == State.ESTABLISHED && b.receiver.state == State.ESTABLISHED);
}

function setDefaults(): void {
  const e = engine();
  e.rto_initial_us = 1000000;
  e.rto_max_us = 120000000;
  e.delayed_ack_us = 40000;
  e.syn_retries = 6;
  e.synack_retries = 6;
  e.data_retries = 15;
}

function endpoint(local: u16, remote: u16, snd_buf: u32, timestamps: bool): Tcb {
  const tcb = changetype<Tcb>(reserve(offsetof<Tcb>()));
  tcb.local_addr = local;
  tcb.remote_addr = remote;
  tcb.local_port = local;
  tcb.remote_port = remote;
  tcb.cc = <u8>Cc.CUBIC;
  tcb.rcv_mss = <u16>(MSS + (timestamps ? 12 : 0));
  tcb.rcv_buf = 4 << 20;
  tcb.snd_buf = snd_buf;
  tcb.rto_min_us = 200000;
  tcb.initial_cwnd = <u16>FLIGHT;
  tcb.flags =
    TcbFlag.OFFER_SACK |
    TcbFlag.OFFER_WINDOW_SCALING |
    TcbFlag.DELAYED_ACK |
    TcbFlag.READS_AT_ONCE |
    (timestamps ? <u32>TcbFlag.OFFER_TIMESTAMPS : 0);
  return tcb;
}

/** Ten milliseconds later, everything that the last call sent arrives at `tcb`. */
function carry(tcb: Tcb): void {
  const b = bench();
  b.now += 10 * NS_PER_MS;
  let next = takeSent();
  while (next) {
    const segment = changetype<Segment>(<usize>next);
    next = segment.next;
    segmentArrives(tcb, segment, b.now);
    giveSegment(segment);
  }
}

@inline
function takeSent(): u32 {
  const e = engine();
  const first = e.out_head;
  e.out_head = 0;
  return first;
}

function dropSent(): void {
  let next = takeSent();
  while (next) {
    const segment = changetype<Segment>(<usize>next);
    next = segment.next;
    giveSegment(segment);
  }
}

/** Full segments arrive in order; every second one is acknowledged. */
export function dataSegments(count: u32): void {
  const b = bench();
  const receiver = b.receiver;
  for (let i: u32 = 0; i < count; i++) {
    b.now += GAP_NS;
    const segment = arriving(b.sender, receiver.rcv_nxt, receiver.snd_nxt);
    segment.len = <u16>MSS;
    segmentArrives(receiver, segment, b.now);
    giveSegment(segment);
    dropSent();
  }
}

/** A segment from `from` that carries an ACK and no data. */
function arriving(from: Tcb, seq: u32, ack: u32): Segment {
  const segment = takeSegment();
  segment.hop = 0;
  segment.flags = <u8>Flag.ACK;
  segment.opts = 0;
  segment.seq = seq;
  segment.ack = ack;
  segment.len = 0;
  segment.wnd = 0x8000;
  if (from.flags & TcbFlag.TIMESTAMPS) {
    segment.opts = <u8>Opt.TIMESTAMPS;
    segment.tsval = timestampClock(bench().now) + from.iss;
    segment.tsecr = from.ts_recent;
  }
  return segment;
}

/** The sender sends FLIGHT segments; `acks` and `selectiveAcks` begin from there each time. */
export function sendFlight(): void {
  const b = bench();
  const sender = b.sender;
  sendBytes(sender, FLIGHT * MSS, b.now);
  dropSent();
  assert(sender.packets_out == FLIGHT);
  b.saved_sender = reserve(offsetof<Tcb>());
  b.saved_queue = reserve(queueBytes(sender));
  memory.copy(b.saved_sender, changetype<usize>(sender), offsetof<Tcb>());
  memory.copy(b.saved_queue, sender.sent, queueBytes(sender));
  b.saved_now = b.now + 20 * NS_PER_MS;
  b.now = b.saved_now;
}

function restoreFlight(): void {
  const b = bench();
  const sender = b.sender;
  memory.copy(changetype<usize>(sender), b.saved_sender, offsetof<Tcb>());
  memory.copy(sender.sent, b.saved_queue, queueBytes(sender));
  b.now = b.saved_now;
}

@inline
function queueBytes(tcb: Tcb): usize {
  return offsetof<SentSegment>() << tcb.sent_bits;
}

/** Each ACK acknowledges two segments; the last of the flight stay, so that its queue does too. */
export function acks(count: u32): void {
  const b = bench();
  const sender = b.sender;
  for (let i: u32 = 0; i < count; i++) {
    if (sender.packets_out <= 2) restoreFlight();
    ackNow(arriving(b.receiver, sender.rcv_nxt, sender.snd_una + 2 * MSS));
  }
}

/**
 * Each ACK tells of one more segment in the first of four SACK blocks:
 *
 *      [lost][1 .. 7][lost][9 .. 15][lost][17 .. 23][lost][25 .. 26, 27, ... 62]
 */
export function selectiveAcks(count: u32): void {
  const b = bench();
  const sender = b.sender;
  const una = sender.snd_una;
  const newest = 3 * HOLE_EVERY + 1;
  let last = newest;
  for (let i: u32 = 0; i < count; i++) {
    if (last == FLIGHT - 1) {
      restoreFlight();
      last = newest;
    }
    last++;
    const segment = arriving(b.receiver, sender.rcv_nxt, una);
    segment.opts = <u8>((<u32>segment.opts) | (4 << Opt.SACK_SHIFT));
    setBlock(segment, 0, una, newest, last);
    for (let k: u32 = 1; k < 4; k++) setBlock(segment, k, una, (3 - k) * HOLE_EVERY + 1, (4 - k) * HOLE_EVERY);
    ackNow(segment);
  }
  restoreFlight();
}

@inline
function setBlock(segment: Segment, i: u32, una: u32, from: u32, to: u32): void {
  store<u32>(sackBlock(segment, i), una + from * MSS);
  store<u32>(sackBlock(segment, i), una + to * MSS, 4);
}

@inline
function ackNow(segment: Segment): void {
  const b = bench();
  b.now += GAP_NS;
  segmentArrives(b.sender, segment, b.now);
  giveSegment(segment);
  dropSent();
}

// ---- Memory ------------------------------------------------------------------------------------------------------

/**
 * Bytes of an established connection with nothing in flight: both ends, the flow, its two routes and its event, over
 * links that all share. Their applications want to write and have no send buffer to write into.
 */
export function idleConnectionBytes(connections: u32): f64 {
  init(1);
  setDefaults();
  const forth = addLink(0, 10 * NS_PER_MS);
  const back = addLink(0, 10 * NS_PER_MS);
  const template = <u32>changetype<usize>(endpoint(1, 2, 0, true));
  const before = engine().arena_top;
  let last: Flow = changetype<Flow>(0);
  for (let i: u32 = 0; i < connections; i++) {
    last = changetype<Flow>(addFlow(i, template, template, oneHop(forth, i), oneHop(back, i)));
    last.bytes_left = 1;
    scheduleFlow(<u32>changetype<usize>(last), EventKind.FLOW_START, i * NS_PER_MS);
  }
  assert(run(connections * NS_PER_MS + NS_PER_S, u32.MAX_VALUE) == RunStatus.DONE);
  assert(changetype<Tcb>(<usize>last.a).state == State.ESTABLISHED);
  assert(changetype<Tcb>(<usize>last.b).state == State.ESTABLISHED);
  return <f64>(engine().arena_top - before) / <f64>connections;
}

function oneHop(link: usize, flow: u32): u32 {
  const route = addRoute(1, flow);
  store<u32>(route, <u32>link, offsetof<Route>());
  return <u32>route;
}
