/** Connections between two hosts through the sockets interface: opening, data, half-close, reset, end. */
import assert from "node:assert/strict";
import test from "node:test";
import { Errno, MessageFlag, Shutdown } from "../../src/sockets/constants.ts";
import { A, B, B6, flagsOf, must, Network } from "./network.ts";

const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data);
const bytes = (words: string): Uint8Array => new TextEncoder().encode(words);

test("connect and accept: both ends know each other's name", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  const port = net.a.getsockname(client).address!.port;
  assert.deepEqual(net.b.getpeername(server).address, { address: A, port });
  assert.deepEqual(net.a.getpeername(client).address, { address: B, port: 80 });
  assert.deepEqual(net.b.getsockname(server).address, { address: B, port: 80 });
});

for (const [version, address, family] of [["IPv4", B, 2], ["IPv6", B6, 10]] as const) {
  test(`write and read over ${version}: what is read is what was written, both ways`, async () => {
    const net = await Network.create();
    const { client, server } = net.connect({ address, family });
    must(net.finish(net.a.write(client, bytes("hello"))));
    assert.equal(text(net.finish(net.b.read(server, 100)).data), "hello");
    must(net.finish(net.b.write(server, bytes("good day"))));
    assert.equal(text(net.finish(net.a.read(client, 4)).data), "good");
    assert.equal(text(net.finish(net.a.read(client, 100)).data), " day");
  });

  test(`a megabyte over ${version} arrives whole through losses`, async () => {
    const net = await Network.create();
    const { client, server } = net.connect({ address, family });
    let count = 0;
    net.loses = () => ++count % 50 === 0;
    const sent = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 255);
    const write = net.background(net.a.write(client, sent));
    const received: number[] = [];
    while (received.length < sent.length) {
      const { data } = net.finish(net.b.read(server, 65536));
      received.push(...data!);
    }
    assert.equal(write.result, sent.length);
    assert.deepEqual(Uint8Array.from(received), sent);
  });
}

test("virtual streams: lengths move, and the payload on the wire is zeros", async () => {
  const net = await Network.create({ realBytes: false });
  const { client, server } = net.connect();
  assert.equal(net.a.write(client, 3000), 3000);
  net.pass(100);
  assert.deepEqual(net.b.read(server, 10_000), { result: 3000, flags: 0 });
  const last = net.seen.findLast(({ packet }) => packet.length > 1000)!.packet;
  assert.ok(last.subarray(60).every((byte) => byte === 0));
});

test("half-close: the end that has shut down sending still receives", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  assert.equal(net.a.shutdown(client, Shutdown.SHUT_WR), 0);
  assert.equal(net.finish(net.b.read(server, 10)).result, 0);
  must(net.finish(net.b.write(server, bytes("late"))));
  assert.equal(text(net.finish(net.a.read(client, 10)).data), "late");
  assert.equal(net.a.write(client, bytes("x")), -Errno.EPIPE);
  assert.equal(net.b.close(server), 0);
  assert.equal(net.finish(net.a.read(client, 10)).result, 0);
});

test("close on both ends: every socket is gone when TIME_WAIT is over", async () => {
  const net = await Network.create();
  const { client, server, listener } = net.connect();
  net.a.close(client);
  net.pass(20);
  net.b.close(server);
  net.pass(20);
  assert.equal(net.a.stack("time_wait_count"), 1);
  assert.equal(net.b.stack("socket_count"), 1);
  net.pass(61_000);
  assert.equal(net.a.stack("socket_count"), 0);
  assert.equal(net.a.stack("time_wait_count"), 0);
  net.b.close(listener);
  assert.equal(net.b.stack("socket_count"), 0);
});

test("close with unread data: a reset, which the peer reads as ECONNRESET once", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  must(net.finish(net.a.write(client, bytes("unread"))));
  net.pass(20);
  net.b.close(server);
  net.pass(20);
  assert.equal(flagsOf(net.seen.at(-1)!.packet), "RA");
  assert.deepEqual(net.a.read(client, 10), { result: -Errno.ECONNRESET });
  assert.deepEqual(net.a.read(client, 10), { result: 0 });
  assert.equal(net.a.write(client, bytes("x")), -Errno.EPIPE);
});

test("connect to a port that nobody listens at: ECONNREFUSED, and the socket may try again", async () => {
  const net = await Network.create();
  const client = net.a.socket(2, 1);
  assert.equal(net.finish(net.a.connect(client, { address: B, port: 81 })), -Errno.ECONNREFUSED);
  const listener = net.b.socket(2, 1);
  must(net.b.bind(listener, { address: B, port: 81 }));
  must(net.b.listen(listener, 1));
  assert.equal(net.finish(net.a.connect(client, { address: B, port: 81 })), 0);
});

test("connect to a host that never answers: ETIMEDOUT after the last SYN", async () => {
  const net = await Network.create({
    sysctls: { "net.ipv4.tcp_syn_retries": 2, "net.ipv4.tcp_syn_linear_timeouts": 1 },
  });
  net.loses = () => true;
  const client = net.a.socket(2, 1);
  assert.equal(net.finish(net.a.connect(client, { address: B, port: 80 })), -Errno.ETIMEDOUT);
  assert.deepEqual(net.seen.map(({ packet }) => flagsOf(packet)), ["S", "S", "S", "S"]);
  // 1 s, once more 1 s, then doubling: 2 s and 4 s
  assert.equal(net.now, 8_000_000_000n);
});

test("MSG_PEEK: what is looked at stays", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  must(net.finish(net.a.write(client, bytes("abcdef"))));
  assert.equal(text(net.finish(net.b.read(server, 3, MessageFlag.MSG_PEEK)).data), "abc");
  assert.equal(text(net.finish(net.b.read(server, 100)).data), "abcdef");
});

test("a blocking write larger than the send buffer returns when all of it is taken", async () => {
  const net = await Network.create();
  const { client, server } = net.connect();
  const write = net.background(net.a.write(client, new Uint8Array(200_000)));
  assert.equal(write.result, undefined);
  let read = 0;
  while (read < 200_000) read += net.finish(net.b.read(server, 65536)).result;
  assert.equal(write.result, 200_000);
});
