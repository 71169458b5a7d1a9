/**
 * The event queue: total order, amortised O(1). Of one instant packets come first, those of a gate, then the others by
 * the link or the end that they come to, then all else; what is equal in that happens in the order of insertion. So it
 * does not matter how far ahead a `gate` has inserted what has passed it.
 *
 * A calendar of narrow buckets holds the near future, wheels of 256 slots the rest; the earliest bucket lies open,
 * spread over 64 places, so that nothing is compared but what falls into one. The width of a bucket and their number
 * follow the load.
 *
 *      due: 64 places of the open bucket   buckets: 2^bits, each 2^shift ns   wheel 1: 256 slots    wheel 2: ...
 *      |a| |b|c d| |  ...  |               |bucket|bucket|  ...  |            |2^bits buckets| ...  |2^(bits+8) buckets| ...
 *
 * What waits in a bucket or a slot is a list of `chunks`: an event and the lower half of its time. A bucket is put in
 * order without touching its events, which with thousands of flows are a cache miss each.
 *
 * Windows are aligned: an event goes into the lowest wheel whose current turn contains it, and a slot is
 * emptied into the level below before anything can be put there directly. So events of one instant always
 * lie in one slot in their order of insertion, which needs no number. The list of a place is in order; what comes for a
 * bucket that was opened already goes into its place there.
 */
import { Engine } from "../layout/engine";
import { EventKind, Mark } from "../layout/enums";
import { Route } from "../layout/link";
import { Event } from "../layout/segment";
import { engine } from "../base/root";
import { addEntry, CHUNK, chunkOf, ENTRY, giveChunk, oldestFirst } from "./chunks";
import { giveSlab, reserve, takeSlab } from "../base/arena";

/** log2 of how many buckets there are at first, and at most. */
const FIRST_BUCKET_BITS: u32 = 12;
const BUCKET_BITS_MAX: u32 = 18;
const WHEEL_BITS: u32 = 8;
const WHEEL_SLOTS: u32 = 1 << WHEEL_BITS;
const WHEELS: u32 = 8;
const WHEEL_BYTES: u32 = WHEEL_SLOTS * 4 + WHEEL_SLOTS / 8;

const FIRST_SHIFT: u32 = 12;
/** A bucket is aligned and narrower than 2^32 ns: the lower half of the time orders what is in it. */
const SHIFT_MAX: u32 = 24;
const PLACE_BITS: u32 = 6;
const PLACES: u32 = 1 << PLACE_BITS;
/** An open bucket with more events than this is filed again under narrower ones. */
const CROWD: u32 = 1024;
const CROWD_BITS: u32 = 7;
/** Events taken before the width is judged, at least; more when filing everything again would be much work. */
const JUDGE_AFTER: u32 = 16384;

export function queueInit(): void {
  const e = engine();
  setShift(e, FIRST_SHIFT);
  e.queue_opened_last = -1;
  e.queue_judge_after = JUDGE_AFTER;
  takeBuckets(e, FIRST_BUCKET_BITS);
  e.queue_wheels = <u32>reserve(WHEELS * WHEEL_BYTES);
  e.due = <u32>reserve(PLACES * 4);
}

function setShift(e: Engine, shift: u32): void {
  e.queue_shift = shift;
  e.due_shift = max(shift, PLACE_BITS) - PLACE_BITS;
}

/** Empty buckets, 2^bits of them, and their bitmap. */
function takeBuckets(e: Engine, bits: u32): void {
  e.queue_bits = bits;
  e.queue_mask = (1 << bits) - 1;
  e.queue_buckets = <u32>takeSlab(bits + 2);
  e.queue_bitmap = <u32>takeSlab(bits - 3);
  memory.fill(e.queue_buckets, 0, (<usize>4) << bits);
  memory.fill(e.queue_bitmap, 0, (<usize>1) << (bits - 3));
}

/** The event behind this one in the list of a place. */
@inline
function link(event: u32): u32 {
  return changetype<Event>(<usize>event).next;
}

@inline
function setLink(event: u32, next: u32): void {
  changetype<Event>(<usize>event).next = next;
}

@inline
function setBit(bitmap: usize, i: u32): void {
  const word = bitmap + (((<usize>i) >> 6) << 3);
  store<u64>(word, load<u64>(word) | ((<u64>1) << (i & 63)));
}

