/** TCP Fast Open and urgent data through the sockets interface. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  Errno,
  FileControl,
  MessageFlag,
  PollEvent,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SocketOption,
  SOL_SOCKET,
  SOL_TCP,
  TcpOption,
} from "../../src/sockets/constants.ts";
import type { Received } from "../../src/sockets/tcp_socket.ts";
import { B, flagsOf, must, Network, payloadLength } from "./network.ts";

const TO = { address: B, port: 80 };
const request = new TextEncoder().encode("GET /");

/** Two hosts that do Fast Open, and a listener that offers it. */
async function network(): Promise<{ net: Network; listener: number }> {
  const net = await Network.create({ sysctls: { "net.ipv4.tcp_fastopen": 3 } });
  const listener = net.b.socket(2, SOCK_STREAM);
  net.b.setsockopt(listener, SOL_SOCKET, SocketOption.SO_REUSEADDR, 1);
  assert.equal(net.b.setsockopt(listener, SOL_TCP, TcpOption.TCP_FASTOPEN, 5), 0);
  must(net.b.bind(listener, TO));
  must(net.b.listen(listener, 5));
  return { net, listener };
}

/** A connection that has asked for the cookie, and is closed. */
async function withCookie(): Promise<{ net: Network; listener: number }> {
  const { net, listener } = await network();
  const fd = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(net.a.write(fd, request, MessageFlag.MSG_FASTOPEN, TO), -Errno.EINPROGRESS);
  net.pass(20);
  net.b.close(net.finish(net.b.accept(listener)).result);
  net.a.close(fd);
  net.pass(100);
  net.seen.length = 0;
  return { net, listener };
}

test("sendto with MSG_FASTOPEN: with a cookie the data rides on the SYN, and is read before the handshake is over", async () => {
  const { net, listener } = await withCookie();
  const fd = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(net.a.write(fd, request, MessageFlag.MSG_FASTOPEN, TO), request.length);
  net.pass(5.1);
  assert.equal(flagsOf(net.seen[0].packet), "S");
  assert.equal(payloadLength(net.seen[0].packet), request.length);
  const { result: server } = net.finish(net.b.accept(listener));
  assert.deepEqual((net.b.read(server, 100) as Received).data, request);
  net.b.write(server, new Uint8Array(100));
  net.pass(5.1);
  assert.equal((net.a.read(fd, 200) as Received).result, 100);
});

test("a blocking sendto with MSG_FASTOPEN sends all of it, cookie or not", async () => {
  for (const { net, listener } of [await network(), await withCookie()]) {
    const fd = net.a.socket(2, SOCK_STREAM);
    const sent = net.background(net.a.write(fd, new Uint8Array(5000), MessageFlag.MSG_FASTOPEN, TO));
    const { result: server } = net.finish(net.b.accept(listener));
    net.pass(100);
    assert.equal(sent.result, 5000);
    assert.equal(net.b.ioctl(server, FileControl.SIOCINQ).value, 5000);
  }
});

test("TCP_FASTOPEN_CONNECT: connect returns at once, the SYN waits for the first write", async () => {
  const { net, listener } = await withCookie();
  const fd = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(net.a.setsockopt(fd, SOL_TCP, TcpOption.TCP_FASTOPEN_CONNECT, 1), 0);
  assert.equal(net.a.connect(fd, TO), 0);
  net.pass(10);
  assert.equal(net.seen.length, 0);
  const poll = [{ fd, events: PollEvent.POLLOUT, revents: 0 }];
  assert.equal(net.a.poll(poll, 0), 1);
  assert.equal(net.a.write(fd, request), request.length);
  net.pass(6);
  assert.equal(payloadLength(net.seen[0].packet), request.length);
  assert.ok(net.finish(net.b.accept(listener)).result > 0);
});

