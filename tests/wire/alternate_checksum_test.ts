/** RFC 1146's checksums, held against sums written as its appendices say them, and agreed on by two hosts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AltChecksum, Flag, WireStatus } from "../../src/core/layout.gen.ts";
import { Codec } from "./codec.ts";
import { readU16, type TcpPacket, u16, u32 } from "./oracle.ts";
import { randomPacket } from "./packets.ts";
import { Random, testSeed } from "./random.ts";

const codec = await Codec.load();
const { FLETCHER_8, FLETCHER_16 } = AltChecksum;

/** Appendices I and II: A := A + D[i], B := B + A in ones' complement. */
function fletcher(units: number[], most: number): [number, number] {
  let [a, b] = [0, 0];
  for (const unit of units) {
    a += unit;
    if (a > most) a -= most;
    b += a;
    if (b > most) b -= most;
  }
  return [a, b];
}

/** The pseudo-header and the segment, as bytes of even number, of an IPv4 packet. */
function covered(packet: TcpPacket, bytes: Uint8Array): number[] {
  const segment = Array.from(bytes.subarray(20));
  segment.splice(16, 2, 0, 0);
  return [...u32(packet.srcAddr), ...u32(packet.dstAddr), 0, 6, ...u16(segment.length), ...segment];
}

function words(bytes: number[]): number[] {
  return Array.from({ length: Math.ceil(bytes.length / 2) }, (_, i) => bytes[2 * i] * 256 + (bytes[2 * i + 1] ?? 0));
}

function data(random: Random): TcpPacket {
  const packet = randomPacket(random);
  packet.flags = Flag.ACK | Flag.PSH;
  delete packet.mss;
  delete packet.windowScale;
  delete packet.sackPermitted;
  delete packet.fastOpen;
  delete packet.altChecksum;
  delete packet.accEcn;
  delete packet.sack;
  return packet;
}

test("fletcher: the 8-bit sums stand in the checksum field, A first (RFC 1146 appendix I)", () => {
  const random = new Random(testSeed());
  for (let n = 0; n < 300; n++) {
    const packet = data(random);
    const bytes = codec.encode(packet, { alternate: FLETCHER_8 });
    assert.deepEqual(Array.from(bytes.subarray(36, 38)), fletcher(covered(packet, bytes), 0xff));
    assert.deepEqual(codec.parse(bytes, FLETCHER_8), packet);
  }
});

test("fletcher: the 16-bit sums stand in the checksum field and in the data option (appendix II)", () => {
  const random = new Random(testSeed());
  for (let n = 0; n < 300; n++) {
    const packet = data(random);
    const bytes = codec.encode(packet, { alternate: FLETCHER_16 });
    const option = 40 + (packet.timestamps ? 12 : 0);
    assert.deepEqual(Array.from(bytes.subarray(option, option + 2)), [15, 4]);
    const zeroed = bytes.slice();
    zeroed.set([0, 0], option + 2);
    const [a, b] = fletcher(words(covered(packet, zeroed)), 0xffff);
    assert.deepEqual([readU16(bytes, 36), readU16(bytes, option + 2)], [a, b]);
    assert.deepEqual(codec.parse(bytes, FLETCHER_16), packet);
  }
});

for (const alternate of [FLETCHER_8, FLETCHER_16]) {
  test(`fletcher: every flipped bit is noticed, algorithm ${alternate}`, () => {
    const packet = data(new Random(7));
    packet.payload = Uint8Array.from({ length: 61 }, (_, i) => 3 * i);
    const bytes = codec.encode(packet, { alternate });
    for (let bit = 20 * 8; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      // A damaged header length, or a flag that calls for the other checksum, is refused as well
      assert.equal(typeof codec.parse(damaged, alternate), "number", `bit ${bit}`);
    }
  });

  test(`fletcher: SYN and RST keep TCP's checksum, algorithm ${alternate}`, () => {
    for (const flags of [Flag.SYN, Flag.RST, Flag.SYN | Flag.ACK]) {
      const packet = { ...data(new Random(3)), flags };
      const bytes = codec.encode(packet);
      assert.deepEqual(codec.parse(bytes, alternate), packet);
    }
  });

  test(`fletcher: a segment with another checksum is refused, algorithm ${alternate}`, () => {
    const packet = { ...data(new Random(5)), payload: Uint8Array.of(1, 2, 3) };
    assert.equal(codec.parse(codec.encode(packet), alternate), WireStatus.BAD_CHECKSUM);
    assert.equal(codec.parse(codec.encode(packet, { alternate })), WireStatus.BAD_CHECKSUM);
  });
}
