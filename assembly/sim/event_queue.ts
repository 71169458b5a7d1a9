/**
 * The event queue: total order (time, insertion number), amortised O(1).
 *
 * A calendar of narrow buckets holds the near future, wheels of 256 slots the rest; the earliest bucket lies open,
 * spread over 64 places, so that nothing is compared but what falls into one. The width of a bucket and their number
 * follow the load.
 *
 *      due: 64 places of the open bucket   buckets: 2^bits, each 2^shift ns   wheel 1: 256 slots    wheel 2: ...
 *      |a| |b|c d| |  ...  |               |bucket|bucket|  ...  |            |2^bits buckets| ...  |2^(bits+8) buckets| ...
 *
 * Windows are aligned: an event goes into the lowest wheel whose current turn contains it, and a slot is
 * emptied into the level below before anything can be put there directly. So events of one instant always
 * lie in one list, newest first, and their order of insertion needs no number: it is the list's, reversed.
 * The list of a place is in order; what comes for a bucket that was opened already goes into its place there.
 */
import { Engine } from "../layout/engine";
import { Event } from "../layout/segment";
import { engine } from "../base/root";
import { linkWord } from "../base/pool";
import { giveSlab, READ_AHEAD, reserve, takeSlab } from "../base/arena";

/** log2 of how many buckets there are at first, and at most. */
const FIRST_BUCKET_BITS: u32 = 12;
const BUCKET_BITS_MAX: u32 = 18;
const WHEEL_BITS: u32 = 8;
const WHEEL_SLOTS: u32 = 1 << WHEEL_BITS;
const WHEELS: u32 = 8;
const WHEEL_BYTES: u32 = WHEEL_SLOTS * 4 + WHEEL_SLOTS / 8;

const FIRST_SHIFT: u32 = 12;
const SHIFT_MAX: u32 = 24;
const PLACE_BITS: u32 = 6;
const PLACES: u32 = 1 << PLACE_BITS;
/** With so many events what they are for lies beyond the cache. */
const READ_AHEAD_FROM: u32 = 32768;
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

/** The event behind this one in its list: kept apart from the event, see `base/pool`. */
@inline
function link(event: u32): u32 {
  return load<u32>(linkWord(event));
}

