/** Socket options and parameters: what is set is what is read, by Linux's rules, and acts. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  AF_INET,
  Errno,
  FileControl,
  IpOption,
  IPPROTO_TCP,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SocketOption,
  SOL_IP,
  SOL_SOCKET,
  SOL_TCP,
  TcpOption,
} from "../../src/sockets/constants.ts";
import { formatAddress, parseAddress } from "../../src/sockets/address.ts";
import { Host } from "../../src/sockets/host.ts";
import type { Received } from "../../src/sockets/tcp_socket.ts";
import { B, must, Network, payloadLength } from "./network.ts";

/** A fresh socket, and its options by level and name. */
async function fresh(): Promise<
  { get: (level: number, name: number) => unknown; set: (...option: [number, number, number]) => number }
> {
  const host = await Host.create();
  const fd = host.socket(AF_INET, SOCK_STREAM);
  return {
    get: (level, name) => {
      const { result, value } = host.getsockopt(fd, level, name);
      return result === 0 ? value : result;
    },
    set: (level, name, value) => host.setsockopt(fd, level, name, value),
  };
}

test("what a fresh socket says of itself", async () => {
  const { get } = await fresh();
  assert.equal(get(SOL_SOCKET, SocketOption.SO_TYPE), SOCK_STREAM);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_PROTOCOL), IPPROTO_TCP);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_DOMAIN), AF_INET);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_ACCEPTCONN), 0);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_RCVBUF), 131072);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_SNDBUF), 16384);
  assert.equal(get(SOL_TCP, TcpOption.TCP_MAXSEG), 536);
  assert.equal(get(SOL_TCP, TcpOption.TCP_CONGESTION), "cubic");
  assert.equal(get(SOL_TCP, TcpOption.TCP_KEEPIDLE), 7200);
  assert.equal(get(SOL_TCP, TcpOption.TCP_SYNCNT), 6);
});

test("options that are set are read back", async () => {
  const { get, set } = await fresh();
  for (
    const [level, name, value] of [
      [SOL_SOCKET, SocketOption.SO_REUSEADDR, 1],
      [SOL_SOCKET, SocketOption.SO_KEEPALIVE, 1],
      [SOL_SOCKET, SocketOption.SO_RCVLOWAT, 100],
      [SOL_TCP, TcpOption.TCP_NODELAY, 1],
      [SOL_TCP, TcpOption.TCP_CORK, 1],
      [SOL_TCP, TcpOption.TCP_MAXSEG, 1000],
      [SOL_TCP, TcpOption.TCP_USER_TIMEOUT, 5000],
      [SOL_TCP, TcpOption.TCP_KEEPIDLE, 60],
      [SOL_TCP, TcpOption.TCP_KEEPINTVL, 5],
      [SOL_TCP, TcpOption.TCP_KEEPCNT, 3],
      [SOL_TCP, TcpOption.TCP_SYNCNT, 2],
      [SOL_TCP, TcpOption.TCP_NOTSENT_LOWAT, 4096],
      [SOL_IP, IpOption.IP_TTL, 17],
    ] as const
  ) {
    assert.equal(set(level, name, value), 0, `${level} ${name}`);
    assert.equal(get(level, name), value, `${level} ${name}`);
  }
});

test("buffers are doubled, bounded by the parameter, and never tiny", async () => {
  const { get, set } = await fresh();
  set(SOL_SOCKET, SocketOption.SO_RCVBUF, 10_000);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_RCVBUF), 20_000);
  set(SOL_SOCKET, SocketOption.SO_SNDBUF, 10_000_000);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_SNDBUF), 2 * 212_992);
  set(SOL_SOCKET, SocketOption.SO_SNDBUFFORCE, 10_000_000);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_SNDBUF), 20_000_000);
  set(SOL_SOCKET, SocketOption.SO_SNDBUF, 1);
  assert.equal(get(SOL_SOCKET, SocketOption.SO_SNDBUF), 4608);
});

