/** Who may have a port, by Linux's rules of SO_REUSEADDR and SO_REUSEPORT, and which listener a connection goes to. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  AF_INET,
  AF_INET6,
  Errno,
  Shutdown,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SocketOption,
  SOL_SOCKET,
} from "../../src/sockets/constants.ts";
import { type Accepted, Host } from "../../src/sockets/host.ts";
import { Peer } from "./peer.ts";

const { SO_REUSEADDR, SO_REUSEPORT } = SocketOption;
const STREAM = SOCK_STREAM | SOCK_NONBLOCK;
const [A, B] = ["10.0.0.1", "10.0.0.3"];

/** A socket with these options, bound; the result of bind when it is refused. */
function bound(host: Host, address: string, port: number, options: number[]): number {
  const fd = host.socket(AF_INET, STREAM);
  for (const option of options) host.setsockopt(fd, SOL_SOCKET, option, 1);
  const result = host.bind(fd, { address, port });
  return result < 0 ? result : fd;
}

function accepted(host: Host, listener: number): number {
  let count = 0;
  while ((host.accept(listener) as Accepted).result > 0) count++;
  return count;
}

test("bind: a port is shared when both sockets say SO_REUSEADDR, or both say SO_REUSEPORT", async () => {
  const all = [[], [SO_REUSEADDR], [SO_REUSEPORT], [SO_REUSEADDR, SO_REUSEPORT]];
  for (const first of all) {
    for (const second of all) {
      const host = await Host.create({ addresses: [A, B] });
      assert.ok(bound(host, A, 80, first) > 0);
      const shared = first.some((option) => second.includes(option));
      for (const address of [A, "0.0.0.0"]) {
        const result = bound(host, address, 80, second);
        assert.equal(result > 0, shared, `${first} and ${second} at ${address}: ${result}`);
      }
      // At another address nobody is in the way
      if (!shared) assert.ok(bound(host, B, 80, second) > 0);
      host.check();
    }
  }
});

test("listen: with SO_REUSEPORT several may, with SO_REUSEADDR one", async () => {
  const host = await Host.create({ addresses: [A] });
  const [one, two] = [0, 1].map(() => bound(host, A, 80, [SO_REUSEPORT]));
  const [three, four] = [0, 1].map(() => bound(host, A, 81, [SO_REUSEADDR]));
  assert.deepEqual([one, two, three, four].map((fd) => host.listen(fd, 1)), [0, 0, 0, -Errno.EADDRINUSE]);
  // One that does not say it is kept out while they listen
  assert.equal(bound(host, A, 80, [SO_REUSEADDR]), -Errno.EADDRINUSE);
  assert.equal(host.getsockopt(one, SOL_SOCKET, SO_REUSEPORT).value, 1);
});

test("an option set later counts from then on", async () => {
  const host = await Host.create({ addresses: [A] });
  const first = bound(host, A, 80, []);
  assert.equal(bound(host, A, 80, [SO_REUSEADDR]), -Errno.EADDRINUSE);
  host.setsockopt(first, SOL_SOCKET, SO_REUSEADDR, 1);
  const second = bound(host, A, 80, [SO_REUSEADDR]);
  assert.ok(second > 0);
  host.setsockopt(first, SOL_SOCKET, SO_REUSEADDR, 0);
  assert.equal(bound(host, A, 80, [SO_REUSEADDR]), -Errno.EADDRINUSE);
  host.close(first);
  assert.ok(bound(host, A, 80, [SO_REUSEADDR]) > 0);
});

test("bind to port 0 shares with nobody, whatever the options say", async () => {
  const host = await Host.create({ addresses: [A], sysctls: { "net.ipv4.ip_local_port_range": "40000 40003" } });
  const ports = [0, 1, 2, 3].map(() => {
    const fd = bound(host, A, 0, [SO_REUSEADDR, SO_REUSEPORT]);
    return host.getsockname(fd).address!.port;
  });
  assert.deepEqual(ports.sort(), [40_000, 40_001, 40_002, 40_003]);
  assert.equal(bound(host, A, 0, [SO_REUSEADDR, SO_REUSEPORT]), -Errno.EADDRINUSE);
});

test("a socket that was bound to any address is where it connects from", async () => {
  const host = await Host.create({ addresses: [A, B] });
  const fd = bound(host, "0.0.0.0", 4000, []);
  assert.equal(host.connect(fd, { address: "10.0.0.9", port: 80 }), -Errno.EINPROGRESS);
  host.check();
  assert.equal(bound(host, A, 4000, []), -Errno.EADDRINUSE);
  assert.ok(bound(host, B, 4000, []) > 0);
});

for (const cookies of [false, true]) {
  const how = cookies ? "by SYN cookies" : "through the SYN queue";

  test(`SO_REUSEPORT: connections ${how} are spread over the listeners; one that goes leaves the others its share`, async () => {
    const peer = await Peer.create({ sysctls: { "net.ipv4.tcp_syncookies": cookies ? 2 : 1 } });
    const { host } = peer;
    const listeners = [0, 1, 2].map(() => bound(host, "0.0.0.0", 80, [SO_REUSEPORT]));
    for (const fd of listeners) assert.equal(host.listen(fd, 1000), 0);
    for (let i = 0; i < 300; i++) peer.handshakes(5000 + i);
    const counts = listeners.map((fd) => accepted(host, fd));
    assert.equal(counts.reduce((sum, count) => sum + count), 300);
    assert.ok(counts.every((count) => count > 70 && count < 130), `${counts}`);
    host.close(listeners[1]);
    for (let i = 0; i < 200; i++) peer.handshakes(6000 + i);
    const rest = [listeners[0], listeners[2]].map((fd) => accepted(host, fd));
    assert.equal(rest[0] + rest[1], 200);
    assert.ok(Math.min(...rest) > 60, `${rest}`);
    host.check();
  });
}

test("SO_REUSEPORT: an IPv4 connection goes to a listener of IPv4 when there is one, else to one of IPv6", async () => {
  const peer = await Peer.create();
  const { host } = peer;
  const six = host.socket(AF_INET6, STREAM);
  host.setsockopt(six, SOL_SOCKET, SO_REUSEPORT, 1);
  assert.equal(host.bind(six, { address: "::", port: 80 }), 0);
  const four = bound(host, "0.0.0.0", 80, [SO_REUSEPORT]);
  for (const fd of [six, four]) assert.equal(host.listen(fd, 100), 0);
  for (let i = 0; i < 20; i++) peer.handshakes(5000 + i);
  assert.deepEqual([accepted(host, six), accepted(host, four)], [0, 20]);
  host.close(four);
  for (let i = 0; i < 20; i++) peer.handshakes(6000 + i);
  assert.equal(accepted(host, six), 20);
});

test("news of a socket that is closed is forgotten, that of the others stays in order", async () => {
  const host = await Host.create({ addresses: [A] });
  const fds = Array.from({ length: 6 }, () => host.socket(AF_INET, STREAM));
  for (const fd of fds) host.connect(fd, { address: "10.0.0.9", port: 80 });
  for (const fd of fds) host.shutdown(fd, Shutdown.SHUT_RDWR);
  for (const i of [0, 3, 5]) host.close(fds[i]);
  host.shutdown(fds[1], Shutdown.SHUT_RDWR);
  host.run(1n);
  assert.deepEqual(host.takeNews(), [1, 2, 4].map((i) => fds[i]));
});
