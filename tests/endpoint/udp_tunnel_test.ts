/** The UDP tunnel, each way of opening it that this runtime has, over the loopback device. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { openers, openTunnel, type Tunnel } from "../../src/endpoint/udp_tunnel.ts";

const LOOPBACK = { host: "127.0.0.1", peerHost: "127.0.0.1" };
let nextPort = 20_000 + Math.floor(Math.random() * 20_000);

/** Two ports, most likely free. */
function ports(): [number, number] {
  return [nextPort++, nextPort++];
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !holds(); i++) await pause(10);
}

for (const [i, open] of openers().entries()) {
  test(`openTunnel, way ${i}: packets arrive whole and in order, both ways`, async () => {
    const [left, right] = ports();
    const heard: Uint8Array[][] = [[], []];
    const keep = (side: number) => (packet: Uint8Array): void => void heard[side].push(packet.slice());
    const tunnels: Tunnel[] = [
      await open({ ...LOOPBACK, port: left, peerPort: right }, keep(0)),
      await open({ ...LOOPBACK, port: right, peerPort: left }, keep(1)),
    ];
    const sent: Uint8Array[] = [];
    for (let n = 0; n < 2000; n++) sent.push(new Uint8Array(1 + (n * 37) % 1500).fill(n & 0xff));
    for (const [n, packet] of sent.entries()) {
      tunnels.forEach((tunnel) => tunnel.send(packet));
      if (n % 20 !== 19) continue;
      tunnels.forEach((tunnel) => tunnel.flush());
      await until(() => heard.every(({ length }) => length === n + 1));
    }
    for (const packets of heard) {
      assert.equal(packets.length, sent.length);
      // Not the packets themselves: the difference of two thousand would be a book
      assert.equal(packets.findIndex((packet, n) => !sameBytes(packet, sent[n])), -1);
    }
    await Promise.all(tunnels.map((tunnel) => tunnel.close()));
  });

  test(`openTunnel, way ${i}: a packet of 60,000 bytes passes, and strangers are not heard`, async () => {
    const [left, right] = ports();
    const heard: number[] = [];
    const a = await open({ ...LOOPBACK, port: left, peerPort: right }, ({ length }) => void heard.push(length));
    const b = await open({ ...LOOPBACK, port: right, peerPort: left }, () => {});
    const stranger = dgram.createSocket("udp4");
    await new Promise<void>((sent) => stranger.send("hello", left, "127.0.0.1", () => sent()));
    // The peer's port at another address is a stranger too
    const neighbour = dgram.createSocket("udp4");
    await new Promise<void>((bound) => neighbour.bind(right, "127.0.0.2", () => bound()));
    await new Promise<void>((sent) => neighbour.send("hello", left, "127.0.0.1", () => sent()));
    b.send(new Uint8Array(60_000));
    b.flush();
    await until(() => heard.length > 0);
    await pause(20);
    assert.deepEqual(heard, [60_000]);
    stranger.close();
    neighbour.close();
    await Promise.all([a.close(), b.close()]);
  });

  test(`openTunnel, way ${i}: nobody at the other end is no error`, async () => {
    const [left, right] = ports();
    const heard: number[] = [];
    const a = await open({ ...LOOPBACK, port: left, peerPort: right }, ({ length }) => void heard.push(length));
    for (let n = 0; n < 5; n++) {
      a.send(new Uint8Array(100));
      a.flush();
      await pause(5);
    }
    const b = await open({ ...LOOPBACK, port: right, peerPort: left }, () => {});
    b.send(new Uint8Array(10));
    b.flush();
    await until(() => heard.length > 0);
    assert.deepEqual(heard, [10]);
    await Promise.all([a.close(), b.close()]);
  });
}

test("openTunnel: a port that is taken is refused", async () => {
  const [left, right] = ports();
  const tunnel = await openTunnel({ port: left, peerPort: right }, () => {});
  try {
    await assert.rejects(openTunnel({ port: left, peerPort: right }, () => {}), /in use|EADDRINUSE/i);
  } finally {
    // An open one would keep the process alive
    await tunnel.close();
  }
});
