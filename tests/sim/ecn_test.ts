/** A queue that marks, and senders that answer: the link loses nothing and stays busy. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Scenario, simulate } from "../../src/mod.ts";

function marked(ecn: "off" | "on" | "accurate", cc: string, mark: number): Scenario {
  return {
    duration: 10,
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: "20Mbps", delay: "10ms", queue: { limit: "200pkt", mark } },
      access: { rate: "1Gbps", delay: "1ms" },
    },
    flows: [{ count: 2, cc, stagger: "100ms" }],
    tcp: { ecn },
  };
}

for (const ecn of ["on", "accurate"] as const) {
  for (const cc of ["cubic", "reno"]) {
    test(`ecn: ${cc} with ECN ${ecn} answers marks before the queue overflows`, async () => {
      const { links: [link], flows } = await simulate(marked(ecn, cc, 40));
      assert.equal(link.drops.overflow, 0);
      assert.equal(flows[0].retransmits + flows[1].retransmits, 0);
      assert.ok(link.marks > 0);
      // What is on its way at the end has not arrived
      const arrived = flows[0].ce_marked + flows[1].ce_marked;
      assert.ok(arrived <= link.marks && arrived >= link.marks - 20, `${arrived} of ${link.marks}`);
      assert.ok(link.utilization > 0.9, `${link.utilization}`);
    });
  }
}

test("ecn: without it nothing is marked, and the queue overflows", async () => {
  const { links: [link], flows } = await simulate(marked("off", "reno", 40));
  assert.equal(link.marks, 0);
  assert.ok(link.drops.overflow > 0);
  assert.ok(flows.every((flow) => flow.ce_marked === 0));
});
