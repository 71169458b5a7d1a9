/** Protection against wrapped sequence numbers, RFC 7323 §5, and which timestamp is echoed, §4.3. */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine as Root, Tcb } from "../../src/core/layout.gen.ts";
import { accepted, type Settings, type Tcp } from "./harness.ts";

const DAY = 24 * 3600;

/** TS.Recent is 500, RCV.NXT 101. */
async function stamped(settings: Settings = {}): Promise<Tcp> {
  const tcp = await accepted({ timestamps: true, sack: true, reads: false, ...settings });
  tcp.receives({ len: 100, ts: [500, 0] });
  tcp.passes("600ms");
  tcp.segments();
  assert.equal(tcp.get(Tcb.ts_recent), 500);
  return tcp;
}

test("paws: older text is dropped and answered, older by the circle's half is newer", async () => {
  const tcp = await stamped();
  for (const tsval of [499, 500 - 0x7fff_ffff]) {
    tcp.receives({ len: 10, ts: [tsval >>> 0, 0] });
    assert.deepEqual(tcp.sends(), ["A 1 ack 101"], `${tsval}`);
  }
  assert.equal(tcp.root(Root.paws_rejected), 2);
  tcp.receives({ len: 10, ts: [500 + 0x7fff_ffff, 0] });
  assert.equal(tcp.rcvNxt, 111);
});

test("paws: old text that comes again is reported as a duplicate (RFC 2883 §4.1)", async () => {
  const tcp = await stamped();
  tcp.receives({ seq: 1, len: 100, ts: [400, 0] });
  assert.deepEqual(tcp.sends(), ["A 1 ack 101 sack 1-101"]);
});

test("paws: a reset is believed whatever its timestamp, a SYN is challenged", async () => {
  const tcp = await stamped();
  tcp.tries(() => {
    tcp.receives({ flags: "R", ts: [1, 0] });
    assert.equal(tcp.state, "CLOSED");
  });
  tcp.receives({ flags: "S", ts: [1, 0] });
  assert.deepEqual(tcp.sends(), ["A 1 ack 101"]);
  assert.equal(tcp.root(Root.paws_rejected), 0);
});

test("paws: a pure ACK that text overtook is taken within a time-out", async () => {
  const tcp = await stamped();
  tcp.writes(100);
  tcp.receives({ ack: 101, ts: [500, 0] });
  tcp.segments();
  const replay = Math.floor(tcp.get(Tcb.rto_us) / 1000 * 1.2);
  tcp.receives({ ts: [500 - replay + 1, 0] });
  assert.equal(tcp.root(Root.paws_rejected), 0);
  assert.equal(tcp.get(Tcb.ts_recent), 500);
  tcp.receives({ ts: [500 - replay - 10, 0] });
  assert.equal(tcp.root(Root.paws_rejected), 1);
});

test("paws: an old ACK from before RCV.NXT is dropped without an answer", async () => {
  const tcp = await stamped();
  tcp.receives({ seq: 50, ts: [400, 0] });
  assert.deepEqual(tcp.sends(), []);
  assert.equal(tcp.root(Root.paws_rejected), 1);
});

test("paws: text that left with an ACK that is taken sets no echo when it is older", async () => {
  const tcp = await stamped();
  tcp.receives({ len: 10, ts: [500, 0] });
  tcp.receives({ len: 10, ts: [650, 0] });
  assert.equal(tcp.get(Tcb.ts_recent), 650);
});

test("paws: after 24 days of silence no timestamp is too old (RFC 7323 §5.5)", async () => {
  const tcp = await stamped();
  tcp.passes(`${20 * DAY}s`);
  tcp.tries(() => {
    tcp.receives({ len: 10, ts: [499, 0] });
    assert.equal(tcp.rcvNxt, 101);
  });
  tcp.passes(`${6 * DAY}s`);
  tcp.receives({ len: 10, ts: [499, 0] });
  assert.equal(tcp.rcvNxt, 111);
  assert.equal(tcp.get(Tcb.ts_recent), 499);
});

test("paws: TS.Recent of zero proves nothing", async () => {
  const tcp = await accepted({ timestamps: true, reads: false }, { ts: [0, 0] });
  tcp.set(Tcb.ts_recent, 0);
  tcp.receives({ len: 10, ts: [0xffff_ff00, 0] });
  assert.equal(tcp.rcvNxt, 11);
});

test("echo: an ACK of what was never sent does not set it, in the window or not", async () => {
  const tcp = await stamped();
  tcp.receives({ ack: 50_000, len: 10, ts: [0x4000_0000, 0] });
  tcp.receives({ ack: -90_000, len: 10, ts: [0x4000_0000, 0] });
  assert.equal(tcp.get(Tcb.ts_recent), 500);
  tcp.receives({ len: 10, ts: [700, 0] });
  assert.equal(tcp.get(Tcb.ts_recent), 700);
});

test("echo: text ahead of order does not set it, the segment that fills the hole does (RFC 7323 §4.3)", async () => {
  const tcp = await stamped();
  tcp.receives({ seq: 201, len: 100, ts: [520, 0] });
  assert.equal(tcp.get(Tcb.ts_recent), 500);
  tcp.receives({ seq: 101, len: 100, ts: [510, 0] });
  assert.equal(tcp.get(Tcb.ts_recent), 510);
});

test("echo: while an ACK is delayed the first of its segments sets it", async () => {
  const tcp = await stamped({ quickAcks: 0 });
  tcp.receives({ len: 100, ts: [520, 0] });
  tcp.receives({ len: 100, ts: [530, 0] });
  assert.equal(tcp.get(Tcb.ts_recent), 520);
});