test("Fast Open that is turned off: EOPNOTSUPP", async () => {
  const net = await Network.create({ sysctls: { "net.ipv4.tcp_fastopen": 0 } });
  const fd = net.a.socket(2, SOCK_STREAM);
  assert.equal(net.a.write(fd, request, MessageFlag.MSG_FASTOPEN, TO), -Errno.EOPNOTSUPP);
  assert.equal(net.a.setsockopt(fd, SOL_TCP, TcpOption.TCP_FASTOPEN_CONNECT, 1), -Errno.EOPNOTSUPP);
});

test("MSG_OOB: the urgent byte is read by itself, and poll tells of it", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  assert.deepEqual(net.b.read(server, 1, MessageFlag.MSG_OOB), { result: -Errno.EINVAL });
  net.a.write(client, new TextEncoder().encode("abc!"), MessageFlag.MSG_OOB);
  net.pass(20);
  const poll = [{ fd: server, events: PollEvent.POLLPRI, revents: 0 }];
  assert.equal(net.b.poll(poll, 0), 1);
  const urgent = net.b.read(server, 1, MessageFlag.MSG_OOB) as Received;
  assert.deepEqual(urgent.data, new TextEncoder().encode("!"));
  assert.deepEqual((net.b.read(server, 10) as Received).data, new TextEncoder().encode("abc"));
});

test("TCP_FASTOPEN_NO_COOKIE: data on the first SYN of all, without the option, where both ends ask for it", async () => {
  for (const taken of [true, false]) {
    const { net, listener } = await network();
    if (taken) assert.equal(net.b.setsockopt(listener, SOL_TCP, TcpOption.TCP_FASTOPEN_NO_COOKIE, 1), 0);
    const fd = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
    assert.equal(net.a.setsockopt(fd, SOL_TCP, TcpOption.TCP_FASTOPEN_NO_COOKIE, 1), 0);
    assert.equal(net.a.write(fd, request, MessageFlag.MSG_FASTOPEN, TO), request.length);
    net.pass(5.1);
    assert.equal(payloadLength(net.seen[0].packet), request.length);
    const early = net.b.accept(listener);
    assert.equal("result" in early, taken);
    const { result: server } = net.finish(early);
    net.pass(20);
    assert.deepEqual((net.b.read(server, 100) as Received).data, request);
  }
});

test("the SYN-ACK of an early connection is repeated once more often than tcp_synack_retries", async () => {
  const { net, listener } = await withCookie();
  net.b.sysctl("net.ipv4.tcp_synack_retries", 1);
  const fd = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  net.a.write(fd, request, MessageFlag.MSG_FASTOPEN, TO);
  net.pass(5.1);
  const { result: server } = net.finish(net.b.accept(listener));
  net.loses = () => true;
  net.seen.length = 0;
  net.pass(20_000);
  assert.equal(net.seen.filter(({ from, packet }) => from === "b" && flagsOf(packet) === "SA").length, 2);
  assert.equal((net.b.read(server, 100) as Received).result, request.length);
  assert.equal((net.b.read(server, 100) as Received).result, -Errno.ETIMEDOUT);
});

test("an early connection whose listener has gone leaves the next listener's count alone", async () => {
  const { net, listener } = await withCookie();
  const fd = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  net.a.write(fd, request, MessageFlag.MSG_FASTOPEN, TO);
  net.pass(5.1);
  const { result: server } = net.finish(net.b.accept(listener));
  net.b.close(listener);
  const next = net.b.socket(2, SOCK_STREAM);
  net.b.setsockopt(next, SOL_SOCKET, SocketOption.SO_REUSEADDR, 1);
  net.b.setsockopt(next, SOL_TCP, TcpOption.TCP_FASTOPEN, 1);
  must(net.b.bind(next, TO));
  must(net.b.listen(next, 5));
  net.pass(100);
  assert.deepEqual((net.b.read(server, 100) as Received).data, request);
  // Room for one: the first is early, the second is not until the first is confirmed
  const clients = [0, 1].map(() => net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK));
  for (const client of clients) net.a.write(client, request, MessageFlag.MSG_FASTOPEN, TO);
  net.seen.length = 0;
  net.pass(5.1);
  net.pass(0.1);
  const answers = net.seen.filter(({ from, packet }) => from === "b" && flagsOf(packet) === "SA");
  assert.equal(answers.length, 2);
  assert.equal("result" in net.b.accept(next), true);
  assert.equal("result" in net.b.accept(next), false);
});