test("values out of range: EINVAL; options that are not there: ENOPROTOOPT; algorithms: ENOENT", async () => {
  const host = await Host.create();
  const fd = host.socket(AF_INET, SOCK_STREAM);
  assert.equal(host.setsockopt(fd, SOL_TCP, TcpOption.TCP_MAXSEG, 40), -Errno.EINVAL);
  assert.equal(host.setsockopt(fd, SOL_TCP, TcpOption.TCP_KEEPCNT, 128), -Errno.EINVAL);
  assert.equal(host.setsockopt(fd, SOL_TCP, TcpOption.TCP_SYNCNT, 0), -Errno.EINVAL);
  assert.equal(host.setsockopt(fd, SOL_TCP, 250, 1), -Errno.ENOPROTOOPT);
  assert.deepEqual(host.getsockopt(fd, 77, 1), { result: -Errno.ENOPROTOOPT });
  assert.equal(host.setsockopt(fd, SOL_TCP, TcpOption.TCP_CONGESTION, "westwood"), -Errno.ENOENT);
  assert.equal(host.setsockopt(fd, SOL_TCP, TcpOption.TCP_CONGESTION, "reno"), 0);
  assert.equal(host.getsockopt(fd, SOL_TCP, TcpOption.TCP_CONGESTION).value, "reno");
});

test("TCP_DEFER_ACCEPT is kept as a number of SYN-ACKs, and read as the seconds that they take", async () => {
  const { get, set } = await fresh();
  for (const [asked, told] of [[0, 0], [1, 1], [2, 3], [3, 3], [5, 7], [10, 15]]) {
    set(SOL_TCP, TcpOption.TCP_DEFER_ACCEPT, asked);
    assert.equal(get(SOL_TCP, TcpOption.TCP_DEFER_ACCEPT), told);
  }
});

test("TCP_MAXSEG bounds what is announced and what is sent", async () => {
  const net = await Network.create();
  const listener = net.b.socket(AF_INET, SOCK_STREAM);
  net.b.setsockopt(listener, SOL_TCP, TcpOption.TCP_MAXSEG, 500);
  must(net.b.bind(listener, { address: "0.0.0.0", port: 80 }));
  must(net.b.listen(listener, 1));
  const client = net.a.socket(AF_INET, SOCK_STREAM);
  must(net.finish(net.a.connect(client, { address: "10.0.0.2", port: 80 })));
  net.a.write(client, new Uint8Array(5000));
  net.pass(100);
  assert.equal(Math.max(...net.seen.map(({ packet }) => payloadLength(packet))), 488);
});

test("a listener's options are its connections' options", async () => {
  const net = await Network.create();
  const listener = net.b.socket(AF_INET, SOCK_STREAM);
  net.b.setsockopt(listener, SOL_TCP, TcpOption.TCP_NODELAY, 1);
  net.b.setsockopt(listener, SOL_TCP, TcpOption.TCP_USER_TIMEOUT, 1234);
  must(net.b.bind(listener, { address: "0.0.0.0", port: 80 }));
  must(net.b.listen(listener, 1));
  const client = net.a.socket(AF_INET, SOCK_STREAM);
  must(net.finish(net.a.connect(client, { address: "10.0.0.2", port: 80 })));
  const { result: server } = net.finish(net.b.accept(listener));
  assert.equal(net.b.getsockopt(server, SOL_TCP, TcpOption.TCP_NODELAY).value, 1);
  assert.equal(net.b.getsockopt(server, SOL_TCP, TcpOption.TCP_USER_TIMEOUT).value, 1234);
});

test("IP_TOS colours packets, but for the bits of ECN", async () => {
  const net = await Network.create();
  const { client } = net.connect();
  assert.equal(net.a.setsockopt(client, SOL_IP, IpOption.IP_TOS, 0xbb), 0);
  net.seen.length = 0;
  net.a.write(client, new Uint8Array(10));
  net.pass(1);
  assert.equal(net.seen[0].packet[1], 0xb8);
});

