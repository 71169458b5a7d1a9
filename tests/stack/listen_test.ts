/** Listeners: bounded queues and what they refuse, SYN cookies, deferred accepts, floods. */
import assert from "node:assert/strict";
import test from "node:test";
import { Errno, SOL_TCP, TcpOption } from "../../src/sockets/constants.ts";
import type { Accepted } from "../../src/sockets/host.ts";
import { internetChecksum, u16, u32 } from "../wire/oracle.ts";
import { Peer } from "./peer.ts";

const accept = (peer: Peer, fd: number): number => (peer.host.accept(fd) as Accepted).result;

for (const ipv6 of [false, true]) {
  const version = ipv6 ? "IPv6" : "IPv4";

  test(`a listener over ${version} answers a SYN, and accepts after the last ACK`, async () => {
    const peer = await Peer.create({}, ipv6);
    const fd = peer.listen(5);
    peer.says({ flags: "S", seq: 1000, mss: 1460 });
    const synAck = peer.hearsOne();
    assert.equal(synAck.flags, "SA");
    assert.equal(synAck.ack, 1001);
    assert.equal(synAck.mss, ipv6 ? 1440 : 1460);
    assert.equal(accept(peer, fd), -Errno.EAGAIN);
    peer.says({ flags: "A", seq: 1001, ack: synAck.seq + 1 >>> 0 });
    assert.ok(accept(peer, fd) > 0);
  });

  test(`a SYN cookie over ${version} brings MSS, window scale and SACK back`, async () => {
    const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_syncookies": 2 } }, ipv6);
    const fd = peer.listen(5);
    peer.pass(5000);
    const timestamps = { tsval: 77, tsecr: 0 };
    peer.says({ flags: "S", seq: 1000, mss: 1440, windowScale: 9, sackPermitted: true, timestamps });
    const synAck = peer.hearsOne();
    assert.equal(peer.host.stack("socket_count"), 1, "nothing is kept for the SYN");
    peer.says({
      flags: "A",
      seq: 1001,
      ack: synAck.seq + 1 >>> 0,
      timestamps: { tsval: 78, tsecr: synAck.timestamps!.tsval },
    });
    const server = accept(peer, fd);
    const info = peer.host.tcpInfo(server) as Record<string, number>;
    assert.equal(info.tcpi_snd_wscale, 9);
    assert.equal(info.tcpi_options & 7, 7);
    assert.equal(info.tcpi_snd_mss, 1440 - 12);
    peer.says({ flags: "PA", seq: 1001, ack: synAck.seq + 1 >>> 0, timestamps: { tsval: 79, tsecr: 0 }, payload: 10 });
    assert.equal(peer.host.ioctl(server, 0x541b).value, 10);
  });
}

test("a SYN cookie without timestamps brings the MSS back, and nothing else", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_syncookies": 2 } });
  const fd = peer.listen(5);
  peer.says({ flags: "S", seq: 1000, mss: 1400, windowScale: 9, sackPermitted: true });
  const synAck = peer.hearsOne();
  peer.says({ flags: "A", seq: 1001, ack: synAck.seq + 1 >>> 0 });
  const info = peer.host.tcpInfo(accept(peer, fd)) as Record<string, number>;
  assert.equal(info.tcpi_snd_mss, 1300);
  assert.equal(info.tcpi_options & 7, 0);
});

test("cookies are sent only once the SYN queue is full", async () => {
  const peer = await Peer.create();
  peer.listen(2);
  for (let i = 0; i < 4; i++) peer.says({ flags: "S", srcPort: 5000 + i, seq: 1000 });
  assert.equal(peer.hears().length, 4);
  assert.equal(peer.host.stack("socket_count"), 3, "the listener and two handshakes");
  assert.equal(peer.host.stack("cookies_sent"), 2);
});

test("without cookies a full SYN queue refuses in silence, and counts", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_syncookies": 0 } });
  peer.listen(2);
  for (let i = 0; i < 5; i++) peer.says({ flags: "S", srcPort: 5000 + i, seq: 1000 });
  assert.equal(peer.hears().length, 2);
  assert.equal(peer.host.stack("drops_syn_queue"), 3);
});

test("an ACK that guesses a cookie is refused by a reset", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_syncookies": 2 } });
  const fd = peer.listen(5);
  peer.says({ flags: "S", seq: 1000 });
  const { seq } = peer.hearsOne();
  for (let i = 2; i < 500; i++) {
    peer.says({ flags: "A", seq: 1001, ack: seq + i * 7919 >>> 0 });
    assert.equal(peer.hearsOne().flags, "R");
  }
  assert.equal(accept(peer, fd), -Errno.EAGAIN);
  assert.equal(peer.host.stack("cookies_failed"), 498);
});

