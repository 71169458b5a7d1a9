/** What the handshake agrees on: RFC 9293 §3.7.1 (MSS), RFC 7323 (window scale, timestamps, PAWS), RFC 2018 (SACK). */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import { accepted, type Arriving, connected, lone, type Settings } from "./harness.ts";

const ALL: Settings = { sack: true, timestamps: true, windowScaling: true };

test("options: a SYN offers what the user allows, and nothing more", async () => {
  const full = await lone({ ...ALL, mss: 1400, receiveBuffer: 1 << 20 });
  full.opens();
  const [syn] = full.segments();
  assert.deepEqual(
    { mss: syn.mss, wscale: syn.wscale, sackPermitted: syn.sackPermitted, tsecr: syn.ts?.[1] },
    { mss: 1400, wscale: 5, sackPermitted: true, tsecr: 0 },
  );
  const plain = await lone();
  plain.opens();
  const [bare] = plain.segments();
  assert.deepEqual([bare.wscale, bare.sackPermitted, bare.ts], [undefined, undefined, undefined]);
  assert.equal(bare.mss, 1460);
});

test("options: a SYN-ACK answers only what the SYN offered", async () => {
  const offers: Record<string, [Arriving, Record<string, unknown>]> = {
    nothing: [{}, {}],
    sack: [{ sackPermitted: true }, { sackPermitted: true }],
    timestamps: [{ ts: [77, 0] }, { ts: true }],
    windowScaling: [{ wscale: 3 }, { wscale: 0 }],
  };
  for (const [what, [offer, expected]] of Object.entries(offers)) {
    const tcp = await lone(ALL);
    tcp.listens();
    tcp.receives({ flags: "S", mss: 1460, ...offer });
    const [{ wscale, sackPermitted, ts }] = tcp.segments();
    const answer = { ...(wscale === undefined ? {} : { wscale }), ...(sackPermitted ? { sackPermitted } : {}) };
    assert.deepEqual({ ...answer, ...(ts ? { ts: ts[1] === 77 } : {}) }, expected, what);
  }
});

test("options: an end that offers nothing agrees to nothing", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.receives({ flags: "S", mss: 1460, sackPermitted: true, wscale: 7, ts: [5, 0] });
  const [answer] = tcp.segments();
  assert.deepEqual([answer.wscale, answer.sackPermitted, answer.ts], [undefined, undefined, undefined]);
  assert.equal(tcp.has(TcbFlag.SACK | TcbFlag.TIMESTAMPS | TcbFlag.WINDOW_SCALING), false);
  assert.equal(tcp.get(Tcb.snd_wscale), 0);
});

/** Length of the first segment of a long write. */
async function segmentLength(own: number, peer: number | undefined, settings: Settings = {}): Promise<number> {
  const tcp = await connected({ ...settings, mss: own }, { mss: peer });
  tcp.writes(100_000);
  return tcp.segments()[0].len;
}

test("options: a peer that announces no MSS is sent 536 bytes (RFC 9293 §3.7.1)", async () => {
  assert.equal(await segmentLength(1460, undefined), 536);
});

test("options: segments keep to the smaller of both announcements", async () => {
  assert.equal(await segmentLength(1460, 1000), 1000);
  assert.equal(await segmentLength(1000, 1460), 1000);
  assert.equal(await segmentLength(8960, 8960), 8960);
});

test("options: the bytes of timestamps come off the MSS (RFC 6691)", async () => {
  assert.equal(await segmentLength(1460, 1460, { timestamps: true }), 1448);
});

test("options: SACK blocks on a data segment come off its length (RFC 6691 §3.1)", async () => {
  const tcp = await connected({ sack: true, timestamps: true, mss: 1460 });
  tcp.receives({ flags: "PA", seq: 101, len: 100 });
  tcp.receives({ flags: "PA", seq: 301, len: 100 });
  tcp.segments();
  tcp.writes(5000);
  for (const { len, sack } of tcp.segments()) {
    const options = 12 + (sack ? 4 + 8 * sack.length : 0);
    assert.ok(len + options <= 1460, `${len} bytes of data and ${options} of options`);
    assert.equal(sack?.length, 2);
  }
});

test("options: each direction scales its windows by its own shift", async () => {
  const tcp = await connected({ windowScaling: true, receiveBuffer: 1 << 20 }, { wscale: 2, wnd: 5000 });
  assert.equal(tcp.get(Tcb.snd_wnd), 5000, "the window of a SYN-ACK is never scaled");
  tcp.receives({ wnd: 5000 });
  assert.equal(tcp.get(Tcb.snd_wnd), 20_000);
  tcp.receives({ flags: "PA", len: 10 });
  tcp.receives({ flags: "PA", len: 10 });
  const [{ wnd }] = tcp.segments();
  assert.equal(tcp.get(Tcb.rcv_wscale), 5);
  assert.ok(wnd << 5 >= (1 << 20) - 2000 && wnd << 5 <= 1 << 20, `${wnd << 5}`);
});

test("options: the window of a SYN or SYN-ACK is not scaled, and says 65535 at most (RFC 7323 §2.2)", async () => {
  const tcp = await lone({ windowScaling: true, receiveBuffer: 1 << 20 });
  tcp.opens();
  assert.equal(tcp.segments()[0].wnd, 65535);
  const passive = await lone({ windowScaling: true, receiveBuffer: 1 << 20 });
  passive.listens();
  passive.receives({ flags: "S", wscale: 7 });
  assert.equal(passive.segments()[0].wnd, 65535);
});

