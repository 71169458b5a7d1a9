import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse, type ParseError } from "jsonc-parser";
import { ScenarioError } from "../../src/scenario/error.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import type { DirectionSpec, Scenario, ScenarioSpec, TcpSpec } from "../../src/scenario/types.ts";
import { plain, Random, randomScenario } from "./random.ts";

function example(name: string): Scenario {
  const errors: ParseError[] = [];
  const url = new URL(`../../bench/scenarios/${name}`, import.meta.url);
  const scenario = parse(readFileSync(url, "utf8"), errors, { allowTrailingComma: false });
  assert.deepEqual(errors, []);
  return scenario;
}

const LINUX: TcpSpec = {
  profile: "linux",
  mss: 1448,
  sack: true,
  timestamps: true,
  windowScaling: true,
  ecn: "off",
  delayedAck: true,
  nagle: true,
  sendBuffer_bytes: 4 * 2 ** 20,
  receiveBuffer_bytes: 4 * 2 ** 20,
  initialWindow: 10,
  delayedAckTimeout_ns: null,
  initialRto_ns: 1e9,
  minRto_ns: 200e6,
  maxRto_ns: 120e9,
  msl_ns: 30e9,
  finWait2Timeout_ns: 0,
  synRetries: 6,
  dataRetries: 15,
  slowStartAfterIdle: true,
  pacing: false,
  tso: false,
};

function direction(rate_bps: number, delay_ns: number, more: Partial<DirectionSpec> = {}): DirectionSpec {
  return {
    rate_bps,
    delay_ns,
    overhead_bytes: 0,
    queue: { kind: "droptail", limit: { unit: "bdp", value: 1 }, mark: null },
    loss: null,
    reorder: null,
    duplicate: null,
    corrupt: null,
    jitter_ns: 0,
    ...more,
  };
}

test("normalize: the contract's example comes out in base units", () => {
  const bottleneck = direction(1e9, 5e6);
  const access = direction(1e9, 2.5e6, { queue: { kind: "droptail", limit: null, mark: null } });
  const expected: ScenarioSpec = {
    name: "100 CUBIC flows share 1 Gbit/s",
    seed: "1",
    duration_ns: 10e9,
    warmup_ns: 2e9,
    topology: {
      kind: "dumbbell",
      bottleneck: { ...bottleneck, name: "bottleneck", reverse: bottleneck },
      access: { ...access, name: "access", reverse: access },
    },
    flows: [{
      name: "cubic",
      count: 100,
      from: "left",
      to: "right",
      app: null,
      cc: "cubic",
      ccOptions: { hystart: true, exact: false, abe: false },
      start_ns: 0,
      stagger_ns: 1e6,
      bytes: null,
      stop_ns: null,
      accessDelay_ns: [0],
      read_bps: null,
      realBytes: false,
      tcp: LINUX,
    }],
    tcp: LINUX,
    record: {
      interval_ns: 100e6,
      series: ["cwnd", "srtt", "throughput", "queue"],
      percentiles: false,
      capture: ["bottleneck"],
    },
  };
  assert.deepEqual(normalize(example("dumbbell-100.json")), expected);
});

test("normalize: reverse inherits rate, delay, overhead and queue, and no impairment", () => {
  const { topology } = normalize(example("path.json"));
  assert.ok(topology.kind === "path");
  const dsl = topology.links[1];
  assert.deepEqual(dsl, {
    ...direction(16e6, 12e6),
    name: "dsl",
    overhead_bytes: 18,
    queue: { kind: "droptail", limit: { unit: "bytes", value: 65536 }, mark: null },
    loss: { kind: "bernoulli", p: 0.001 },
    reorder: { p: 0.002, delay_ns: 3e6 },
    duplicate: { p: 0.0005 },
    corrupt: { p: 0.0005 },
    jitter_ns: 500e3,
    reverse: {
      ...direction(1e6, 12e6),
      overhead_bytes: 18,
      queue: { kind: "droptail", limit: { unit: "packets", value: 100 }, mark: null },
    },
  });
});

test("normalize: reverse takes impairments of its own", () => {
  const { topology } = normalize(dumbbell({ reverse: { loss: { kind: "periodic", every: 10 } } }));
  assert.ok(topology.kind === "dumbbell");
  assert.equal(topology.bottleneck.loss, null);
  assert.deepEqual(topology.bottleneck.reverse.loss, { kind: "periodic", every: 10 });
});

