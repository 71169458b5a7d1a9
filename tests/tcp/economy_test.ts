/** On a path that keeps the order, nothing is sent twice but what was lost, as long as no timer has to guess. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { Random, testSeed } from "../wire/random.ts";
import type { Settings } from "./harness.ts";
import { type Fate, Pair } from "./pair.ts";

const TRANSFERS = 120;

/** How many transfers went without a time-out, and how many segments they lost in all. */
async function transfers(settings: Settings): Promise<{ calm: number; lost: number }> {
  const first = testSeed() * 1000;
  let [calm, losses] = [0, 0];
  for (let seed = first; seed < first + TRANSFERS; seed++) {
    const random = new Random(seed);
    const pair = await Pair.create({ mss: 1000, msl: "1s", seed: BigInt(seed), ...settings }, 20);
    const loss = random.pick([0.005, 0.02, 0.05]);
    let lost = 0;
    pair.fate = ({ len }, from): Fate => {
      if (from === "b" || len === 0 || !random.chance(loss)) return [0n];
      lost++;
      return [];
    };
    pair.opens();
    while (pair.state(pair.a) !== "ESTABLISHED" && pair.step());
    pair.writes(pair.a, 300_000);
    while (pair.received(pair.b) < 300_000 && pair.step());
    assert.equal(pair.received(pair.b), 300_000, `seed ${seed}`);
    if (pair.engine.get(pair.a, Tcb.rtos) > 0) continue;
    calm++;
    losses += lost;
    // A tail may be rescued on suspicion, once a recovery (RFC 6675 NextSeg rules 3 and 4)
    const again = pair.engine.get(pair.a, Tcb.retransmits);
    assert.ok(
      again >= lost && again <= lost + (settings.sack ? 2 : 0),
      `seed ${seed}: ${lost} lost, ${again} sent again`,
    );
  }
  return { calm, lost: losses };
}

for (const sack of [false, true]) {
  for (const cc of ["RENO", "CUBIC"] as const) {
    for (const delayedAck of [false, true]) {
      test(`economy: ${cc.toLowerCase()}, SACK ${sack}, delayed ACKs ${delayedAck}: what was lost is sent again, once`, async () => {
        const { calm, lost } = await transfers({ sack, cc, delayedAck });
        assert.ok(calm > TRANSFERS / 4 && lost > TRANSFERS / 4, `${calm} transfers without time-out, ${lost} losses`);
      });
    }
  }
}
