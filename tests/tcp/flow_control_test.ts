/** Windows and when to send: RFC 9293 §3.8.6 with its silly window rules, Nagle (§3.7.4), delayed ACKs, zero windows. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { Random, testSeed } from "../wire/random.ts";
import { connected, type Tcp } from "./harness.ts";

const MSS = 1000;

test("window: no more is in flight than the peer's window holds", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 3500 });
  tcp.writes(10_000);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1", "PA 1001:2001 ack 1", "A 2001:3001 ack 1"]);
  tcp.receives({ ack: 1001, wnd: 3500 });
  assert.deepEqual(tcp.sends(), ["PA 3001:4001 ack 1"]);
});

test("window: an old segment cannot change it (SND.WL1, SND.WL2)", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 8000 });
  tcp.writes(2000);
  tcp.receives({ flags: "PA", len: 100, ack: 2001, wnd: 5000 });
  assert.equal(tcp.get(Tcb.snd_wnd), 5000);
  // Sent before, arrived after: an older sequence number, then an older acknowledgement
  tcp.receives({ seq: 1, ack: 2001, wnd: 8000 });
  tcp.receives({ ack: 1001, wnd: 9000 });
  assert.equal(tcp.get(Tcb.snd_wnd), 5000);
  tcp.receives({ ack: 2001, wnd: 9000 });
  assert.equal(tcp.get(Tcb.snd_wnd), 9000);
});

test("window: text that was sent earlier and arrives later cannot change it (SND.WL1)", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 8000 });
  tcp.receives({ seq: 1001, len: 100, wnd: 5000 });
  assert.equal(tcp.get(Tcb.snd_wnd), 5000);
  tcp.receives({ seq: 1, len: 1000, wnd: 8000 });
  assert.equal(tcp.rcvNxt, 1101);
  assert.equal(tcp.get(Tcb.snd_wnd), 5000);
});

test("window: a peer that takes its window back stops new data, and what is in flight is kept", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 8000 });
  tcp.writes(20_000);
  assert.equal(tcp.segments().length, 8);
  tcp.receives({ ack: 1001, wnd: 2000 });
  assert.deepEqual(tcp.sends(), []);
  tcp.receives({ ack: 8001, wnd: 2000 });
  assert.deepEqual(tcp.sends(), ["A 8001:9001 ack 1", "PA 9001:10001 ack 1"]);
});

test("window: a time-out under a window that was taken back sends the first segment, no more", async () => {
  const tcp = await connected({ mss: MSS, sack: true }, { wnd: 8000 });
  tcp.writes(20_000);
  tcp.segments();
  tcp.receives({ ack: 1, wnd: 1500 });
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1"]);
  tcp.receives({ ack: 1001, wnd: 1500 });
  assert.deepEqual(tcp.sends(), ["A 1001:2001 ack 1"]);
  tcp.receives({ ack: 8001, wnd: 0 });
  assert.deepEqual(tcp.sends(), []);
  assert.equal(tcp.get(Tcb.packets_out), 0);
});

test("window: what is offered follows the room in the buffer", async () => {
  const tcp = await connected({ mss: MSS, reads: false, receiveBuffer: 10_000, delayedAck: false });
  const offers: number[] = [];
  for (let n = 0; n < 5; n++) {
    tcp.receives({ len: 1000 });
    offers.push(...tcp.segments().map(({ wnd }) => wnd));
  }
  assert.deepEqual(offers, [9000, 8000, 7000, 6000, 5000]);
  tcp.reads(5000);
  assert.deepEqual(tcp.segments().map(({ wnd }) => wnd), [10_000], "the reader's room is told at once");
});

test("window: the right edge never moves left, whatever is written, read and received", async () => {
  const seed = testSeed();
  const random = new Random(seed);
  for (const windowScaling of [false, true]) {
    const tcp = await connected({
      mss: MSS,
      reads: false,
      receiveBuffer: windowScaling ? 300_001 : 20_000,
      windowScaling,
    });
    const scale = tcp.get(Tcb.rcv_wscale);
    let edge = tcp.rcvNxt;
    for (let step = 0; step < 2000; step++) {
      if (random.chance(0.6)) {
        const gap = random.chance(0.2) ? random.between(1, 3000) : 0;
        tcp.receives({ seq: tcp.rcvNxt + gap, len: random.between(1, MSS), ack: 1 });
      }
      if (random.chance(0.3)) tcp.reads(random.between(1, 5000));
      if (random.chance(0.1)) tcp.passes("50ms");
      for (const { ack, wnd } of tcp.segments()) {
        const right = ack + (wnd << scale);
        assert.ok(right >= edge, `seed ${seed}, step ${step}: ${right} after ${edge}`);
        edge = right;
      }
    }
    assert.ok(edge > 100_000);
  }
});

test("window: it opens in steps of a segment or half the buffer (RFC 9293 §3.8.6.2.2)", async () => {
  const tcp = await connected({ mss: MSS, reads: false, receiveBuffer: 4000, delayedAck: false });
  for (let n = 0; n < 4; n++) tcp.receives({ len: 1000 });
  assert.equal(tcp.segments().at(-1)?.wnd, 0);
  // A reader of small pieces: no update before min(half the buffer, two segments) is free
  let updates = 0;
  for (let read = 100; read <= 4000; read += 100) {
    tcp.reads(100);
    for (const { wnd } of tcp.segments()) {
      assert.ok(wnd >= 1000, `a window of ${wnd} is silly`);
      updates++;
    }
  }
  assert.ok(updates >= 1 && updates <= 2, `${updates} updates`);
});

test("window: an ACK that leaves anyway does not offer a silly step either", async () => {
  const tcp = await connected({ mss: MSS, reads: false, receiveBuffer: 4000, delayedAck: false });
  for (let n = 0; n < 4; n++) tcp.receives({ len: 1000 });
  tcp.reads(500);
  tcp.segments();
  tcp.receives({ seq: 4000, len: 1 }); // a probe of the zero window
  assert.deepEqual(tcp.segments().map(({ wnd }) => wnd), [0]);
});

test("silly windows: a sender with much to send waits for a full segment (RFC 9293 §3.8.6.2.1)", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 2000 });
  tcp.writes(10_000);
  tcp.segments();
  tcp.receives({ ack: 1001, wnd: 1300 });
  assert.deepEqual(tcp.sends(), [], "300 bytes of window are not worth a segment");
  tcp.receives({ ack: 2001, wnd: 1300 });
  assert.deepEqual(tcp.sends(), ["A 2001:3001 ack 1"]);
});

test("silly windows: half of the largest window is a full segment (Linux's tcp_bound_to_half_wnd)", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 800 });
  tcp.writes(10_000);
  assert.deepEqual(tcp.sends(), ["A 1:401 ack 1", "PA 401:801 ack 1"]);
  tcp.receives({ ack: 801, wnd: 399 });
  assert.deepEqual(tcp.sends(), []);
  tcp.receives({ ack: 801, wnd: 400 });
  assert.deepEqual(tcp.sends(), ["A 801:1201 ack 1"]);
  tcp.receives({ ack: 1201, wnd: 8000 });
  assert.equal(tcp.sends()[0], "PA 1201:2201 ack 1", "a larger window lifts it");
});

test("silly windows: what a window would cut short waits as a whole, its FIN too", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 2000 });
  tcp.writes(1500);
  tcp.receives({ ack: 1001, wnd: 499 });
  tcp.segments();
  tcp.receives({ ack: 1501, wnd: 300 });
  tcp.writes(301);
  assert.deepEqual(tcp.sends(), []);
  tcp.receives({ ack: 1501, wnd: 301 });
  assert.deepEqual(tcp.sends(), ["PA 1501:1802 ack 1"]);
});

test("silly windows: after the override time-out even a small one is used", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 800 });
  tcp.writes(10_000);
  tcp.receives({ ack: 801, wnd: 100 });
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["PA 801:901 ack 1"]);
});

test("nagle: small segments wait for the ACK of what is in flight", async () => {
  const tcp = await connected({ mss: MSS });
  for (const bytes of [10, 20, 30]) tcp.writes(bytes);
  assert.deepEqual(tcp.sends(), ["PA 1:11 ack 1"]);
  tcp.receives();
  assert.deepEqual(tcp.sends(), ["PA 11:61 ack 1"]);
});

test("nagle: the rest of a write waits only for another small segment (Minshall)", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(2500);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1", "A 1001:2001 ack 1", "PA 2001:2501 ack 1"]);
  tcp.writes(1500);
  assert.deepEqual(tcp.sends(), ["A 2501:3501 ack 1"]);
  tcp.receives({ ack: 2001 });
  assert.deepEqual(tcp.sends(), []);
  tcp.receives({ ack: 2501 });
  assert.deepEqual(tcp.sends(), ["PA 3501:4001 ack 1"]);
});

test("nagle: off, every write leaves at once", async () => {
  const tcp = await connected({ mss: MSS, nagle: false });
  for (const bytes of [10, 20, 30]) tcp.writes(bytes);
  assert.deepEqual(tcp.sends(), ["PA 1:11 ack 1", "PA 11:31 ack 1", "PA 31:61 ack 1"]);
});

test("delayed ack: every second segment is acknowledged at once (RFC 5681 §4.2)", async () => {
  const tcp = await connected({ mss: MSS, quickAcks: 0 });
  tcp.receives({ len: 1000 });
  assert.deepEqual(tcp.sends(), []);
  tcp.receives({ len: 1000 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 2001"]);
});

test("delayed ack: a single one leaves within the delay, counted from its arrival", async () => {
  const tcp = await connected({ mss: MSS, delayedAckTimeout: "40ms", quickAcks: 0 });
  tcp.receives({ len: 1000 });
  tcp.passes("39ms");
  assert.deepEqual(tcp.sends(), []);
  tcp.passes("1ms");
  assert.deepEqual(tcp.sends(), ["A 1 ack 1001"]);
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("delayed ack: data that leaves takes it along", async () => {
  const tcp = await connected({ mss: MSS, quickAcks: 0 });
  tcp.receives({ len: 1000 });
  tcp.writes(100);
  assert.deepEqual(tcp.sends(), ["PA 1:101 ack 1001"]);
  tcp.receives();
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("delayed ack: what is out of order, or fills a hole, is acknowledged at once (RFC 5681 §4.2)", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.receives({ seq: 1001, len: 1000 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1"]);
  tcp.receives({ seq: 2001, len: 1000 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1"]);
  tcp.receives({ seq: 1, len: 1000 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 3001"]);
});

for (const sack of [false, true]) {
  test(`delayed ack: a duplicate is acknowledged at once and then all is as before, SACK ${sack}`, async () => {
    const tcp = await connected({ mss: MSS, sack, quickAcks: 0 });
    tcp.receives({ len: 1000 });
    tcp.receives({ seq: 1, len: 1000 }); // again
    assert.equal(tcp.segments().length, 1);
    tcp.receives({ len: 1000 });
    assert.deepEqual(tcp.sends(), [], "the first of two waits again");
    tcp.receives({ len: 1000 });
    assert.deepEqual(tcp.sends(), ["A 1 ack 3001"]);
  });
}

test("delayed ack: off, every segment is acknowledged", async () => {
  const tcp = await connected({ mss: MSS, delayedAck: false });
  for (let n = 0; n < 3; n++) tcp.receives({ len: 1000 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1001", "A 1 ack 2001", "A 1 ack 3001"]);
});

/** A sender whose peer's window has closed on it. */
async function blocked(settings: Parameters<typeof connected>[0] = {}): Promise<Tcp> {
  const tcp = await connected({ mss: MSS, ...settings }, { wnd: 2000 });
  tcp.writes(10_000);
  tcp.receives({ ack: 2001, wnd: 0 });
  tcp.segments();
  return tcp;
}

