/**
 * Whole connections under random loss, reordering and duplication, with random options, buffers and readers: every byte
 * arrives once, both ends close, and the invariants hold after each step.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine as Root, Tcb } from "../../src/core/layout.gen.ts";
import { Random, testSeed } from "../wire/random.ts";
import type { Settings } from "./harness.ts";
import { type Fate, Pair } from "./pair.ts";

const CONVERSATIONS = 150;

function randomSettings(random: Random): Settings {
  const flag = () => random.chance(0.5);
  return {
    seed: BigInt(random.u32()),
    cc: random.pick(["RENO", "CUBIC"] as const),
    sack: random.chance(0.7),
    timestamps: flag(),
    windowScaling: flag(),
    delayedAck: random.chance(0.8),
    nagle: random.chance(0.8),
    reads: flag(),
    mss: random.pick([100, 536, 1460]),
    receiveBuffer: random.pick([800, 5000, 65_535, 300_000]),
    tunedBuffer: random.chance(0.4),
    shrinkWindow: random.chance(0.2),
    quickAcks: random.pick([0, 16]),
    delayedAckTimeout: random.pick(["0s", "40ms"]),
    sendBuffer: random.pick([3000, 100_000, 1 << 20]),
    initialWindow: random.pick([1, 2, 10]),
    msl: "2s",
    irs: random.u32(),
  };
}

test("conversations: every byte arrives once and both ends close, whatever the network does", async () => {
  const first = testSeed() * 1000;
  for (let seed = first; seed < first + CONVERSATIONS; seed++) await converse(seed);
});

async function converse(seed: number): Promise<void> {
  const random = new Random(seed);
  const settings = randomSettings(random);
  const what = `seed ${seed}: ${
    JSON.stringify(settings, (_, value) => typeof value === "bigint" ? `${value}` : value)
  }`;
  const delay_ms = random.pick([0, 1, 30]);
  const pair = await Pair.create(settings, delay_ms);
  const [loss, late, twice] = [random.pick([0, 0.01, 0.1]), random.pick([0, 0.1]), random.pick([0, 0.05])];
  const delay = () => random.chance(late) ? BigInt(random.between(0, 40_000_000)) : 0n;
  pair.fate = (): Fate => random.chance(loss) ? [] : random.chance(twice) ? [delay(), delay()] : [delay()];

  const ends = [pair.a, pair.b];
  const left = new Map([[pair.a, random.between(0, 80_000)], [pair.b, random.between(0, 40_000)]]);
  const wanted = new Map([[pair.b, left.get(pair.a)!], [pair.a, left.get(pair.b)!]]);
  const closed = new Set<number>();
  pair.opens();
  let steps = 0;
  // Without a segment or deadline to come it is for the applications to go on
  for (; pair.step() || closed.size < 2; steps++) {
    assert.ok(steps < 100_000, `${what}: it does not end`);
    for (const end of ends) {
      if (!settings.reads && random.chance(0.3)) pair.reads(end, random.between(1, 20_000));
      if (["LISTEN", "SYN_SENT", "CLOSED"].includes(pair.state(end)) || closed.has(end)) continue;
      const rest = left.get(end)!;
      if (rest > 0) left.set(end, rest - pair.writes(end, Math.min(rest, random.between(1, 10_000))));
      else if (random.chance(0.2)) {
        pair.closes(end);
        closed.add(end);
      }
    }
  }
  for (const end of ends) {
    assert.equal(pair.state(end), "CLOSED", what);
    assert.equal(pair.received(end), wanted.get(end), what);
    // Its own account agrees
    assert.equal(pair.engine.get(end, Tcb.bytes_received), wanted.get(end), what);
    assert.equal(pair.engine.get(end, Tcb.bytes_acked), wanted.get(end === pair.a ? pair.b : pair.a), what);
    // No round trip is shorter than the path, but for what a millisecond clock rounds off: else Karn was forgotten
    if (pair.engine.get(end, Tcb.rtt_count) > 0) {
      const rtt_us = pair.engine.get(end, Tcb.rtt_min_us);
      assert.ok(rtt_us >= delay_ms * 2000 - 1000, `${what}: a round trip of ${rtt_us} us`);
    }
  }
}

test("conversations: a closed connection gives back all the memory that it took", async () => {
  const settings: Settings = { mss: 1000, sack: true, msl: "1s", cc: "CUBIC" };
  const pair = await Pair.create(settings, 5);
  const tops: number[] = [];
  for (let connection = 0; connection < 12; connection++) {
    let sent = 0;
    // The same fifth of the segments is lost in each, so each takes the same
    pair.fate = (): Fate => ++sent % 5 === 4 ? [] : [0n];
    pair.opens();
    let written = false;
    while (pair.step()) {
      if (written || pair.state(pair.a) !== "ESTABLISHED" || pair.state(pair.b) !== "ESTABLISHED") continue;
      written = true;
      pair.writes(pair.a, 200_000);
      pair.closes(pair.a);
      pair.closes(pair.b);
    }
    assert.deepEqual([pair.state(pair.a), pair.state(pair.b)], ["CLOSED", "CLOSED"]);
    for (const end of [pair.a, pair.b]) {
      assert.equal(pair.engine.get(end, Tcb.sent), 0);
      assert.equal(pair.engine.get(end, Tcb.rx), 0);
    }
    tops.push(pair.engine.get(pair.engine.root, Root.arena_top));
  }
  assert.equal(new Set(tops.slice(2)).size, 1, `${tops}`);
});