test("the send buffer grows with the window, unless SO_SNDBUF has fixed it", async () => {
  for (const fixed of [false, true]) {
    const net = await Network.create();
    const { client, server } = net.connect();
    const size = (): number => net.a.getsockopt(client, SOL_SOCKET, SocketOption.SO_SNDBUF).value as number;
    if (fixed) net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_SNDBUF, 20_000);
    const before = size();
    const write = net.background(net.a.write(client, new Uint8Array(3_000_000)));
    while (write.result === undefined) net.finish(net.b.read(server, 1_000_000));
    assert.equal(size() > before, !fixed);
  }
});

test("sysctl refuses what it does not know by name, what is no number, and what is out of range", async () => {
  const host = await Host.create();
  assert.throws(() => host.sysctl("net.ipv4.tcp_sackk", 1), /net\.ipv4\.tcp_sackk.*not a parameter/);
  assert.throws(() => host.sysctl("net.ipv4.tcp_sack", "yes"), /tcp_sack: found "yes", expected a number/);
  assert.throws(() => host.sysctl("net.ipv4.tcp_rmem", "1 2"), /tcp_rmem: found "1 2", expected 3 numbers/);
  assert.throws(() => host.sysctl("net.ipv4.tcp_congestion_control", "westwood"), /found "westwood"/);
  // Segments shorter than the options they carry cannot be
  assert.throws(() => host.sysctl("net.ipv4.tcp_min_snd_mss", 12), /found "12", expected a number from 48 to 65535/);
  assert.throws(() => host.sysctl("net.ipv4.tcp_retries2", 256), /expected a number from 0 to 255/);
  host.sysctl("net.ipv4.tcp_rmem", "4096 540000 15728640");
  const fd = host.socket(AF_INET, SOCK_STREAM);
  assert.equal(host.getsockopt(fd, SOL_SOCKET, SocketOption.SO_RCVBUF).value, 540000);
});

test("addresses: text and words, both ways", () => {
  for (
    const [text, family] of [
      ["192.0.2.1"],
      ["2001:db8::1"],
      ["::"],
      ["::1"],
      ["fe80::1:0:0:2"],
      ["1:2:3:4:5:6:7:8"],
      ["::ffff:192.0.2.1", 10],
    ] as [string, number?][]
  ) {
    assert.equal(formatAddress(parseAddress(text), family), text);
  }
  for (const wrong of ["1.2.3", "1.2.3.256", "1:2", "1::2::3", "g::1", "1:2:3:4:5:6:7:8:9"]) {
    assert.throws(() => parseAddress(wrong), RangeError);
  }
});

test("TCP_USER_TIMEOUT: ends a connection after any number of retransmissions", async () => {
  const net = await Network.create({ sysctls: { "net.ipv4.tcp_rto_max_ms": 1000 } });
  const { client } = net.connect();
  assert.equal(net.a.setsockopt(client, SOL_TCP, TcpOption.TCP_USER_TIMEOUT, 300_000), 0);
  net.loses = () => true;
  net.a.write(client, new Uint8Array(10));
  net.pass(299_000);
  assert.equal(net.a.getsockopt(client, SOL_SOCKET, SocketOption.SO_ERROR).value, 0);
  net.pass(3000);
  assert.equal(net.a.getsockopt(client, SOL_SOCKET, SocketOption.SO_ERROR).value, Errno.ETIMEDOUT);
});