@inline
function clearBit(bitmap: usize, i: u32): void {
  const word = bitmap + (((<usize>i) >> 6) << 3);
  store<u64>(word, load<u64>(word) & ~((<u64>1) << (i & 63)));
}

/** The first set bit at `from` or after among `count`, or `count`. */
function findBit(bitmap: usize, from: u32, count: u32): u32 {
  if (from >= count) return count;
  let word = from >> 6;
  let bits = load<u64>(bitmap + ((<usize>word) << 3)) & (~(<u64>0) << (from & 63));
  while (!bits) {
    if (++word >= count >> 6) return count;
    bits = load<u64>(bitmap + ((<usize>word) << 3));
  }
  return (word << 6) + <u32>ctz(bits);
}

/** Puts an event into the queue; behind its equals of the same instant. */
@inline
export function schedule(event: Event, time: u64): void {
  const e = engine();
  event.time = time;
  const bucket = time >> e.queue_shift;
  if (<i64>bucket > e.queue_opened_last && (bucket ^ e.queue_turn) <= e.queue_mask) file(e, event, time, bucket);
  else scheduleElsewhere(e, event, time, bucket);
}

/** Into a bucket of the current turn. */
@inline
function file(e: Engine, event: Event, time: u64, bucket: u64): void {
  append(e, e.queue_buckets, e.queue_bitmap, (<u32>bucket) & e.queue_mask, event, time);
}

export function scheduleElsewhere(e: Engine, event: Event, time: u64, bucket: u64): void {
  if (<i64>bucket <= e.queue_opened_last) insertDue(e, event, time, bucket);
  else insertWheel(e, event, time, bucket);
}

function insertWheel(e: Engine, event: Event, time: u64, bucket: u64): void {
  const level = (63 - <u32>clz(bucket ^ e.queue_turn) - e.queue_bits) / WHEEL_BITS;
  const slot = (<u32>(bucket >> (e.queue_bits + level * WHEEL_BITS))) & (WHEEL_SLOTS - 1);
  const wheel = e.queue_wheels + level * WHEEL_BYTES;
  append(e, wheel, wheel + WHEEL_SLOTS * 4, slot, event, time);
}

/** Writes an entry behind the newest of a slot. */
@inline
function append(e: Engine, slots: u32, bitmap: u32, slot: u32, event: Event, time: u64): void {
  const at = <usize>(slots + (slot << 2));
  const end = load<u32>(at);
  if (!end) setBit(bitmap, slot);
  store<u32>(at, addEntry(e, end, <u32>changetype<usize>(event), time));
}

/** Takes all that a slot holds: the end of its newest entry. */
@inline
function empty(slots: u32, bitmap: u32, slot: u32): u32 {
  const at = <usize>(slots + (slot << 2));
  const end = load<u32>(at);
  store<u32>(at, 0);
  clearBit(bitmap, slot);
  return end;
}

/** The place in the open bucket that an event of that time has; the lower half of the time will do. */
@inline
function placeOf(e: Engine, time: u32): u32 {
  return (time >> e.due_shift) & (PLACES - 1);
}

@inline
function timeOf(event: u32): u64 {
  return changetype<Event>(<usize>event).time;
}

/** True when `a` happens before `b` whichever was inserted first. */
@inline
function precedes(a: u32, b: u32): bool {
  const at = timeOf(a);
  const bt = timeOf(b);
  return at < bt || (at == bt && rank(a) < rank(b));
}

const ON_THE_WAY: u32 = (1 << EventKind.SEGMENT) | (1 << EventKind.DATAGRAM) | (1 << EventKind.PACKET);
const ARRIVED: u32 = (1 << EventKind.ARRIVAL) | (1 << EventKind.DATAGRAM_ARRIVAL) | (1 << EventKind.PACKET_ARRIVAL);

/** Among events of one instant: a gate's packets, then each packet by the link or the end that it comes to, then the rest. */
function rank(event: u32): u32 {
  const node = changetype<Event>(<usize>event);
  const kind = (<u32>1) << ((<u32>node.kind) & Mark.KIND_MASK);
  if (kind & ARRIVED) return node.target;
  if (kind & (1 << EventKind.GATE)) return 0;
  if (kind & ON_THE_WAY) return load<u32>(<usize>node.target + ((<usize>node.hop) << 2), offsetof<Route>());
  return u32.MAX_VALUE;
}

