/** Loss recovery as Linux does it: RACK-TLP (RFC 8985), PRR (RFC 9937), F-RTO (RFC 5682), undo (RFC 3522, 3708, 4015). */
import assert from "node:assert/strict";
import test from "node:test";
import { CaState, Recovery, Sender, Tcb } from "../../src/core/layout.gen.ts";
import type { Field } from "../../src/core/engine.ts";
import { connected, type Settings, type Tcp } from "./harness.ts";

const MSS = 1000;
const LINUX: Settings = { mss: MSS, sack: true, recovery: Recovery.LINUX };

/** A sender with `flight` segments in flight, no end of data behind them, and a round-trip time of 100 ms. */
async function sender(flight: number, settings: Settings = {}, segments = 200): Promise<Tcp> {
  const tcp = await connected({ ...LINUX, initialWindow: flight, ...settings });
  tcp.writes(segments * MSS);
  assert.equal(tcp.segments().length, Math.min(flight, segments));
  return tcp;
}

const at = (n: number) => 1 + n * MSS;
const numbers = (tcp: Tcp): string =>
  tcp.segments().map(({ seq, again }) => `${again ? "R" : ""}${(seq - 1) / MSS}`).join(" ");
const state = (tcp: Tcp) => Object.keys(CaState)[tcp.get(Tcb.ca_state)];
const tx = (tcp: Tcp, field: Field) => tcp.engine.get(tcp.get(Tcb.tx), field);
const sacks = (tcp: Tcp, una: number, ...blocks: [number, number][]) =>
  tcp.receives({ ack: at(una), sack: blocks.map(([a, b]) => [at(a), at(b)] as [number, number]) });

test("prr: recovery ends with cwnd at ssthresh", async () => {
  const tcp = await sender(20);
  tcp.passes("100ms");
  for (let n = 1; n <= 19; n++) sacks(tcp, 0, [1, 1 + n]);
  tcp.passes("100ms");
  tcp.receives({ ack: tcp.sndNxt });
  assert.equal(state(tcp), "OPEN");
  assert.equal(tcp.get(Tcb.ssthresh), 10);
  // The ACK that ends it may already count towards congestion avoidance
  assert.ok([10, 11].includes(tcp.get(Tcb.cwnd)), `cwnd ${tcp.get(Tcb.cwnd)}`);
});

test("rack: a segment sent long before one that arrived is lost without three duplicates (RFC 8985 §6.2)", async () => {
  const tcp = await sender(4, {}, 4);
  tcp.passes("100ms");
  sacks(tcp, 0, [3, 4]);
  // Within the reordering window of a quarter round trip nothing is done
  assert.equal(numbers(tcp), "");
  assert.equal(state(tcp), "DISORDER");
  tcp.passes("28ms");
  assert.equal(numbers(tcp).split(" ")[0], "R0");
  assert.equal(state(tcp), "RECOVERY");
});

test("rack: a retransmission that is lost is found without a time-out", async () => {
  const tcp = await sender(10);
  tcp.passes("100ms");
  for (let n = 1; n <= 3; n++) sacks(tcp, 0, [1, 1 + n]);
  assert.match(numbers(tcp), /R0/);
  // New data goes on and is delivered a round trip later; the retransmission is not
  for (let n = 4; n <= 9; n++) sacks(tcp, 0, [1, 1 + n]);
  const sent = numbers(tcp);
  assert.match(sent, /1\d/);
  tcp.passes("100ms");
  sacks(tcp, 0, [1, 12]);
  tcp.passes("30ms");
  sacks(tcp, 0, [1, 14]);
  assert.match(numbers(tcp), /R0/);
  assert.equal(tcp.get(Tcb.rtos), 0);
});

test("rack: reordering within a quarter of a round trip sends nothing twice, and is remembered", async () => {
  const tcp = await sender(10);
  tcp.passes("100ms");
  sacks(tcp, 0, [1, 2]);
  sacks(tcp, 0, [1, 3]);
  tcp.passes("5ms");
  tcp.receives({ ack: at(3) });
  assert.doesNotMatch(numbers(tcp), /R/);
  assert.equal(state(tcp), "OPEN");
  assert.equal(tx(tcp, Sender.reord_seen), 1);
});

