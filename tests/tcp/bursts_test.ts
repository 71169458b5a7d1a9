/** Bursts and PSH, cork and MSG_MORE: how Linux cuts what is written (docs: PACKETDRILL 7.1 and 7.14). */
import assert from "node:assert/strict";
import test from "node:test";
import { connected, type Tcp } from "./harness.ts";

const MSS = 1000;

/** Ends of the segments with PSH among what has left. */
function pushed(tcp: Tcp): number[] {
  return tcp.segments().filter(({ flags }) => flags.includes("P")).map(({ seq, len }) => seq + len - 1);
}

test("psh: each write ends with it, and a burst of several segments carries it on its last", async () => {
  const tcp = await connected({ mss: MSS, tso: true });
  tcp.writes(10 * MSS);
  // 10 segments at 2 x 10 MSS / 100 ms are less than two segments a millisecond: bursts of two
  assert.deepEqual(pushed(tcp), [2000, 4000, 6000, 8000, 10_000]);
});

test("psh: without segmentation offload only the write's end carries it", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(9 * MSS);
  tcp.writes(500);
  assert.deepEqual(pushed(tcp), [9000, 9500]);
});

test("psh: a single segment of a longer write has none", async () => {
  const tcp = await connected({ mss: MSS, tso: true, initialWindow: 1 });
  tcp.writes(5 * MSS);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1"]);
  tcp.receives();
  assert.deepEqual(tcp.sends(), ["A 1001:2001 ack 1", "A 2001:3001 ack 1"], "half of a window of two is one");
});

test("burst: at most half of the congestion window", async () => {
  const tcp = await connected({ mss: MSS, tso: true, initialWindow: 7, minRto: "1ms" });
  // A short path: bursts are as large as they may be
  for (let n = 0; n < 30; n++) {
    tcp.writes(MSS);
    tcp.passes("100us");
    tcp.receives();
  }
  tcp.segments();
  tcp.writes(40 * MSS);
  const bursts = pushed(tcp).map((end) => (end - 30 * MSS) / MSS);
  assert.deepEqual(bursts, [3, 6]);
});

test("burst: sized by the pacing rate, a 1024th of a second of it", async () => {
  const tcp = await connected({ mss: MSS, tso: true, initialWindow: 64 });
  // 64 segments in 100 ms, twice: 1.28 MB/s give 1250 bytes; eight times the rate gives ten segments
  tcp.writes(64 * MSS);
  assert.equal(pushed(tcp)[0], 2000);
  const near = await connected({ mss: MSS, tso: true, initialWindow: 640 });
  near.writes(60 * MSS);
  assert.equal(pushed(near)[0], 12_000);
});

test("psh: more than half the largest window unpushed is pushed at a segment's end", async () => {
  const tcp = await connected({ mss: MSS, nagle: false }, { wnd: 6000 });
  tcp.writes(6 * MSS);
  assert.deepEqual(pushed(tcp), [4000, 6000]);
});

test("psh: a write that joins what waits takes its mark along", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 1 });
  tcp.writes(MSS);
  tcp.writes(300);
  tcp.writes(300);
  tcp.writes(700);
  tcp.segments();
  tcp.receives({ ack: 1001 });
  assert.deepEqual(tcp.sends(), ["A 1001:2001 ack 1", "PA 2001:2301 ack 1"]);
});

test("psh: full segments keep the mark of the write that ended with them", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 1 });
  for (let n = 0; n < 40; n++) tcp.writes(MSS);
  tcp.segments();
  for (let acked = 1; acked < 40; acked += 2) tcp.receives({ ack: tcp.sndNxt });
  const segments = tcp.segments();
  assert.ok(segments.length >= 30);
  assert.ok(segments.every(({ flags }) => flags.includes("P")));
});

test("psh: what is sent again carries what its write had, and no burst's", async () => {
  const tcp = await connected({ mss: MSS, tso: true });
  tcp.writes(2 * MSS);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1", "PA 1001:2001 ack 1"]);
  tcp.writes(2 * MSS);
  tcp.segments();
  tcp.receives({ ack: 1001 });
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["PA 1001:2001 ack 1"]);
});

test("cork: only full segments leave, the rest when it is taken off", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.corks(true);
  tcp.writes(300);
  tcp.writes(900);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1"]);
  tcp.receives();
  assert.deepEqual(tcp.sends(), []);
  tcp.corks(false);
  assert.deepEqual(tcp.sends(), ["PA 1001:1201 ack 1"]);
});

test("cork: what it holds leaves after an RTO", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.corks(true);
  tcp.writes(300);
  const began = tcp.now_ms;
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["PA 1:301 ack 1"]);
  assert.equal(tcp.now_ms - began, 300, "SRTT 100 ms and 4 RTTVAR of 200 ms");
});

test("cork: TCP_NODELAY lets what is queued go, later writes not", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.corks(true);
  tcp.writes(300);
  tcp.noDelay(true);
  assert.deepEqual(tcp.sends(), ["PA 1:301 ack 1"]);
  tcp.writes(300);
  assert.deepEqual(tcp.sends(), []);
  tcp.corks(false);
  assert.deepEqual(tcp.sends(), ["PA 301:601 ack 1"]);
});

test("MSG_MORE: waits for the write that follows, which takes it along", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writesMore(400);
  assert.deepEqual(tcp.sends(), []);
  tcp.writes(400);
  assert.deepEqual(tcp.sends(), ["PA 1:801 ack 1"]);
});

test("MSG_MORE: an ACK lets it go, without PSH", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(MSS);
  tcp.segments();
  tcp.writesMore(400);
  assert.deepEqual(tcp.sends(), []);
  tcp.receives();
  assert.deepEqual(tcp.sends(), ["A 1001:1401 ack 1"]);
});

test("nodelay: small writes leave at once, and setting it pushes what Nagle held", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(10);
  tcp.writes(10);
  assert.deepEqual(tcp.sends(), ["PA 1:11 ack 1"]);
  tcp.noDelay(true);
  tcp.writes(10);
  assert.deepEqual(tcp.sends(), ["PA 11:21 ack 1", "PA 21:31 ack 1"]);
});