@inline
function setLink(event: u32, next: u32): void {
  store<u32>(linkWord(event), next);
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

/** Puts an event with its time set into the queue; behind all of the same instant. */
@inline
export function schedule(event: Event): void {
  const e = engine();
  const bucket = event.time >> e.queue_shift;
  if (<i64>bucket > e.queue_opened_last && (bucket ^ e.queue_turn) <= e.queue_mask) file(e, event, bucket);
  else scheduleElsewhere(e, event, bucket);
}

/** Into a bucket of the current turn. */
@inline
function file(e: Engine, event: Event, bucket: u64): void {
  const slot = (<u32>bucket) & e.queue_mask;
  const head = <usize>e.queue_buckets + ((<usize>slot) << 2);
  setLink(<u32>changetype<usize>(event), load<u32>(head));
  store<u32>(head, <u32>changetype<usize>(event));
  setBit(e.queue_bitmap, slot);
}

export function scheduleElsewhere(e: Engine, event: Event, bucket: u64): void {
  if (<i64>bucket <= e.queue_opened_last) insertDue(e, event, bucket);
  else insertWheel(e, event, bucket, bucket ^ e.queue_turn);
}

function insertWheel(e: Engine, event: Event, bucket: u64, difference: u64): void {
  const level = (63 - <u32>clz(difference) - e.queue_bits) / WHEEL_BITS;
  const slot = (<u32>(bucket >> (e.queue_bits + level * WHEEL_BITS))) & (WHEEL_SLOTS - 1);
  const wheel = <usize>e.queue_wheels + level * WHEEL_BYTES;
  const head = wheel + ((<usize>slot) << 2);
  setLink(<u32>changetype<usize>(event), load<u32>(head));
  store<u32>(head, <u32>changetype<usize>(event));
  setBit(wheel + WHEEL_SLOTS * 4, slot);
}

/** The place in the open bucket that an event of that time has. */
@inline
function placeOf(e: Engine, time: u64): u32 {
  return (<u32>(time >> e.due_shift)) & (PLACES - 1);
}

@inline
function timeOf(event: u32): u64 {
  return changetype<Event>(<usize>event).time;
}

/** Into the open bucket: behind everything that is not later. */
function insertDue(e: Engine, event: Event, bucket: u64): void {
  const node = <u32>changetype<usize>(event);
  const time = event.time;
  // Before the bucket begins: between two runs the clock may stand there
  const early = <i64>bucket < e.queue_opened_last;
  const place = early ? 0 : placeOf(e, time);
  const at = <usize>e.due + ((<usize>place) << 2);
  const bit = (<u64>1) << place;
  let behind: u32 = 0;
  let next: u32 = 0;
  if (e.due_bits & bit) {
    sharePlace(e, at, bit);
    // Of many at one instant each comes behind the one before: no need to walk there
    const last = e.due_last;
    if (last != 0 && !early && placeOf(e, timeOf(last)) == place && timeOf(last) <= time) {
      behind = last;
    } else {
      next = load<u32>(at);
      while (next != 0 && timeOf(next) <= time) {
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
  for (;;) {
    const bits = e.due_bits;
    if (bits) {
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
    if (e.queue_found >= e.queue_judge_after) judgeWidth(e);
    const mask = e.queue_mask;
    const slot = findBit(e.queue_bitmap, <u32>(e.queue_opened_last + 1 - e.queue_turn), mask + 1);
    if (slot > mask) {
      if (!turnWheels(e, until)) return 0;
      continue;
    }
    const head = <usize>e.queue_buckets + ((<usize>slot) << 2);
    const only = load<u32>(head);
    const node = changetype<Event>(<usize>only);
    if (link(only)) {
      e.queue_opened_last = <i64>(e.queue_turn | slot);
      open(e, slot);
      continue;
    }
    // Many buckets hold one event: it need not be given a place
    if (node.time > until) return 0;
    store<u32>(head, 0);
    clearBit(e.queue_bitmap, slot);
    e.queue_opened_last = <i64>(e.queue_turn | slot);
    e.queue_opened++;
    e.queue_found++;
    return only;
  }
}

/**
 * A time before which nothing happens, u64.MAX_VALUE when nothing will: the next event's, or the beginning of the slot
 * that it waits in. Changes nothing.
 */
export function earliestEvent(): u64 {
  const e = engine();
  if (e.due_bits) return timeOf(load<u32>(<usize>e.due + ((<usize>ctz(e.due_bits)) << 2)));
  const buckets = e.queue_mask + 1;
  const slot = findBit(e.queue_bitmap, <u32>(e.queue_opened_last + 1 - e.queue_turn), buckets);
  if (slot < buckets) {
    const only = load<u32>(<usize>e.queue_buckets + ((<usize>slot) << 2));
    return link(only) ? (e.queue_turn | slot) << e.queue_shift : changetype<Event>(<usize>only).time;
  }
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
    const wheel = <usize>e.queue_wheels + level * WHEEL_BYTES;
    const bitmap = wheel + WHEEL_SLOTS * 4;
    const shift = e.queue_bits + level * WHEEL_BITS;
    const slot = findBit(bitmap, ((<u32>(e.queue_turn >> shift)) & (WHEEL_SLOTS - 1)) + 1, WHEEL_SLOTS);
    if (slot == WHEEL_SLOTS) continue;
    const turn = turnAt(e, shift, slot);
    if (turn << e.queue_shift > until) return false;
    e.queue_turn = turn;
    e.queue_opened_last = <i64>turn - 1;
    const head = wheel + ((<usize>slot) << 2);
    const list = load<u32>(head);
    store<u32>(head, 0);
    clearBit(bitmap, slot);
    refile(e, list);
    return true;
  }
  return false;
}

/** Puts every event of a list, newest first, where the turn now says; oldest first. */
function refile(e: Engine, list: u32): void {
  let event = reversed(list);
  while (event) {
    const node = changetype<Event>(<usize>event);
    event = link(event);
    const bucket = node.time >> e.queue_shift;
    const difference = bucket ^ e.queue_turn;
    e.queue_refiled++;
    if (difference <= e.queue_mask) file(e, node, bucket);
    else insertWheel(e, node, bucket, difference);
  }
}

function reversed(list: u32): u32 {
  let result: u32 = 0;
  while (list) {
    const next = link(list);
    setLink(list, result);
    result = list;
    list = next;
  }
  return result;
}

/**
 * Reads of a control block's lines that every segment touches, or of a route. All that a bucket's events are for is under
 * way at once then, where each would be waited for in its turn.
 */
@inline
function readAhead(event: u32): u32 {
  const target = <usize>changetype<Event>(<usize>event).target;
  return load<u32>(target) ^ load<u32>(target, 64) ^ load<u32>(target, 128) ^ load<u32>(target, 192);
}

if (READ_AHEAD != 192 + 4) ERROR("the arena's margin is not what readAhead reads");

/** Spreads a bucket over its places. Its list is newest first: one that is older goes before its equals. */
function open(e: Engine, slot: u32): void {
  const head = <usize>e.queue_buckets + ((<usize>slot) << 2);
  let event = load<u32>(head);
  store<u32>(head, 0);
  clearBit(e.queue_bitmap, slot);
  const due = <usize>e.due;
  let bits: u64 = 0;
  let shared: u64 = 0;
  let count: u32 = 0;
  const ahead = e.queue_reads_ahead;
  let read: u32 = 0;
  do {
    if (ahead) read ^= readAhead(event);
    const next = link(event);
    const time = timeOf(event);
    const place = placeOf(e, time);
    const at = due + ((<usize>place) << 2);
    const bit = (<u64>1) << place;
    if (bits & bit) {
      if (!(shared & bit)) setLink(load<u32>(at), 0);
      shared |= bit;
      insertOlder(at, event, time);
    } else {
      bits |= bit;
      store<u32>(at, event);
    }
    event = next;
    count++;
  } while (event != 0 && (count != CROWD || e.queue_shift == 0));
  if (event) {
    disperse(e, event, bits, shared);
    return;
  }
  e.due_bits = bits;
  e.due_shared = shared;
  e.due_read = read;
  e.queue_opened++;
  e.queue_found += count;
}

/** Into the list of a place, before all that are not earlier. */
function insertOlder(at: usize, event: u32, time: u64): void {
  let behind: u32 = 0;
  let next = load<u32>(at);
  while (next != 0 && timeOf(next) < time) {
    behind = next;
    next = link(next);
  }
  setLink(event, next);
  if (behind) setLink(behind, event);
  else store<u32>(at, event);
}

/** A crowded bucket, of which `rest`, the older part of its list, has no place yet: narrower buckets for everything. */
function disperse(e: Engine, rest: u32, bits: u64, shared: u64): void {
  let all: u32 = 0;
  // Backwards, so that the list begins with the oldest and what has a place follows in order
  while (bits) {
    const place = 63 - clz(bits);
    const bit = (<u64>1) << place;
    const first = load<u32>(<usize>e.due + ((<usize>place) << 2));
    if (!(shared & bit)) setLink(first, 0);
    all = prepend(reversed(first), all);
    bits ^= bit;
  }
  all = prepend(rest, all);
  e.queue_opened_last--;
  const narrower = min(e.queue_shift, CROWD_BITS);
  rebuild(e, e.queue_shift - narrower, min(e.queue_bits + narrower, BUCKET_BITS_MAX), all);
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
  const buckets = e.queue_mask + 1;
  for (
    let slot = findBit(e.queue_bitmap, 0, buckets);
    slot < buckets;
    slot = findBit(e.queue_bitmap, slot + 1, buckets)
  ) {
    all = prepend(load<u32>(<usize>e.queue_buckets + ((<usize>slot) << 2)), all);
  }
  giveSlab(e.queue_buckets, e.queue_bits + 2);
  giveSlab(e.queue_bitmap, e.queue_bits - 3);
  takeBuckets(e, bits);
  for (let level: u32 = 0; level < WHEELS; level++) {
    const wheel = <usize>e.queue_wheels + level * WHEEL_BYTES;
    const bitmap = wheel + WHEEL_SLOTS * 4;
    for (
      let slot = findBit(bitmap, 0, WHEEL_SLOTS);
      slot < WHEEL_SLOTS;
      slot = findBit(bitmap, slot + 1, WHEEL_SLOTS)
    ) {
      all = prepend(load<u32>(wheel + ((<usize>slot) << 2)), all);
    }
    memory.fill(wheel, 0, WHEEL_BYTES);
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
    schedule(event);
    count++;
  }
  e.queue_judge_after = max(JUDGE_AFTER, count << 2);
  e.queue_reads_ahead = count >= READ_AHEAD_FROM ? 1 : 0;
}

/** Puts `list`, reversed to oldest first, in front of `rest`. */
function prepend(list: u32, rest: u32): u32 {
  while (list) {
    const next = link(list);
    setLink(list, rest);
    rest = list;
    list = next;
  }
  return rest;
}
