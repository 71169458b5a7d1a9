/**
 * Drop-tail FIFO, limited in packets, bytes or both. Its departures are known on arrival, so it needs no
 * event of its own: a ring holds when each waiting packet's transmission begins, and is read lazily.
 */
import { LinkExt, Waiting } from "../layout/link";
import { giveSlab, slabClass, takeSlab } from "../base/arena";

const FIRST_CLASS: u32 = 10;

@inline
function waiting(ext: LinkExt, i: u32): Waiting {
  return changetype<Waiting>(<usize>ext.waiting + (<usize>(i & ext.waiting_mask) << 4));
}

export function droptailInit(ext: LinkExt): void {
  ext.waiting = <u32>takeSlab(FIRST_CLASS);
  memory.fill(ext.waiting, 0, 1 << FIRST_CLASS);
  ext.waiting_mask = (1 << (FIRST_CLASS - 4)) - 1;
}

/** Forgets the packets whose transmission has begun by `now`. */
export function droptailAdvance(ext: LinkExt, now: u64): void {
  let head = ext.waiting_head;
  const tail = ext.waiting_tail;
  while (head != tail && waiting(ext, head).start <= now) head++;
  ext.waiting_head = head;
}

/** Whether a packet of `bytes` that has to wait still fits. */
export function droptailAdmits(ext: LinkExt, bytes: u32): bool {
  const head = ext.waiting_head;
  const tail = ext.waiting_tail;
  const queued = waiting(ext, tail - 1).bytes_before - waiting(ext, head - 1).bytes_before;
  return tail - head < ext.limit_packets && queued + bytes <= ext.limit_bytes;
}

/** A packet waits until `start`. */
export function droptailPush(ext: LinkExt, start: u64, bytes: u32): void {
  const tail = ext.waiting_tail;
  // One record stays behind the head: the queue's bytes are counted from it
  if (tail - ext.waiting_head >= ext.waiting_mask) grow(ext);
  const last = waiting(ext, tail);
  last.start = start;
  last.bytes_before = waiting(ext, tail - 1).bytes_before + bytes;
  ext.waiting_tail = tail + 1;
  const count = tail + 1 - ext.waiting_head;
  if (count > ext.queue_packets_max) ext.queue_packets_max = count;
}

function grow(ext: LinkExt): void {
  const size = ext.waiting_mask + 1;
  const klass = slabClass(size << 5);
  const bigger = takeSlab(klass);
  const mask = (size << 1) - 1;
  for (let i = ext.waiting_head - 1; i != ext.waiting_tail; i++) {
    const from = waiting(ext, i);
    const to = changetype<Waiting>(bigger + (<usize>(i & mask) << 4));
    to.start = from.start;
    to.bytes_before = from.bytes_before;
  }
  giveSlab(ext.waiting, klass - 1);
  ext.waiting = <u32>bigger;
  ext.waiting_mask = mask;
}
