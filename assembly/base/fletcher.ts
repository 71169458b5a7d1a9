/**
 * Fletcher's checksums as RFC 1146 has them, appendices I and II: A sums the units, B the A's, both in ones' complement:
 * of bytes, or of 16-bit words in network order, an odd byte followed by a zero one. A sum is kept as one word, A low and
 * B high; what is computed for TCP is short enough to be summed unit by unit.
 */

@inline
function step(sum: u64, unit: u32, most: u32): u64 {
  let a = <u32>sum + unit;
  if (a > most) a -= most;
  let b = <u32>(sum >> 32) + a;
  if (b > most) b -= most;
  return ((<u64>b) << 32) | a;
}

/** Adds `length` bytes. With `wide`, they must begin at an even offset of what is summed. `at` 0: zero bytes. */
export function fletcherAdd(sum: u64, at: usize, length: u32, wide: bool): u64 {
  if (!wide) {
    for (let i: u32 = 0; i < length; i++) sum = step(sum, at ? load<u8>(at + i) : 0, 0xff);
    return sum;
  }
  for (let i: u32 = 0; i < length; i += 2) {
    let unit: u32 = 0;
    if (at) unit = i + 1 < length ? bswap<u16>(load<u16>(at + i)) : (<u32>load<u8>(at + i)) << 8;
    sum = step(sum, unit, 0xffff);
  }
  return sum;
}
