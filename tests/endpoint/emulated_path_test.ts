/** Real packets over the simulator's links, in virtual time. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Direction, EmulatedPath } from "../../src/endpoint/emulated_path.ts";
import type { PathLink } from "../../src/scenario/types.ts";
import { tcpPacket, tcpPacket6 } from "./packets.ts";

function pathOver(...links: PathLink[]): Promise<EmulatedPath> {
  return EmulatedPath.create({ topology: { kind: "path", links } });
}

interface Seen {
  timeNs: bigint;
  direction: Direction;
  packet: Uint8Array;
}

/** Steps from event to event until nothing is on its way. */
function drain(path: EmulatedPath): Seen[] {
  const seen: Seen[] = [];
  for (let next = path.nextEventNs(); next !== undefined; next = path.nextEventNs()) {
    seen.push(...path.run(next).map((arrival) => ({ timeNs: next!, ...arrival })));
  }
  return seen;
}

/** The text's first byte: the packet's number. */
function numbers(seen: Seen[]): number[] {
  return seen.map(({ packet }) => packet[packet.length - 1]);
}

test("EmulatedPath: a packet comes out whole after serialisation and delay, each way by its own link", async () => {
  const path = await pathOver({ rate: "12Mbps", delay: "10ms", reverse: { rate: "1.2Mbps", delay: "5ms" } });
  path.offer("rightwards", tcpPacket(1, 1460), 0n);
  path.offer("leftwards", tcpPacket6(2, 1440), 0n);
  const seen = drain(path);
  assert.deepEqual(seen.map(({ direction, timeNs }) => [direction, timeNs]), [
    ["rightwards", 11_000_000n],
    ["leftwards", 15_000_000n],
  ]);
  assert.deepEqual(seen.map(({ packet }) => packet), [tcpPacket(1, 1460), tcpPacket6(2, 1440)]);
});

test("EmulatedPath: packets queue behind each other, and what the queue cannot hold is dropped", async () => {
  const path = await pathOver({ rate: "12Mbps", delay: "1ms", queue: { kind: "droptail", limit: "2pkt" } });
  for (let i = 1; i <= 5; i++) path.offer("rightwards", tcpPacket(i, 1460), 0n);
  const seen = drain(path);
  assert.deepEqual(numbers(seen), [1, 2, 3]);
  assert.deepEqual(seen.map(({ timeNs }) => timeNs), [2_000_000n, 3_000_000n, 4_000_000n]);
  const [forward] = path.statistics();
  assert.deepEqual([forward.packets, forward.bytes, forward.drops.overflow], [3, 4500, 2]);
});

test("EmulatedPath: a loss list counts data packets, of IPv4 and IPv6, and no pure ACKs", async () => {
  const path = await pathOver({ rate: "1Gbps", delay: "1ms", loss: { kind: "list", packets: [2, 3] } });
  const packets = [
    tcpPacket(1, 1),
    tcpPacket(2, 0),
    tcpPacket6(3, 1),
    tcpPacket6(4, 0),
    tcpPacket(5, 1),
    tcpPacket(6, 1),
  ];
  packets.forEach((packet) => path.offer("rightwards", packet, 0n));
  assert.deepEqual(drain(path).map(({ packet }) => packet), [packets[0], packets[1], packets[3], packets[5]]);
  assert.equal(path.statistics()[0].drops.loss, 2);
});

test("EmulatedPath: corruption flips one bit behind the IP header", async () => {
  const path = await pathOver({ rate: "1Gbps", delay: "1ms", corrupt: { p: 1 } });
  for (let i = 0; i < 200; i++) path.offer("rightwards", tcpPacket(i, 10), 0n);
  drain(path).forEach(({ packet }, i) => {
    const sent = tcpPacket(i, 10);
    const wrong = [...packet].map((byte, at) => byte ^ sent[at]);
    assert.deepEqual(wrong.slice(0, 20), new Array(20).fill(0));
    assert.equal(wrong.reduce((bits, byte) => bits + byte.toString(2).replaceAll("0", "").length, 0), 1);
  });
});

