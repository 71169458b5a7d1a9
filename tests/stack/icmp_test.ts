/** ICMP and ICMPv6: echo, unreachables in and out, and forged errors. */
import assert from "node:assert/strict";
import test from "node:test";
import { Errno, SocketOption, SOL_SOCKET } from "../../src/sockets/constants.ts";
import { internetChecksum, u16, u32 } from "../wire/oracle.ts";
import { checksum6, HOST, PEER, Peer } from "./peer.ts";

/** An IPv4 packet from the peer. */
function ipv4(protocol: number, payload: number[], dst = HOST): Uint8Array {
  const ip = [0x45, 0, ...u16(20 + payload.length), 0, 7, 0x40, 0, 64, protocol, 0, 0, ...u32(PEER), ...u32(dst)];
  [ip[10], ip[11]] = u16(internetChecksum(ip));
  return Uint8Array.from([...ip, ...payload]);
}

function icmp(type: number, code: number, rest: number[], body: ArrayLike<number>): number[] {
  const message = [type, code, 0, 0, ...rest, ...Array.from(body)];
  [message[2], message[3]] = u16(internetChecksum(message));
  return message;
}

/** A socket that has sent its SYN to the peer, and that SYN. */
async function connecting(): Promise<{ peer: Peer; fd: number; syn: Uint8Array }> {
  const peer = await Peer.create();
  const fd = peer.host.socket(2, 1 | 0o4000);
  assert.equal(peer.host.connect(fd, { address: "10.0.0.2", port: 80 }), -Errno.EINPROGRESS);
  const [{ packet: syn }] = peer.host.output();
  return { peer, fd, syn };
}

const errorOf = (peer: Peer, fd: number): unknown => peer.host.getsockopt(fd, SOL_SOCKET, SocketOption.SO_ERROR).value;

