/** SipHash-2-4 (Aumasson and Bernstein, 2012) of two words: the keyed hash of RFC 6528's ISN. */

export function siphash(k0: u64, k1: u64, m0: u64, m1: u64): u64 {
  let v0 = k0 ^ 0x736f6d6570736575;
  let v1 = k1 ^ 0x646f72616e646f6d;
  let v2 = k0 ^ 0x6c7967656e657261;
  let v3 = k1 ^ 0x7465646279746573;
  // Two words, their length as the third, then the finalization with twice the rounds
  for (let step = 0; step < 4; step++) {
    const m: u64 = step == 0 ? m0 : step == 1 ? m1 : step == 2 ? (<u64>16) << 56 : 0;
    v3 ^= m;
    if (step == 3) v2 ^= 0xff;
    const rounds = step == 3 ? 4 : 2;
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
