/** What is left of connections: TIME_WAIT and its bound, orphans and theirs, reuse, and the table that finds them. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Accepted, HostOptions } from "../../src/sockets/host.ts";
import { Peer } from "./peer.ts";

/** Connections from ports 5000 on, accepted; their ISNs. */
async function accepted(
  count: number,
  options: HostOptions = {},
): Promise<{ peer: Peer; fds: number[]; isns: number[] }> {
  const peer = await Peer.create(options);
  const listener = peer.listen(count + 1);
  const isns: number[] = [];
  const fds: number[] = [];
  for (let i = 0; i < count; i++) {
    isns.push(peer.handshakes(5000 + i));
    fds.push((peer.host.accept(listener) as Accepted).result);
  }
  return { peer, fds, isns };
}

/** The host closes first, the peer answers: the host is in TIME_WAIT. */
function closes(peer: Peer, fd: number, isn: number, srcPort: number): void {
  peer.host.close(fd);
  peer.says({ flags: "FA", srcPort, seq: 1001, ack: isn + 2 >>> 0 });
  peer.hears();
}

test("thousands of connections are each found by their 4-tuple, and all are freed", async () => {
  const { peer, fds, isns } = await accepted(3000);
  fds.forEach((_, i) =>
    peer.says({ flags: "PA", srcPort: 5000 + i, seq: 1001, ack: isns[i] + 1 >>> 0, payload: i % 50 + 1 })
  );
  fds.forEach((fd, i) => assert.equal(peer.host.ioctl(fd, 0x541b).value, i % 50 + 1));
  fds.forEach((_, i) => peer.says({ flags: "R", srcPort: 5000 + i, seq: 1001 + i % 50 + 1 }));
  fds.forEach((fd) => peer.host.close(fd));
  assert.equal(peer.host.stack("table_count"), 0);
  assert.equal(peer.host.stack("socket_count"), 1);
});

test("memory does not grow with connections that come and go", async () => {
  const { peer } = await accepted(0, { realBytes: true });
  const listener = peer.listen(5);
  let before = 0;
  for (let i = 0; i < 4000; i++) {
    const isn = peer.handshakes(5000 + i);
    const { result: fd } = peer.host.accept(3) as Accepted;
    peer.host.write(fd, new Uint8Array(1000));
    peer.says({ flags: "PA", srcPort: 5000 + i, seq: 1001, ack: isn + 1 >>> 0, payload: 1000 });
    peer.host.close(fd);
    peer.hears();
    // A deadline that no longer matters waits in the event queue for its time
    peer.pass(10);
    if (i === 2000) before = peer.host.memoryBytes;
  }
  assert.equal(peer.host.memoryBytes, before);
  peer.host.close(listener);
});

test("what waits in TIME_WAIT and nobody holds keeps neither rings nor settings, and half its block", async () => {
  const peer = await Peer.create();
  const listener = peer.listen(10);
  const passes = (from: number, count: number): void => {
    for (let port = from; port < from + count; port++) {
      const isn = peer.handshakes(port);
      closes(peer, (peer.host.accept(listener) as Accepted).result, isn, port);
    }
  };
  passes(5000, 100);
  const before = peer.host.memoryBytes;
  passes(6000, 4000);
  assert.equal(peer.host.stack("time_wait_count"), 4100);
  const each = (peer.host.memoryBytes - before) / 4000;
  assert.ok(each < 400, `${each} bytes a connection`);
  // It answers all the same
  peer.says({ flags: "A", srcPort: 5000, seq: 900, ack: 1 });
  assert.equal(peer.hears().at(-1)?.flags, "A");
});

test("TIME_WAIT lasts 60 s, then the 4-tuple is free", async () => {
  const { peer, fds, isns } = await accepted(1);
  closes(peer, fds[0], isns[0], 5000);
  assert.equal(peer.host.stack("time_wait_count"), 1);
  peer.pass(59_000);
  assert.equal(peer.host.stack("time_wait_count"), 1);
  peer.pass(1001);
  assert.equal(peer.host.stack("time_wait_count"), 0);
  assert.equal(peer.host.stack("table_count"), 0);
});

