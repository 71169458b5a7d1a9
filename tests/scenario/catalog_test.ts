import assert from "node:assert/strict";
import { test } from "node:test";
import { catalog, CATALOG_NAMES } from "../../src/scenario/catalog.ts";
import { normalize } from "../../src/scenario/normalize.ts";

test("catalog: every entry has a source, a sentence, and parameters that say what they expect", () => {
  for (const list of CATALOG_NAMES) {
    const entries = catalog(list);
    assert.ok(entries.length > 0, list);
    assert.equal(new Set(entries.map(({ name }) => name)).size, entries.length, list);
    for (const { name, source, doc, parameters } of entries) {
      assert.ok(source.length > 0, name);
      assert.match(doc, /^[A-Z].*\.$/, name);
      for (const parameter of parameters) {
        assert.match(parameter.doc, /^[A-Z].*\.$/, `${name}.${parameter.name}`);
        assert.ok(parameter.expects.length > 0, `${name}.${parameter.name}`);
        assert.ok(!parameter.required || parameter.default === null, `${name}.${parameter.name}`);
      }
    }
  }
});

test("catalog: congestion controls carry their RFC", () => {
  const sources = Object.fromEntries(catalog("cc").map(({ name, source }) => [name, source]));
  assert.deepEqual(sources, { cubic: "RFC 9438", reno: "RFC 5681, RFC 3465" });
});

test("catalog: what is listed can be named in a scenario", () => {
  const access = { rate: "1Gbps", delay: "1ms" };
  const given: Record<string, unknown> = { p: 0.1, every: 10, packets: [1], rate: "1Mbps", bottleneck: access, access };
  const filled = (list: "loss" | "workload" | "topology" | "qdisc"): Record<string, unknown>[] =>
    catalog(list).filter(({ name }) => name !== "bulk").map(({ name, parameters }) => ({
      kind: name,
      ...Object.fromEntries(
        parameters.filter(({ required }) => required).map(({ name }) => [name, given[name] ?? [access]]),
      ),
    }));
  const topology = (more: Record<string, unknown> = {}): unknown => ({
    kind: "dumbbell",
    bottleneck: { ...access, ...more },
    access,
  });
  for (const loss of filled("loss")) normalize({ topology: topology({ loss }), flows: [{}] });
  for (const queue of filled("qdisc")) normalize({ topology: topology({ queue }), flows: [{}] });
  for (const kind of filled("topology")) normalize({ topology: kind, flows: [{}] });
  for (const app of filled("workload")) normalize({ topology: topology(), flows: [{ app }] });
  for (const { name } of catalog("cc")) normalize({ topology: topology(), flows: [{ cc: name }] });
});
