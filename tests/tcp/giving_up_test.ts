/** When a silent peer is asked and when it is given up: RFC 9293 §3.8.3, §3.8.4 and §3.8.6.1, RFC 5482, by Linux's rules. */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine as Root, Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import { connected, lone, type Tcp } from "./harness.ts";

const MSS = 1000;

/** Lets all deadlines pass; when what has left did, relative to now. */
function waits(tcp: Tcp): number[] {
  const began = tcp.now_ms;
  while (tcp.passesToNextDeadline());
  return tcp.segments().map(({ at_ms }) => at_ms - began);
}

test("retries: a limit means the time that so many doublings of 200 ms take, counted from the first (tcp_retries2)", async () => {
  const tcp = await connected({ mss: MSS, dataRetries: 5 });
  tcp.writes(MSS);
  tcp.segments();
  const times = waits(tcp);
  // RTO 300 ms: sent again at 300, 900, 2100, 4500 and 9300 ms; 63 times 200 ms are over at 18.9 s
  assert.deepEqual(times, [300, 900, 2100, 4500, 9300]);
  assert.equal(tcp.endReason, "TIMED_OUT");
  assert.equal(tcp.now_ms - 100, 18_900);
});

test("retries: progress begins the count anew", async () => {
  const tcp = await connected({ mss: MSS, dataRetries: 1 });
  tcp.writes(4 * MSS);
  for (let n = 1; n <= 3; n++) {
    tcp.passesToNextDeadline();
    tcp.receives({ ack: n * MSS + 1 });
    assert.equal(tcp.state, "ESTABLISHED");
  }
  assert.equal(tcp.get(Tcb.rtos), 3);
  while (tcp.passesToNextDeadline());
  assert.equal(tcp.endReason, "TIMED_OUT");
});

test("retries: an orphan is given up after eight while its RTO is below the largest", async () => {
  const tcp = await connected({ mss: MSS, maxRto: "120s" });
  tcp.writes(MSS);
  tcp.closes();
  tcp.set(Tcb.flags, (tcp.get(Tcb.flags) | TcbFlag.ORPHAN) >>> 0);
  tcp.segments();
  const times = waits(tcp);
  assert.equal(tcp.state, "CLOSED");
  // 511 times 200 ms after the first, at the next time-out
  assert.equal(times.length, 8);
});

test("user timeout: what goes unanswered for so long after the first retransmission ends the connection (RFC 5482)", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.userTimeout(2000);
  tcp.writes(MSS);
  tcp.segments();
  const began = tcp.now_ms;
  const times = waits(tcp);
  assert.deepEqual(times, [300, 900, 2100]);
  assert.equal(tcp.endReason, "TIMED_OUT");
  assert.equal(tcp.now_ms - began, 2300, "the last time-out is cut short");
});

test("user timeout: a window that stays closed ends it too, although the peer answers", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 1000 });
  tcp.userTimeout(3000);
  tcp.writes(3 * MSS);
  tcp.receives({ ack: 1001, wnd: 0 });
  tcp.segments();
  const began = tcp.now_ms;
  for (let n = 0; n < 20 && tcp.state === "ESTABLISHED"; n++) {
    tcp.passesToNextDeadline();
    if (tcp.state === "ESTABLISHED") tcp.receives({ wnd: 0 });
  }
  assert.equal(tcp.endReason, "TIMED_OUT");
  const lasted = tcp.now_ms - began;
  assert.ok(lasted >= 3000 && lasted < 3600, `${lasted}`);
});

test("user timeout: a SYN is given up after it", async () => {
  const tcp = await lone();
  tcp.userTimeout(4000);
  tcp.opens();
  tcp.segments();
  const times = waits(tcp);
  assert.deepEqual(times, [1000, 3000]);
  assert.equal(tcp.endReason, "TIMED_OUT");
  assert.equal(tcp.now_ms, 5000);
});

test("syn: the first so many time-outs do not double (tcp_syn_linear_timeouts)", async () => {
  const tcp = await lone({ synRetries: 2 });
  tcp.engine.set(tcp.engine.root, Root.syn_linear_timeouts, 4);
  tcp.opens();
  tcp.segments();
  assert.deepEqual(waits(tcp), [1000, 2000, 3000, 4000, 5000, 7000]);
  assert.equal(tcp.now_ms, 11_000);
});

test("keepalive: a silent peer is probed after the idle time, at the interval, and then reset (RFC 9293 §3.8.4)", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.keepsAlive(10, 2, 3);
  const began = tcp.now_ms;
  while (tcp.passesToNextDeadline());
  const sent = tcp.segments();
  assert.deepEqual(sent.map(({ at_ms }) => at_ms - began), [10_000, 12_000, 14_000, 16_000]);
  assert.deepEqual(sent.map(({ flags, seq, len }) => [flags, seq, len]), [
    ["A", 0, 0],
    ["A", 0, 0],
    ["A", 0, 0],
    ["RA", 1, 0],
  ]);
  assert.equal(tcp.endReason, "TIMED_OUT");
});

test("keepalive: an answer begins the idle time anew, and so does anything else that is heard", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.keepsAlive(10, 2, 3);
  tcp.at("11s");
  assert.equal(tcp.segments().length, 1);
  tcp.receives();
  tcp.at("20.9s");
  assert.equal(tcp.segments().length, 0);
  tcp.at("21s");
  assert.equal(tcp.segments().length, 1);
  tcp.receives({ len: 10 });
  tcp.segments();
  tcp.at("30.9s");
  assert.equal(tcp.segments().filter(({ seq }) => seq === 0).length, 0);
  assert.equal(tcp.state, "ESTABLISHED");
});

test("keepalive: data in flight has a timer of its own", async () => {
  const tcp = await connected({ mss: MSS, maxRto: "120s" });
  tcp.keepsAlive(1, 1, 1);
  tcp.writes(MSS);
  tcp.passes("5s");
  assert.equal(tcp.state, "ESTABLISHED");
  assert.ok(tcp.segments().every(({ len }) => len === MSS));
});

test("keepalive: with a user timeout that one decides", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.keepsAlive(5, 1, 1);
  tcp.userTimeout(8000);
  const began = tcp.now_ms;
  while (tcp.passesToNextDeadline());
  assert.deepEqual(tcp.segments().map(({ at_ms }) => at_ms - began), [5000, 6000, 7000, 8000]);
  assert.equal(tcp.endReason, "TIMED_OUT");
});

test("zero window: an ACK that leaves it closed puts the next probe off", async () => {
  const tcp = await connected({ mss: MSS }, { wnd: 1000 });
  tcp.writes(3 * MSS);
  tcp.receives({ ack: 1001, wnd: 0 });
  tcp.segments();
  tcp.passes("200ms");
  tcp.receives({ wnd: 0 });
  const rto_us = tcp.get(Tcb.rto_us);
  tcp.passes(`${rto_us - 1}us`);
  assert.deepEqual(tcp.sends(), []);
  tcp.passes("1us");
  assert.deepEqual(tcp.sends(), ["A 1000 ack 1"]);
});

test("zero window: one taken back on data in flight is probed by it, and not given up while the peer is heard", async () => {
  const tcp = await connected({ mss: MSS, dataRetries: 3, maxRto: "2s" }, { wnd: 2000 });
  tcp.writes(2 * MSS);
  for (let n = 0; n < 50; n++) {
    tcp.passesToNextDeadline();
    tcp.receives({ ack: 1, wnd: 0 });
  }
  assert.equal(tcp.state, "ESTABLISHED");
  while (tcp.passesToNextDeadline());
  assert.equal(tcp.endReason, "TIMED_OUT", "in silence it is");
});