test("tcp_max_tw_buckets: one more is over at once, and counted", async () => {
  const { peer, fds, isns } = await accepted(4, { sysctls: { "net.ipv4.tcp_max_tw_buckets": 3 } });
  fds.forEach((fd, i) => closes(peer, fd, isns[i], 5000 + i));
  assert.equal(peer.host.stack("time_wait_count"), 3);
  assert.equal(peer.host.stack("time_wait_overflows"), 1);
  assert.equal(peer.host.stack("table_count"), 3);
});

test("a newer SYN takes the place of a connection in TIME_WAIT, and its ISN lies beyond the old one's", async () => {
  const { peer, fds, isns } = await accepted(1);
  closes(peer, fds[0], isns[0], 5000);
  peer.says({ flags: "S", srcPort: 5000, seq: 2000 });
  const synAck = peer.hearsOne();
  assert.equal(synAck.flags, "SA");
  assert.ok((synAck.seq - isns[0] | 0) > 0);
  peer.says({ flags: "A", srcPort: 5000, seq: 2001, ack: synAck.seq + 1 >>> 0 });
  assert.ok((peer.host.accept(3) as Accepted).result > 0);
});

test("an old SYN in TIME_WAIT is answered by an ACK", async () => {
  const { peer, fds, isns } = await accepted(1);
  closes(peer, fds[0], isns[0], 5000);
  peer.says({ flags: "S", srcPort: 5000, seq: 900 });
  assert.equal(peer.hearsOne().flags, "A");
});

test("a reset ends TIME_WAIT, unless tcp_rfc1337 forbids it", async () => {
  for (const [rfc1337, left] of [[0, 0], [1, 1]]) {
    const { peer, fds, isns } = await accepted(1, { sysctls: { "net.ipv4.tcp_rfc1337": rfc1337 } });
    closes(peer, fds[0], isns[0], 5000);
    peer.says({ flags: "R", srcPort: 5000, seq: 1002 });
    assert.equal(peer.host.stack("time_wait_count"), left);
  }
});

test("tcp_max_orphans: one more closed connection is reset", async () => {
  const { peer, fds } = await accepted(3, { sysctls: { "net.ipv4.tcp_max_orphans": 2 } });
  const said = fds.map((fd) => {
    peer.host.close(fd);
    return peer.hears().map(({ flags }) => flags);
  });
  assert.deepEqual(said.slice(0, 2), [["FA"], ["FA"]]);
  assert.ok(said[2].at(-1)!.includes("R"));
  assert.equal(peer.host.stack("orphan_count"), 2);
  assert.equal(peer.host.stack("orphan_overflows"), 1);
});

test("an orphan in FIN_WAIT_2 is over after tcp_fin_timeout", async () => {
  const { peer, fds, isns } = await accepted(1, { sysctls: { "net.ipv4.tcp_fin_timeout": 10 } });
  peer.host.close(fds[0]);
  peer.says({ flags: "A", srcPort: 5000, seq: 1001, ack: isns[0] + 2 >>> 0 });
  peer.pass(9_900);
  assert.equal(peer.host.stack("orphan_count"), 1);
  peer.pass(200);
  assert.equal(peer.host.stack("orphan_count"), 0);
  assert.equal(peer.host.stack("socket_count"), 1);
});

test("text for a closed socket is answered by a reset", async () => {
  const { peer, fds, isns } = await accepted(1);
  peer.host.close(fds[0]);
  peer.hears();
  peer.says({ flags: "PA", srcPort: 5000, seq: 1001, ack: isns[0] + 2 >>> 0, payload: 10 });
  assert.equal(peer.hearsOne().flags, "R");
  assert.equal(peer.host.stack("socket_count"), 1);
});

test("a segment for nobody is refused, RFC 9293 §3.10.7.1; a reset is not", async () => {
  const peer = await Peer.create();
  peer.says({ flags: "S", seq: 7 });
  const syn = peer.hearsOne();
  assert.deepEqual([syn.flags, syn.seq, syn.ack], ["RA", 0, 8]);
  peer.says({ flags: "A", seq: 7, ack: 99 });
  const ack = peer.hearsOne();
  assert.deepEqual([ack.flags, ack.seq], ["R", 99]);
  peer.says({ flags: "R", seq: 7 });
  assert.deepEqual(peer.hears(), []);
});
