/** Round-trip time and the retransmission timer: RFC 6298, with Karn's algorithm; RFC 7323 §4 for timestamps. */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine as Root, Tcb } from "../../src/core/layout.gen.ts";
import { readTcpInfo } from "../../src/core/tcp_info.ts";
import { RtoOracle } from "../oracles/rto.ts";
import { Random, testSeed } from "../wire/random.ts";
import { accepted, connected, lone, type Settings, type Tcp } from "./harness.ts";

const RFC: Settings = { rtoFloorOnSum: true, minRto: "1ms", mss: 1000 };

/** Sends a segment and has it acknowledged `rtt_us` later. */
function sample(tcp: Tcp, rtt_us: number): void {
  tcp.writes(1000);
  tcp.passes(`${rtt_us}us`);
  tcp.receives();
}

/** SRTT, RTTVAR and RTO in microseconds. */
function estimate(tcp: Tcp): { srtt: number; rttvar: number; rto: number } {
  return { srtt: tcp.get(Tcb.srtt_us8) / 8, rttvar: tcp.get(Tcb.rttvar_us4) / 4, rto: tcp.get(Tcb.rto_us) };
}

function assertClose(tcp: Tcp, oracle: RtoOracle, what: string): void {
  const is = estimate(tcp);
  // Whole microseconds in fixed point: each of the sums may lose one on the way, four of them are in RTTVAR
  assert.ok(Math.abs(is.srtt - oracle.srtt * 1e6) <= 8, `${what}: SRTT ${is.srtt}, expected ${oracle.srtt * 1e6}`);
  assert.ok(Math.abs(is.rttvar - oracle.rttvar * 1e6) <= 8, `${what}: RTTVAR ${is.rttvar}, ${oracle.rttvar * 1e6}`);
  assert.ok(Math.abs(is.rto - oracle.rto * 1e6) <= 32, `${what}: RTO ${is.rto}, expected ${oracle.rto * 1e6}`);
}

const LISTS: Record<string, number[]> = {
  "one value": [100_000, 100_000, 100_000, 100_000],
  "a step up": [50_000, 50_000, 250_000, 250_000, 250_000, 250_000],
  "a step down": [290_000, 20_000, 20_000, 20_000, 20_000, 20_000, 20_000],
  "a spike": [100_000, 100_000, 200_000, 100_000, 100_000],
  "microseconds": [40, 44, 38, 52, 41, 40],
};

for (const [name, samples] of Object.entries(LISTS)) {
  test(`rto: SRTT, RTTVAR and RTO after ${name} follow RFC 6298 §2`, async () => {
    const tcp = await connected(RFC);
    const oracle = new RtoOracle(1, 0.001, 120);
    oracle.sample(0.1); // the handshake
    assertClose(tcp, oracle, "handshake");
    samples.forEach((rtt_us, index) => {
      sample(tcp, rtt_us);
      oracle.sample(rtt_us * 1e-6);
      assertClose(tcp, oracle, `sample ${index}`);
    });
  });
}

test("rto: a thousand random samples keep to the oracle", async () => {
  const seed = testSeed();
  const random = new Random(seed);
  const tcp = await connected({ ...RFC, minRto: "200ms" });
  const oracle = new RtoOracle(1, 0.2, 120);
  oracle.sample(0.1);
  for (let n = 0; n < 1000; n++) {
    const rtt_us = random.between(10_000, 190_000);
    sample(tcp, rtt_us);
    oracle.sample(rtt_us * 1e-6);
    assertClose(tcp, oracle, `seed ${seed}, sample ${n}`);
  }
});

test("rto: the first sample gives SRTT = R, RTTVAR = R/2, RTO = 3 R (2.2)", async () => {
  const tcp = await connected(RFC);
  assert.deepEqual(estimate(tcp), { srtt: 100_000, rttvar: 50_000, rto: 300_000 });
});

