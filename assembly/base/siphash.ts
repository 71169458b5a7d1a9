/** SipHash-2-4 (Aumasson and Bernstein, 2012) of whole words: the keyed hash of RFC 6528's ISN and of cookies. */

const SCRATCH: usize = memory.data(16, 8);

/** Of two words. */
export function siphash(k0: u64, k1: u64, m0: u64, m1: u64): u64 {
  store<u64>(SCRATCH, m0);
  store<u64>(SCRATCH, m1, 8);
  return siphashWords(k0, k1, SCRATCH, 2);
}

/** Of `words` words at `at`. */
export function siphashWords(k0: u64, k1: u64, at: usize, words: u32): u64 {
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  // The words, their length in bytes as one more, then the finalization with twice the rounds
  for (let step: u32 = 0; step < words + 2; step++) {
    const last = step == words + 1;
    const m: u64 = step < words ? load<u64>(at + ((<usize>step) << 3)) : last ? 0 : (<u64>(words << 3)) << 56;
    v3 ^= m;
    if (last) v2 ^= 0xff;
    const rounds = last ? 4 : 2;
    for (let round = 0; round < rounds; round++) {
      v0 += v1;
      v1 = rotl(v1, 13);
      v1 ^= v0;
      v0 = rotl(v0, 32);
      v2 += v3;
      v3 = rotl(v3, 16);
      v3 ^= v2;
      v0 += v3;
      v3 = rotl(v3, 21);
      v3 ^= v0;
      v2 += v1;
      v1 = rotl(v1, 17);
      v1 ^= v2;
      v2 = rotl(v2, 32);
    }
    v0 ^= m;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}
