/** SipHash-2-4, from the paper (Aumasson and Bernstein, 2012, section 2), over bytes. */
const WORD = (1n << 64n) - 1n;

function little(bytes: number[]): bigint {
  return bytes.reduceRight((word, byte) => word << 8n | BigInt(byte), 0n);
}

function rotate(word: bigint, bits: bigint): bigint {
  return (word << bits | word >> 64n - bits) & WORD;
}

export function siphash(key: number[], message: number[]): bigint {
  const [k0, k1] = [little(key.slice(0, 8)), little(key.slice(8))];
  let [v0, v1, v2, v3] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const round = (): void => {
    v0 = v0 + v1 & WORD;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = v2 + v3 & WORD;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = v0 + v3 & WORD;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = v2 + v1 & WORD;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const whole = message.length - message.length % 8;
  const words: bigint[] = [];
  for (let at = 0; at < whole; at += 8) words.push(little(message.slice(at, at + 8)));
  words.push(BigInt(message.length & 255) << 56n | little(message.slice(whole)));
  for (const word of words) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let n = 0; n < 4; n++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}
