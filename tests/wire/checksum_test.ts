import assert from "node:assert/strict";
import { test } from "node:test";
import { Codec } from "./codec.ts";
import { internetChecksum } from "./oracle.ts";
import { Random, testSeed } from "./random.ts";

const codec = await Codec.load();
const SEED = testSeed();

function hex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

test("checksum: the example of RFC 1071 §3", () => {
  assert.equal(codec.checksum(hex("0001f203f4f5f6f7")), 0xffff - 0xddf2);
});

test("checksum: an IPv4 header with its checksum in place sums to zero", () => {
  assert.equal(codec.checksum(hex("450000730000400040110000c0a80001c0a800c7")), 0xb861);
  assert.equal(codec.checksum(hex("45000073000040004011b861c0a80001c0a800c7")), 0);
});

test("checksum: nothing sums to nothing, and an odd byte is the high one of its word", () => {
  assert.equal(codec.checksum(new Uint8Array(0)), 0xffff);
  assert.equal(codec.checksum(Uint8Array.of(0x12)), 0xffff - 0x1200);
});

test("checksum: every length up to 200, and long ones full of carries, agree with the oracle", () => {
  const random = new Random(SEED);
  for (let length = 0; length <= 200; length++) {
    const bytes = Uint8Array.from({ length }, () => random.below(256));
    assert.equal(codec.checksum(bytes), internetChecksum(bytes), `${length} bytes, seed ${SEED}`);
    assert.equal(codec.checksum(bytes.fill(0xff)), internetChecksum(bytes), `${length} bytes of 0xff`);
  }
  for (const length of [1500, 9000, 65535]) {
    const bytes = new Uint8Array(length).fill(0xff);
    assert.equal(codec.checksum(bytes), internetChecksum(bytes));
    for (let i = 0; i < length; i += 3) bytes[i] = random.below(256);
    assert.equal(codec.checksum(bytes), internetChecksum(bytes), `${length} bytes, seed ${SEED}`);
  }
});
