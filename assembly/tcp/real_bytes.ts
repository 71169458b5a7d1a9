/** A stream's real bytes: byte `seq` lies at `seq & mask` of a power-of-two ring, on either side. */

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