test("zero window: probes leave after an RTO, then after twice as long each (RFC 9293 §3.8.6.1)", async () => {
  const tcp = await blocked({ maxRto: "5s" });
  const began = tcp.now_ms;
  for (let n = 0; n < 6; n++) {
    tcp.passesToNextDeadline();
    tcp.receives({ wnd: 0 });
  }
  const times = tcp.segments().map(({ at_ms }) => at_ms - began);
  const rto = times[0];
  assert.equal(rto, tcp.get(Tcb.rto_us) / 1000);
  const gaps = times.slice(1).map((time, index) => time - times[index]);
  const expected = [2, 4, 8, 16, 32].map((doubled) => Math.min(doubled * rto, 5000));
  assert.deepEqual(gaps.map(Math.round), expected.map(Math.round));
});

test("zero window: a probe is such that the peer has to answer it", async () => {
  const tcp = await blocked();
  tcp.passesToNextDeadline();
  const [probe] = tcp.segments();
  const peer = await connected({ mss: MSS, reads: false });
  peer.receives({ len: 500 });
  peer.segments();
  peer.receives({ seq: 500 + probe.seq - tcp.sndUna + 1, len: probe.len });
  assert.equal(peer.sends().length, 1);
});

test("zero window: an answered probe is repeated for ever, whatever the retry limit", async () => {
  const tcp = await blocked({ dataRetries: 3, maxRto: "10s" });
  for (let n = 0; n < 200; n++) {
    tcp.passesToNextDeadline();
    tcp.receives({ wnd: 0 });
  }
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.segments().length, 200);
});

