/** A stream's real bytes: byte `seq` lies at `seq & mask` of a power-of-two ring, on either side. */
import { giveSlab, takeSlab } from "../base/arena";

export function copyFromRing(to: usize, ring: usize, mask: u32, seq: u32, len: u32): void {
  const at = seq & mask;
  const first = min(len, mask + 1 - at);
  memory.copy(to, ring + at, first);
  if (len > first) memory.copy(to + first, ring, len - first);
}

export function copyToRing(ring: usize, mask: u32, seq: u32, from: usize, len: u32): void {
  const at = seq & mask;
  const first = min(len, mask + 1 - at);
  memory.copy(ring + at, from, first);
  if (len > first) memory.copy(ring, from + first, len - first);
}

/** In place of a ring a larger one, with all that the old one holds: the bytes from `seq` on. Masks tell their sizes. */
export function largerRing(ring: u32, mask: u32, larger: u32, seq: u32): u32 {
  const to = takeSlab(32 - <u32>clz(larger));
  // In two pieces, neither of which wraps in the old ring; each may in the new one
  const first = mask + 1 - (seq & mask);
  copyToRing(to, larger, seq, <usize>ring + (seq & mask), first);
  copyToRing(to, larger, seq + first, ring, mask + 1 - first);
  giveSlab(ring, 32 - <u32>clz(mask));
  return <u32>to;
}