test("a cookie of another peer, and one that is two periods old, are refused", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_syncookies": 2 } });
  const fd = peer.listen(5);
  peer.says({ flags: "S", seq: 1000 });
  const { seq } = peer.hearsOne();
  peer.says({ flags: "A", seq: 1001, ack: seq + 1 >>> 0, srcPort: 5001 });
  assert.equal(peer.hearsOne().flags, "R");
  peer.pass(128_000);
  peer.says({ flags: "A", seq: 1001, ack: seq + 1 >>> 0 });
  assert.equal(peer.hearsOne().flags, "R");
  assert.equal(accept(peer, fd), -Errno.EAGAIN);
});

test("a listener that has sent no cookie takes no ACK for one", async () => {
  const peer = await Peer.create();
  peer.listen(5);
  peer.says({ flags: "A", seq: 1001, ack: 77 });
  assert.equal(peer.hearsOne().flags, "R");
  assert.equal(peer.host.stack("cookies_failed"), 0);
});

test("a full accept queue drops the last ACK; the SYN-ACK comes again, and then there is room", async () => {
  const peer = await Peer.create();
  const fd = peer.listen(1);
  peer.handshakes(5000);
  // One more than the backlog waits
  peer.says({ flags: "S", srcPort: 5001, seq: 1000 });
  const second = peer.hearsOne().seq;
  peer.handshakes(5002);
  peer.says({ flags: "A", srcPort: 5001, seq: 1001, ack: second + 1 >>> 0 });
  assert.equal(peer.host.stack("drops_accept_queue"), 1);
  assert.ok(accept(peer, fd) > 0);
  assert.ok(accept(peer, fd) > 0);
  assert.equal(accept(peer, fd), -Errno.EAGAIN);
  peer.pass(1000);
  assert.equal(peer.hearsOne().flags, "SA");
  peer.says({ flags: "A", srcPort: 5001, seq: 1001, ack: second + 1 >>> 0 });
  assert.ok(accept(peer, fd) > 0);
});

test("a SYN for a full accept queue is dropped", async () => {
  const peer = await Peer.create();
  peer.listen(0);
  peer.handshakes(5000);
  peer.says({ flags: "S", srcPort: 5001, seq: 1000 });
  assert.deepEqual(peer.hears(), []);
  assert.equal(peer.host.stack("drops_accept_queue"), 1);
});

test("tcp_abort_on_overflow: a full accept queue answers the last ACK by a reset", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_abort_on_overflow": 1 } });
  peer.listen(1);
  peer.says({ flags: "S", srcPort: 5001, seq: 1000 });
  const { seq } = peer.hearsOne();
  peer.handshakes(5002);
  peer.handshakes(5003);
  peer.says({ flags: "A", srcPort: 5001, seq: 1001, ack: seq + 1 >>> 0 });
  assert.ok(peer.hears().at(-1)!.flags.includes("R"));
});

test("a SYN-ACK that nobody answers is sent tcp_synack_retries times more, then forgotten", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_synack_retries": 2 } });
  peer.listen(5);
  peer.says({ flags: "S", seq: 1000 });
  peer.pass(30_000);
  assert.deepEqual(peer.hears().map(({ flags }) => flags), ["SA", "SA", "SA"]);
  assert.equal(peer.host.stack("socket_count"), 1);
});

test("a reset in the SYN queue frees the handshake", async () => {
  const peer = await Peer.create();
  peer.listen(5);
  peer.says({ flags: "S", seq: 1000 });
  peer.says({ flags: "R", seq: 1001 });
  assert.equal(peer.host.stack("socket_count"), 1);
});

test("another SYN in the window frees the handshake and is answered by a reset, as Linux does", async () => {
  const peer = await Peer.create();
  peer.listen(5);
  peer.says({ flags: "S", seq: 1000 });
  peer.hears();
  peer.says({ flags: "S", seq: 1006 });
  const reset = peer.hearsOne();
  assert.deepEqual([reset.flags, reset.seq, reset.ack], ["RA", 0, 1007]);
  assert.equal(peer.host.stack("socket_count"), 1);
});

