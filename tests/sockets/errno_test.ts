/** When a call returns which error, as on Linux. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  AF_INET,
  AF_INET6,
  Errno,
  FileControl,
  MessageFlag,
  Shutdown,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SocketOption,
  SOL_SOCKET,
} from "../../src/sockets/constants.ts";
import { type Accepted, Host } from "../../src/sockets/host.ts";
import { A, B, flagsOf, must, Network } from "./network.ts";

const AT = { address: B, port: 80 };
const some = new Uint8Array(10);

test("a descriptor that is none: EBADF; one that is no socket: ENOTSOCK", async () => {
  const host = await Host.create();
  assert.equal(host.listen(9, 1), -Errno.EBADF);
  assert.deepEqual(host.read(9, 1), { result: -Errno.EBADF });
  assert.equal(host.close(9), -Errno.EBADF);
  assert.equal(host.listen(host.epollCreate(), 1), -Errno.ENOTSOCK);
});

test("socket refuses families, types and protocols that it does not have", async () => {
  const host = await Host.create();
  assert.equal(host.socket(1, SOCK_STREAM), -Errno.EAFNOSUPPORT);
  assert.equal(host.socket(AF_INET, 2), -Errno.ESOCKTNOSUPPORT);
  assert.equal(host.socket(AF_INET, SOCK_STREAM, 17), -Errno.EPROTONOSUPPORT);
  assert.equal(host.socket(AF_INET6, SOCK_STREAM, 6), 3);
  assert.equal(host.socket(AF_INET, SOCK_STREAM), 4);
});

test("bind: EADDRNOTAVAIL, EINVAL for a second time, EADDRINUSE", async () => {
  const host = await Host.create({ addresses: [A] });
  const [one, two] = [host.socket(AF_INET, SOCK_STREAM), host.socket(AF_INET, SOCK_STREAM)];
  assert.equal(host.bind(one, { address: "192.0.2.99", port: 80 }), -Errno.EADDRNOTAVAIL);
  assert.equal(host.bind(one, { address: A, port: 80 }), 0);
  assert.equal(host.bind(one, { address: A, port: 81 }), -Errno.EINVAL);
  assert.equal(host.bind(two, { address: "0.0.0.0", port: 80 }), -Errno.EADDRINUSE);
  assert.equal(host.bind(two, { address: A, port: 0 }), 0);
  assert.notEqual(host.getsockname(two).address!.port, 0);
});

test("SO_REUSEADDR: two may bind, only one may listen", async () => {
  const host = await Host.create({ addresses: [A] });
  const both = [0, 1].map(() => {
    const fd = host.socket(AF_INET, SOCK_STREAM);
    assert.equal(host.setsockopt(fd, SOL_SOCKET, SocketOption.SO_REUSEADDR, 1), 0);
    assert.equal(host.bind(fd, { address: A, port: 80 }), 0);
    return fd;
  });
  assert.equal(host.listen(both[0], 1), 0);
  assert.equal(host.listen(both[1], 1), -Errno.EADDRINUSE);
  host.close(both[0]);
  assert.equal(host.listen(both[1], 1), 0);
});

test("a port whose connection waits in TIME_WAIT may be bound again with SO_REUSEADDR only", async () => {
  const net = await Network.create();
  const { client, server, listener } = net.connect();
  net.b.close(listener);
  net.b.close(server);
  net.pass(20);
  net.a.close(client);
  net.pass(20);
  assert.equal(net.b.stack("time_wait_count"), 1);
  const again = net.b.socket(AF_INET, SOCK_STREAM);
  assert.equal(net.b.bind(again, AT), -Errno.EADDRINUSE);
  net.pass(61_000);
  assert.equal(net.b.bind(again, AT), 0);
});

test("accept: EINVAL unless listening, EAGAIN when none waits", async () => {
  const host = await Host.create({ addresses: [A] });
  const fd = host.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  assert.deepEqual(host.accept(fd), { result: -Errno.EINVAL });
  host.bind(fd, { address: A, port: 80 });
  host.listen(fd, 1);
  assert.deepEqual(host.accept(fd), { result: -Errno.EAGAIN });
});

test("a non-blocking connect: EINPROGRESS, EALREADY, 0, EISCONN", async () => {
  const net = await Network.create();
  const listener = net.b.socket(AF_INET, SOCK_STREAM);
  must(net.b.bind(listener, AT));
  must(net.b.listen(listener, 1));
  const fd = net.a.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(net.a.connect(fd, AT), -Errno.EINPROGRESS);
  assert.equal(net.a.connect(fd, AT), -Errno.EALREADY);
  assert.equal(net.a.write(fd, some), -Errno.EAGAIN);
  assert.deepEqual(net.a.read(fd, 10), { result: -Errno.EAGAIN });
  net.pass(11);
  assert.equal(net.a.connect(fd, AT), 0);
  assert.equal(net.a.connect(fd, AT), -Errno.EISCONN);
});

test("a non-blocking connect that is refused: SO_ERROR tells ECONNREFUSED once", async () => {
  const net = await Network.create();
  const fd = net.a.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  assert.equal(net.a.connect(fd, AT), -Errno.EINPROGRESS);
  net.pass(11);
  assert.equal(net.a.getsockopt(fd, SOL_SOCKET, SocketOption.SO_ERROR).value, Errno.ECONNREFUSED);
  assert.equal(net.a.getsockopt(fd, SOL_SOCKET, SocketOption.SO_ERROR).value, 0);
});

test("connect on a listener: EISCONN; to IPv6 from an IPv4 socket: EAFNOSUPPORT", async () => {
  const host = await Host.create({ addresses: [A] });
  const fd = host.socket(AF_INET, SOCK_STREAM);
  assert.equal(host.connect(fd, { address: "::1", port: 1 }), -Errno.EAFNOSUPPORT);
  host.listen(fd, 1);
  assert.equal(host.connect(fd, AT), -Errno.EISCONN);
});

test("a fresh socket: reads ENOTCONN, writes EPIPE, shutdown and getpeername ENOTCONN", async () => {
  const host = await Host.create();
  const fd = host.socket(AF_INET, SOCK_STREAM);
  assert.deepEqual(host.read(fd, 1), { result: -Errno.ENOTCONN });
  assert.equal(host.write(fd, some), -Errno.EPIPE);
  assert.equal(host.shutdown(fd, Shutdown.SHUT_WR), -Errno.ENOTCONN);
  assert.equal(host.getpeername(fd).result, -Errno.ENOTCONN);
});

test("a connection with nothing to read: EAGAIN when it may not wait", async () => {
  const net = await Network.create();
  const { client } = net.connect();
  assert.deepEqual(net.a.read(client, 10, MessageFlag.MSG_DONTWAIT), { result: -Errno.EAGAIN });
  assert.equal(net.a.fcntl(client, FileControl.F_SETFL, FileControl.O_NONBLOCK), 0);
  assert.equal(net.a.fcntl(client, FileControl.F_GETFL), FileControl.O_RDWR | FileControl.O_NONBLOCK);
  assert.deepEqual(net.a.read(client, 10), { result: -Errno.EAGAIN });
});

test("a write that finds no room returns what it took, then EAGAIN", async () => {
  const net = await Network.create();
  const { client } = net.connect();
  const taken = net.a.write(client, new Uint8Array(10_000_000), MessageFlag.MSG_DONTWAIT) as number;
  assert.ok(taken > 0 && taken < 10_000_000);
  assert.equal(net.a.write(client, some, MessageFlag.MSG_DONTWAIT), -Errno.EAGAIN);
});

test("a reset while the peer had closed before: EPIPE", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  must(net.finish(net.a.write(client, some)));
  net.a.shutdown(client, Shutdown.SHUT_WR);
  net.pass(20);
  net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_LINGER, { onoff: 1, linger: 0 });
  net.b.write(server, some);
  net.pass(20);
  net.a.close(client);
  net.pass(20);
  assert.equal(net.b.getsockopt(server, SOL_SOCKET, SocketOption.SO_ERROR).value, Errno.EPIPE);
  assert.equal(net.b.read(server, 5) && (net.b.read(server, 5) as Accepted).result, 5, "what had come is still read");
});

test("SO_LINGER of 0: close resets", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_LINGER, { onoff: 1, linger: 0 });
  net.a.close(client);
  net.pass(20);
  assert.ok(flagsOf(net.seen.at(-1)!.packet).includes("R"));
  assert.equal(net.b.getsockopt(server, SOL_SOCKET, SocketOption.SO_ERROR).value, Errno.ECONNRESET);
});

test("SO_LINGER with a time: close waits until the peer has everything, at most so long", async () => {
  for (const [lost, waited_ms] of [[false, 10], [true, 2000]] as const) {
    const net = await Network.create();
    const { client } = net.connect();
    net.loses = () => lost;
    net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_LINGER, { onoff: 1, linger: 2 });
    const before = net.now;
    assert.equal(net.finish(net.a.close(client)), 0);
    assert.equal(Number(net.now - before) / 1e6, waited_ms);
  }
});

test("SHUT_RD: what comes is still acknowledged and read, an empty queue reads 0", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  assert.equal(net.b.shutdown(server, Shutdown.SHUT_RD), 0);
  assert.deepEqual(net.b.read(server, 10), { result: 0 });
  must(net.finish(net.a.write(client, some)));
  net.pass(100);
  assert.equal(net.a.ioctl(client, FileControl.SIOCOUTQ).value, 0);
  assert.equal((net.b.read(server, 10) as Accepted).result, 10);
  assert.equal(net.b.shutdown(server, 3), -Errno.EINVAL);
});

test("SIOCINQ and SIOCOUTQ count bytes", async () => {
  const net = await Network.create();
  const { client, server, listener } = net.connect();
  must(net.finish(net.a.write(client, some)));
  assert.equal(net.a.ioctl(client, FileControl.SIOCOUTQ).value, 10);
  net.pass(100);
  assert.equal(net.a.ioctl(client, FileControl.SIOCOUTQ).value, 0);
  assert.equal(net.b.ioctl(server, FileControl.SIOCINQ).value, 10);
  assert.equal(net.b.ioctl(listener, FileControl.SIOCINQ).result, -Errno.EINVAL);
});

test("a new descriptor is the lowest that is free", async () => {
  const host = await Host.create();
  const fds = Array.from({ length: 5 }, () => host.socket(AF_INET, SOCK_STREAM));
  assert.deepEqual(fds, [3, 4, 5, 6, 7]);
  host.close(6);
  host.close(4);
  assert.deepEqual([host.socket(AF_INET, SOCK_STREAM), host.epollCreate(), host.epollCreate()], [4, 6, 8]);
});
