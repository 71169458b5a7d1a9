/**
 * Gates are a short cut: what passes them happens as it would if each packet were an event. Two packets of one nanosecond
 * may change places, so these paths have odd rates and delays, over which there are hardly any.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../../src/core/engine.ts";
import { Engine as EngineLayout, LinkExt, RunStatus } from "../../src/core/layout.gen.ts";
import { type FlowGroup, type Link, type Scenario, Simulation, type TcpParameters } from "../../src/mod.ts";
import { compile, type Compiled } from "../../src/scenario/compile.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { Random } from "../scenario/random.ts";
import { controlBlock } from "../tcp/control_blocks.ts";
import { testSeed } from "../wire/random.ts";

const BOTTLENECK = { rate: "97.1234567Mbps", delay: "5.000371ms", queue: { limit: "1bdp" } } satisfies Link;
const ACCESS = { rate: "987.654321Mbps", delay: "2.500137ms" } satisfies Link;
/** Kept lazily: it may be earlier than the earliest deadline, and says then that the alarm has not come up yet. */
const LAZY = ["timer_min"];

interface Parts {
  bottleneck?: Partial<Link>;
  access?: Partial<Link>;
  flows: FlowGroup[];
  tcp?: TcpParameters;
  duration?: string;
}

function dumbbell({ bottleneck, access, flows, tcp, duration = "3s" }: Parts): Scenario {
  return {
    duration,
    topology: { kind: "dumbbell", bottleneck: { ...BOTTLENECK, ...bottleneck }, access: { ...ACCESS, ...access } },
    flows,
    tcp,
  };
}

interface Outcome {
  events: number;
  connections: Record<string, number>[];
  links: Record<string, number>[];
}

/** What connections and links are after the run. */
async function outcome(scenario: Scenario, gates: boolean): Promise<Outcome> {
  const engine = await Engine.load();
  const spec = normalize(scenario);
  const { flows, links } = compile(engine, spec, false, gates);
  assert.equal(engine.get(engine.root, EngineLayout.gates) !== 0, gates, "a scenario without gates");
  assert.equal(engine.exports.run(BigInt(spec.duration_ns), 0xffffffff), RunStatus.DONE);
  const { packets, bytes, waited_ns, drops_overflow, drops_loss, duplicated, reordered, corrupted, marks } = LinkExt;
  const counts = { packets, bytes, waited_ns, drops_overflow, drops_loss, duplicated, reordered, corrupted, marks };
  return {
    events: engine.get(engine.root, EngineLayout.events),
    connections: flows.flatMap(({ a, b }) => [a, b]).map((tcb) => controlBlock(engine, tcb, LAZY)),
    links: links.map(({ ext }) =>
      Object.fromEntries(Object.entries(counts).map(([name, field]) => [name, engine.get(ext, field)]))
    ),
  };
}

/** Part by part: the difference of two large wholes takes minutes to print. */
function assertSame(through: Outcome, without: Outcome): void {
  assert.deepEqual(through.links, without.links);
  through.connections.forEach((connection, i) =>
    assert.deepEqual(connection, without.connections[i], `connection ${i}`)
  );
  assert.equal(through.events, without.events);
}

const CASES: Record<string, Parts> = {
  "more flows than the bottleneck has room for": { flows: [{ count: 200, stagger: "1.037113ms" }] },
  "traffic both ways": {
    flows: [{ count: 20, stagger: "1.3331ms" }, { count: 20, from: "right", to: "left", stagger: "0.771ms" }],
  },
  "flows that end": { flows: [{ count: 150, bytes: 50_000, stagger: "2.00317ms" }] },
  "flows that somebody stops, and slow readers": {
    flows: [{ count: 9, stagger: "0.911ms", stop: "1.5s" }, { count: 9, stagger: "0.511ms", read: "3Mbps" }],
  },
  "impairments": {
    bottleneck: {
      loss: { kind: "bernoulli", p: 0.01 },
      reorder: { p: 0.01, delay: "3ms" },
      duplicate: { p: 0.01 },
      corrupt: { p: 0.003 },
      jitter: "1ms",
    },
    flows: [{ count: 20, stagger: "1.037113ms" }],
  },
  "hosts' links that queue, lose and repeat": {
    access: {
      rate: "31.41Mbps",
      queue: { limit: "20pkt" },
      loss: { kind: "bernoulli", p: 0.01 },
      duplicate: { p: 0.02 },
    },
    flows: [{ count: 10, stagger: "1.037113ms" }],
  },
  "hosts that wait longer for their own link than a gate has slots": {
    access: { rate: "1.0123Mbps" },
    flows: [{ count: 3, stagger: "1.037113ms" }],
    tcp: { initialWindow: 300 },
    duration: "20s",
  },
  "a path of seconds": {
    bottleneck: { delay: "901.3ms" },
    access: { delay: "402.7ms" },
    flows: [{ count: 5, stagger: "1.037113ms" }],
    duration: "30s",
  },
  "hosts at many distances": {
    flows: [{ count: 60, stagger: "0.9007ms", accessDelay: ["0ms", "1.7173ms", "3.9ms", "17.33ms", "40.1ms"] }],
  },
  "no SACK, no timestamps": { flows: [{ count: 30, stagger: "0.9007ms" }], tcp: { sack: false, timestamps: false } },
  "the RFCs' letter, ECN": {
    bottleneck: { queue: { limit: "1bdp", mark: 30 } },
    flows: [{ count: 30, cc: "reno", stagger: "0.9007ms" }],
    tcp: { profile: "rfc", ecn: "on" },
  },
};