/** Into the open bucket: behind everything that is not later. */
function insertDue(e: Engine, event: Event, time: u64, bucket: u64): void {
  const node = <u32>changetype<usize>(event);
  // Before the bucket begins: between two runs the clock may stand there
  const early = <i64>bucket < e.queue_opened_last;
  const place = early ? 0 : placeOf(e, <u32>time);
  const at = <usize>e.due + ((<usize>place) << 2);
  const bit = (<u64>1) << place;
  let behind: u32 = 0;
  let next: u32 = 0;
  if (e.due_bits & bit) {
    sharePlace(e, at, bit);
    // Of many at one instant each comes behind the one before: no need to walk there
    const last = e.due_last;
    if (last != 0 && !early && placeOf(e, <u32>timeOf(last)) == place && !precedes(node, last)) {
      behind = last;
    } else {
      next = load<u32>(at);
      while (next != 0 && !precedes(node, next)) {
        behind = next;
        next = link(next);
      }
    }
  }
  e.due_bits |= bit;
  setLink(node, next);
  if (behind) setLink(behind, node);
  else store<u32>(at, node);
  if (!next && !early) e.due_last = node;
}

/** A place with one event has no list yet. */
@inline
function sharePlace(e: Engine, at: usize, bit: u64): void {
  if (e.due_shared & bit) return;
  e.due_shared |= bit;
  setLink(load<u32>(at), 0);
}

/** Takes the first of the list of a place. */
function takeShared(e: Engine, at: usize, bit: u64): void {
  const next = link(load<u32>(at));
  store<u32>(at, next);
  if (next) return;
  e.due_shared &= ~bit;
  e.due_bits &= ~bit;
  e.due_last = 0;
}

/** `takeNext` for who does not call it for every segment. */
export function nextEvent(until: u64): u32 {
  return takeNext(until);
}

/** Takes the next event, when there is one at `until` or before; 0 when not. */
@inline
export function takeNext(until: u64): u32 {
  const e = engine();
  while (!e.due_bits) {
    if (!openNext(e, until)) return 0;
  }
  const bits = e.due_bits;
  const at = <usize>e.due + ((<usize>ctz(bits)) << 2);
  const first = load<u32>(at);
  if (timeOf(first) > until) return 0;
  const bit = bits & -bits;
  if (e.due_shared & bit) {
    takeShared(e, at, bit);
  } else {
    e.due_bits = bits ^ bit;
    e.due_last = 0;
  }
  return first;
}

/** Opens the next bucket, or turns to where it is. False when nothing can be at `until` or before. */
function openNext(e: Engine, until: u64): bool {
  if (e.queue_found >= e.queue_judge_after) judgeWidth(e);
  const mask = e.queue_mask;
  const slot = findBit(e.queue_bitmap, <u32>(e.queue_opened_last + 1 - e.queue_turn), mask + 1);
  if (slot > mask) return turnWheels(e, until);
  const bucket = e.queue_turn | slot;
  if (bucket << e.queue_shift > until) return false;
  e.queue_opened_last = <i64>bucket;
  open(e, slot);
  return true;
}

/**
 * A time before which nothing happens, u64.MAX_VALUE when nothing will: the next event's, or the beginning of the bucket
 * or slot that it waits in. Changes nothing.
 */
export function earliestEvent(): u64 {
  const e = engine();
  if (e.due_bits) return timeOf(load<u32>(<usize>e.due + ((<usize>ctz(e.due_bits)) << 2)));
  const buckets = e.queue_mask + 1;
  const slot = findBit(e.queue_bitmap, <u32>(e.queue_opened_last + 1 - e.queue_turn), buckets);
  if (slot < buckets) return (e.queue_turn | slot) << e.queue_shift;
  for (let level: u32 = 0; level < WHEELS; level++) {
    const bitmap = <usize>e.queue_wheels + level * WHEEL_BYTES + WHEEL_SLOTS * 4;
    const shift = e.queue_bits + level * WHEEL_BITS;
    const next = findBit(bitmap, ((<u32>(e.queue_turn >> shift)) & (WHEEL_SLOTS - 1)) + 1, WHEEL_SLOTS);
    if (next < WHEEL_SLOTS) return turnAt(e, shift, next) << e.queue_shift;
  }
  return u64.MAX_VALUE;
}

