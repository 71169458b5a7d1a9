/** What every congestion control has to do: one row an algorithm, the same checks for each. */
import assert from "node:assert/strict";
import test from "node:test";
import { CaState, type Cc, Tcb } from "../../src/core/layout.gen.ts";
import { catalog } from "../../src/scenario/catalog.ts";
import { bulk, growTo, lose, MSS, recover, round } from "./bulk.ts";
import { connected, type Tcp } from "./harness.ts";

interface Row {
  cc: keyof typeof Cc;
  /** What is left of the window after a loss. */
  beta: number;
  /** The most that a round trip of congestion avoidance may add to a window of 50. */
  growth: number;
}

const ROWS: Row[] = [
  { cc: "RENO", beta: 0.5, growth: 1 },
  { cc: "CUBIC", beta: 0.7, growth: 25 },
];

test("congestion control: every one in the catalogue has a row here", () => {
  assert.deepEqual(ROWS.map(({ cc }) => cc.toLowerCase()).sort(), catalog("cc").map(({ name }) => name).sort());
});

const cwnd = (tcp: Tcp) => tcp.get(Tcb.cwnd);
const ssthresh = (tcp: Tcp) => tcp.get(Tcb.ssthresh);

for (const { cc, beta, growth } of ROWS) {
  const name = cc.toLowerCase();

  test(`${name}: slow start doubles the window each round trip (RFC 5681 §3.1)`, async () => {
    const tcp = await bulk({ cc });
    const flights = [round(tcp), round(tcp), round(tcp), round(tcp), round(tcp)];
    assert.deepEqual(flights, [10, 20, 40, 80, 160]);
    assert.equal(cwnd(tcp), 320);
  });

  test(`${name}: the initial window is what was asked for (RFC 6928)`, async () => {
    for (const initialWindow of [1, 4, 10, 30]) assert.equal(cwnd(await bulk({ cc, initialWindow })), initialWindow);
  });

  test(`${name}: ssthresh begins arbitrarily high (RFC 5681 §3.1)`, async () => {
    assert.ok(ssthresh(await bulk({ cc })) > 1e9);
  });

  test(`${name}: an ACK of two segments opens the window as two ACKs do (RFC 3465)`, async () => {
    const tcp = await bulk({ cc });
    tcp.receives({ ack: tcp.sndUna + 2 * MSS });
    assert.equal(cwnd(tcp), 12);
  });

  test(`${name}: a loss leaves ${beta} of the window, once`, async () => {
    const tcp = await bulk({ cc });
    growTo(tcp, 80);
    lose(tcp);
    assert.equal(ssthresh(tcp), 80 * beta);
    assert.equal(cwnd(tcp), 80 * beta);
    // Further losses of the same window change nothing
    const una = tcp.sndUna;
    for (let n = 5; n < 40; n += 2) tcp.receives({ ack: una, sack: [[una + n * MSS, una + (n + 1) * MSS]] });
    assert.equal(cwnd(tcp), 80 * beta);
    assert.equal(tcp.get(Tcb.ca_state), CaState.RECOVERY);
  });

  test(`${name}: the window stands still during recovery and continues from ssthresh`, async () => {
    const tcp = await bulk({ cc });
    growTo(tcp, 80);
    lose(tcp);
    const recovery = tcp.sndNxt;
    const una = tcp.sndUna;
    for (let n = 4; n < 79; n++) {
      tcp.receives({ ack: una, sack: [[una + MSS, una + (1 + n) * MSS]] });
      assert.equal(cwnd(tcp), 80 * beta);
    }
    tcp.passes("100ms");
    tcp.receives({ ack: recovery });
    assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN);
    assert.ok(cwnd(tcp) - 80 * beta <= 1, `${cwnd(tcp)}`);
  });

  test(`${name}: congestion avoidance never shrinks the window and adds ${growth} a round trip at most`, async () => {
    const tcp = await bulk({ cc });
    growTo(tcp, 50);
    lose(tcp);
    recover(tcp);
    let before = cwnd(tcp);
    for (let n = 0; n < 100; n++) {
      round(tcp);
      const most = growth === 1 ? before + 1 : before * 1.5 + 1;
      assert.ok(cwnd(tcp) >= before && cwnd(tcp) <= most, `round ${n}: ${before} to ${cwnd(tcp)}`);
      before = cwnd(tcp);
    }
    assert.ok(before > 50, "and it does grow");
  });

  test(`${name}: a time-out leaves a window of one, then slow start up to ssthresh`, async () => {
    const tcp = await bulk({ cc });
    growTo(tcp, 40);
    tcp.passesToNextDeadline();
    assert.equal(tcp.get(Tcb.ca_state), CaState.LOSS);
    assert.equal(cwnd(tcp), 1);
    const half = ssthresh(tcp);
    assert.equal(half, Math.floor(40 * beta));
    // All but the first had arrived: the ACK that ends it finds a window of one, or of little more
    tcp.receives();
    tcp.segments();
    const windows = [cwnd(tcp)];
    while (windows[windows.length - 1] < half) {
      const before = windows[windows.length - 1];
      round(tcp);
      windows.push(cwnd(tcp));
      assert.ok(cwnd(tcp) <= 2 * before, `${windows}`);
      assert.ok(cwnd(tcp) === Math.min(2 * before, half) || cwnd(tcp) >= half, `${windows}`);
    }
    const passed = cwnd(tcp);
    round(tcp);
    assert.ok(cwnd(tcp) - passed <= Math.max(1, passed / 2), `slow start goes on: ${passed} to ${cwnd(tcp)}`);
  });

  test(`${name}: ssthresh never falls below two segments (RFC 5681 (4))`, async () => {
    for (const initialWindow of [1, 2, 3]) {
      const tcp = await bulk({ cc, initialWindow });
      for (let n = 0; n < 4; n++) {
        tcp.passesToNextDeadline();
        assert.ok(ssthresh(tcp) >= 2, `${ssthresh(tcp)}`);
        assert.ok(cwnd(tcp) >= 1);
      }
      for (let n = 0; n < 3; n++) round(tcp);
      assert.ok(cwnd(tcp) > 1, "it recovers");
    }
    const tcp = await bulk({ cc, initialWindow: 4 });
    lose(tcp);
    assert.equal(ssthresh(tcp), 2);
    assert.equal(cwnd(tcp), 2);
  });

  test(`${name}: an application that sends little does not open the window (RFC 7661)`, async () => {
    const tcp = await connected({ cc, mss: MSS, sack: true });
    for (let n = 0; n < 200; n++) {
      tcp.writes(2 * MSS);
      tcp.passes("100ms");
      tcp.receives();
    }
    assert.equal(cwnd(tcp), 10);
  });

  test(`${name}: after a long silence the window is the initial one again (RFC 5681 §4.1)`, async () => {
    const tcp = await connected({ cc, mss: MSS, sack: true, windowScaling: true }, { wscale: 14 });
    tcp.receives();
    tcp.writes(300 * MSS);
    while (tcp.sndUna !== 1 + 300 * MSS) round(tcp);
    const before = cwnd(tcp);
    assert.ok(before > 100);
    tcp.passes("60s");
    tcp.writes(300 * MSS);
    assert.equal(tcp.segments().length, 10);
    assert.equal(cwnd(tcp), 10);
    assert.ok(ssthresh(tcp) >= before * 3 / 4, "what the path once carried is remembered");
  });

  test(`${name}: a pause shorter than a time-out changes nothing`, async () => {
    const tcp = await connected({ cc, mss: MSS, sack: true, windowScaling: true }, { wscale: 14 });
    tcp.receives();
    tcp.writes(100 * MSS);
    while (tcp.sndUna !== 1 + 100 * MSS) round(tcp);
    const before = cwnd(tcp);
    tcp.passes("200ms");
    tcp.writes(before * MSS);
    assert.equal(tcp.segments().length, before);
  });
}

