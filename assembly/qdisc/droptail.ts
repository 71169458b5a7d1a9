/**
 * Drop-tail FIFO, limited in packets, bytes or both. Its departures are known on arrival, so it needs no
 * event of its own: a ring holds when each waiting packet's transmission begins, and is read when the next one has to wait.
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
  ext.waiting_head = firstWaiting(ext.waiting, ext.waiting_mask, ext.waiting_head, ext.waiting_tail, now);
}

@inline
function firstWaiting(ring: usize, mask: u32, head: u32, tail: u32, now: u64): u32 {
  while (head != tail && waiting(ring, mask, head).start <= now) head++;
  return head;
}

/** Takes a packet that has to wait until `start`; false when there is no room. */
export function droptailEnqueue(ext: LinkExt, now: u64, start: u64, bytes: u32): bool {
  const at = changetype<usize>(ext);
  const place = load<u64>(at, offsetof<LinkExt>("waiting"));
  const span = load<u64>(at, offsetof<LinkExt>("waiting_head"));
  const tail = <u32>(span >> 32);
  let ring = <usize>(<u32>place);
  let mask = <u32>(place >> 32);
  const head = firstWaiting(ring, mask, <u32>span, tail, now);
  const count = tail - head;
  const before = ext.bytes;
  const queued = count ? before - waiting(ring, mask, head).bytes_before : 0;
  if (count >= ext.limit_packets || queued + bytes > ext.limit_bytes) {
    ext.waiting_head = head;
    return false;
  }
  if (count > mask) {
    ext.waiting_head = head;
    grow(ext);
    ring = ext.waiting;
    mask = ext.waiting_mask;
  }
  const last = waiting(ring, mask, tail);
  last.start = start;
  last.bytes_before = before;
  store<u64>(at, (<u64>head) | ((<u64>(tail + 1)) << 32), offsetof<LinkExt>("waiting_head"));
  if (count >= ext.queue_packets_max) ext.queue_packets_max = count + 1;
  return true;
}

if (offsetof<LinkExt>("waiting_mask") != offsetof<LinkExt>("waiting") + 4) ERROR("ring and mask are not neighbours");
if (offsetof<LinkExt>("waiting_tail") != offsetof<LinkExt>("waiting_head") + 4)
  ERROR("head and tail are not neighbours");

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
  for (let i = ext.waiting_head; i != ext.waiting_tail; i++) {
    const from = waiting(ext.waiting, ext.waiting_mask, i);
    const to = waiting(bigger, mask, i);
    to.start = from.start;
    to.bytes_before = from.bytes_before;
  }
  giveSlab(ext.waiting, klass - 1);
  ext.waiting = <u32>bigger;
  ext.waiting_mask = mask;
}