test("rto: the smallest bounds the sum in the RFC's profile and the variance in Linux's", async () => {
  for (const [rtoFloorOnSum, expected] of [[true, 200_000], [false, 300_000]] as const) {
    const tcp = await connected({ rtoFloorOnSum, minRto: "200ms", mss: 1000 });
    for (let n = 0; n < 60; n++) sample(tcp, 100_000);
    assert.equal(estimate(tcp).rto, expected);
  }
});

test("rto: the largest bounds the sum and every backoff (2.5)", async () => {
  const tcp = await connected({ ...RFC, maxRto: "2s", dataRetries: 8 });
  tcp.writes(1000);
  while (tcp.passesToNextDeadline());
  const times = tcp.segments().map(({ at_ms }) => at_ms);
  const gaps = times.slice(1).map((time, index) => time - times[index]);
  assert.deepEqual(gaps, [300, 600, 1200, 2000, 2000, 2000, 2000, 2000]);
});

test("rto: each time-out doubles it (5.5), and the peer is given up after the last (RFC 9293 §3.8.3)", async () => {
  const tcp = await connected({ ...RFC, dataRetries: 5 });
  tcp.writes(1000);
  while (tcp.passesToNextDeadline());
  assert.deepEqual(tcp.segments().map(({ at_ms }) => at_ms), [100, 400, 1000, 2200, 4600, 9400]);
  assert.equal(tcp.endReason, "TIMED_OUT");
  assert.equal(tcp.now_ms, 19_000);
});

test("rto: a peer that sends on but never takes a segment is given up (RFC 9293 §3.8.3, R2)", async () => {
  const tcp = await connected({ ...RFC, dataRetries: 4 });
  tcp.writes(1000);
  for (let n = 0; n < 400 && tcp.state === "ESTABLISHED"; n++) {
    tcp.passesToNextDeadline();
    // It is alive: its own data comes, with the same acknowledgement as ever and a window that is open
    if (tcp.state === "ESTABLISHED") tcp.receives({ flags: "PA", len: 100, ack: 1 });
  }
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "TIMED_OUT");
});

test("rto: a retransmitted segment gives no sample, and the backoff stays until one comes (Karn)", async () => {
  const tcp = await connected(RFC);
  const before = estimate(tcp);
  tcp.writes(1000);
  tcp.passesToNextDeadline();
  tcp.passes("30ms");
  tcp.receives();
  assert.deepEqual(estimate(tcp), before);
  assert.equal(tcp.get(Tcb.backoff), 1);
  // The next segment is still timed with the doubled RTO ...
  tcp.segments();
  tcp.writes(1000);
  tcp.passesToNextDeadline();
  const [first, second] = tcp.segments().map(({ at_ms }) => at_ms);
  assert.equal(second - first, 600);
  tcp.receives();
  // ... and a sample without ambiguity ends it
  sample(tcp, 100_000);
  assert.equal(tcp.get(Tcb.backoff), 0);
});

test("rto: an ACK over several segments, one of them retransmitted, gives no sample", async () => {
  const tcp = await connected(RFC);
  const before = estimate(tcp);
  tcp.writes(3000);
  tcp.passesToNextDeadline();
  tcp.passes("5ms");
  tcp.receives({ ack: 3001 });
  assert.deepEqual(estimate(tcp), before);
});

test("rto: with timestamps the echo times a retransmission (RFC 7323 §4.1)", async () => {
  const tcp = await connected({ ...RFC, timestamps: true });
  tcp.writes(500);
  tcp.passesToNextDeadline();
  tcp.passes("90ms");
  tcp.receives();
  const { srtt } = estimate(tcp);
  assert.ok(srtt > 97_000 && srtt < 100_000, `SRTT ${srtt}`);
  assert.equal(tcp.get(Tcb.backoff), 0);
});