test("normalize: short flows, a flow from the right and a datagram source", () => {
  const [pages, backup, voice] = normalize(example("short-flows.json")).flows;
  assert.deepEqual([pages.count, pages.stagger_ns, pages.bytes], [200, 50e6, 100_000]);
  assert.deepEqual(pages.accessDelay_ns, [0, 5e6, 40e6]);
  assert.deepEqual([backup.from, backup.to, backup.cc], ["right", "left", "reno"]);
  assert.deepEqual(backup.tcp, { ...LINUX, receiveBuffer_bytes: 256 * 1024 });
  assert.deepEqual(voice.app, { kind: "cbr", rate_bps: 100e3, packetSize_bytes: 200 });
  assert.deepEqual([voice.start_ns, voice.stop_ns], [2e9, 12e9]);
});

test("normalize: only topology and flows are required", () => {
  const spec = normalize(dumbbell());
  assert.deepEqual([spec.name, spec.seed, spec.duration_ns, spec.warmup_ns], ["scenario", "1", 10e9, 0]);
  assert.deepEqual(spec.tcp, LINUX);
  assert.deepEqual(spec.record, { interval_ns: null, series: [], percentiles: false, capture: ["bottleneck"] });
  assert.equal(spec.flows[0].count, 1);
});

test("normalize: the RFC profile changes defaults and nothing that is given", () => {
  const rfc = {
    profile: "rfc",
    delayedAckTimeout_ns: 500e6,
    minRto_ns: 1e9,
    maxRto_ns: 60e9,
    msl_ns: 120e9,
    synRetries: 7,
  };
  assert.deepEqual(normalize({ ...dumbbell(), tcp: { profile: "rfc" } }).flows[0].tcp, { ...LINUX, ...rfc });
  const given = normalize({ ...dumbbell(), tcp: { profile: "rfc", minRto: "5ms" } });
  assert.deepEqual(given.tcp, { ...LINUX, ...rfc, minRto_ns: 5e6 });
});

test("normalize: a group's tcp overrides the scenario's and leaves other groups alone", () => {
  const scenario = { ...dumbbell(), flows: [{ tcp: { mss: 536 } }, {}], tcp: { sack: false, profile: "rfc" } };
  const [first, second] = normalize(scenario).flows;
  assert.deepEqual([first.tcp.mss, first.tcp.sack, first.tcp.minRto_ns], [536, false, 1e9]);
  assert.deepEqual([second.tcp.mss, second.tcp.sack, second.tcp.minRto_ns], [1448, false, 1e9]);
});

test("normalize: groups without a name take their congestion control's, each its own", () => {
  const flows = [{}, { cc: "reno" }, { name: "cubic-2" }, {}, { app: { kind: "poisson", rate: "1Mbps" } }];
  const names = normalize({ ...dumbbell(), flows }).flows.map(({ name }) => name);
  assert.deepEqual(names, ["cubic", "reno", "cubic-2", "cubic-3", "poisson"]);
});

test("normalize: each side is the other's complement", () => {
  const sides = (group: Scenario["flows"][0]): string[] => {
    const { from, to } = normalize({ ...dumbbell(), flows: [group] }).flows[0];
    return [from, to];
  };
  assert.deepEqual(sides({}), ["left", "right"]);
  assert.deepEqual(sides({ from: "right" }), ["right", "left"]);
  assert.deepEqual(sides({ to: "left" }), ["right", "left"]);
});

test("normalize: a list of losses is sorted and without repetition", () => {
  const { topology } = normalize(dumbbell({ loss: { kind: "list", packets: [28, 14, 26, 14] } }));
  assert.ok(topology.kind === "dumbbell");
  assert.deepEqual(topology.bottleneck.loss, { kind: "list", packets: [14, 26, 28] });
});

test("normalize: sampling needs only one of interval and series", () => {
  const record = (record: Scenario["record"]): unknown[] => {
    const { interval_ns, series } = normalize({ ...dumbbell(), record }).record;
    return [interval_ns, series];
  };
  assert.deepEqual(record({ series: ["rto", "rto"] }), [100e6, ["rto"]]);
  assert.deepEqual(record({ interval: "1s" }), [1e9, ["cwnd", "srtt", "throughput", "queue"]]);
  assert.deepEqual(record({ percentiles: true }), [null, []]);
});

