/**
 * Whole transfers both ways between two hosts with Linux's recovery over a path that loses a fifth of all packets, and
 * reorders, doubles and damages others, while a stranger guesses at resets: every byte arrives as it was written, both
 * ends close in order, and nothing is left.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "../fuzz/budget.ts";
import { addressBytes } from "../../src/packetdrill/wire.ts";
import { A, B, must, Network } from "../sockets/network.ts";
import { Random } from "../wire/random.ts";
import { forge } from "./packets.ts";

const TRANSFERS = 12;
/** Longer than any time-out of TIME_WAIT or of a peer that has fallen silent. */
const LONG_MS = 4_000_000;

test("a rough path: both streams arrive whole, and both hosts forget them", async () => {
  await fuzz(import.meta, { share: 0.1, least: TRANSFERS }, async (seed) => {
    const random = new Random(seed);
    const options = {
      sysctls: {
        "net.ipv4.tcp_sack": random.pick([1, 1, 1, 0]),
        "net.ipv4.tcp_timestamps": random.below(2),
        "net.ipv4.tcp_ecn": random.pick([0, 1, 3]),
        "net.ipv4.tcp_congestion_control": random.pick(["cubic", "reno"]),
        // Nobody gives up, however often the dice fall badly
        "net.ipv4.tcp_syn_retries": 20,
        "net.ipv4.tcp_synack_retries": 20,
        "net.ipv4.tcp_retries2": 100,
        "net.ipv4.tcp_orphan_retries": 100,
      },
    };
    const net = await Network.create({ ...options, seed: BigInt(seed) }, { ...options, seed: BigInt(seed) + 1n });
    const [loss, again, damage, jitter] = [0.2, 0.02, 0.02, random.pick([0, 1, 10])];
    net.carries = (packet) => {
      if (random.chance(loss)) return [];
      const delay_ms = net.delayMs + (random.chance(0.3) ? random.below(100) / 100 * jitter : 0);
      const copies = random.chance(again) ? [packet, packet] : [packet];
      return copies.map((copy) => ({ packet: random.chance(damage) ? damaged(copy, random) : copy, delay_ms }));
    };
    const { client, server } = net.connect({ patience_ms: LONG_MS });
    const srcPort = net.a.getsockname(client).address!.port;
    const ends = { src: addressBytes(A), dst: addressBytes(B), srcPort, dstPort: 80 };
    const blind = ["R", "RA", "S", "SA"].map((flags) => (from: Random) =>
      forge({ ...ends, flags, seq: from.u32(), ack: from.u32() })
    );
    const written = [client, server].map((_, i) => text(random.between(1, 150_000), i));
    const read = [server, client].map((fd, i) => readAll(i === 0 ? net.b : net.a, fd));
    const [a, b] = written.map((data, i) => net.background((i === 0 ? net.a : net.b).write([client, server][i], data)));
    for (let turn = 0; turn < 40_000 && !(read[0].ended && read[1].ended); turn++) {
      net.pass(50);
      for (const packet of blind) net.b.input(packet(random));
      for (const end of read) end.reads();
      if (a.result !== undefined) net.a.shutdown(client, 1);
      if (b.result !== undefined) net.b.shutdown(server, 1);
      if (turn % 20 === 0) [net.a, net.b].forEach((host) => host.check());
    }
    written.forEach((data, i) => {
      assert.equal(read[i].bytes.length, data.length, `stream ${i}: ${read[i].bytes.length} of ${data.length} bytes`);
      assert.deepEqual(Uint8Array.from(read[i].bytes), data);
    });
    must(Number(net.a.close(client)));
    must(Number(net.b.close(server)));
    net.pass(LONG_MS);
    assert.deepEqual([net.a.stack("table_count"), net.b.stack("table_count")], [0, 0], "connections are left");
  });
});

function text(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 131 >> 3) + i + salt & 255);
}

/** One bit is another: only a checksum tells. */
function damaged(packet: Uint8Array, random: Random): Uint8Array {
  const copy = packet.slice();
  copy[random.below(copy.length)] ^= 1 << random.below(8);
  return copy;
}

/** Reads what comes, up to the end of the stream. */
function readAll(host: Network["a"], fd: number) {
  const bytes: number[] = [];
  const end = {
    bytes,
    ended: false,
    reads(): void {
      if (end.ended) return;
      const answer = host.read(fd, 1 << 20, 0x40);
      if (!("result" in answer)) return;
      if (answer.result === 0) end.ended = true;
      if (answer.result > 0) { for (const byte of answer.data!) bytes.push(byte); }
    },
  };
  return end;
}