/** A connection that host b has accepted early: the ACK of its SYN-ACK is lost as long as `net.loses` says so. */
function acceptedEarly(net: Network, listener: number): number {
  net.loses = (_, from) => from === "b";
  const fd = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(net.a.write(fd, request, MessageFlag.MSG_FASTOPEN, TO), request.length);
  return must(net.finish(net.b.accept(listener)).result);
}

test("an early connection that is reset by its application makes room for another", async () => {
  const { net, listener } = await withCookie();
  assert.equal(net.b.setsockopt(listener, SOL_TCP, TcpOption.TCP_FASTOPEN, 1), 0);
  for (let i = 0; i < 3; i++) {
    const server = acceptedEarly(net, listener);
    net.b.setsockopt(server, SOL_SOCKET, SocketOption.SO_LINGER, { onoff: 1, linger: 0 });
    net.b.close(server);
  }
});

test("MSG_PEEK behind the urgent byte leaves the mark where it is", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  net.a.write(client, new TextEncoder().encode("!"), MessageFlag.MSG_OOB);
  net.a.write(client, new TextEncoder().encode("abc"));
  net.pass(20);
  const atMark = () => net.b.ioctl(server, FileControl.SIOCATMARK).value;
  assert.equal(atMark(), 1);
  for (const flags of [MessageFlag.MSG_PEEK, MessageFlag.MSG_PEEK, 0]) {
    assert.equal(atMark(), 1);
    assert.deepEqual((net.b.read(server, 10, flags) as Received).data, new TextEncoder().encode("abc"));
  }
  assert.equal(atMark(), 0);
});

test("TCP_FASTOPEN_KEY is one listener's: its cookies are no good at another, and the key before still counts", async () => {
  const { net } = await withCookie();
  const { b } = net;
  const key = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
  const listens = (port: number): number => {
    const fd = b.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
    b.setsockopt(fd, SOL_TCP, TcpOption.TCP_FASTOPEN, 5);
    must(b.bind(fd, { address: B, port }));
    must(b.listen(fd, 5));
    return fd;
  };
  /** Whether data on a SYN, with the cookie that the client has, begins a connection at once. */
  const isEarly = (listener: number, port: number): boolean => {
    const client = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
    assert.equal(net.a.write(client, request, MessageFlag.MSG_FASTOPEN, { address: B, port }), request.length);
    net.pass(5.1);
    const now = b.accept(listener) as { result: number };
    net.pass(50);
    if (now.result < 0) must((b.accept(listener) as { result: number }).result);
    return now.result > 0;
  };
  const [own, hosts] = [listens(81), listens(82)];
  assert.equal(b.setsockopt(own, SOL_TCP, TcpOption.TCP_FASTOPEN_KEY, key), 0);
  assert.deepEqual(b.getsockopt(own, SOL_TCP, TcpOption.TCP_FASTOPEN_KEY).value, key);
  assert.deepEqual(b.getsockopt(hosts, SOL_TCP, TcpOption.TCP_FASTOPEN_KEY).value, new Uint8Array(16));
  // The client has the cookie of the host's key; the listener with its own refuses it, and gives its own
  assert.ok(isEarly(hosts, 82));
  assert.ok(!isEarly(own, 81));
  assert.ok(isEarly(own, 81));
  assert.ok(!isEarly(hosts, 82));
  assert.ok(!isEarly(own, 81));
  const next = new Uint8Array(32).fill(9);
  next.set(key, 16);
  assert.equal(b.setsockopt(own, SOL_TCP, TcpOption.TCP_FASTOPEN_KEY, next), 0);
  assert.deepEqual(b.getsockopt(own, SOL_TCP, TcpOption.TCP_FASTOPEN_KEY).value, next);
  assert.ok(isEarly(own, 81), "the cookie of the key before");
  assert.ok(isEarly(own, 81), "the new one");
  b.check();
});