test("normalize: links of a path are named by number unless they have a name", () => {
  const links = [{ rate: 1e6, delay: 0 }, { name: "dsl", rate: 1e6, delay: 0 }, { rate: 1e6, delay: 0 }];
  const { topology, record } = normalize({ topology: { kind: "path", links }, flows: [{}] });
  assert.ok(topology.kind === "path");
  assert.deepEqual(topology.links.map(({ name }) => name), ["link0", "dsl", "link2"]);
  assert.deepEqual(record.capture, ["link0"]);
});

test("normalize: undefined is absent, and the scenario given is left as it was", () => {
  const scenario = { ...dumbbell({ reverse: { rate: undefined } }), seed: undefined, tcp: { mss: undefined } };
  const before = structuredClone(scenario);
  assert.deepEqual(normalize(scenario), normalize(dumbbell()));
  assert.deepEqual(scenario, before);
});

// ---- Wrong input -------------------------------------------------------------------------------------------------

function dumbbell(bottleneck: Record<string, unknown> = {}): Scenario {
  return {
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: "100Mbps", delay: "10ms", ...bottleneck },
      access: { rate: "1Gbps", delay: "1ms" },
    },
    flows: [{}],
  };
}

function flow(group: Record<string, unknown>): unknown {
  return { ...dumbbell(), flows: [group] };
}

