/** Two ends that connect to each other at once: one connection, RFC 9293 figure 7. */
import assert from "node:assert/strict";
import test from "node:test";
import { SOCK_STREAM } from "../../src/sockets/constants.ts";
import type { Received } from "../../src/sockets/tcp_socket.ts";
import { A, B, flagsOf, must, Network } from "./network.ts";

test("simultaneous open: both connects succeed, and the two talk", async () => {
  const net = await Network.create();
  const [a, b] = [net.a.socket(2, SOCK_STREAM), net.b.socket(2, SOCK_STREAM)];
  must(net.a.bind(a, { address: A, port: 1000 }));
  must(net.b.bind(b, { address: B, port: 2000 }));
  const one = net.background(net.a.connect(a, { address: B, port: 2000 }));
  const other = net.background(net.b.connect(b, { address: A, port: 1000 }));
  net.pass(100);
  assert.deepEqual([one.result, other.result], [0, 0]);
  assert.deepEqual(net.seen.slice(0, 4).map(({ packet }) => flagsOf(packet)), ["S", "S", "SA", "SA"]);
  net.a.write(a, new TextEncoder().encode("hello"));
  net.pass(100);
  assert.deepEqual((net.b.read(b, 10) as Received).data, new TextEncoder().encode("hello"));
});

test("a socket that connects to itself is a simultaneous open with one end", async () => {
  const net = await Network.create();
  net.loses = () => true;
  const fd = net.a.socket(2, SOCK_STREAM | 0o4000);
  must(net.a.bind(fd, { address: A, port: 1000 }));
  net.a.connect(fd, { address: A, port: 1000 });
  for (let i = 0; i < 5; i++) for (const { packet } of net.a.output()) net.a.input(packet);
  assert.equal(net.a.connect(fd, { address: A, port: 1000 }), 0);
  net.a.write(fd, new TextEncoder().encode("echo"));
  for (let i = 0; i < 5; i++) for (const { packet } of net.a.output()) net.a.input(packet);
  assert.deepEqual((net.a.read(fd, 10) as Received).data, new TextEncoder().encode("echo"));
});