test("tlp: a lost tail brings a probe after two round trips, not a time-out (RFC 8985 §7)", async () => {
  const tcp = await sender(10, {}, 4);
  tcp.passes("100ms");
  tcp.receives({ ack: at(2) });
  tcp.passes("150ms");
  assert.equal(numbers(tcp), "");
  tcp.passes("60ms");
  assert.equal(numbers(tcp), "R3");
  assert.equal(tcp.get(Tcb.tlps), 1);
  assert.equal(tcp.get(Tcb.rtos), 0);
  // The probe's SACK uncovers the hole
  tcp.passes("100ms");
  sacks(tcp, 2, [3, 4]);
  tcp.passes("30ms");
  assert.equal(numbers(tcp), "R2");
});

test("tlp: a probe that repaired the only loss halves the window all the same (RFC 8985 §7.4)", async () => {
  const tcp = await sender(10, {}, 10);
  tcp.passes("100ms");
  tcp.receives({ ack: at(9) });
  tcp.writes(5 * MSS);
  tcp.passesToNextDeadline();
  numbers(tcp);
  tcp.passes("100ms");
  const cwnd = tcp.get(Tcb.cwnd);
  tcp.receives({ ack: tcp.sndNxt });
  tcp.writes(MSS);
  tcp.passes("100ms");
  tcp.receives({ ack: tcp.sndNxt });
  assert.ok(tcp.get(Tcb.cwnd) <= cwnd);
});

test("frto: originals that arrive after a time-out take it back (RFC 5682 §3.1)", async () => {
  const tcp = await sender(10);
  const cwnd = tcp.get(Tcb.cwnd);
  // The probe, then the time-out
  tcp.passesToNextDeadline();
  tcp.passesToNextDeadline();
  assert.equal(state(tcp), "LOSS");
  numbers(tcp);
  // The delayed ACKs of the first transmissions arrive now
  tcp.receives({ ack: at(1) });
  tcp.receives({ ack: at(2) });
  assert.equal(state(tcp), "OPEN");
  assert.ok(tcp.get(Tcb.cwnd) >= cwnd, `cwnd ${tcp.get(Tcb.cwnd)}`);
  assert.equal(tcp.get(Tcb.spurious), 1);
});

test("undo: DSACKs for every retransmission bring the window back (RFC 3708)", async () => {
  const tcp = await sender(10);
  tcp.passes("100ms");
  for (let n = 1; n <= 3; n++) sacks(tcp, 0, [1, 1 + n]);
  numbers(tcp);
  assert.equal(tcp.get(Tcb.ssthresh), 5);
  tcp.receives({ ack: at(4) });
  tcp.receives({ ack: at(10), sack: [[at(0), at(1)]] });
  assert.equal(tcp.get(Tcb.spurious), 1);
  assert.ok(tcp.get(Tcb.cwnd) >= 10, `cwnd ${tcp.get(Tcb.cwnd)}`);
});

test("undo: an ACK that echoes a time before the retransmission brings the window back (Eifel, RFC 3522)", async () => {
  // The option takes its twelve bytes
  const tcp = await sender(10, { timestamps: true, mss: MSS + 12 });
  tcp.passes("100ms");
  for (let n = 1; n <= 3; n++) sacks(tcp, 0, [1, 1 + n]);
  const first = tcp.segments().find(({ again }) => again)!;
  assert.ok(first.ts);
  tcp.passes("10ms");
  tcp.receives({ ack: at(10), ts: [Math.floor(tcp.now_ms), first.ts[0] - 100] });
  assert.equal(tcp.get(Tcb.spurious), 1);
  assert.equal(state(tcp), "OPEN");
});

test("rto: Linux keeps the variance of a round, so one wide sample is not forgotten at once", async () => {
  const tcp = await connected({ ...LINUX });
  tcp.writes(MSS);
  tcp.passes("100ms");
  tcp.receives({ ack: at(1) });
  // The handshake took 100 ms, as this did: 100 ms + max(4 RTTVAR, 200 ms)
  assert.equal(tcp.get(Tcb.rto_us), 300_000);
});
