/** RFC 1146 between two hosts: agreed on with the SYNs, written and checked on every packet. */
import assert from "node:assert/strict";
import test from "node:test";
import { flagsOf, must, Network } from "./network.ts";

/** Whether TCP's own checksum of an IPv4 packet is right: the sum over pseudo-header and segment is all ones. */
function hasTcpChecksum(packet: Uint8Array): boolean {
  const header = (packet[0] & 15) * 4;
  const segment = packet.subarray(header);
  let sum = 6 + segment.length;
  for (let i = 12; i < 20; i += 2) sum += packet[i] << 8 | packet[i + 1];
  for (let i = 0; i < segment.length; i += 2) sum += segment[i] << 8 | (segment[i + 1] ?? 0);
  while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}

const text = Uint8Array.from({ length: 50_000 }, (_, i) => i * 7 + (i >> 8));

/** Sends `text` from `a` to `b`, and gives back what came. */
function transfer(net: Network): Uint8Array {
  const { client, server } = net.connect();
  net.background(net.a.write(client, text));
  const got: Uint8Array[] = [];
  for (let length = 0; length < text.length;) {
    const { result, data } = net.finish(net.b.read(server, 60_000));
    length += must(result);
    got.push(data!);
  }
  net.a.close(client);
  net.b.close(server);
  net.pass(100);
  return Uint8Array.from(got.flatMap((part) => [...part]));
}

for (const alternateChecksum of ["fletcher-8", "fletcher-16"] as const) {
  test(`two hosts that ask for ${alternateChecksum} use it on all but SYNs`, async () => {
    const net = await Network.create({ alternateChecksum });
    assert.deepEqual(transfer(net), text);
    const plain = net.seen.filter(({ packet }) => hasTcpChecksum(packet)).map(({ packet }) => flagsOf(packet));
    assert.deepEqual(plain.slice(0, 2), ["S", "SA"]);
    assert.ok(plain.length <= 3, "by chance both are right about once in 65,536");
    assert.equal(net.b.stack("drops_checksum"), 0);
    assert.equal(net.a.stack("drops_checksum"), 0);
  });

  test(`a packet damaged under ${alternateChecksum} is dropped and counted, and its text comes all the same`, async () => {
    const net = await Network.create({ alternateChecksum });
    let count = 0;
    net.loses = (packet, from) => {
      if (from === "a" && packet.length > 1000 && ++count === 5) packet[packet.length - 1] ^= 0x40;
      return false;
    };
    assert.deepEqual(transfer(net), text);
    assert.equal(net.b.stack("drops_checksum"), 1);
  });
}

test("a host that asks alone goes on with TCP's checksum", async () => {
  const net = await Network.create({ alternateChecksum: "fletcher-16" }, {});
  assert.deepEqual(transfer(net), text);
  assert.ok(net.seen.every(({ packet }) => hasTcpChecksum(packet)));
});

test("a host that is asked for another than it wishes goes on with TCP's checksum", async () => {
  const net = await Network.create({ alternateChecksum: "fletcher-16" }, { alternateChecksum: "fletcher-8" });
  assert.deepEqual(transfer(net), text);
  assert.ok(net.seen.every(({ packet }) => hasTcpChecksum(packet)));
});

test("a segment with TCP's own checksum is no segment of a connection that has agreed on another", async () => {
  const net = await Network.create({ alternateChecksum: "fletcher-8" });
  const { client } = net.connect();
  must(net.a.write(client, new Uint8Array(100)) as number);
  net.loses = (packet, from) => {
    if (from === "a") {
      const header = (packet[0] & 15) * 4;
      packet[header + 16] = packet[header + 17] = 0;
      let sum = 6 + packet.length - header;
      for (let i = 12; i < 20; i += 2) sum += packet[i] << 8 | packet[i + 1];
      for (let i = header; i < packet.length; i += 2) sum += packet[i] << 8 | (packet[i + 1] ?? 0);
      while (sum >>> 16) sum = (sum & 0xffff) + (sum >>> 16);
      packet[header + 16] = ~sum >> 8 & 255;
      packet[header + 17] = ~sum & 255;
    }
    return false;
  };
  net.pass(20);
  assert.equal(net.b.stack("drops_checksum"), 1);
});
