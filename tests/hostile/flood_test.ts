/** A flood of a million SYNs from a million places, while a megabyte is on its way: SYN cookies, RFC 4987 §3.6. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressBytes } from "../../src/packetdrill/wire.ts";
import { A6, B, B6, must, Network } from "../sockets/network.ts";
import { forge, MSS, SACK_OK, TS, WSCALE } from "./packets.ts";

const SPOOFED = 1_000_000;
const BYTES = 1_000_000;

/** Adds `delta` to a one's complement checksum at `at`: a packet's word has grown by it. */
function mend(packet: Uint8Array, at: number, delta: number): void {
  const sum = (~(packet[at] << 8 | packet[at + 1]) & 0xffff) + delta;
  const folded = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  packet[at] = folded >> 8;
  packet[at + 1] = folded & 255;
}

test("a SYN flood from a million places: a transfer finishes, and no memory is taken", async () => {
  const net = await Network.create();
  const { client, server } = net.connect({ backlog: 64 });
  const sent = Uint8Array.from({ length: BYTES }, (_, i) => i * 31 & 255);
  const write = net.background(net.a.write(client, sent));
  const options = [...MSS(1460), ...SACK_OK, ...TS(1, 0), ...WSCALE(7)];
  const dst = addressBytes(B);
  const template = forge({ src: Uint8Array.of(1, 0, 0, 0), dst, srcPort: 999, dstPort: 80, flags: "SEW", options });
  const spoofed = template.slice();
  let before = 0;
  const received: Uint8Array[] = [];
  for (let n = 0; n < SPOOFED; n++) {
    spoofed.set(template);
    // 20 bits of the source address differ
    spoofed[14] = n >> 8 & 255;
    spoofed[15] = n & 255;
    spoofed[13] = n >> 16;
    mend(spoofed, 10, spoofed[13] + (n & 0xffff));
    mend(spoofed, 36, spoofed[13] + (n & 0xffff));
    net.b.input(spoofed);
    if (n % 1000 !== 999) continue;
    // What answers the flood is lost: nobody is there
    net.b.output();
    net.pass(5);
    const read = net.b.read(server, 1 << 20, 0x40);
    if ("result" in read && read.data) received.push(read.data.slice());
    if (n < SPOOFED / 10) before = net.b.bytesInUse;
  }
  net.b.check();
  assert.equal(net.b.stack("drops_checksum"), 0);
  assert.ok(net.b.stack("cookies_sent") > SPOOFED / 2, `${net.b.stack("cookies_sent")} cookies`);
  assert.ok(net.b.bytesInUse - before < 1 << 18, `${net.b.bytesInUse - before} bytes more`);
  assert.equal(write.result, BYTES);
  while (received.reduce((sum, { length }) => sum + length, 0) < BYTES) {
    const { data } = net.finish(net.b.read(server, 1 << 20));
    assert.ok(data && data.length > 0, "the stream ended");
    received.push(data.slice());
  }
  assert.deepEqual(Uint8Array.from(received.flatMap((data) => [...data])), sent);
});

test("a SYN flood over IPv6: cookies leave no byte behind", async () => {
  const net = await Network.create();
  must(net.connect({ backlog: 1, address: B6, family: 10 }).server);
  const [src, dst] = [addressBytes(A6), addressBytes(B6)];
  let before = 0;
  for (let n = 0; n < 20_000; n++) {
    src[14] = n >> 8;
    src[15] = n & 255;
    const options = [...MSS(1440), ...SACK_OK, ...TS(1, 0), ...WSCALE(7)];
    net.b.input(forge({ src, dst, srcPort: 999, dstPort: 80, flags: "SEW", options }));
    net.b.output();
    if (n === 1000) before = net.b.bytesInUse;
  }
  assert.equal(net.b.bytesInUse, before);
});