/** What is wrong, and the line that says so. */
const WRONG: [string, unknown, string][] = [
  ["not an object", [], "found an empty list, expected an object"],
  ["nothing", null, "found null, expected an object"],
  ["no topology", { flows: [{}] }, `topology: found nothing, expected an object with kind "dumbbell" or "path"`],
  ["no flows", { topology: dumbbell().topology }, "flows: found nothing, expected a list of 1 to 100000 entries"],
  ["no kind", { ...dumbbell(), topology: {} }, `topology.kind: found nothing, expected "dumbbell" or "path"`],
  [
    "no rate",
    dumbbell({ rate: undefined }),
    `topology.bottleneck.rate: found nothing, expected a rate such as "100Mbps" (bps, kbps, Mbps, Gbps or Tbps)`,
  ],
  ["an unknown field", { ...dumbbell(), flow: [] }, `flow: unknown field, did you mean "flows"?`],
  [
    "a field far from any",
    dumbbell({ bandwidth: 1 }),
    "topology.bottleneck.bandwidth: unknown field, expected rate, delay, overhead, queue, loss, reorder, duplicate, " +
    "corrupt, jitter or reverse",
  ],
  ["a field with a strange name", { ...dumbbell(), "a\nb": 1 }, /^"a\\nb": unknown field, expected/.source],
  ["a field of Object", { ...dumbbell(), constructor: 1 }, /^constructor: unknown field, expected/.source],
  ["__proto__", JSON.parse(`{ "__proto__": 1 }`), /^__proto__: unknown field, expected/.source],
  [
    "an unknown congestion control",
    flow({ cc: "cubik" }),
    `flows[0].cc: unknown congestion control "cubik", did you mean "cubic"?`,
  ],
  [
    "a congestion control like none",
    flow({ cc: "zigzag" }),
    `flows[0].cc: unknown congestion control "zigzag", expected "cubic" or "reno"`,
  ],
  ["a later one", flow({ cc: "bbr" }), `flows[0].cc: "bbr" is not in this version, expected "cubic" or "reno"`],
  [
    "a later queue",
    dumbbell({ queue: { kind: "codel" } }),
    `topology.bottleneck.queue.kind: "codel" is not in this version, expected "droptail"`,
  ],
  ["a queue's ecn", dumbbell({ queue: { ecn: true } }), "topology.bottleneck.queue.ecn: not in this version"],
  [
    "a later topology",
    { ...dumbbell(), topology: { kind: "fat-tree" } },
    `topology.kind: "fat-tree" is not in this version, expected "dumbbell" or "path"`,
  ],
  [
    "a later loss",
    dumbbell({ loss: { kind: "gilbert-elliott" } }),
    `topology.bottleneck.loss.kind: "gilbert-elliott" is not in this version, expected "bernoulli", "periodic" or "list"`,
  ],
  ["a trace", dumbbell({ trace: "a.up" }), "topology.bottleneck.trace: not in this version"],
  ["arrivals", flow({ arrivals: {} }), "flows[0].arrivals: not in this version"],
  ["sizes", flow({ sizes: {} }), "flows[0].sizes: not in this version"],
  [
    "a later app",
    flow({ app: { kind: "on-off" } }),
    `flows[0].app.kind: "on-off" is not in this version, expected "cbr", "poisson" or "poisson-exponential"`,
  ],
  ["a sweep", { ...dumbbell(), sweep: {} }, "sweep: not in this version"],
  [
    "L4S",
    { ...dumbbell(), tcp: { ecn: "l4s" } },
    `tcp.ecn: "l4s" is not in this version, expected "off", "on" or "accurate"`,
  ],
  [
    "a wrong unit",
    dumbbell({ rate: "100ms" }),
    `topology.bottleneck.rate: found "100ms", expected a rate such as "100Mbps" (bps, kbps, Mbps, Gbps or Tbps)`,
  ],
  [
    "a negative rate",
    dumbbell({ rate: "-1Mbps" }),
    `topology.bottleneck.rate: found "-1Mbps", expected a rate from 100bps to 10Tbps`,
  ],
  ["a tiny rate", dumbbell({ rate: 99 }), "topology.bottleneck.rate: found 99, expected a rate from 100bps to 10Tbps"],
  [
    "a negative delay",
    dumbbell({ delay: -1 }),
    "topology.bottleneck.delay: found -1, expected a time from 0ns to 1h",
  ],
  [
    "a limit of zero packets",
    dumbbell({ queue: { limit: "0pkt" } }),
    `topology.bottleneck.queue.limit: found "0pkt", expected "unlimited" or a queue limit from 1pkt (or 1B) to 4294967295pkt`,
  ],
  [
    "zero bdp",
    dumbbell({ queue: { limit: "0bdp" } }),
    /^topology.bottleneck.queue.limit: found "0bdp", expected/.source,
  ],
  [
    "a probability of 2",
    dumbbell({ duplicate: { p: 2 } }),
    "topology.bottleneck.duplicate.p: found 2, expected a number from 0 to 1",
  ],
  ["zero flows", flow({ count: 0 }), "flows[0].count: found 0, expected a whole number of at least 1"],
  ["half a flow", flow({ count: 1.5 }), "flows[0].count: found 1.5, expected a whole number of at least 1"],
  [
    "more flows than memory",
    { ...dumbbell(), flows: [{ count: 600_000 }, { count: 400_001 }] },
    "flows[1].count: found 1000001 flows in all, expected at most 1000000 in this version: " +
    "each takes about 2 KiB of the core's 4 GiB besides its data in flight",
  ],
  [
    "a duration of 1000 years",
    { ...dumbbell(), duration: "8766000h" },
    `duration: found "8766000h", expected a time from 1ns to 100 days`,
  ],
  [
    "years",
    { ...dumbbell(), duration: "1000y" },
    `duration: found "1000y", expected a time such as "20ms" (ns, us, ms, s, min or h)`,
  ],
  [
    "NaN",
    { ...dumbbell(), duration: NaN },
    `duration: found NaN, expected a time such as "20ms" (ns, us, ms, s, min or h)`,
  ],
  ["Infinity", flow({ count: Infinity }), "flows[0].count: found Infinity, expected a whole number of at least 1"],
  ["a seed that is a number", { ...dumbbell(), seed: 7 }, `seed: found 7, expected a string, "7"`],
  ["an empty seed", { ...dumbbell(), seed: "" }, `seed: found "", expected a string of 1 to 200 characters`],
  ["a string for a flag", { ...dumbbell(), tcp: { sack: "yes" } }, `tcp.sack: found "yes", expected true or false`],
  ["null", { ...dumbbell(), tcp: null }, "tcp: found null, expected an object"],
  ["no group", { ...dumbbell(), flows: [] }, "flows: found an empty list, expected a list of 1 to 100000 entries"],
  [
    "a warm-up as long as the run",
    { ...dumbbell(), warmup: 10 },
    "warmup: found 10s, expected less than the duration of 10s",
  ],
  ["the same side twice", flow({ from: "left", to: "left" }), `flows[0].to: found "left", expected "right"`],
  [
    "a stop before the last start",
    flow({ count: 11, stagger: "1s", stop: "10s" }),
    "flows[0].stop: found 10s, expected a time after the last start at 10s",
  ],
  [
    "a last start years ahead",
    flow({ count: 1000, stagger: "24h" }),
    "flows[0].stagger: found 24h, expected the last flow to start within 100 days",
  ],
  [
    "a name twice",
    { ...dumbbell(), flows: [{ name: "a" }, { name: "a" }] },
    `flows[1].name: found "a", expected a name other than that of flows[0]`,
  ],
  [
    "a link's name twice",
    {
      ...dumbbell(),
      topology: { kind: "path", links: [{ rate: 1e6, delay: 0, name: "link1" }, { rate: 1e6, delay: 0 }] },
    },
    `topology.links[1].name: found "link1", expected a name other than that of topology.links[0]`,
  ],
  [
    "a run's field in a group",
    flow({ tcp: { maxRto: "1s" } }),
    "flows[0].tcp.maxRto: applies to the whole run, set it as tcp.maxRto",
  ],
  [
    "TCP's fields on a source",
    flow({ app: { kind: "cbr", rate: "1Mbps" }, cc: "reno" }),
    "flows[0].cc: does not apply to a source of datagrams, which flows[0].app makes this group",
  ],
  [
    "bounds the wrong way round",
    { ...dumbbell(), tcp: { minRto: "3min" } },
    "tcp.minRto: found 3min, expected at most maxRto, 2min",
  ],
  [
    "an option of no congestion control",
    flow({ ccOptions: { beta: 0.5 } }),
    "flows[0].ccOptions.beta: unknown field, expected hystart, exact, abe or abc",
  ],
  [
    "an option of another congestion control",
    flow({ cc: "cubic", ccOptions: { abc: false } }),
    'flows[0].ccOptions.abc: unknown field, did you mean "abe"?',
  ],
  [
    "a capture of no link",
    { ...dumbbell(), record: { capture: ["left1"] } },
    `record.capture[0]: found "left1", expected "bottleneck", or "left0" to "right0" for the links of a flow's hosts`,
  ],
  [
    "more samples than memory",
    { ...dumbbell(), flows: [{ count: 1000 }], record: { interval: "1us" } },
    "record.interval: found 3001 series of 10000000 samples, expected at most 134217728 samples in all, 8 bytes each; " +
    "a longer interval helps",
  ],
];

