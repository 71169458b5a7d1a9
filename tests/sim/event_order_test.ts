/** The order of events is (time, insertion), whatever the times are; many at one instant are an ordinary case. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../src/core/engine.ts";
import { Engine as EngineLayout, EventKind, Flow, RunStatus } from "../../src/core/layout.gen.ts";
import { type FlowGroup, simulate } from "../../src/mod.ts";
import { compile } from "../../src/scenario/compile.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { Random } from "../scenario/random.ts";
import { testSeed } from "../wire/random.ts";
import { runCaptured, type SeenPacket } from "./packets.ts";
import { overLink, US_PER_BYTE } from "./paths.ts";

const FAST = { rate: "10Tbps", delay: "1ms" };
const DAY_NS = 24 * 3600e9;

function openings(packets: SeenPacket[]): number[] {
  return packets.filter(({ syn, forth }) => syn && forth).map(({ flow }) => flow);
}

test("event order: flows of one instant start in the order of the scenario", async () => {
  const { packets } = await runCaptured(overLink(FAST, [{ count: 700, start: "1s" }, { count: 300, start: "1s" }], {
    duration: "1.001s",
  }));
  assert.deepEqual(openings(packets), Array.from({ length: 1000 }, (_, k) => k));
});

test("event order: flows start by time, and by their place in the scenario at one time, from nanoseconds to days", async () => {
  const random = new Random(testSeed());
  const flows: FlowGroup[] = [];
  const start_ns: number[] = [];
  for (let k = 0; k < 400; k++) {
    const ns = Math.floor(10 ** random.integer(0, 14) * random.next());
    // Every third flow shares its instant with one before
    const start = k % 3 === 2 ? start_ns[random.integer(0, k - 1)] : ns;
    start_ns.push(start);
    flows.push({ name: `flow ${k}`, start: `${start}ns`, bytes: 1 });
  }
  const { packets } = await runCaptured(overLink(FAST, flows, { duration: "28h" }));
  const expected = start_ns.map((_, k) => k).sort((a, b) => start_ns[a] - start_ns[b] || a - b);
  assert.deepEqual(openings(packets), expected, `seed ${testSeed()}`);
});

test("event order: events inserted while the clock runs come behind those of their instant that wait already", async () => {
  const random = new Random(testSeed());
  const engine = await Engine.load();
  const count = 3000;
  // Flows that would start long after the end, so that the test alone starts them
  const spec = normalize(overLink(FAST, [{ count, start: `${98 * 24}h`, bytes: 1 }]));
  const { flows } = compile(engine, spec, false);
  const started = (k: number): boolean => engine.get(flows[k].flow, Flow.started) === 1;
  const now = (): number => engine.get(engine.root, EngineLayout.now);

  const waiting = new Map<number, number[]>();
  let next = 0;
  const insert = (at: number): void => {
    const k = next++;
    engine.exports.scheduleFlow(flows[k].flow, EventKind.FLOW_START, BigInt(at));
    waiting.set(at, [...waiting.get(at) ?? [], k]);
  };
  const instants = (): number[] => [...waiting.keys()];
  while (next < 100) insert(Math.floor(10 ** random.integer(0, 12) * random.next()));

  let seen = 0;
  while (engine.exports.run(BigInt(DAY_NS), 1) === RunStatus.BUDGET) {
    const queue = waiting.get(now()) ?? [];
    const first = queue.findIndex((k) => !started(k));
    const begun = first < 0 ? queue.length : first;
    assert.ok(queue.slice(begun).every((k) => !started(k)), `at ${now()} ns, seed ${testSeed()}: out of order`);
    if (begun > 0) {
      seen += begun;
      waiting.set(now(), queue.slice(begun));
      if (begun === queue.length) waiting.delete(now());
    }
    if (next < count && random.chance(0.3)) {
      // Now, soon, an instant that others wait for, or far away
      const later = instants().filter((at) => at >= now());
      const at = random.pick([
        now(),
        now() + random.integer(0, 5000),
        later.length ? random.pick(later) : now() + 1,
        now() + random.integer(0, 1e10),
      ]);
      insert(at);
    }
  }
  assert.equal(next, count);
  assert.equal(seen, count);
  assert.ok(instants().length === 0);
});

test("event order: two flows alike in all but their place take turns, the first one first", async () => {
  const { packets } = await runCaptured(overLink(US_PER_BYTE, [{ count: 2, bytes: 14480 }], {
    tcp: { delayedAck: false },
  }));
  const data = packets.filter(({ len, forth }) => forth && len > 0).map(({ flow }) => flow);
  // Both windows of ten leave at once: a burst of the one, then a burst of the other
  assert.deepEqual(data, [...Array(10).fill(0), ...Array(10).fill(1)]);
});

test("event order: groups that change places change names and nothing else", async () => {
  const run = async (names: string[]) => {
    const flows = names.map((name) => ({ name, bytes: "1MB" }));
    const { result: { digest, flows: results } } = await runCaptured(overLink({ rate: "10Mbps", delay: "5ms" }, flows));
    return { digest, fct: results.map(({ fct_s }) => fct_s), groups: results.map(({ group }) => group) };
  };
  const [one, other] = [await run(["a", "b"]), await run(["b", "a"])];
  assert.deepEqual(other.groups, ["b", "a"]);
  assert.equal(one.digest, other.digest);
  assert.deepEqual(one.fct, other.fct);
});

test("event order: it is in the digest: the same events in another order make another one", async () => {
  const scenario = (starts: string[]) =>
    overLink({ rate: "10Mbps", delay: "5ms" }, starts.map((start, k) => ({ name: `${k}`, start, bytes: 1000 })));
  const inOrder = await simulate(scenario(["1s", "2s"]));
  const swapped = await simulate(scenario(["2s", "1s"]));
  assert.equal(inOrder.events, swapped.events);
  assert.notEqual(inOrder.digest, swapped.digest);
});
