/** One seed, one run: again, in steps of any size, and from a snapshot; another seed, another run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunResult, type Scenario, simulate, Simulation } from "../../src/mod.ts";
import { Random } from "../scenario/random.ts";
import { testSeed } from "../wire/random.ts";

/** Everything that draws random numbers, and flows that open, end, read slowly and stop. */
const SCENARIO: Scenario = {
  seed: "42",
  duration: "4s",
  warmup: "1s",
  topology: {
    kind: "dumbbell",
    bottleneck: {
      rate: "20Mbps",
      delay: "10ms",
      queue: { limit: "30pkt" },
      loss: { kind: "bernoulli", p: 0.005 },
      reorder: { p: 0.01, delay: "3ms" },
      duplicate: { p: 0.01 },
      corrupt: { p: 0.002 },
      jitter: "200us",
      reverse: { loss: { kind: "bernoulli", p: 0.005 } },
    },
    access: { rate: "1Gbps", delay: "1ms" },
  },
  flows: [
    { count: 3, stagger: "100ms", cc: "cubic" },
    { count: 2, cc: "reno", from: "right", bytes: "300KB", accessDelay: ["1ms", "5ms"] },
    { name: "slow", bytes: "500KB", read: "1Mbps", tcp: { receiveBuffer: "32KiB" } },
    { name: "stops", stop: "2.5s" },
    { app: { kind: "poisson", rate: "1Mbps" } },
  ],
  record: { interval: "100ms", percentiles: true },
};

/** All but how long it took. */
function measured({ wall_s: _, segments_per_wall_s: __, memory_bytes: ___, ...rest }: RunResult): object {
  return rest;
}

async function runInSteps(steps_s: number[]): Promise<RunResult> {
  const simulation = await Simulation.create(SCENARIO);
  for (const step of steps_s) await simulation.runUntil(step);
  simulation.close();
  return simulation.result();
}

test("determinism: the same seed twice gives one digest and one result", async () => {
  assert.deepEqual(measured(await simulate(SCENARIO)), measured(await simulate(SCENARIO)));
});

test("determinism: another seed gives another digest and other losses", async () => {
  const runs = await Promise.all(["1", "2", "3", "x"].map((seed) => simulate({ ...SCENARIO, seed })));
  assert.equal(new Set(runs.map(({ digest }) => digest)).size, 4);
  assert.ok(new Set(runs.map(({ links }) => links[0].drops.loss)).size > 1);
});

test("determinism: without anything random another seed gives other initial sequence numbers, and nothing else", async () => {
  const calm = (seed: string): Scenario => ({
    seed,
    duration: "2s",
    topology: { kind: "path", links: [{ rate: "10Mbps", delay: "10ms" }] },
    flows: [{ count: 2 }],
  });
  const [one, other] = [await simulate(calm("1")), await simulate(calm("2"))];
  assert.notEqual(one.digest, other.digest);
  assert.deepEqual({ ...measured(one), digest: "", seed: "" }, { ...measured(other), digest: "", seed: "" });
});

test("determinism: steps of any size give the run in one go", async () => {
  const random = new Random(testSeed());
  const whole = measured(await simulate(SCENARIO));
  const even = Array.from({ length: 400 }, (_, k) => (k + 1) / 100);
  const odd = [...Array.from({ length: 200 }, () => random.next() * 4).sort((a, b) => a - b), 4];
  assert.deepEqual(measured(await runInSteps(even)), whole);
  assert.deepEqual(measured(await runInSteps(odd)), whole, `seed ${testSeed()}`);
  assert.deepEqual(measured(await runInSteps([1, 1, 1, 2.5, 2.5, 4, 4])), whole, "instants asked for twice");
});

test("determinism: a snapshot goes on bit for bit, and the original is not disturbed", async () => {
  const whole = await simulate(SCENARIO);
  const original = await Simulation.create(SCENARIO);
  await original.runUntil("1.7s");
  const bytes = original.snapshot();
  const digest = original.digest;

  const copy = await Simulation.restore(bytes);
  assert.equal(copy.digest, digest);
  assert.equal(copy.time_s, 1.7);
  await copy.runToEnd();
  assert.equal(original.digest, digest);
  await original.runToEnd();
  assert.equal(original.digest, whole.digest);

  const { flows, links, digest: end, events } = copy.result();
  assert.equal(end, whole.digest);
  assert.equal(events, whole.events);
  for (const [k, flow] of flows.entries()) {
    // Counters run from the start in both; averages of the copy begin anew
    const counters = (
      { segments_sent, retransmits, bytes_acked, rtos, end_s, fct_s, srtt_ms, state }: typeof flow,
    ) => ({
      segments_sent,
      retransmits,
      bytes_acked,
      rtos,
      end_s,
      fct_s,
      srtt_ms,
      state,
    });
    assert.deepEqual(counters(flow), counters(whole.flows[k]));
  }
  assert.deepEqual(
    links.map(({ packets, bytes, drops }) => ({ packets, bytes, drops })),
    whole.links.map(({ packets, bytes, drops }) => ({ packets, bytes, drops })),
  );
  original.close();
  copy.close();
});

test("determinism: snapshots at many instants, each restored from the one before, end in the same run", async () => {
  const whole = await simulate(SCENARIO);
  let simulation = await Simulation.create(SCENARIO);
  for (const t of [0, 0.001, 0.3, 0.9999, 1, 1.0001, 2.5, 3.9]) {
    await simulation.runUntil(t);
    const bytes = simulation.snapshot();
    simulation.close();
    simulation = await Simulation.restore(bytes);
  }
  await simulation.runToEnd();
  assert.equal(simulation.digest, whole.digest);
  simulation.close();
});

test("determinism: a flow more leaves the random draws of the others alone", async () => {
  const lossy = (count: number): Scenario => ({
    duration: "3s",
    topology: { kind: "path", links: [{ rate: "10Gbps", delay: "10ms", queue: { limit: "unlimited" } }] },
    flows: Array.from({ length: count }, (_, k) => ({ name: `${k}`, app: { kind: "poisson", rate: "1Mbps" } })),
  });
  // The offered load of a source comes from a stream of its own
  const [two, three] = [await simulate(lossy(2)), await simulate(lossy(3))];
  const one = await simulate(lossy(1));
  const added = two.links[0].packets - one.links[0].packets;
  assert.ok(added > 200 && added < 300, `${added} packets of the second source`);
  assert.ok(three.links[0].packets - two.links[0].packets !== added, "two sources draw the same");
});