/** Number of the first bucket of a wheel's slot in its current turn. */
@inline
function turnAt(e: Engine, shift: u32, slot: u32): u64 {
  const above = shift + WHEEL_BITS < 64 ? (e.queue_turn >> (shift + WHEEL_BITS)) << (shift + WHEEL_BITS) : 0;
  return above | ((<u64>slot) << shift);
}

/**
 * Turns to the next occupied slot of the lowest wheel that has one, and empties it downwards. False when there is
 * none, or it begins after `until`.
 */
function turnWheels(e: Engine, until: u64): bool {
  for (let level: u32 = 0; level < WHEELS; level++) {
    const wheel = e.queue_wheels + level * WHEEL_BYTES;
    const bitmap = wheel + WHEEL_SLOTS * 4;
    const shift = e.queue_bits + level * WHEEL_BITS;
    const slot = findBit(bitmap, ((<u32>(e.queue_turn >> shift)) & (WHEEL_SLOTS - 1)) + 1, WHEEL_SLOTS);
    if (slot == WHEEL_SLOTS) continue;
    const turn = turnAt(e, shift, slot);
    if (turn << e.queue_shift > until) return false;
    e.queue_turn = turn;
    e.queue_opened_last = <i64>turn - 1;
    // What fits into a turn has the upper half of its time from there
    const known = level == 0 && e.queue_bits + e.queue_shift <= 32;
    refile(e, empty(wheel, bitmap, slot), known);
    return true;
  }
  return false;
}

/**
 * Puts all that a slot held where the turn now says, oldest first. `known`: the slot was one turn, whose beginning tells
 * the rest of the times.
 */
function refile(e: Engine, newest: u32, known: bool): void {
  const start = e.queue_turn << e.queue_shift;
  let chunk = oldestFirst(newest);
  while (chunk) {
    const next = load<u32>(<usize>chunk);
    const end = next ? chunk + CHUNK : newest;
    for (let at = chunk + ENTRY; at < end; at += ENTRY) {
      const entry = load<u64>(<usize>at);
      const event = changetype<Event>(<usize>(<u32>entry));
      const time = known ? start + <u64>(<u32>(entry >> 32) - <u32>start) : event.time;
      const bucket = time >> e.queue_shift;
      if ((bucket ^ e.queue_turn) <= e.queue_mask) file(e, event, time, bucket);
      else insertWheel(e, event, time, bucket);
      e.queue_refiled++;
    }
    giveChunk(e, chunk);
    chunk = next;
  }
}

/** Spreads a bucket over its places, newest first: one that is older goes before its equals. */
function open(e: Engine, slot: u32): void {
  let end = empty(e.queue_buckets, e.queue_bitmap, slot);
  const due = <usize>e.due;
  let bits: u64 = 0;
  let shared: u64 = 0;
  let count: u32 = 0;
  let read: u32 = 0;
  do {
    const chunk = chunkOf(end);
    count += (end - chunk) / ENTRY - 1;
    do {
      end -= ENTRY;
      const entry = load<u64>(<usize>end);
      const event = <u32>entry;
      // Not waited for here, and on its way when its turn comes
      read ^= changetype<Event>(<usize>event).target;
      const place = placeOf(e, <u32>(entry >> 32));
      const at = due + ((<usize>place) << 2);
      const bit = (<u64>1) << place;
      if (bits & bit) {
        if (!(shared & bit)) setLink(load<u32>(at), 0);
        shared |= bit;
        insertOlder(at, event);
      } else {
        bits |= bit;
        store<u32>(at, event);
      }
    } while (end != chunk + ENTRY);
    end = load<u32>(<usize>chunk);
    giveChunk(e, chunk);
  } while (end != 0 && (count < CROWD || e.queue_shift == 0));
  if (end) {
    disperse(e, end, bits, shared);
    return;
  }
  e.due_bits = bits;
  e.due_shared = shared;
  e.due_read = read;
  e.queue_opened++;
  e.queue_found += count;
}

/** Into the list of a place, before all that are not earlier. */
function insertOlder(at: usize, event: u32): void {
  let behind: u32 = 0;
  let next = load<u32>(at);
  while (next != 0 && precedes(next, event)) {
    behind = next;
    next = link(next);
  }
  setLink(event, next);
  if (behind) setLink(behind, event);
  else store<u32>(at, event);
}