for (const [what, scenario, message] of WRONG) {
  test(`normalize: refuses ${what}`, () => {
    assert.throws(() => normalize(scenario, "s.json"), (error: unknown) => {
      assert.ok(error instanceof ScenarioError);
      assert.ok(error.message.startsWith("s.json: "), error.message);
      const rest = error.message.slice("s.json: ".length);
      if (message.startsWith("^")) assert.match(rest, new RegExp(message));
      else assert.equal(rest, message);
      assert.equal(error.file, "s.json");
      assert.ok(rest.startsWith(error.path));
      assert.ok(error.found !== "" && error.expected !== "");
      return true;
    });
  });
}

test("normalize: a long or broken value still gives one short line", () => {
  const texts = ["x".repeat(10_000), "a\nb\r\nc", "\u0000"];
  for (const text of texts) {
    assert.throws(() => normalize({ ...dumbbell(), duration: text }), (error: Error) => {
      assert.match(error.message, /^[^\n\r]{1,200}$/);
      return true;
    });
  }
});

test("normalize: whatever stands in place of any value, the answer is a scenario or one line", () => {
  const junk = [null, [], {}, "", "x", -1, 0.5, 1e300, NaN, true, [null], { kind: 1 }, () => 1, Symbol.iterator];
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    const scenario = structuredClone(randomScenario(seed)) as unknown as Record<string, unknown>;
    const places = placesIn(scenario);
    const { holder, key } = random.pick(places);
    holder[key] = random.pick(junk);
    try {
      normalize(scenario);
    } catch (error) {
      assert.ok(error instanceof ScenarioError, `seed ${seed}: ${error}`);
      assert.match(error.message, /^scenario: [^\n]+$/, `seed ${seed}`);
    }
  }
});

test("normalize: a scenario is settled: the same again, however its quantities are written", () => {
  for (let seed = 0; seed < 300; seed++) {
    const scenario = randomScenario(seed);
    const spec = normalize(scenario);
    assert.deepEqual(normalize(plain(scenario)), spec, `seed ${seed}`);
    assert.deepEqual(plain(spec), spec, `seed ${seed}: a spec is plain data`);
  }
});

function placesIn(value: unknown): { holder: Record<string, unknown>; key: string }[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}
