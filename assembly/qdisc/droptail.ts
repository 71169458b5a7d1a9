/**
 * Drop-tail FIFO, limited in packets, bytes or both. Its departures are known on arrival, so it needs no
 * event of its own: a ring holds when each waiting packet's transmission begins, and is read lazily.
 */
import { LinkExt, Waiting } from "../layout/link";
import { giveSlab, slabClass, takeSlab } from "../base/arena";

const FIRST_CLASS: u32 = 10;

@inline
function waiting(ring: usize, mask: u32, i: u32): Waiting {
  return changetype<Waiting>(ring + ((<usize>(i & mask)) << 4));
}

export function droptailInit(ext: LinkExt): void {
  ext.waiting = <u32>takeSlab(FIRST_CLASS);
  memory.fill(ext.waiting, 0, 1 << FIRST_CLASS);
  ext.waiting_mask = (1 << (FIRST_CLASS - 4)) - 1;
}

/** Forgets the packets whose transmission has begun by `now`. */
export function droptailAdvance(ext: LinkExt, now: u64): void {
  const ring = <usize>ext.waiting;
  const mask = ext.waiting_mask;
  const tail = ext.waiting_tail;
  let head = ext.waiting_head;
  while (head != tail && waiting(ring, mask, head).start <= now) head++;
  ext.waiting_head = head;
}

/** Takes a packet that has to wait until `start`; false when there is no room. Call `droptailAdvance` first. */
export function droptailEnqueue(ext: LinkExt, start: u64, bytes: u32): bool {
  const head = ext.waiting_head;
  const tail = ext.waiting_tail;
  const count = tail - head;
  // One record stays behind the head: the queue's bytes are counted from it
  if (count >= ext.waiting_mask) grow(ext);
  const ring = <usize>ext.waiting;
  const mask = ext.waiting_mask;
  const bytes_before = waiting(ring, mask, tail - 1).bytes_before;
  const queued = bytes_before - waiting(ring, mask, head - 1).bytes_before;
  if (count >= ext.limit_packets || queued + bytes > ext.limit_bytes) return false;
  const last = waiting(ring, mask, tail);
  last.start = start;
  last.bytes_before = bytes_before + bytes;
  ext.waiting_tail = tail + 1;
  if (count >= ext.queue_packets_max) ext.queue_packets_max = count + 1;
  return true;
}

/** How long those that wait have still to wait, summed, nanoseconds. Call `droptailAdvance` first. */
export function droptailRemaining(ext: LinkExt, now: u64): u64 {
  let sum: u64 = 0;
  for (let i = ext.waiting_head; i != ext.waiting_tail; i++) {
    sum += waiting(ext.waiting, ext.waiting_mask, i).start - now;
  }
  return sum;
}

function grow(ext: LinkExt): void {
  const size = ext.waiting_mask + 1;
  const klass = slabClass(size << 5);
  const bigger = takeSlab(klass);
  const mask = (size << 1) - 1;
  for (let i = ext.waiting_head - 1; i != ext.waiting_tail; i++) {
    const from = waiting(ext.waiting, ext.waiting_mask, i);
    const to = waiting(bigger, mask, i);
    to.start = from.start;
    to.bytes_before = from.bytes_before;
  }
  giveSlab(ext.waiting, klass - 1);
  ext.waiting = <u32>bigger;
  ext.waiting_mask = mask;
}