test("SO_SNDBUF: what a full buffer holds is not overwritten, however the last burst stands", async () => {
  const net = await Network.create();
  const listener = net.b.socket(2, 1);
  must(net.b.bind(listener, { address: B, port: 80 }));
  must(net.b.listen(listener, 5));
  const client = net.a.socket(2, SOCK_STREAM | SOCK_NONBLOCK);
  // Twice this and a burst are just a power of two: the ring has no byte to spare
  net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_SNDBUF, 98_304);
  net.a.connect(client, { address: B, port: 80 });
  const { result: server } = net.finish(net.b.accept(listener));
  net.b.fcntl(server, FileControl.F_SETFL, FileControl.O_NONBLOCK);
  const byteAt = (at: number) => Math.imul(at, 0x9e3779b1) >>> 24;
  let [sent, read] = [0, 0];
  const write = (length: number) => {
    const taken = net.a.write(client, Uint8Array.from({ length }, (_, i) => byteAt(sent + i))) as number;
    sent += Math.max(taken, 0);
  };
  const readAll = () => {
    for (;;) {
      const { result, data } = net.b.read(server, 1 << 20) as Received;
      if (result <= 0) return;
      assert.ok(data!.every((byte, i) => byte === byteAt(read + i)), `byte ${read} or one behind it`);
      read += result;
    }
  };
  // Until the peer's window allows the longest bursts
  for (let i = 0; i < 100; i++) {
    write(65_536);
    net.pass(4);
    readAll();
  }
  net.pass(300);
  readAll();
  assert.equal(read, sent);
  // After a time-out cwnd is one segment: the rest waits in bursts, and the last of them has hardly begun
  net.loses = () => true;
  const burst = 65_215 - 65_215 % 1448;
  write(40 * 1448);
  net.pass(1500);
  write(burst);
  write(burst);
  write(1000);
  write(1 << 20);
  net.loses = () => false;
  for (let i = 0; i < 200 && read < sent; i++) {
    net.pass(50);
    readAll();
  }
  assert.equal(read, sent);
});

test("SO_MAX_PACING_RATE: paces a connection that has sent already, too", async () => {
  for (const rate of [20_000, -1]) {
    const net = await Network.create();
    const { client, server } = net.connect();
    net.a.write(client, new Uint8Array(20_000));
    net.pass(200);
    assert.equal(net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_MAX_PACING_RATE, rate), 0);
    net.a.write(client, new Uint8Array(20_000));
    const came = () => net.b.ioctl(server, FileControl.SIOCINQ).value as number;
    net.pass(400);
    assert.equal(came() < 36_000, rate > 0, `${came()} bytes came at a rate of ${rate}`);
    net.pass(1000);
    assert.equal(came(), 40_000);
  }
});

test("SO_SNDBUF and SO_RCVBUF: below 0 is as much as may be, forced it is nothing", async () => {
  const { get, set } = await fresh();
  const { SO_SNDBUF, SO_RCVBUF, SO_SNDBUFFORCE, SO_RCVBUFFORCE } = SocketOption;
  for (const [name, forced, smallest] of [[SO_SNDBUF, SO_SNDBUFFORCE, 4608], [SO_RCVBUF, SO_RCVBUFFORCE, 2304]]) {
    assert.equal(set(SOL_SOCKET, name, -1), 0);
    assert.equal(get(SOL_SOCKET, name), 2 * 212_992);
    assert.equal(set(SOL_SOCKET, forced, -1), 0);
    assert.equal(get(SOL_SOCKET, name), smallest);
    assert.equal(set(SOL_SOCKET, forced, 0x7fffffff), 0);
    assert.equal(get(SOL_SOCKET, name), 0x7ffffffe);
  }
});

test("SO_MAX_PACING_RATE has 64 bits, and 32 ones bound nothing", async () => {
  const net = await Network.create();
  const { client } = net.connect();
  const told = (): number => (net.a.tcpInfo(client) as { tcpi_max_pacing_rate: number }).tcpi_max_pacing_rate;
  for (const [set, bound] of [[1e9, 1e9], [12.5e9, 12.5e9], [-2, 0xfffffffe], [0xffffffff, 2 ** 64], [-1, 2 ** 64]]) {
    assert.equal(net.a.setsockopt(client, SOL_SOCKET, SocketOption.SO_MAX_PACING_RATE, set), 0);
    assert.equal(told(), bound);
    const read = net.a.getsockopt(client, SOL_SOCKET, SocketOption.SO_MAX_PACING_RATE).value;
    assert.equal(read, Math.min(bound, bound === 2 ** 64 ? 0xffffffff : bound));
  }
});
