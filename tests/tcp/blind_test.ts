/** What strangers may send: RFC 5961 against blind resets, SYNs and data, and how often such segments are answered. */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine as Root } from "../../src/core/layout.gen.ts";
import { accepted, type Arriving, connected, type Tcp } from "./harness.ts";

const MSS = 1000;

/** What a segment does to a connection, undone again. */
function tried(tcp: Tcp, arriving: Arriving): [string, ...string[]] {
  return tcp.tries(() => {
    tcp.receives(arriving);
    return [tcp.state, ...tcp.sends()];
  });
}

test("reset: at RCV.NXT alone; elsewhere in the window it is challenged, outside it is dropped (RFC 5961 §3.2)", async () => {
  const tcp = await accepted({ mss: MSS });
  tcp.receives({ len: 500 });
  tcp.segments();
  assert.deepEqual(tried(tcp, { flags: "R", seq: 501 }), ["CLOSED"]);
  assert.deepEqual(tried(tcp, { flags: "R", seq: 502 }), ["ESTABLISHED", "A 1 ack 501"]);
  assert.deepEqual(tried(tcp, { flags: "R", seq: 500 }), ["ESTABLISHED"]);
  assert.deepEqual(tried(tcp, { flags: "R", seq: 200_000 }), ["ESTABLISHED"]);
});

test("reset: between the last ACK sent and RCV.NXT it is challenged", async () => {
  const tcp = await connected({ mss: MSS, quickAcks: 0, reads: false });
  tcp.receives({ len: 500, flags: "A" });
  assert.deepEqual(tcp.sends(), []);
  assert.deepEqual(tried(tcp, { flags: "R", seq: 400 }), ["ESTABLISHED", "A 1 ack 501"]);
});

test("reset: with text, and with FIN, it is a reset", async () => {
  const tcp = await accepted({ mss: MSS });
  assert.deepEqual(tried(tcp, { flags: "R", seq: 1, len: 100 }), ["CLOSED"]);
  assert.deepEqual(tried(tcp, { flags: "RFA", seq: 1, len: 100 }), ["CLOSED"]);
  assert.deepEqual(tried(tcp, { flags: "RA", seq: 1, ack: 90_000 }), ["CLOSED"]);
});

test("reset: where the last text held out of order ends, it is believed too", async () => {
  const tcp = await accepted({ mss: MSS, sack: true });
  tcp.receives({ seq: 1001, len: 1000 });
  tcp.receives({ seq: 3001, len: 1000 });
  tcp.segments();
  assert.deepEqual(tried(tcp, { flags: "R", seq: 4001 }), ["CLOSED"]);
  assert.deepEqual(tried(tcp, { flags: "R", seq: 1 }), ["CLOSED"]);
  for (const seq of [2, 1001, 2001, 3001, 4000, 4002]) {
    assert.equal(tried(tcp, { flags: "R", seq }).length, 2, `RST at ${seq}`);
  }
});

test("reset: after its FIN a peer may reset from in front of it", async () => {
  for (const closes of [false, true]) {
    const tcp = await accepted({ mss: MSS });
    tcp.receives({ flags: "FA", len: 100 });
    if (closes) tcp.closes();
    tcp.passes("40ms");
    tcp.segments();
    assert.deepEqual(tried(tcp, { flags: "R", seq: 101 }), ["CLOSED"]);
    assert.deepEqual(tried(tcp, { flags: "R", seq: 100 }), [tcp.state]);
  }
});

test("syn: in an open connection it is challenged, in the window or not, with ACK or without (RFC 5961 §4.2)", async () => {
  const tcp = await accepted({ mss: MSS });
  for (const flags of ["S", "SA", "SFA"]) {
    for (const seq of [1, 1000, 100_000, -70_000]) {
      assert.deepEqual(tried(tcp, { flags, seq }), ["ESTABLISHED", "A 1 ack 1"], `${flags} at ${seq}`);
    }
  }
});

test("syn: a peer that has restarted resets the challenge and is then heard", async () => {
  const tcp = await accepted({ mss: MSS });
  tcp.receives({ flags: "S", seq: 700_000 });
  const [{ ack = 0 }] = tcp.segments();
  tcp.receives({ flags: "R", seq: ack });
  assert.equal(tcp.state, "CLOSED");
});

test("challenges: one in 500 ms, whoever asks", async () => {
  const tcp = await accepted({ mss: MSS });
  const sent: number[] = [];
  for (let n = 0; n < 200; n++) {
    tcp.receives({ flags: n % 2 ? "R" : "S", seq: 5000 + n });
    sent.push(...tcp.segments().map(({ at_ms }) => at_ms));
    tcp.passes("10ms");
  }
  assert.deepEqual(sent.map((at) => Math.round(at - sent[0])), [0, 500, 1000, 1500]);
  assert.equal(tcp.root(Root.challenge_acks), 4);
  assert.equal(tcp.root(Root.challenge_acks_skipped), 196);
});