test("an IPv4 echo request is answered with its data", async () => {
  const peer = await Peer.create();
  peer.host.input(ipv4(1, icmp(8, 0, [1, 2, 3, 4], [5, 6, 7])));
  const [{ packet }] = peer.host.output();
  assert.equal(internetChecksum(packet.subarray(0, 20)), 0);
  assert.equal(internetChecksum(packet.subarray(20)), 0);
  assert.deepEqual([...packet.subarray(12, 20)], [...u32(HOST), ...u32(PEER)]);
  assert.deepEqual([packet[20], ...packet.subarray(24)], [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("an IPv6 echo request is answered with its data", async () => {
  const peer = await Peer.create();
  const src = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 2];
  const dst = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1];
  const message = Uint8Array.from([128, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
  message.set(u16(checksum6(src, dst, message, 58)), 2);
  peer.host.input(Uint8Array.from([0x60, 0, 0, 0, ...u16(message.length), 58, 64, ...src, ...dst, ...message]));
  const [{ packet }] = peer.host.output();
  assert.deepEqual([...packet.subarray(8, 40)], [...dst, ...src]);
  assert.equal(checksum6(dst, src, packet.subarray(40), 58), 0);
  assert.deepEqual([packet[40], ...packet.subarray(44)], [129, 1, 2, 3, 4, 5, 6, 7]);
});

test("an echo request with a wrong checksum is dropped and counted", async () => {
  const peer = await Peer.create();
  const message = icmp(8, 0, [1, 2, 3, 4], [5]);
  message[2] ^= 1;
  peer.host.input(ipv4(1, message));
  assert.deepEqual(peer.host.output(), []);
  assert.equal(peer.host.stack("drops_checksum"), 1);
});

test("a datagram to UDP is told that its port is unreachable, another protocol that it is", async () => {
  const peer = await Peer.create();
  const datagram = ipv4(17, [0, 1, 0, 2, 0, 8, 0, 0]);
  peer.host.input(datagram);
  peer.host.input(ipv4(99, [1, 2, 3, 4]));
  const [udp, other] = peer.host.output().map(({ packet }) => packet);
  assert.deepEqual([...udp.subarray(20, 22)], [3, 3]);
  assert.deepEqual([...udp.subarray(28)], [...datagram]);
  assert.equal(internetChecksum(udp.subarray(20)), 0);
  assert.deepEqual([...other.subarray(20, 22)], [3, 2]);
});

test("errors are sent at the rate of icmp_msgs_per_sec, after a burst", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.icmp_msgs_burst": 5, "net.ipv4.icmp_msgs_per_sec": 10 } });
  peer.pass(10_000);
  for (let i = 0; i < 20; i++) peer.host.input(ipv4(17, [0, 1, 0, 2, 0, 8, 0, 0]));
  assert.equal(peer.host.output().length, 5);
  peer.pass(300);
  for (let i = 0; i < 20; i++) peer.host.input(ipv4(17, [0, 1, 0, 2, 0, 8, 0, 0]));
  assert.equal(peer.host.output().length, 3);
});

test("a high rate and a long silence do not run into each other", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.icmp_msgs_per_sec": 2 ** 30 } });
  peer.host.input(ipv4(17, [0, 1, 0, 2, 0, 8, 0, 0]));
  for (let i = 0; i < 100; i++) peer.host.input(ipv4(17, [0, 1, 0, 2, 0, 8, 0, 0]));
  peer.host.output();
  // 2^30 a second for 2^34 ns are 2^64
  peer.pass(2 ** 34 / 1e6);
  peer.host.input(ipv4(17, [0, 1, 0, 2, 0, 8, 0, 0]));
  assert.equal(peer.host.output().length, 1);
});

test("a packet for another host is dropped in silence", async () => {
  const peer = await Peer.create();
  peer.host.input(ipv4(17, [0, 1, 0, 2, 0, 8, 0, 0], 0x0a0000ff));
  assert.deepEqual(peer.host.output(), []);
  assert.equal(peer.host.stack("drops_address"), 1);
});

for (
  const [code, errno, name] of [
    [0, Errno.ENETUNREACH, "ENETUNREACH"],
    [1, Errno.EHOSTUNREACH, "EHOSTUNREACH"],
    [2, Errno.ENOPROTOOPT, "ENOPROTOOPT"],
    [3, Errno.ECONNREFUSED, "ECONNREFUSED"],
    [13, Errno.EHOSTUNREACH, "EHOSTUNREACH"],
  ] as const
) {
  test(`unreachable, code ${code}, ends a connection that is opening with ${name}`, async () => {
    const { peer, fd, syn } = await connecting();
    peer.host.input(ipv4(1, icmp(3, code, [0, 0, 0, 0], syn.subarray(0, 28))));
    assert.equal(errorOf(peer, fd), errno);
    assert.equal(errorOf(peer, fd), 0);
  });
}

test("an unreachable that quotes a sequence number never sent is ignored, RFC 5927", async () => {
  const { peer, fd, syn } = await connecting();
  const quote = Uint8Array.from(syn.subarray(0, 28));
  quote[24] ^= 0x80;
  peer.host.input(ipv4(1, icmp(3, 1, [0, 0, 0, 0], quote)));
  assert.equal(errorOf(peer, fd), 0);
  assert.equal(peer.host.stack("icmp_ignored"), 1);
});

test("an unreachable of another 4-tuple is ignored", async () => {
  const { peer, fd, syn } = await connecting();
  const quote = Uint8Array.from(syn.subarray(0, 28));
  quote[23] ^= 1;
  peer.host.input(ipv4(1, icmp(3, 1, [0, 0, 0, 0], quote)));
  assert.equal(errorOf(peer, fd), 0);
});

test("an unreachable does not end an established connection, but is the reason when it times out", async () => {
  const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_retries2": 2 } });
  const fd = peer.listen(5);
  peer.handshakes(5000);
  const { result: server } = peer.host.accept(fd) as { result: number };
  peer.host.write(server, new Uint8Array(100));
  const [{ packet }] = peer.host.output();
  peer.host.input(ipv4(1, icmp(3, 1, [0, 0, 0, 0], packet.subarray(0, 28))));
  assert.equal(errorOf(peer, server), 0);
  peer.pass(60_000);
  assert.equal(errorOf(peer, server), Errno.EHOSTUNREACH);
});