test("EmulatedPath: duplication doubles packets, reordering holds some back", async () => {
  const twice = await pathOver({ rate: "1Gbps", delay: "1ms", duplicate: { p: 1 } });
  twice.offer("rightwards", tcpPacket(7, 100), 0n);
  assert.deepEqual(drain(twice).map(({ packet }) => packet), [tcpPacket(7, 100), tcpPacket(7, 100)]);

  const mixed = await pathOver({ rate: "1Gbps", delay: "1ms", reorder: { p: 0.3, delay: "5ms" } });
  for (let i = 0; i < 100; i++) mixed.offer("rightwards", tcpPacket(i, 100), 0n);
  const order = numbers(drain(mixed));
  const sorted = [...order].sort((a, b) => a - b);
  assert.deepEqual(sorted, Array.from({ length: 100 }, (_, i) => i));
  assert.notDeepEqual(order, sorted);
  const held = mixed.statistics()[0].reordered;
  assert.ok(held > 10 && held < 60, `${held} held back`);
});

test("EmulatedPath: a copy made on one link goes on over the next", async () => {
  const path = await pathOver({ rate: "1Gbps", delay: "1ms", duplicate: { p: 0.1 } }, {
    rate: "500Mbps",
    delay: "2ms",
  });
  for (let round = 0; round < 2000; round++) {
    const start = BigInt(round) * 10_000_000n;
    path.offer("rightwards", tcpPacket(round, 1000), start);
    const seen = drain(path);
    assert.ok(seen.length >= 1 && seen.length <= 2);
    assert.deepEqual(seen[0].packet, tcpPacket(round, 1000));
    assert.ok(seen[0].timeNs - start > 3_000_000n && seen[0].timeNs - start < 3_100_000n);
  }
});

test("EmulatedPath: a dumbbell is its access links and the bottleneck, with a queue in bandwidth-delay products", async () => {
  const path = await EmulatedPath.create({
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: "12Mbps", delay: "8ms", queue: { kind: "droptail", limit: "1bdp" } },
      access: { rate: "120Mbps", delay: "1ms" },
    },
  });
  for (let i = 0; i < 60; i++) path.offer("rightwards", tcpPacket(i, 1460), 0n);
  const seen = drain(path);
  // 12 Mbit/s for 20 ms are 20 packets; in the 5.9 ms in which 60 come, 5 leave and one begins to
  assert.equal(seen.length, 26);
  assert.equal(seen[0].timeNs, 11_200_000n);
});

test("EmulatedPath: a queue that marks writes CE where ECT stands, and keeps the header's checksum right", async () => {
  const path = await pathOver({ rate: "12Mbps", delay: "1ms", queue: { limit: "100pkt", mark: 2 } });
  const packet = (number: number, ecn: number): Uint8Array => {
    const bytes = number % 2 ? tcpPacket(number, 1000) : tcpPacket6(number, 1000);
    if (number % 2 === 0) {
      bytes[1] |= ecn << 4;
      return bytes;
    }
    bytes[1] = 0x20 | ecn;
    bytes[10] = number;
    bytes[11] = 0xfe;
    return bytes;
  };
  const field = (bytes: Uint8Array): number => bytes[0] >> 4 === 6 ? bytes[1] >> 4 & 3 : bytes[1] & 3;
  const sum = (bytes: Uint8Array): number => {
    let total = 0;
    for (let i = 0; i < 20; i += 2) total += bytes[i] << 8 | bytes[i + 1];
    while (total >>> 16) total = (total & 0xffff) + (total >>> 16);
    return total;
  };
  const sent = Array.from({ length: 12 }, (_, i) => packet(i, i < 6 ? 2 : (i >> 1) & 1));
  sent.forEach((bytes) => path.offer("rightwards", bytes.slice(), 0n));
  const seen = drain(path).map((arrival) => arrival.packet);
  assert.deepEqual(sent.map(field), [2, 2, 2, 2, 2, 2, 1, 1, 0, 0, 1, 1]);
  assert.deepEqual(seen.map(field), [2, 2, 3, 3, 3, 3, 3, 3, 0, 0, 3, 3]);
  seen.forEach((bytes, i) => {
    if (bytes[0] >> 4 === 4) assert.equal(sum(bytes), sum(sent[i]), "the sum over the header stays what it was");
  });
});