/** A crowded bucket, whose older part, up to `rest`, has no place yet: narrower buckets for everything. */
function disperse(e: Engine, rest: u32, bits: u64, shared: u64): void {
  let all: u32 = 0;
  // Backwards, so that the list begins with the oldest and what has a place follows in order
  while (bits) {
    const place = 63 - clz(bits);
    const bit = (<u64>1) << place;
    const first = load<u32>(<usize>e.due + ((<usize>place) << 2));
    all = shared & bit ? prependList(first, all) : prepend(first, all);
    bits ^= bit;
  }
  all = prependSlot(e, rest, all);
  e.queue_opened_last--;
  const narrower = min(e.queue_shift, CROWD_BITS);
  rebuild(e, e.queue_shift - narrower, min(e.queue_bits + narrower, BUCKET_BITS_MAX), all);
}

/** Puts an event in front of a list. */
@inline
function prepend(event: u32, list: u32): u32 {
  setLink(event, list);
  return event;
}

/** Puts the list of a place, as it is, in front of another. */
function prependList(first: u32, list: u32): u32 {
  let last = first;
  while (link(last)) last = link(last);
  setLink(last, list);
  return first;
}

/** Puts all that a slot held, oldest first, in front of a list. */
function prependSlot(e: Engine, newest: u32, list: u32): u32 {
  let end = newest;
  while (end) {
    const chunk = chunkOf(end);
    for (end -= ENTRY; end != chunk; end -= ENTRY) list = prepend(load<u32>(<usize>end), list);
    end = load<u32>(<usize>chunk);
    giveChunk(e, chunk);
  }
  return list;
}

/**
 * Narrows or widens the buckets so that an opened one holds between eight and 24 events, and makes more of them when
 * the near future does not fit: an event that waits in a wheel is touched twice.
 */
function judgeWidth(e: Engine): void {
  const opened = e.queue_opened;
  const found = e.queue_found;
  let shift = e.queue_shift;
  let bits = e.queue_bits;
  if (found > opened * 24 && shift > 0) {
    shift--;
    // As far ahead as before
    if (bits < BUCKET_BITS_MAX) bits++;
  } else if (found < opened * 8 && shift < SHIFT_MAX) {
    shift++;
  } else if (opened <= e.queue_mask) {
    // A wheel's slot is emptied once a turn: less than a turn says nothing of how much waits there
    e.queue_judge_after = found << 1;
    return;
  } else if (e.queue_refiled > found >> 3 && bits < BUCKET_BITS_MAX) {
    bits++;
  }
  e.queue_opened = 0;
  e.queue_found = 0;
  e.queue_refiled = 0;
  if (shift != e.queue_shift || bits != e.queue_bits) rebuild(e, shift, bits, 0);
}

/**
 * Files everything again under another width, `all` first, oldest first. Nothing is due: all that waits is later than the
 * bucket opened last.
 */
function rebuild(e: Engine, shift: u32, bits: u32, all: u32): void {
  const buckets = e.queue_buckets;
  all = prependSlots(e, buckets, e.queue_bitmap, e.queue_mask + 1, all);
  giveSlab(buckets, e.queue_bits + 2);
  giveSlab(e.queue_bitmap, e.queue_bits - 3);
  takeBuckets(e, bits);
  for (let level: u32 = 0; level < WHEELS; level++) {
    const wheel = e.queue_wheels + level * WHEEL_BYTES;
    all = prependSlots(e, wheel, wheel + WHEEL_SLOTS * 4, WHEEL_SLOTS, all);
  }
  // The bucket that holds the first instant not opened yet is the first to open
  const first = ((<u64>(e.queue_opened_last + 1)) << e.queue_shift) >> shift;
  e.queue_opened_last = <i64>first - 1;
  e.queue_turn = first & ~(<u64>e.queue_mask);
  setShift(e, shift);
  let count: u32 = 0;
  while (all) {
    const event = changetype<Event>(<usize>all);
    all = link(all);
    schedule(event, event.time);
    count++;
  }
  e.queue_judge_after = max(JUDGE_AFTER, count << 2);
}

/** Empties all slots, each oldest first, into the front of a list. */
function prependSlots(e: Engine, slots: u32, bitmap: u32, count: u32, list: u32): u32 {
  for (let slot = findBit(bitmap, 0, count); slot < count; slot = findBit(bitmap, slot + 1, count)) {
    list = prependSlot(e, empty(slots, bitmap, slot), list);
  }
  return list;
}
