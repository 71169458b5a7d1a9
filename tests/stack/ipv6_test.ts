/** The IPv6 codec: checksums, extension headers, and what is refused. */
import assert from "node:assert/strict";
import test from "node:test";
import { overIpv6, Peer } from "./peer.ts";

/** A SYN's TCP header over IPv6, with other headers in between. */
async function after(nextHeader: number, between: number[]): Promise<Peer> {
  const peer = await Peer.create({}, true);
  peer.listen(5);
  const syn = peer.packet({ flags: "S", seq: 1000 }).subarray(40);
  peer.host.input(overIpv6(syn, nextHeader, between));
  return peer;
}

test("segments of all lengths cross IPv6 with right checksums", async () => {
  const peer = await Peer.create({}, true);
  const fd = peer.listen(5);
  const seq = peer.handshakes(5000);
  const { result: server } = peer.host.accept(fd) as { result: number };
  let [sent, got] = [1001, seq + 1 >>> 0];
  for (const length of [1, 2, 3, 31, 32, 33, 999, 1440]) {
    const payload = Uint8Array.from({ length }, (_, i) => i * 13 + length);
    peer.says({ flags: "PA", srcPort: 5000, seq: sent, ack: got, payload });
    sent += length;
    const { data } = peer.host.read(server, 2000) as { data: Uint8Array };
    assert.deepEqual(data, payload);
    peer.host.write(server, payload);
    const echo = peer.hears().filter((heard) => heard.payload.length > 0);
    assert.equal(echo.length, 1);
    assert.deepEqual(Uint8Array.from(echo[0].payload), payload);
    got = got + length >>> 0;
    peer.says({ flags: "A", srcPort: 5000, seq: sent, ack: got });
  }
});

test("hop-by-hop, routing and destination options headers are skipped", async () => {
  for (const header of [0, 43, 60]) {
    const peer = await after(header, [6, 0, 1, 4, 0, 0, 0, 0]);
    assert.equal(peer.hearsOne().flags, "SA");
  }
  const two = await after(0, [60, 1, ...new Array(14).fill(0), 6, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(two.hearsOne().flags, "SA");
});

test("an atomic fragment is whole, a real one is dropped and counted", async () => {
  const atomic = await after(44, [6, 0, 0, 0, 1, 2, 3, 4]);
  assert.equal(atomic.hearsOne().flags, "SA");
  for (const offset of [[0, 1], [0, 8]]) {
    const peer = await after(44, [6, 0, ...offset, 1, 2, 3, 4]);
    assert.deepEqual(peer.hears(), []);
    assert.equal(peer.host.stack("drops_fragment"), 1);
  }
});

test("a flipped bit anywhere behind the IPv6 header, and one in its addresses, is noticed", async () => {
  const peer = await Peer.create({}, true);
  peer.listen(5);
  const syn = peer.packet({ flags: "S", seq: 1000, mss: 1440 });
  for (let byte = 8; byte < syn.length; byte++) {
    const damaged = Uint8Array.from(syn);
    damaged[byte] ^= 1 << byte % 8;
    peer.host.input(damaged);
    assert.deepEqual(peer.hears(), [], `byte ${byte}`);
  }
  peer.host.input(syn);
  assert.equal(peer.hearsOne().flags, "SA");
});

test("truncated packets are dropped and counted", async () => {
  const peer = await Peer.create({}, true);
  peer.listen(5);
  const syn = peer.packet({ flags: "S", seq: 1000 });
  for (let length = 0; length < syn.length; length++) peer.host.input(syn.subarray(0, length));
  assert.deepEqual(peer.hears(), []);
  assert.equal(peer.host.stack("drops_header"), syn.length);
});
