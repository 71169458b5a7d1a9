/**
 * The event queue: total order (time, insertion number), amortised O(1).
 *
 * A calendar of narrow buckets holds the near future, wheels of 256 slots the rest; the earliest bucket
 * lies open, sorted, in an array. The width of a bucket follows the load.
 *
 *      due (sorted array)   buckets: 2^14, each 2^shift ns     wheel 1: 256 slots   wheel 2: ...
 *      [a b c d]            |bucket|bucket|  ...  |            |2^14 buckets| ...   |2^22 buckets| ...
 *        ^ next
 *
 * Windows are aligned: an event goes into the lowest wheel whose current turn contains it, and a slot is
 * emptied into the level below before anything can be put there directly. So events of one instant always
 * lie in one list, newest first, and their order of insertion needs no number: it is the list's, reversed.
 */
import { Due, Engine } from "../layout/engine";
import { Event } from "../layout/segment";
import { engine } from "../base/root";
import { giveSlab, reserve, slabClass, takeSlab } from "../base/arena";

const BUCKET_BITS: u32 = 14;
const BUCKETS: u32 = 1 << BUCKET_BITS;
const WHEEL_BITS: u32 = 8;
const WHEEL_SLOTS: u32 = 1 << WHEEL_BITS;
const WHEELS: u32 = 7;
const WHEEL_BYTES: u32 = WHEEL_SLOTS * 4 + WHEEL_SLOTS / 8;

const FIRST_SHIFT: u32 = 12;
const SHIFT_MAX: u32 = 24;
const DUE_CLASS: u32 = 14;
/** Buckets opened between two judgements of the width. */
const JUDGE_EVERY: u32 = 2048;
const INSERTION_SORT_MAX: u32 = 24;

export function queueInit(): void {
  const e = engine();
  e.queue_shift = FIRST_SHIFT;
  e.queue_buckets = <u32>reserve(BUCKETS * 4);
  e.queue_bitmap = <u32>reserve(BUCKETS / 8);
  e.queue_wheels = <u32>reserve(WHEELS * WHEEL_BYTES);
  e.due = <u32>takeSlab(DUE_CLASS);
  e.due_capacity = 1 << (DUE_CLASS - 4);
}

@inline
function due(e: Engine, i: u32): Due {
  return changetype<Due>(<usize>e.due + (<usize>i << 4));
}

@inline
function copyDue(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
}

@inline
function setBit(bitmap: usize, i: u32): void {
  const word = bitmap + ((<usize>i >> 6) << 3);
  store<u64>(word, load<u64>(word) | (<u64>1 << (i & 63)));
}

@inline
function clearBit(bitmap: usize, i: u32): void {
  const word = bitmap + ((<usize>i >> 6) << 3);
  store<u64>(word, load<u64>(word) & ~(<u64>1 << (i & 63)));
}

/** The first set bit at `from` or after among `count`, or `count`. */
function findBit(bitmap: usize, from: u32, count: u32): u32 {
  if (from >= count) return count;
  let word = from >> 6;
  let bits = load<u64>(bitmap + (<usize>word << 3)) & (~(<u64>0) << (from & 63));
  while (!bits) {
    if (++word >= count >> 6) return count;
    bits = load<u64>(bitmap + (<usize>word << 3));
  }
  return (word << 6) + <u32>ctz(bits);
}

/** Puts an event with its time set into the queue; behind all of the same instant. */
@inline
export function schedule(event: Event): void {
  const e = engine();
  const bucket = event.time >> e.queue_shift;
  const current = e.queue_bucket;
  if (<i64>bucket > <i64>current && (bucket ^ current) < BUCKETS) file(e, event, <u32>bucket & (BUCKETS - 1));
  else scheduleElsewhere(e, event, bucket);
}

/** Into a bucket of the current turn. */
@inline
function file(e: Engine, event: Event, slot: u32): void {
  const head = <usize>e.queue_buckets + (<usize>slot << 2);
  event.next = load<u32>(head);
  store<u32>(head, <u32>changetype<usize>(event));
  setBit(e.queue_bitmap, slot);
}

export function scheduleElsewhere(e: Engine, event: Event, bucket: u64): void {
  if (<i64>bucket <= <i64>e.queue_bucket) insertDue(e, event);
  else insertWheel(e, event, bucket, bucket ^ e.queue_bucket);
}

function insertWheel(e: Engine, event: Event, bucket: u64, difference: u64): void {
  const level = (63 - <u32>clz(difference) - BUCKET_BITS) / WHEEL_BITS;
  const slot = <u32>(bucket >> (BUCKET_BITS + level * WHEEL_BITS)) & (WHEEL_SLOTS - 1);
  const wheel = <usize>e.queue_wheels + level * WHEEL_BYTES;
  const head = wheel + (<usize>slot << 2);
  event.next = load<u32>(head);
  store<u32>(head, <u32>changetype<usize>(event));
  setBit(wheel + WHEEL_SLOTS * 4, slot);
}