test("options: a shift beyond 14 is taken as 14 (RFC 7323 §2.3)", async () => {
  const tcp = await connected({ windowScaling: true }, { wscale: 200 });
  tcp.receives({ wnd: 2 });
  assert.equal(tcp.get(Tcb.snd_wnd), 2 << 14);
});

test("options: without window scaling at the peer no window is scaled", async () => {
  const tcp = await lone({ windowScaling: true, receiveBuffer: 1 << 20 });
  tcp.opens();
  tcp.receives({ flags: "SA", ack: 1, mss: 1460 });
  const [, { wnd }] = tcp.segments();
  assert.equal(wnd, 65535);
  tcp.receives({ wnd: 1000 });
  assert.equal(tcp.get(Tcb.snd_wnd), 1000);
});

test("options: every segment echoes the latest timestamp in order (RFC 7323 §4.3)", async () => {
  const tcp = await connected({ timestamps: true, delayedAck: false });
  const echo = (seq: number, tsval: number) => {
    tcp.receives({ flags: "PA", seq, len: 100, ts: [tsval, 0] });
    return tcp.segments().map(({ ts }) => ts?.[1]);
  };
  assert.deepEqual(echo(1, 200), [200]);
  assert.deepEqual(echo(201, 210), [200], "out of order: the hole's timestamp is still awaited");
  assert.deepEqual(echo(101, 205), [205], "the segment that fills the hole");
  assert.deepEqual(echo(301, 220), [220]);
});

test("options: with delayed ACKs the earlier of two timestamps is echoed (RFC 7323 §4.3 A)", async () => {
  const tcp = await connected({ timestamps: true, quickAcks: 0 });
  tcp.receives({ flags: "A", len: 1000, ts: [300, 0] });
  tcp.receives({ flags: "A", len: 1000, ts: [310, 0] });
  assert.deepEqual(tcp.segments().map(({ ts }) => ts?.[1]), [300]);
});

test("options: our timestamps advance by one a millisecond", async () => {
  const tcp = await connected({ timestamps: true, nagle: false });
  tcp.writes(10);
  tcp.passes("7ms");
  tcp.writes(10);
  const [first, second] = tcp.segments().map(({ ts }) => ts?.[0] ?? 0);
  assert.equal(second - first, 7);
});

test("paws: a segment with an older timestamp is acknowledged and dropped (RFC 7323 §5.3 R1)", async () => {
  const tcp = await connected({ timestamps: true, reads: false });
  tcp.receives({ flags: "A", len: 100, ts: [500, 0] });
  tcp.passes("1s");
  tcp.segments();
  tcp.receives({ flags: "A", len: 100, ts: [499, 0] });
  assert.deepEqual(tcp.sends(), ["A 1 ack 101"]);
  assert.equal(tcp.reads(1000), 100);
  tcp.receives({ flags: "A", len: 100, ts: [500, 0] });
  assert.equal(tcp.reads(1000), 100);
});

test("paws: timestamps are compared on their circle", async () => {
  const tcp = await accepted({ timestamps: true, reads: false }, { ts: [0xffff_fff0, 0] });
  // A handshake that accepted() ended with a timestamp of its own clock, beyond the wrap
  tcp.receives({ flags: "A", len: 100, ts: [200, 0] });
  assert.equal(tcp.reads(1000), 100);
  tcp.receives({ flags: "A", len: 100, ts: [0xffff_fff0, 0] });
  assert.equal(tcp.reads(1000), 0);
});

test("paws: a reset is believed whatever its timestamp (RFC 7323 §5.2)", async () => {
  const tcp = await connected({ timestamps: true });
  tcp.receives({ flags: "A", len: 100, ts: [500, 0] });
  tcp.receives({ flags: "R", ts: [1, 0] });
  assert.equal(tcp.state, "CLOSED");
});

test("paws: a segment without the agreed option is taken, and leaves the echo alone", async () => {
  const tcp = await connected({ timestamps: true, reads: false });
  tcp.receives({ flags: "A", len: 100, ts: [500, 0] });
  tcp.receives({ flags: "A", len: 100, ts: null });
  assert.equal(tcp.reads(1000), 200);
  assert.equal(tcp.get(Tcb.ts_recent), 500);
});

test("paws: a duplicate that was valid when it was sent does not update the echo", async () => {
  const tcp = await connected({ timestamps: true, delayedAck: false });
  tcp.receives({ flags: "A", len: 100, ts: [500, 0] });
  tcp.receives({ flags: "A", seq: 2000, len: 100, ts: [900, 0] });
  assert.equal(tcp.get(Tcb.ts_recent), 500);
});

test("options: a window smaller than the smallest segment does not make segments longer than the peer takes", async () => {
  for (const [timestamps, least] of [[true, 36], [false, 48]] as const) {
    const tcp = await connected({ mss: 1460, timestamps, nagle: false }, { mss: 48, wnd: 20 });
    assert.equal(tcp.get(Tcb.mss), least, `timestamps ${timestamps}`);
    tcp.receives({ wnd: 40 });
    assert.equal(tcp.get(Tcb.mss), timestamps ? 36 : 48);
  }
});
