/** CUBIC as Linux computes it: whole segments, one for each `cnt` acknowledged, along RFC 9438's curve. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { bulk, lose, recover, round } from "./bulk.ts";
import type { Tcp } from "./harness.ts";

const cwnd = (tcp: Tcp) => tcp.get(Tcb.cwnd);

/** A sender that has lost a segment at `window` and repaired it. */
async function afterLoss(window: number): Promise<Tcp> {
  const tcp = await bulk({ cc: "CUBIC", initialWindow: window });
  lose(tcp);
  recover(tcp);
  return tcp;
}

for (const window of [10, 33, 100, 1000]) {
  test(`cubic: ${window} segments fall to 717/1024 of them`, async () => {
    const tcp = await bulk({ cc: "CUBIC", initialWindow: window });
    lose(tcp);
    assert.equal(tcp.get(Tcb.ssthresh), Math.max(Math.floor(window * 717 / 1024), 2));
  });
}

test("cubic: the window is back at W_max after K seconds, slowly there and fast beyond (RFC 9438 §4.2)", async () => {
  const tcp = await afterLoss(400);
  const begun = Number(tcp.now);
  const k_s = Math.cbrt((400 - cwnd(tcp)) / 0.4);
  const windows: number[] = [];
  while (Number(tcp.now) - begun < 1.5 * k_s * 1e9) {
    round(tcp, "100ms");
    windows.push(cwnd(tcp));
  }
  const at = (part: number) => windows[Math.min(Math.round(part * k_s * 10), windows.length - 1)];
  assert.ok(Math.abs(at(1) - 400) <= 4, `${at(1)} at K`);
  assert.ok(at(1) - at(0.8) < at(0.2) - windows[0], "slow near the plateau");
  assert.ok(at(1.5) - at(1.3) > at(1.1) - at(0.9), "fast beyond");
});

test("cubic: with a short round trip it grows as Reno's estimate does, about half a segment a round trip for ever", async () => {
  const tcp = await afterLoss(20);
  const first = cwnd(tcp);
  const rounds = 60;
  for (let n = 0; n < rounds; n++) round(tcp, "2ms");
  const rate = (cwnd(tcp) - first) / rounds;
  // 8/15 in real numbers; whole segments lag behind, and Reno's own would be one
  assert.ok(rate > 0.42 && rate < 0.56, `${rate}`);
});

test("cubic: the window grows by at most half as much again in a round trip (RFC 9438 §4.4)", async () => {
  const tcp = await afterLoss(10);
  let before = cwnd(tcp);
  for (let n = 0; n < 8; n++) {
    round(tcp, "2s");
    assert.ok(cwnd(tcp) <= before * 1.5 + 1, `${before} to ${cwnd(tcp)}`);
    before = cwnd(tcp);
  }
});