/** Into the open bucket: behind everything that is not later. */
function insertDue(e: Engine, event: Event): void {
  if (e.due_next == e.due_count) {
    e.due_next = 0;
    e.due_count = 0;
  }
  if (e.due_count == e.due_capacity) makeRoom(e);
  const time = event.time;
  let at = e.due_count++;
  const near = max(e.due_next, at - min(at, INSERTION_SORT_MAX));
  while (at > near && due(e, at - 1).time > time) {
    copyDue(changetype<usize>(due(e, at)), changetype<usize>(due(e, at - 1)));
    at--;
  }
  if (at == near && at > e.due_next && due(e, at - 1).time > time) {
    let low = e.due_next;
    let high = at;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (due(e, middle).time <= time) low = middle + 1;
      else high = middle;
    }
    const from = changetype<usize>(due(e, low));
    memory.copy(from + 16, from, <usize>(at - low) << 4);
    at = low;
  }
  const entry = due(e, at);
  entry.time = time;
  entry.event = <u32>changetype<usize>(event);
}

function makeRoom(e: Engine): void {
  const count = e.due_count - e.due_next;
  const from = changetype<usize>(due(e, e.due_next));
  if (count < e.due_capacity >> 1) {
    memory.copy(e.due, from, <usize>count << 4);
  } else {
    const klass = slabClass(e.due_capacity << 5);
    const bigger = takeSlab(klass);
    memory.copy(bigger, from, <usize>count << 4);
    giveSlab(e.due, klass - 1);
    e.due = <u32>bigger;
    e.due_capacity <<= 1;
  }
  e.due_next = 0;
  e.due_count = count;
}

/** Opens the next bucket that holds anything; false when the queue is empty. The due array must be used up. */
export function openNextBucket(): bool {
  const e = engine();
  if (e.queue_opened >= JUDGE_EVERY) {
    judgeWidth(e);
    if (e.due_next < e.due_count) return true;
  }
  let from = (<u32>e.queue_bucket & (BUCKETS - 1)) + 1;
  for (;;) {
    const slot = findBit(e.queue_bitmap, from, BUCKETS);
    if (slot < BUCKETS) {
      e.queue_bucket = (e.queue_bucket & ~<u64>(BUCKETS - 1)) | slot;
      open(e, slot);
      return true;
    }
    if (!turnWheels(e)) break;
    from = 0;
  }
  return false;
}

/** Moves the clock hand to the next occupied slot of the lowest wheel that has one, and empties it downwards. */
function turnWheels(e: Engine): bool {
  for (let level: u32 = 0; level < WHEELS; level++) {
    const wheel = <usize>e.queue_wheels + level * WHEEL_BYTES;
    const bitmap = wheel + WHEEL_SLOTS * 4;
    const shift = BUCKET_BITS + level * WHEEL_BITS;
    const slot = findBit(bitmap, (<u32>(e.queue_bucket >> shift) & (WHEEL_SLOTS - 1)) + 1, WHEEL_SLOTS);
    if (slot == WHEEL_SLOTS) continue;
    const turn = shift + WHEEL_BITS < 64 ? (e.queue_bucket >> (shift + WHEEL_BITS)) << (shift + WHEEL_BITS) : 0;
    // One before the slot's first bucket would lie in the turn before; the hand may stand on the first,
    // because nothing is due while the wheels turn
    e.queue_bucket = turn | (<u64>slot << shift);
    const head = wheel + (<usize>slot << 2);
    const list = load<u32>(head);
    store<u32>(head, 0);
    clearBit(bitmap, slot);
    refile(e, list);
    return true;
  }
  return false;
}

/** Puts every event of a list, newest first, where the clock hand now says; oldest first. */
function refile(e: Engine, list: u32): void {
  let event = reversed(list);
  while (event) {
    const node = changetype<Event>(<usize>event);
    event = node.next;
    const bucket = node.time >> e.queue_shift;
    const difference = bucket ^ e.queue_bucket;
    if (difference < BUCKETS) file(e, node, <u32>bucket & (BUCKETS - 1));
    else insertWheel(e, node, bucket, difference);
  }
}

function reversed(list: u32): u32 {
  let result: u32 = 0;
  while (list) {
    const node = changetype<Event>(<usize>list);
    const next = node.next;
    node.next = result;
    result = list;
    list = next;
  }
  return result;
}

