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
  ext.waiting_mask = (1 << (FIRST_CLASS - 4)) - 1;
}

/** Forgets the packets whose transmission has begun by `now`. */
export function droptailAdvance(ext: LinkExt, now: u64): void {
  while (ext.queue_packets) {
    const first = waiting(ext, ext.waiting_head);
    if (first.start > now) return;
    ext.queue_bytes -= first.bytes;
    ext.queue_packets--;
    ext.waiting_head++;
  }
}

/** Whether a packet of `bytes` that has to wait still fits. */
export function droptailAdmits(ext: LinkExt, bytes: u32): bool {
  return ext.queue_packets < ext.limit_packets && ext.queue_bytes + bytes <= ext.limit_bytes;
}

/** A packet waits until `start`. */
export function droptailPush(ext: LinkExt, start: u64, bytes: u32): void {
  if (ext.queue_packets > ext.waiting_mask) grow(ext);
  const last = waiting(ext, ext.waiting_head + ext.queue_packets);
  last.start = start;
  last.bytes = bytes;
  ext.queue_packets++;
  ext.queue_bytes += bytes;
  if (ext.queue_packets > ext.queue_packets_max) ext.queue_packets_max = ext.queue_packets;
}

function grow(ext: LinkExt): void {
  const size = ext.waiting_mask + 1;
  const klass = slabClass(size << 5);
  const bigger = takeSlab(klass);
  const mask = (size << 1) - 1;
  for (let i: u32 = 0; i < ext.queue_packets; i++) {
    const from = waiting(ext, ext.waiting_head + i);
    const to = changetype<Waiting>(bigger + (<usize>((ext.waiting_head + i) & mask) << 4));
    to.start = from.start;
    to.bytes = from.bytes;
  }
  giveSlab(ext.waiting, klass - 1);
  ext.waiting = <u32>bigger;
  ext.waiting_mask = mask;
}
