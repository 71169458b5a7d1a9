/**
 * The pieces of the per-segment path as loops, for `bench/pieces.ts`. A module of its own beside the core, made of the
 * core's sources; nothing of it is shipped.
 */
import { checksum } from "./base/checksum";
import { arenaInit, reserve } from "./base/arena";
import { giveSegment, takeEvent, takeSegment } from "./base/pool";
import { nextRandom } from "./base/prng";
import { engine } from "./base/root";
import { Due } from "./layout/engine";
import { EventKind, Flag, Opt } from "./layout/enums";
import { Event } from "./layout/segment";
import { openNextBucket, queueInit, schedule } from "./sim/event_queue";
import { parseOptions, writeOptions } from "./wire/options";

const PACKET_BYTES: u32 = 1500;
/** Two timestamps and three SACK blocks: the longest that a data connection sends. */
const OPTION_BYTES: u32 = 12 + 28;
/** Events are pushed up to this far ahead: a round-trip time. */
const AHEAD_NS: u64 = 20_000_000;

/** Where the pieces keep what they work on; static, as the core keeps its root. */
@unmanaged
class Bench {
  random: u64;
  /** Written to, so that no loop is without effect. */
  sink: u64;
  packet: usize;
}

const BENCH: usize = memory.data(64, 64);

@inline
function bench(): Bench {
  return changetype<Bench>(BENCH);
}

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

@inline
function random(): usize {
  return BENCH + offsetof<Bench>("random");
}

export function checksums(count: u32): void {
  let sum: u64 = 0;
  for (let i: u32 = 0; i < count; i++) sum += checksum(bench().packet, PACKET_BYTES);
  bench().sink += sum;
}

export function optionParses(count: u32): void {
  const at = bench().packet;
  const segment = takeSegment();
  segment.flags = <u8>Flag.ACK;
  segment.opts = <u8>(Opt.TIMESTAMPS | (3 << Opt.SACK_SHIFT));
  writeOptions(segment, at);
  for (let i: u32 = 0; i < count; i++) {
    // Another value each time, or the compiler may parse once
    store<u32>(at, i, 4);
    assert(parseOptions(at, at + OPTION_BYTES, segment) == 0);
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
  event.time = time + 1 + (((nextRandom(random()) >> 32) * AHEAD_NS) >> 32);
  schedule(event);
}

@inline
function pop(): Event {
  const e = engine();
  if (e.due_next == e.due_count) openNextBucket();
  const due = changetype<Due>(<usize>e.due + (<usize>e.due_next << 4));
  e.due_next++;
  return changetype<Event>(<usize>due.event);
}
