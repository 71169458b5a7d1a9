/** CUBIC, RFC 9438: K, W_cubic and W_est to the bit against an oracle (VALIDATION.md V5), through a driven sender. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { ALPHA, BETA, type Epoch, k, onAck, reduced, wCubic } from "../oracles/cubic.ts";
import { bulk, growTo, lose, MSS, recover, round } from "./bulk.ts";
import type { Tcp } from "./harness.ts";

/** The controller's own state, in the order of `CubicState` in assembly/cc/cubic.ts. */
function state(tcp: Tcp) {
  const at = (n: number) => tcp.engine.view.getFloat64(tcp.tcb + Tcb.cc_priv0.offset + 8 * n, true);
  const epoch_start = tcp.engine.view.getBigUint64(tcp.tcb + Tcb.cc_priv6.offset, true);
  const [w_max, k, w_origin, w_est, cwnd_prior, fraction] = [0, 1, 2, 3, 4, 5].map(at);
  return { w_max, k, w_origin, w_est, cwnd_prior, cwnd: tcp.get(Tcb.cwnd) + fraction, epoch_start };
}

/** A sender that has lost a segment at `window` and repaired it: congestion avoidance begins. */
async function afterLoss(window: number): Promise<Tcp> {
  const tcp = await bulk({ cc: "CUBIC_RFC", initialWindow: window });
  lose(tcp);
  recover(tcp);
  return tcp;
}

/** Every ACK of some round trips, compared with the oracle bit by bit. */
function follows(tcp: Tcp, rounds: number, rtt: string): void {
  const begun = state(tcp);
  const epoch: Epoch = { ...begun, w_max: begun.w_origin };
  for (let n = 0; n < rounds; n++) {
    const until = tcp.sndNxt;
    tcp.passes(rtt);
    while (tcp.sndUna !== until) {
      tcp.receives({ ack: tcp.sndUna + MSS });
      tcp.segments();
      const t = Number(tcp.now - begun.epoch_start) * 1e-9;
      onAck(epoch, 1, t, (tcp.get(Tcb.srtt_us8) >> 3) * 1e-6);
      const { cwnd, w_est } = state(tcp);
      assert.deepEqual({ cwnd, w_est }, { cwnd: epoch.cwnd, w_est: epoch.w_est }, `round ${n}`);
    }
  }
}

test("cubic: alpha_cubic is 0.5294 at beta 0.7 (RFC 9438 §4.3)", async () => {
  assert.equal(Math.round(ALPHA * 1e4) / 1e4, 0.5294);
  // The step of W_est, from the core
  const tcp = await afterLoss(100);
  const before = state(tcp);
  tcp.receives({ ack: tcp.sndUna + MSS });
  const step = (state(tcp).w_est - before.w_est) * before.cwnd;
  assert.ok(Math.abs(step - 9 / 17) < 1e-12, `${step}`);
});

for (const window of [10, 100, 1000]) {
  test(`cubic: a loss at ${window} segments sets W_max, K and the reduced window (§4.2, §4.6)`, async () => {
    const tcp = await bulk({ cc: "CUBIC_RFC", initialWindow: window });
    lose(tcp);
    assert.equal(state(tcp).w_max, window);
    assert.equal(state(tcp).cwnd_prior, window);
    assert.equal(state(tcp).cwnd, reduced(window));
    recover(tcp);
    const { k: took, w_max, w_origin } = state(tcp);
    assert.equal(took, k(window, reduced(window)));
    assert.equal(w_origin, w_max);
  });

  test(`cubic: each ACK after a loss at ${window} segments moves the window as the oracle says, to the bit`, async () => {
    follows(await afterLoss(window), window === 1000 ? 8 : 60, "100ms");
  });
}

test("cubic: with a short round trip it follows Reno's window, to the bit", async () => {
  follows(await afterLoss(20), 120, "10ms");
});

test("cubic: with a short round trip it grows by alpha up to the old window, then by one (§4.3)", async () => {
  const tcp = await afterLoss(20);
  const windows: number[] = [];
  for (let n = 0; n < 40; n++) {
    round(tcp, "2ms");
    windows.push(state(tcp).cwnd);
  }
  const back = windows.findIndex((window) => window >= 20);
  // From 14 to 20 by 9/17 a round trip, give or take one: 11.3
  assert.ok(back >= 9 && back <= 13, `${back}`);
  const later = (windows[back + 20] - windows[back]) / 20;
  assert.ok(Math.abs(later - 1) < 0.05, `${later}`);
});

test("cubic: the window is back at W_max after K seconds, slowly there and fast beyond (§4.2)", async () => {
  const tcp = await afterLoss(1000);
  const { epoch_start, k: seconds } = state(tcp);
  const windowAt = (t: number): number => {
    while (Number(tcp.now - epoch_start) * 1e-9 < t) round(tcp);
    return state(tcp).cwnd;
  };
  const windows = [0.25, 0.5, 1, 1.25].map((part) => windowAt(part * seconds));
  const expected = [0.25, 0.5, 1, 1.25].map((part) => wCubic(part * seconds, seconds, 1000));
  windows.forEach((window, index) => {
    // The window heads for where the cubic will be a round trip later, and rounds are 100 ms apart
    const slack = Math.abs(wCubic([0.25, 0.5, 1, 1.25][index] * seconds + 0.25, seconds, 1000) - expected[index]) + 2;
    assert.ok(Math.abs(window - expected[index]) <= slack, `${window}, expected ${expected[index]} within ${slack}`);
  });
});

test("cubic: a second loss below the old window releases bandwidth (§4.7, fast convergence)", async () => {
  const tcp = await afterLoss(100);
  for (let n = 0; n < 5; n++) round(tcp);
  const { cwnd } = state(tcp);
  assert.ok(cwnd > 70 && cwnd < 100);
  lose(tcp);
  assert.equal(state(tcp).w_max, cwnd * (1 + BETA) / 2);
});

test("cubic: a second loss above the old window does not", async () => {
  const tcp = await afterLoss(20);
  for (let n = 0; n < 60; n++) round(tcp);
  const { cwnd } = state(tcp);
  assert.ok(cwnd > 20);
  lose(tcp);
  assert.equal(state(tcp).w_max, cwnd);
});

test("cubic: after a time-out the stage begins with K = 0 at the window it has then (§4.8)", async () => {
  const tcp = await bulk({ cc: "CUBIC_RFC", initialWindow: 100 });
  tcp.passesToNextDeadline();
  tcp.receives();
  tcp.segments();
  const threshold = tcp.get(Tcb.ssthresh);
  assert.equal(threshold, 70);
  growTo(tcp, threshold);
  round(tcp);
  const { k, w_origin, epoch_start } = state(tcp);
  assert.notEqual(epoch_start, 0n);
  assert.equal(k, 0);
  assert.ok(Math.abs(w_origin - threshold) <= 1, `${w_origin}`);
});

test("cubic: a silence of the application does not count as time (§5.8)", async () => {
  const tcp = await afterLoss(100);
  round(tcp);
  const { epoch_start } = state(tcp);
  assert.notEqual(epoch_start, 0n);
  // The peer's window closes for a minute, so that nothing is in flight
  tcp.passes("100ms");
  tcp.receives({ wnd: 0 });
  tcp.passes("50ms");
  const began = tcp.now;
  while (Number(tcp.now - began) < 60e9) {
    tcp.passes("100ms");
    tcp.receives({ wnd: 0 });
  }
  tcp.receives();
  const shift = Number(state(tcp).epoch_start - epoch_start) * 1e-9;
  assert.ok(shift > 59 && shift < 61, `${shift} s`);
});