for (const [said, parts] of Object.entries(CASES)) {
  test(`gates change nothing: ${said}`, async () => {
    const scenario = dumbbell(parts);
    const [through, without] = [await outcome(scenario, true), await outcome(scenario, false)];
    assert.ok(through.links[0].packets > 500, `${through.links[0].packets} packets`);
    assertSame(through, without);
  });

  test(`gates: where a run ends between makes no difference: ${said}`, async () => {
    const scenario = dumbbell(parts);
    const random = new Random(testSeed());
    const [whole, sliced] = [await Simulation.create(scenario), await Simulation.create(scenario)];
    const end_s = normalize(scenario).duration_ns / 1e9;
    await whole.runUntil(end_s);
    for (let at_s = 0; at_s < end_s; at_s += random.next() * 0.01) await sliced.runUntil(at_s);
    await sliced.runUntil(end_s);
    assert.deepEqual([sliced.digest, sliced.events], [whole.digest, whole.events]);
    assert.deepEqual(sliced.result().flows, whole.result().flows);
    assert.deepEqual(sliced.result().links, whole.result().links);
    whole.close();
    sliced.close();
  });
}

test("gates: links of a path change nothing, and what was in front of one goes on from a snapshot", async () => {
  const link = (rate: string): Link => ({ rate, delay: "3.00071ms", queue: { limit: "25pkt" } });
  const scenario: Scenario = {
    duration: "5s",
    topology: { kind: "path", links: [link("33.3Mbps"), link("20.1Mbps"), link("10.7Mbps")] },
    flows: [{ count: 5, stagger: "1.037113ms" }, { count: 3, from: "right", stagger: "1.5173ms" }],
  };
  assertSame(await outcome(scenario, true), await outcome(scenario, false));

  const first = await Simulation.create(scenario);
  await first.runUntil(2.00037);
  const second = await Simulation.restore(first.snapshot());
  for (const simulation of [first, second]) await simulation.runUntil(5);
  assert.equal(second.digest, first.digest);
});

test("gates: packets of one flow keep their order, however long apart they were sent", async () => {
  const scenario: Scenario = {
    duration: "60s",
    topology: {
      kind: "path",
      links: [
        { rate: "987.654321Mbps", delay: "2.500137ms", jitter: "4.0001s" },
        { rate: "97.1234567Mbps", delay: "5.000371ms", queue: { limit: "1bdp" } },
      ],
    },
    flows: [{}],
  };
  assertSame(await outcome(scenario, true), await outcome(scenario, false));
});

test("gates: where a run ends makes no difference when only one side is far enough for them", async () => {
  for (let seed = 30; seed < 60; seed++) {
    const scenario: Scenario = {
      seed: `${seed}`,
      duration: "2s",
      topology: {
        kind: "dumbbell",
        bottleneck: { rate: "20Mbps", delay: "5ms", queue: { limit: "20pkt" }, loss: { kind: "bernoulli", p: 0.03 } },
        access: { rate: "100Mbps", delay: "0ms" },
      },
      flows: [{ count: 10, accessDelay: "10ms" }, { count: 5, bytes: "30KB", stagger: "10ms" }],
    };
    const random = new Random(seed);
    const [whole, sliced] = [await Simulation.create(scenario), await Simulation.create(scenario)];
    await whole.runUntil(2);
    for (let at_s = 0; at_s < 2; at_s += 0.00002 + random.next() * 0.00006) await sliced.runUntil(at_s);
    await sliced.runUntil(2);
    assert.deepEqual([sliced.digest, sliced.events], [whole.digest, whole.events], `seed ${seed}`);
    whole.close();
    sliced.close();
  }
});

test("gates: at a pause nothing is ahead of the clock", async () => {
  const spec = normalize(dumbbell({ flows: [{ count: 40, stagger: "1.037113ms" }] }));
  const state = (engine: Engine, { flows, links }: Compiled): unknown => [
    engine.get(engine.root, EngineLayout.events),
    engine.exports.runDigest(),
    links.map(({ ext }) => [engine.exports.queuePackets(ext), engine.get(ext, LinkExt.packets)]),
    flows.flatMap(({ a, b }) => [a, b]).map((tcb) => controlBlock(engine, tcb, LAZY)),
  ];
  for (const budget of [1, 1000, 7777, 20_000]) {
    const paused = await Engine.load();
    const compiled = compile(paused, spec, false);
    assert.equal(paused.exports.run(BigInt(spec.duration_ns), 30_000), RunStatus.BUDGET);
    assert.equal(paused.exports.run(BigInt(spec.duration_ns), budget), RunStatus.BUDGET);
    const events = paused.get(paused.root, EngineLayout.events);
    assert.ok(events >= 30_000 + budget && events < 32_000 + budget, `${events} events`);

    const straight = await Engine.load();
    const same = compile(straight, spec, false);
    assert.equal(straight.exports.run(paused.getBig(paused.root, EngineLayout.now), 0xffffffff), RunStatus.DONE);
    assert.deepEqual(state(paused, compiled), state(straight, same));
  }
});

test("gates: nobody sees of a link what has not happened yet", async () => {
  const scenario = dumbbell({ flows: [{ count: 40, stagger: "1.037113ms" }] });
  const seen = async (gates: boolean): Promise<number[][]> => {
    const engine = await Engine.load();
    const { links } = compile(engine, normalize(scenario), false, gates);
    return Array.from({ length: 300 }, (_, i) => {
      engine.exports.run(BigInt(Math.round((i + 1) * 1.234567e6)), 0xffffffff);
      return links.map(({ ext }) => [
        engine.exports.queuePackets(ext),
        engine.get(ext, LinkExt.packets),
        engine.get(ext, LinkExt.drops_overflow),
      ]).flat();
    });
  };
  const through = await seen(true);
  assert.ok(through.some(([waiting]) => waiting > 20), "nothing ever waited");
  assert.deepEqual(through, await seen(false));
});