test("challenges: without a limit each is sent", async () => {
  const tcp = await accepted({ mss: MSS, invalidRateLimit: "0s" });
  for (let n = 0; n < 20; n++) tcp.receives({ flags: "R", seq: 5000 + n });
  assert.equal(tcp.segments().length, 20);
});

test("challenges: the host's limit, when set, is drawn anew each second (CVE-2016-5696)", async () => {
  const tcp = await accepted({ mss: MSS, invalidRateLimit: "0s", challengeAckLimit: 100, start: 7_000_000_000n });
  tcp.passes("900ms");
  const counts = new Set<number>();
  for (let second = 0; second < 20; second++) {
    for (let n = 0; n < 200; n++) tcp.receives({ flags: "R", seq: 5000 + n });
    const count = tcp.segments().length;
    assert.ok(count >= 50 && count < 150, `${count}`);
    counts.add(count);
    tcp.passes("1s");
  }
  assert.ok(counts.size > 5, "nobody can count by it");
});

test("out of window: what carries no text is answered once in 500 ms, text always", async () => {
  const tcp = await accepted({ mss: MSS });
  tcp.receives({ len: 500 });
  tcp.segments();
  for (let n = 0; n < 10; n++) tcp.receives({ seq: 100_000, flags: "A" });
  assert.equal(tcp.segments().length, 1);
  assert.equal(tcp.root(Root.oow_acks_skipped), 9);
  for (let n = 0; n < 10; n++) tcp.receives({ seq: 100_000, len: 10 });
  assert.equal(tcp.segments().length, 10);
  tcp.passes("500ms");
  tcp.receives({ seq: -100, flags: "A" });
  assert.equal(tcp.segments().length, 1);
});

test("out of window: two ends that disagree do not answer each other for ever", async () => {
  const one = await accepted({ mss: MSS });
  const other = await accepted({ mss: MSS });
  let sent = 0;
  one.receives({ seq: 500_000, flags: "A" });
  for (let n = 0; n < 100; n++) {
    const [from, to] = n % 2 ? [other, one] : [one, other];
    const segments = from.segments();
    sent += segments.length;
    for (const _ of segments) to.receives({ seq: 500_000, flags: "A" });
  }
  assert.equal(sent, 2);
});

test("ack: too old is challenged, and its text is not taken (RFC 5961 §5.2)", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 100 }, { wnd: 4000 });
  for (let n = 0; n < 10; n++) {
    tcp.writes(1000);
    tcp.receives({ wnd: 4000 });
  }
  tcp.segments();
  const una = tcp.sndUna;
  assert.deepEqual(tried(tcp, { ack: una - 4001, len: 10 }), ["ESTABLISHED", `A ${una} ack 1`]);
  assert.equal(tried(tcp, { ack: una - 4000, len: 10 })[1], `A ${una} ack 11`);
});

test("ack: nothing before the first byte sent is ever just old", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 60_000 });
  tcp.writes(100);
  tcp.receives({ wnd: 60_000 });
  tcp.segments();
  assert.deepEqual(tried(tcp, { ack: -1, len: 10 }), ["ESTABLISHED", "A 101 ack 1"]);
  assert.deepEqual(tried(tcp, { ack: 0, len: 10 }), ["ESTABLISHED", "A 101 ack 11"]);
});

test("ack: what acknowledges the unsent is dropped and challenged, while open and when closing (RFC 9293 §3.10.7.4)", async () => {
  const tcp = await accepted({ mss: MSS });
  assert.deepEqual(tried(tcp, { ack: 5000, len: 10 }), ["ESTABLISHED", "A 1 ack 1"]);
  tcp.closes();
  tcp.segments();
  assert.deepEqual(tried(tcp, { ack: 5000, len: 10 }), ["FIN_WAIT_1", "A 2 ack 1"]);
});

test("flags: without ACK, RST and SYN a segment is dropped in silence, in the window or out", async () => {
  const tcp = await accepted({ mss: MSS });
  for (const flags of ["", "P", "F", "U", "FPU"]) {
    for (const seq of [1, 1000, 500_000]) {
      assert.deepEqual(tried(tcp, { flags, seq, len: 10 }), ["ESTABLISHED"], `"${flags}" at ${seq}`);
    }
  }
});

test("blind: 65536 guesses over the sequence space neither reset nor inject nor close", async () => {
  const tcp = await accepted({ mss: MSS, sack: true, timestamps: true, receiveBuffer: 60_000 });
  tcp.receives({ len: 500, ts: [50, 0] });
  const before = tcp.rcvNxt;
  const step = 65_536;
  for (let guess = 0; guess < 65_536; guess++) {
    const seq = guess * step + 77;
    const flags = ["R", "S", "FA", "RA", "A", "PA"][guess % 6];
    tcp.receives({ flags, seq, ack: guess * step * 31, len: flags.includes("P") ? 10 : 0, ts: null });
  }
  tcp.segments();
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.rcvNxt, before);
});
