/**
 * Attacks by somebody who is not on the path: ports are known, sequence numbers are not. 2^16 guesses, one for every
 * window's width of the sequence space, must not reset, close or inject (RFC 5961), nor may ICMP (RFC 5927).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../wire/random.ts";
import { forge, forgeIcmp, u32 } from "./packets.ts";
import { HOST, PEER, Peer } from "./peer.ts";

const GUESSES = 1 << 16;
/** Guesses lie this far apart, and miss what is exactly next. */
const STRIDE = 65536;
const OFFSET = 4711;
/** A challenge ACK each half second, and perhaps one for text (RFC 5961 §7). */
const ANSWERS_MAX = 2;

/** Whether the connection still carries text both ways. */
function assertAlive(peer: Peer): void {
  peer.hears();
  assert.ok(peer.isOpen, "the connection is no longer open");
  peer.sends({ payload: Uint8Array.of(1, 2, 3), flags: "PA" });
  const read = peer.host.read(peer.fd, 100);
  assert.ok("result" in read);
  assert.deepEqual([...read.data ?? []], [1, 2, 3]);
  assert.equal(peer.host.write(peer.fd, 500), 500);
  assert.ok(peer.hears().some(({ seq, length }) => seq === 1 && length === 500), "nothing was sent");
}

const KINDS: [string, string, number][] = [
  ["R", "RST", ANSWERS_MAX],
  ["RA", "RST with ACK", ANSWERS_MAX],
  ["S", "SYN", ANSWERS_MAX],
  ["SA", "SYN-ACK", ANSWERS_MAX],
  // A FIN is told where things stand like any text: one answer each, no more
  ["FA", "FIN", GUESSES],
];

for (const [flags, what, answers] of KINDS) {
  test(`blind ${what}: 2^16 guesses leave the connection as it was, and get no more answers than the limits say`, async () => {
    const peer = await Peer.connected();
    const random = new Random(1);
    for (let guess = 0; guess < GUESSES; guess++) {
      peer.sends({ flags, seq: guess * STRIDE + OFFSET, ack: random.u32() });
    }
    assert.ok(peer.hears().length <= answers, "it answers and answers");
    assertAlive(peer);
  });
}

test("blind data: 2^16 guesses of both numbers inject nothing", async () => {
  const peer = await Peer.connected();
  const random = new Random(2);
  for (let guess = 0; guess < GUESSES; guess++) {
    peer.sends({ flags: "PA", seq: guess * STRIDE + OFFSET, ack: random.u32(), payload: 1000 });
  }
  assert.equal(peer.info("tcpi_bytes_received"), 0);
  assertAlive(peer);
});

test("challenge ACKs: the host's limit is another number each second, so counting tells nothing (CVE-2016-5696)", async () => {
  const CONNECTIONS = 200;
  const LIMIT = 100;
  const { host, listener } = await Peer.listening({ sysctls: { "net.ipv4.tcp_challenge_ack_limit": LIMIT } });
  const peers = Array.from({ length: CONNECTIONS }, (_, i) => Peer.connects(host, listener, { srcPort: 5000 + i }));
  const counts: number[] = [];
  for (let second = 0; second < 8; second++) {
    peers[0].passes(1000);
    host.output();
    for (const peer of peers) peer.sends({ flags: "R", seq: 100 });
    counts.push(host.output().length);
  }
  for (const count of counts) assert.ok(count >= LIMIT / 2 && count <= LIMIT * 1.5, `${count} challenge ACKs`);
  assert.ok(new Set(counts).size > 4, `the same again and again: ${counts}`);
});

test("blind ICMP: what quotes no sequence number in flight neither ends a connection nor shrinks its segments", async () => {
  const peer = await Peer.connected();
  peer.host.write(peer.fd, 1460);
  const quoted = forge({ src: HOST, dst: PEER, srcPort: 80, dstPort: peer.srcPort }).slice(0, 28);
  for (let guess = 0; guess < GUESSES; guess++) {
    // All of them outside the 1460 bytes in flight
    quoted.set(u32(peer.edge(1461 + 1 + guess * 65_000 % (2 ** 32 - 4000))), 24);
    peer.host.input(forgeIcmp(PEER, HOST, 3, [2, 3, 4][guess % 3], 552, quoted));
  }
  assert.equal(peer.info("tcpi_snd_mss"), 1460);
  assert.ok(peer.isOpen);
  assert.equal(peer.host.stack("icmp_ignored"), GUESSES);
});

test("ICMP that quotes a segment in flight: hard errors do not end an open connection (RFC 5927 §5.2)", async () => {
  const peer = await Peer.connected();
  peer.host.write(peer.fd, 1460);
  const quoted = peer.host.output()[0].packet.slice(0, 28);
  for (const code of [0, 1, 2, 3, 5, 9, 10, 13]) peer.host.input(forgeIcmp(PEER, HOST, 3, code, 0, quoted));
  assert.ok(peer.isOpen);
  // A path of 68 bytes is not believed: the smallest is 552
  peer.host.input(forgeIcmp(PEER, HOST, 3, 4, 68, quoted));
  assert.equal(peer.info("tcpi_snd_mss"), 512);
});

test("LAND: a SYN from the host's own address and port is dropped", async () => {
  const { host } = await Peer.listening();
  const sockets = host.stack("socket_count");
  host.input(forge({ src: HOST, dst: HOST, srcPort: 80, dstPort: 80, flags: "S", seq: 1 }));
  for (const src of [[127, 0, 0, 1], [224, 0, 0, 1], [255, 255, 255, 255], [0, 0, 0, 0]]) {
    host.input(forge({ src: Uint8Array.from(src), dst: HOST, srcPort: 80, dstPort: 80, flags: "S", seq: 1 }));
  }
  assert.equal(host.output().length, 0);
  assert.equal(host.stack("socket_count"), sockets);
  assert.equal(host.stack("drops_address"), 5);
});

test("TIME_WAIT: with rfc1337 no reset cuts it short, and old segments are told where things stand", async () => {
  const peer = await Peer.connected({ sysctls: { "net.ipv4.tcp_rfc1337": 1 } });
  peer.host.shutdown(peer.fd, 1);
  peer.sends({ ack: 2 });
  peer.sends({ flags: "FA", ack: 2 });
  peer.hears();
  assert.equal(peer.host.stack("time_wait_count"), 1);
  for (const seq of [2, 1, 0, 1000]) peer.sends({ flags: "R", seq, ack: 2 });
  assert.equal(peer.host.stack("time_wait_count"), 1, "assassinated");
  assert.equal(peer.hears().length, 0, "a reset was answered");
  peer.sends({ seq: 1, ack: 2, payload: 10 });
  assert.deepEqual(peer.hears().map(({ flags, seq, ack }) => [flags, seq, ack]), [["A", 2, 2]]);
});