test("rto: the timer starts anew when something is acknowledged (5.3) and stops with the last (5.2)", async () => {
  const tcp = await connected({ ...RFC, nagle: false });
  tcp.writes(1000);
  tcp.writes(1000);
  tcp.passes("200ms");
  tcp.receives({ ack: 1001 });
  const rto_ms = tcp.get(Tcb.rto_us) / 1000;
  const restarted = tcp.now_ms;
  tcp.segments();
  tcp.tries(() => {
    tcp.passesToNextDeadline();
    assert.ok(Math.abs(tcp.now_ms - restarted - rto_ms) < 0.01);
  });
  tcp.receives({ ack: 2001 });
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("rto: a duplicate ACK does not restart the timer", async () => {
  const tcp = await connected(RFC);
  tcp.writes(1000);
  tcp.passes("200ms");
  tcp.receives({ ack: 1 });
  tcp.passesToNextDeadline();
  assert.equal(tcp.now_ms, 400);
});

test("rto: data after a lost SYN begins with 3 s (5.7)", async () => {
  const tcp = await lone(RFC);
  tcp.opens();
  tcp.passes("1200ms");
  tcp.receives({ flags: "SA", ack: 1, mss: 1000 });
  tcp.segments();
  tcp.writes(1000);
  tcp.passesToNextDeadline();
  const [first, second] = tcp.segments().map(({ at_ms }) => at_ms);
  assert.equal(second - first, 3000);
});

test("rto: after a SYN lost twice the window begins with one segment (RFC 5681 §3.1)", async () => {
  const tcp = await lone(RFC);
  tcp.opens();
  tcp.passes("3500ms");
  tcp.receives({ flags: "SA", ack: 1, mss: 1000 });
  assert.equal(tcp.get(Tcb.cwnd), 1);
});

test("rto: a SYN-ACK that was sent twice gives no sample (Karn)", async () => {
  const tcp = await lone(RFC);
  tcp.listens();
  tcp.receives({ flags: "S", mss: 1000 });
  tcp.passes("900ms");
  // The SYN-ACK was lost, so the peer sends its SYN again
  tcp.receives({ flags: "S", seq: 0, mss: 1000 });
  tcp.passes("50ms");
  tcp.receives();
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.get(Tcb.srtt_us8), 0, "SRTT from a round trip that nobody measured");
});

test("rto: the handshake gives both ends a sample", async () => {
  assert.equal((await connected(RFC)).get(Tcb.srtt_us8) / 8, 100_000);
  assert.equal((await accepted(RFC)).get(Tcb.srtt_us8) / 8, 100_000);
});

/** tcpi_min_rtt in milliseconds. */
const minRtt_ms = (tcp: Tcp) => readTcpInfo(tcp.engine, tcp.tcb, tcp.now).tcpi_min_rtt / 1e3;

test("min rtt: what was measured more than 300 s ago is forgotten (net.ipv4.tcp_min_rtt_wlen)", async () => {
  const tcp = await connected({ mss: 1000 });
  sample(tcp, 10_000);
  const begin_ms = tcp.now_ms;
  while (tcp.now_ms < begin_ms + 160_000) sample(tcp, 100_000);
  assert.equal(minRtt_ms(tcp), 10);
  sample(tcp, 50_000);
  while (tcp.now_ms < begin_ms + 301_000) sample(tcp, 100_000);
  assert.equal(minRtt_ms(tcp), 50);
  while (tcp.now_ms < begin_ms + 451_000) sample(tcp, 100_000);
  assert.equal(minRtt_ms(tcp), 100);
  // The account of the whole connection is kept
  tcp.aborts();
  assert.equal(tcp.get(Tcb.rtt_min_us), 10_000);
});

test("min rtt: after a long silence the first sample counts", async () => {
  const tcp = await connected({ mss: 1000 });
  sample(tcp, 10_000);
  tcp.passes("500s");
  sample(tcp, 100_000);
  assert.equal(minRtt_ms(tcp), 100);
});

test("min rtt: a shorter memory is a parameter", async () => {
  const tcp = await connected({ mss: 1000 });
  tcp.engine.set(tcp.engine.root, Root.min_rtt_wlen_s, 2);
  sample(tcp, 10_000);
  const begin_ms = tcp.now_ms;
  while (tcp.now_ms < begin_ms + 2200) sample(tcp, 100_000);
  assert.equal(minRtt_ms(tcp), 100);
});
