/** What a run says of its sources of datagrams: how many left, arrived and were dropped, and how long they took. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RunResult, simulate, Simulation } from "../../src/mod.ts";
import { resultToJson } from "../../src/results/json.ts";
import { tablesText } from "../../src/report/terminal/tables.ts";
import { overLink, US_PER_BYTE } from "./paths.ts";

const CBR = { kind: "cbr", rate: "4Mbps", packetSize: "1500B" } as const;

function near(found: number, expected: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(found - expected) <= tolerance * Math.abs(expected), `${found} is not near ${expected}`);
}

function drops({ links }: RunResult): number {
  return links.reduce((sum, { drops }) => sum + drops.overflow + drops.loss + drops.aqm, 0);
}

test("datagrams: on an idle link each takes its transmission and the way; counters and rates leave out what they say", async () => {
  // A packet each 3 ms, for a second: 1.5 ms on the wire, 10 ms on the way
  const scenario = overLink(US_PER_BYTE, [{ name: "voice", app: CBR, start: "1s", stop: "2s" }], { duration: "4s" });
  const { datagrams: [source], flows } = await simulate(scenario);
  assert.deepEqual(flows, []);
  assert.deepEqual([source.id, source.group, source.start_s], [0, "voice", 1]);
  assert.deepEqual([source.packets_sent, source.packets_delivered, source.packets_dropped], [334, 334, 0]);
  assert.equal(source.bytes_delivered, 334 * 1500);
  near(source.delay_ms_mean, 11.5);
  near(source.delay_ms_max, 11.5);
  near(source.throughput_bps, 334 * 12_000 / 4);
  const { datagrams: [late] } = await simulate({ ...scenario, warmup: "3s" });
  assert.deepEqual([late.packets_sent, late.packets_delivered, late.throughput_bps], [334, 334, 0]);
  assert.ok(Number.isNaN(late.delay_ms_mean));
});

test("datagrams: a queue that overflows, loss and damage drop them; those left over are on their way", async () => {
  const overload = { kind: "poisson", rate: "12Mbps" } as const;
  const link = { ...US_PER_BYTE, queue: { limit: "20pkt" } };
  const whole = await simulate(overLink(link, [{ count: 3, app: overload }]));
  const sent = whole.datagrams.reduce((sum, source) => sum + source.packets_sent, 0);
  const delivered = whole.datagrams.reduce((sum, source) => sum + source.packets_delivered, 0);
  const dropped = whole.datagrams.reduce((sum, source) => sum + source.packets_dropped, 0);
  assert.equal(dropped, drops(whole));
  assert.ok(sent - delivered - dropped >= 0 && sent - delivered - dropped <= 30, `${sent} ${delivered} ${dropped}`);
  // A full queue and oneself, a microsecond a byte
  for (const { delay_ms_max } of whole.datagrams) assert.ok(delay_ms_max > 38 && delay_ms_max <= 10 + 21 * 1.5 + 1.5);

  const impaired = { ...US_PER_BYTE, loss: { kind: "bernoulli", p: 0.1 }, corrupt: { p: 0.1 } } as const;
  const { datagrams: [source] } = await simulate(overLink(impaired, [{ app: CBR, stop: "9s" }]));
  assert.equal(source.packets_sent, source.packets_delivered + source.packets_dropped);
  near(source.packets_dropped / source.packets_sent, 0.19, 0.1);
});

test("datagrams: the mean delay is that of M/D/1", async () => {
  const load = 0.7;
  const { datagrams: [source] } = await simulate(
    overLink(US_PER_BYTE, [{ app: { kind: "poisson", rate: load * 8e6 } }], { duration: "1000s", warmup: "10s" }),
  );
  near(source.delay_ms_mean, 10 + 1.5 + 1.5 * load / (2 * (1 - load)), 0.02);
});

test("datagrams: stand beside flows in JSON and in the table, a row a group, and go on from a snapshot", async () => {
  const scenario = overLink({ rate: "10Mbps", delay: "5ms" }, [
    { bytes: "100KB" },
    { name: "noise", count: 3, app: { kind: "cbr", rate: "2Mbps" } },
  ], { duration: "2s", warmup: "500ms" });
  const simulation = await Simulation.create(scenario);
  await simulation.runUntil("1s");
  const twin = await Simulation.restore(simulation.snapshot());
  await simulation.runUntil("2s");
  await twin.runUntil("2s");
  const result = simulation.result();
  assert.deepEqual(twin.result().datagrams, result.datagrams);
  assert.equal(result.flows.length, 1);
  assert.deepEqual(JSON.parse(resultToJson(result)).datagrams, result.datagrams);
  const style = { bold: (text: string) => text, faint: (text: string) => text };
  const rows = tablesText(result, style as Parameters<typeof tablesText>[1]).split("\n");
  const row = rows.findIndex((line) => line.startsWith("datagrams"));
  assert.match(rows[row], /^datagrams +sources +throughput +sent +delivered +dropped +delay mean +max$/);
  const line = rows.slice(row).find((line) => line.startsWith("noise"));
  const alone = tablesText({ ...result, flows: [] }, style as Parameters<typeof tablesText>[1]);
  assert.ok(!alone.includes("retransmits") && !alone.includes("Jain"), "a table of no flows");
  assert.match(line ?? "", /^noise +3 +6\.\d+ Mbit\/s +1[,\d]+ +[\d,]+ +\d/);
});