test("zero window: a peer that answers no probe is given up", async () => {
  const tcp = await blocked({ dataRetries: 4 });
  while (tcp.passesToNextDeadline());
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "TIMED_OUT");
  assert.equal(tcp.segments().length, 4);
});

test("zero window: an update lets the data flow and the probes end", async () => {
  const tcp = await blocked();
  tcp.passesToNextDeadline();
  tcp.segments();
  tcp.receives({ wnd: 3000 });
  assert.deepEqual(tcp.sends(), ["A 2001:3001 ack 1", "PA 3001:4001 ack 1", "A 4001:5001 ack 1"]);
  tcp.receives({ ack: 5001, wnd: 60_000 });
  while (tcp.sndUna !== 10_001) tcp.receives({ wnd: 60_000 });
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("zero window: the FIN waits for it too, and is probed for", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 1000 });
  tcp.writes(1000);
  tcp.receives({ wnd: 0 });
  tcp.closes();
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.equal(tcp.segments().length, 1);
  tcp.receives({ wnd: 1000 });
  assert.deepEqual(tcp.sends(), ["FA 1001 ack 1"]);
});

test("zero window: a window that closed on data in flight does not end the connection while the peer answers", async () => {
  const tcp = await connected({ mss: MSS, dataRetries: 3, maxRto: "2s" }, { wnd: 2000 });
  tcp.writes(2000);
  for (let n = 0; n < 50; n++) {
    tcp.passesToNextDeadline();
    tcp.receives({ ack: 1, wnd: 0 });
  }
  assert.equal(tcp.state, "ESTABLISHED");
});

test("send buffer: SEND takes what fits and tells when there is room again", async () => {
  const tcp = await connected({ mss: MSS, sendBuffer: 3000 });
  tcp.notifications();
  assert.equal(tcp.writes(5000), 3000);
  assert.equal(tcp.writes(1), 0);
  tcp.receives({ ack: 1001 });
  assert.deepEqual(tcp.notifications(), ["WRITABLE"]);
  assert.equal(tcp.writes(5000), 1000);
});
