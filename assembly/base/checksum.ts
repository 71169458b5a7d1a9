/**
 * The internet checksum, RFC 1071: a ones' complement sum of 16-bit words.
 *
 * Sums stay in memory (little-endian) order until the end, RFC 1071 §2 (B): a number in host order
 * has to be swapped before it joins one. A `u64` holds the sum of 2^31 doublewords without a carry,
 * so carries are folded once, not at every step, §2 (C).
 */

/** Adds `length` bytes to `sum`. The bytes must begin at an even offset of what is summed. */
export function checksumAdd(sum: u64, at: usize, length: u32): u64 {
  let other: u64 = 0;
  while (length >= 32) {
    const a = load<u64>(at);
    const b = load<u64>(at, 8);
    const c = load<u64>(at, 16);
    const d = load<u64>(at, 24);
    sum += (a & 0xffffffff) + (a >>> 32) + (b & 0xffffffff) + (b >>> 32);
    other += (c & 0xffffffff) + (c >>> 32) + (d & 0xffffffff) + (d >>> 32);
    at += 32;
    length -= 32;
  }
  sum += other;
  while (length >= 4) {
    sum += load<u32>(at);
    at += 4;
    length -= 4;
  }
  if (length >= 2) {
    sum += load<u16>(at);
    at += 2;
    length -= 2;
  }
  if (length) sum += load<u8>(at); // an odd byte is followed by a zero byte, RFC 1071 §4.1
  return sum;
}

/** The sum's 16-bit ones' complement, in memory order: `store<u16>` puts it on the wire. */
export function checksumFinish(sum: u64): u16 {
  sum = (sum & 0xffffffff) + (sum >>> 32);
  sum = (sum & 0xffff) + ((sum >>> 16) & 0xffff) + (sum >>> 32);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~(<u16>sum);
}

/** The checksum of `length` bytes, as a number in host order. */
export function checksum(at: usize, length: u32): u32 {
  return bswap<u16>(checksumFinish(checksumAdd(0, at, length)));
}
