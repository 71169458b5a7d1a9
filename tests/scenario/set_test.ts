import assert from "node:assert/strict";
import { test } from "node:test";
import { ScenarioError } from "../../src/scenario/error.ts";
import { normalize } from "../../src/scenario/normalize.ts";
import { applySet } from "../../src/scenario/set.ts";
import type { Scenario } from "../../src/scenario/types.ts";

function scenario(): Scenario {
  return {
    seed: "1",
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: "100Mbps", delay: "10ms" },
      access: { rate: "1Gbps", delay: "1ms" },
    },
    flows: [{ cc: "cubic" }, { cc: "cubic", accessDelay: ["1ms", "2ms"] }],
  };
}

function set(assignment: string): Scenario {
  return applySet(scenario(), assignment) as Scenario;
}

test("applySet: changes one field of a copy", () => {
  const before = scenario();
  const after = applySet(before, "flows[0].cc=reno");
  assert.deepEqual(after, { ...scenario(), flows: [{ cc: "reno" }, scenario().flows[1]] });
  assert.deepEqual(before, scenario());
});

test("applySet: an index may be dotted", () => {
  assert.deepEqual(set("flows.1.cc=reno"), set("flows[1].cc=reno"));
  assert.deepEqual(set("flows[1].accessDelay[0]=9ms").flows[1].accessDelay, ["9ms", "2ms"]);
});

test("applySet: makes the objects on the way", () => {
  assert.deepEqual(set("record.interval=10ms").record, { interval: "10ms" });
  assert.deepEqual(set("tcp.sack=false").tcp, { sack: false });
  const { topology } = set("topology.bottleneck.reverse.queue.limit=20pkt");
  assert.deepEqual(topology.kind === "dumbbell" && topology.bottleneck.reverse, { queue: { limit: "20pkt" } });
});

test("applySet: a value is JSON where it parses, else a string", () => {
  assert.equal(set("duration=30").duration, 30);
  assert.equal(set("duration=30s").duration, "30s");
  assert.deepEqual(set(`record.series=["cwnd","rto"]`).record, { series: ["cwnd", "rto"] });
  assert.deepEqual(set(`flows=[{"count":3}]`).flows, [{ count: 3 }]);
});

test("applySet: a field that holds text takes the value as it stands", () => {
  assert.equal(set("seed=2").seed, "2");
  assert.equal(set("name=a=b, true").name, "a=b, true");
  assert.equal(normalize(set("seed=007")).seed, "007");
});

test("applySet: while a kind is not known, the fields of all kinds are", () => {
  const lossy = applySet(set("topology.bottleneck.loss.p=0.1"), "topology.bottleneck.loss.kind=bernoulli");
  const { topology } = normalize(lossy);
  assert.deepEqual(topology.kind === "dumbbell" && topology.bottleneck.loss, { kind: "bernoulli", p: 0.1 });
});

const WRONG: [string, string][] = [
  ["flows[0].ccc=reno", `--set: flows[0].ccc: unknown field, did you mean "cc"?`],
  ["sede=3", `--set: sede: unknown field, did you mean "seed"?`],
  ["topology.links[0].rate=1Mbps", "--set: topology.links: unknown field, expected kind, bottleneck or access"],
  ["topology.bottleneck.trace=x", "--set: topology.bottleneck.trace: not in this version"],
  ["flows[0].tcp.maxRto=1s", "--set: flows[0].tcp.maxRto: applies to the whole run, set it as tcp.maxRto"],
  ["flows[2].cc=reno", "--set: flows[2]: found a list of 2, expected an index below its length"],
  ["flows.cc=reno", `--set: flows[cc]: found "cc", expected an index`],
  ["seed.x=1", `--set: seed.x: found "x", expected nothing below seed, which is a plain value`],
  ["__proto__.x=1", /^--set: __proto__: unknown field, expected/.source],
  ["seed", `--set: found "seed", expected path=value, such as "flows[0].cc=reno"`],
  ["=1", `--set: found "=1", expected path=value, such as "flows[0].cc=reno"`],
  ["flows[x].cc=1", `--set: found "flows[x].cc=1", expected path=value, such as "flows[0].cc=reno"`],
];

for (const [assignment, message] of WRONG) {
  test(`applySet: refuses ${assignment}`, () => {
    assert.throws(() => set(assignment), (error: unknown) => {
      assert.ok(error instanceof ScenarioError);
      if (message.startsWith("^")) assert.match(error.message, new RegExp(message));
      else assert.equal(error.message, message);
      return true;
    });
  });
}