test("TCP_DEFER_ACCEPT: a bare ACK does not wake the listener, data does", async () => {
  const peer = await Peer.create();
  const fd = peer.listen(5, [[SOL_TCP, TcpOption.TCP_DEFER_ACCEPT, 5]]);
  const seq = peer.handshakes(5000);
  assert.equal(accept(peer, fd), -Errno.EAGAIN);
  peer.pass(500);
  peer.says({ flags: "PA", srcPort: 5000, seq: 1001, ack: seq + 1 >>> 0, payload: 5 });
  assert.ok(accept(peer, fd) > 0);
});

test("TCP_DEFER_ACCEPT: the SYN-ACK comes again at the end of its time, and then a bare ACK will do", async () => {
  const peer = await Peer.create();
  const fd = peer.listen(5, [[SOL_TCP, TcpOption.TCP_DEFER_ACCEPT, 5]]);
  const seq = peer.handshakes(5000);
  peer.pass(6999);
  assert.deepEqual(peer.hears(), [], "three SYN-ACKs are saved");
  peer.pass(1);
  assert.equal(peer.hearsOne().flags, "SA");
  peer.says({ flags: "A", srcPort: 5000, seq: 1001, ack: seq + 1 >>> 0 });
  assert.ok(accept(peer, fd) > 0);
});

test("closing a listener resets what waits to be accepted", async () => {
  const peer = await Peer.create();
  const fd = peer.listen(5);
  peer.handshakes(5000);
  peer.says({ flags: "S", srcPort: 5001, seq: 1000 });
  peer.hears();
  peer.host.close(fd);
  assert.deepEqual(peer.hears().map(({ flags, dstPort }) => [flags, dstPort]), [["RA", 5000]]);
  assert.equal(peer.host.stack("socket_count"), 0);
});

test("a million SYNs from as many addresses leave memory flat, and a connection beside them alive", async () => {
  const peer = await Peer.create();
  const fd = peer.listen(128);
  const seq = peer.handshakes(4000);
  const server = accept(peer, fd);
  const packet = peer.packet({ flags: "S", seq: 1000, mss: 1460, srcAddr: 0, srcPort: 0 });
  const ipSum = internetChecksum(packet.subarray(0, 20));
  const tcpSum = packet[36] * 256 + packet[37];
  assert.equal(ipSum, 0);
  const [ip, tcp] = [packet[10] * 256 + packet[11], tcpSum];
  let after = 0;
  for (let i = 0; i < 1_000_000; i++) {
    // All of 10.0.0.0/8, in some order; RFC 1624: a checksum follows a word that changes from 0
    const address = 0x0a000000 | Math.imul(i + 1, 0x9e3779b1) & 0xffffff;
    packet.set(u32(address), 12);
    packet.set(u16(less(ip, address)), 10);
    packet.set(u16(less(tcp, address)), 36);
    peer.host.input(packet);
    if ((i & 0xfff) === 0) peer.host.output();
    if (i === 10_000) after = peer.host.memoryBytes;
  }
  assert.equal(peer.host.memoryBytes, after);
  assert.ok(peer.host.stack("cookies_sent") > 999_000);
  assert.ok(peer.host.stack("socket_count") <= 2 + 128);
  peer.hears();
  peer.says({ flags: "PA", srcPort: 4000, seq: 1001, ack: seq + 1 >>> 0, payload: 100 });
  assert.equal(peer.host.ioctl(server, 0x541b).value, 100);
});

/** A checksum when a 32-bit word that it covers rises from 0 to `word`. */
function less(checksum: number, word: number): number {
  let sum = (~checksum & 0xffff) + (word >>> 16) + (word & 0xffff);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

test("a flood of SYNs over IPv6 that are answered by cookies, or refused, keeps no memory", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_syncookies": 2 } }, true);
  peer.listen(5);
  const flood = (count: number) => {
    for (let i = 0; i < count; i++) {
      peer.says({ flags: "S", srcPort: 1 + i, seq: 1000 });
      peer.says({ flags: "A", dstPort: 81, seq: 1, ack: 1 });
      assert.equal(peer.hears().length, 2);
    }
  };
  flood(100);
  const before = peer.host.memoryBytes;
  flood(4000);
  assert.equal(peer.host.memoryBytes, before);
});

test("a SYN finds a host whose route leaves nothing beside the options, or less", async () => {
  for (const advmss of [1, 8, 12, 13]) {
    const peer = await Peer.create();
    peer.host.route({ advmss });
    peer.listen(5);
    peer.says({ flags: "S", seq: 1000, mss: 1460, timestamps: { tsval: 1, tsecr: 0 } });
    const answer = peer.hearsOne();
    assert.deepEqual([answer.flags, answer.mss], ["SA", advmss]);
  }
});