/** Sorts a bucket into the due array. Its list is newest first: an older event goes before its equals. */
function open(e: Engine, slot: u32): void {
  const head = <usize>e.queue_buckets + (<usize>slot << 2);
  let event = load<u32>(head);
  store<u32>(head, 0);
  clearBit(e.queue_bitmap, slot);
  e.due_next = 0;
  e.queue_opened++;
  if (!changetype<Event>(<usize>event).next) {
    const only = due(e, 0);
    only.time = changetype<Event>(<usize>event).time;
    only.event = event;
    e.due_count = 1;
    e.queue_found++;
    return;
  }
  e.due_count = 0;
  let count: u32 = 0;
  while (event) {
    const node = changetype<Event>(<usize>event);
    const time = node.time;
    let at = count;
    if (count < INSERTION_SORT_MAX) {
      while (at > 0 && due(e, at - 1).time >= time) {
        copyDue(changetype<usize>(due(e, at)), changetype<usize>(due(e, at - 1)));
        at--;
      }
    } else {
      if (count == e.due_capacity) {
        e.due_count = count;
        makeRoom(e);
      }
      at = count;
    }
    const entry = due(e, at);
    entry.time = time;
    entry.event = event;
    count++;
    event = node.next;
  }
  e.due_count = count;
  if (count > INSERTION_SORT_MAX) sortDue(e);
  e.queue_found += count;
}

/** A long bucket: the first entries are sorted, the rest newest first. Rebuilt by a stable merge sort. */
function sortDue(e: Engine): void {
  const count = e.due_count;
  const klass = slabClass(count << 4);
  const scratch = takeSlab(klass);
  let from = <usize>e.due;
  let to = scratch;
  // Newest first becomes oldest first; the sorted head is younger than all that follows
  for (let i: u32 = 0; i < count; i++) {
    const source = i < count - INSERTION_SORT_MAX ? count - 1 - i : i - (count - INSERTION_SORT_MAX);
    copyDue(to + (<usize>i << 4), from + (<usize>source << 4));
  }
  from = scratch;
  to = e.due;
  for (let width: u32 = 1; width < count; width <<= 1) {
    for (let start: u32 = 0; start < count; start += width << 1) mergeRuns(from, to, start, width, count);
    const swap = from;
    from = to;
    to = swap;
  }
  if (from != <usize>e.due) memory.copy(e.due, from, <usize>count << 4);
  giveSlab(scratch, klass);
}

function mergeRuns(from: usize, to: usize, start: u32, width: u32, count: u32): void {
  let left = start;
  const leftEnd = min(start + width, count);
  let right = leftEnd;
  const rightEnd = min(start + (width << 1), count);
  for (let at = start; at < rightEnd; at++) {
    const takeLeft = left < leftEnd &&
      (right >= rightEnd || load<u64>(from + (<usize>left << 4)) <= load<u64>(from + (<usize>right << 4)));
    const source = takeLeft ? left++ : right++;
    copyDue(to + (<usize>at << 4), from + (<usize>source << 4));
  }
}

/** Narrows or widens the buckets so that an opened one holds between two and six events. */
function judgeWidth(e: Engine): void {
  const opened = e.queue_opened;
  const found = e.queue_found;
  e.queue_opened = 0;
  e.queue_found = 0;
  let shift = e.queue_shift;
  if (found > opened * 6 && shift > 0) shift--;
  else if (found < opened << 1 && shift < SHIFT_MAX) shift++;
  else return;
  rebuild(e, shift);
}

/** Files everything again under another width. Nothing is due, so all that waits is later than the open bucket. */
function rebuild(e: Engine, shift: u32): void {
  let all: u32 = 0;
  for (let slot = findBit(e.queue_bitmap, 0, BUCKETS); slot < BUCKETS; slot = findBit(e.queue_bitmap, slot + 1, BUCKETS)) {
    all = prepend(load<u32>(<usize>e.queue_buckets + (<usize>slot << 2)), all);
  }
  memory.fill(e.queue_buckets, 0, BUCKETS * 4);
  memory.fill(e.queue_bitmap, 0, BUCKETS / 8);
  for (let level: u32 = 0; level < WHEELS; level++) {
    const wheel = <usize>e.queue_wheels + level * WHEEL_BYTES;
    const bitmap = wheel + WHEEL_SLOTS * 4;
    for (let slot = findBit(bitmap, 0, WHEEL_SLOTS); slot < WHEEL_SLOTS; slot = findBit(bitmap, slot + 1, WHEEL_SLOTS)) {
      all = prepend(load<u32>(wheel + (<usize>slot << 2)), all);
    }
    memory.fill(wheel, 0, WHEEL_BYTES);
  }
  // The last instant of the open bucket stays behind the hand
  e.queue_bucket = (((e.queue_bucket + 1) << e.queue_shift) - 1) >> shift;
  e.queue_shift = shift;
  while (all) {
    const event = changetype<Event>(<usize>all);
    all = event.next;
    schedule(event);
  }
}

/** Puts `list`, reversed to oldest first, in front of `rest`. */
function prepend(list: u32, rest: u32): u32 {
  while (list) {
    const event = changetype<Event>(<usize>list);
    const next = event.next;
    event.next = rest;
    rest = list;
    list = next;
  }
  return rest;
}
