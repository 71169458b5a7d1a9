/** Urgent data: RFC 9293 §3.8.5, RFC 6093. The pointer is behind the last urgent byte. */
import assert from "node:assert/strict";
import test from "node:test";
import { connected, type Tcp } from "./harness.ts";

const MSS = 1000;

function pointers(tcp: Tcp): (string | number | undefined)[][] {
  return tcp.segments().map(({ flags, seq, len, urg }) => [flags, seq, len, urg]);
}

test("urgent: what is sent points behind the urgent byte, every segment up to there", async () => {
  const tcp = await connected({ mss: MSS, tso: true });
  tcp.writesUrgent(2500);
  assert.deepEqual(pointers(tcp), [["AU", 1, 1000, 2500], ["AU", 1001, 1000, 1500], ["PAU", 2001, 500, 500]]);
  tcp.receives({ ack: 1001 });
  tcp.writes(100);
  assert.deepEqual(pointers(tcp), [["PA", 2501, 100, undefined]], "it leaves at once, and is not urgent");
});

test("urgent: once acknowledged nothing points any more", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writesUrgent(1);
  assert.deepEqual(pointers(tcp), [["PAU", 1, 1, 1]]);
  tcp.receives();
  tcp.writes(3000);
  assert.ok(tcp.segments().every(({ flags }) => !flags.includes("U")));
});

test("urgent: what is sent again points too, and so does an ACK ahead of unsent urgent data", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 1 });
  tcp.writesUrgent(1500);
  assert.deepEqual(pointers(tcp), [["AU", 1, 1000, 1500]]);
  tcp.receives({ seq: 5001, len: 10, ack: 1 });
  assert.deepEqual(pointers(tcp), [["AU", 1001, 0, 500]]);
  tcp.passesToNextDeadline();
  assert.deepEqual(pointers(tcp), [["AU", 1, 1000, 1500]]);
});

test("urgent: farther ahead than the field can say, it says as much as it can when that is all that waits", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 1, sendBuffer: 1 << 20 });
  tcp.writesUrgent(70_000);
  assert.deepEqual(pointers(tcp), [["AU", 1, 1000, 0xffff]]);
});

test("urgent: a read stops at the byte, the next begins behind it", async () => {
  const tcp = await connected({ mss: MSS, reads: false });
  tcp.receives({ flags: "PAU", len: 10, urg: 6 });
  assert.ok(tcp.notifications().includes("URGENT"));
  assert.equal(tcp.reads(100), 5);
  assert.equal(tcp.reads(100), 4, "the urgent byte was taken out of the stream");
  assert.equal(tcp.reads(100), 0);
});

test("urgent: inline, it stays where it was, and a read stops at the mark all the same", async () => {
  const tcp = await connected({ mss: MSS, reads: false });
  tcp.urgentInline();
  tcp.receives({ flags: "PAU", len: 10, urg: 6 });
  assert.equal(tcp.reads(100), 5);
  assert.equal(tcp.reads(100), 5);
});

test("urgent: a pointer may come before its byte, and a later one replaces it", async () => {
  const tcp = await connected({ mss: MSS, reads: false });
  tcp.receives({ flags: "PAU", len: 10, urg: 15 });
  tcp.receives({ flags: "PAU", len: 10, urg: 8 });
  assert.equal(tcp.reads(100), 17);
  assert.equal(tcp.reads(100), 2);
});