test("congestion control: the window's integral over time is kept exactly", async () => {
  const tcp = await bulk({ cc: "CUBIC" });
  const integral = () =>
    tcp.engine.view.getFloat64(tcp.tcb + Tcb.cwnd_sum.offset, true) +
    cwnd(tcp) * Number(tcp.now - tcp.engine.getBig(tcp.tcb, Tcb.cwnd_since));
  let expected = integral();
  const passes = (ms: number) => {
    expected += cwnd(tcp) * ms * 1e6;
    tcp.passes(`${ms}ms`);
    assert.equal(integral(), expected);
  };
  for (let n = 0; n < 3; n++) {
    passes(90);
    round(tcp, "0ms");
  }
  lose(tcp);
  passes(70);
  recover(tcp);
  assert.equal(integral(), expected += tcp.get(Tcb.ssthresh) * 100e6);
  assert.equal(Math.max(tcp.get(Tcb.cwnd_max), tcp.get(Tcb.cwnd)), 80);
});

// ---- VALIDATION.md V3

const ROUNDS: [number, number[]][] = [[70, [7, 5, 3]], [150, [8, 6, 4]], [1000, [10, 9, 7]]];

for (const [segments, expected] of ROUNDS) {
  test(`slow start: ${segments} segments take ceil(log2(N / IW + 1)) round trips: ${expected} for IW 1, 3, 10`, async () => {
    for (const [index, initialWindow] of [1, 3, 10].entries()) {
      const tcp = await connected({ cc: "RENO", mss: MSS, initialWindow, windowScaling: true }, { wscale: 14 });
      tcp.receives();
      tcp.writes(segments * MSS);
      let rounds = 0;
      for (; tcp.sndUna !== 1 + segments * MSS; rounds++) round(tcp);
      assert.equal(rounds, Math.ceil(Math.log2(segments / initialWindow + 1)));
      assert.equal(rounds, expected[index]);
    }
  });
}
