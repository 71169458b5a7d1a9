/** What a run says of itself while things are still on their way: queues that grow, flows that are cut off, slow readers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Scenario, simulate, Simulation } from "../../src/mod.ts";

/** Twice what the link carries, so that its queue grows by 250,000 bytes a second. */
const OVERLOAD: Scenario = {
  duration: "10s",
  topology: { kind: "path", links: [{ rate: "1Mbps", delay: "1ms", queue: { limit: "unlimited" } }] },
  flows: [{ app: { kind: "cbr", rate: "2Mbps", packetSize: "1500B" } }],
  record: { interval: "10ms", series: ["queue"] },
};

function mean(column: Float64Array): number {
  return column.reduce((sum, value) => sum + value, 0) / column.length;
}

test("links: a queue that grows to the end has the mean of its samples, and the link no more than its rate", async () => {
  for (const warmup of ["0s", "4s"]) {
    const { links: [link], series } = await simulate({ ...OVERLOAD, warmup });
    const samples = series.links[link.id].queue_packets!.subarray(warmup === "0s" ? 0 : 400);
    assert.ok(
      Math.abs(link.queue_packets_mean / mean(samples) - 1) < 0.01,
      `${link.queue_packets_mean}, ${mean(samples)}`,
    );
    assert.ok(link.queue_packets_mean < link.queue_packets_max);
    assert.ok(Math.abs(link.utilization - 1) < 0.001, `${link.utilization}`);
  }
});

test("flows: a reader takes its rate to the byte, also below one byte a wake-up", async () => {
  for (const [read, seconds] of [["1600bps", 5], ["15kbps", 8]] as const) {
    const bytes = (read === "1600bps" ? 200 : 1875) * seconds;
    const { flows: [flow] } = await simulate({
      duration: "60s",
      topology: { kind: "path", links: [{ rate: "10Mbps", delay: "1ms" }] },
      flows: [{ bytes, read }],
    });
    assert.ok(flow.fct_s !== null && Math.abs(flow.fct_s - seconds) < 0.1, `${read}: ${flow.fct_s} s`);
  }
});

test("flows: one that is stopped in its handshake, or falls silent, has ended and says why", async () => {
  const topology: Scenario["topology"] = { kind: "path", links: [{ rate: "10Mbps", delay: "20ms" }] };
  const { flows: [stopped] } = await simulate({ duration: "5s", topology, flows: [{ stop: "30ms" }] });
  assert.deepEqual([stopped.state, stopped.end_reason, stopped.end_s], ["CLOSED", "closed", 0.03]);

  const dead: Scenario["topology"] = {
    kind: "path",
    links: [{ rate: "10Mbps", delay: "20ms", loss: { kind: "periodic", every: 1 } }],
  };
  const { flows: [silent] } = await simulate({ duration: "1h", topology: dead, flows: [{}], tcp: { dataRetries: 3 } });
  assert.deepEqual([silent.state, silent.end_reason], ["CLOSED", "timed_out"]);
  assert.ok(silent.end_s !== null && silent.end_s > 1);
});

test("Simulation.runUntil: a time that has passed, or none, is refused and the clock stays", async () => {
  const simulation = await Simulation.create({ ...OVERLOAD, flows: [{}] });
  await simulation.runUntil("2s");
  for (const time of ["1s", -1, NaN]) {
    await assert.rejects(simulation.runUntil(time), Error, String(time));
    assert.equal(simulation.time_s, 2);
  }
  simulation.close();
});

const SNAPSHOT: Scenario = {
  duration: "6s",
  warmup: "1s",
  topology: { kind: "path", links: [{ rate: "5Mbps", delay: "10ms" }] },
  flows: [{ count: 2 }],
};

test("Simulation.restore: averages go on as if there had been no snapshot", async () => {
  const whole = await Simulation.create(SNAPSHOT);
  await whole.runUntil("3s");
  const twin = await Simulation.restore(whole.snapshot());
  await whole.runUntil("6s");
  await twin.runUntil("6s");
  const { wall_s: _, segments_per_wall_s: __, ...expected } = whole.result();
  const { wall_s: ___, segments_per_wall_s: ____, ...found } = twin.result();
  assert.deepEqual(found, expected);
});

test("Simulation.restore: a captured run goes on without a taker; one that was not captured cannot begin to be", async () => {
  const captured = await Simulation.create(SNAPSHOT, { capture: () => {} });
  await captured.runUntil("2s");
  const twin = await Simulation.restore(captured.snapshot());
  await captured.runUntil("6s");
  await twin.runUntil("6s");
  assert.deepEqual(twin.result().flows, captured.result().flows);

  const plain = await Simulation.create(SNAPSHOT);
  await assert.rejects(Simulation.restore(plain.snapshot(), { capture: () => {} }), /found a run without one/);
});

test("Simulation.restore: damaged bytes are refused in one line", async () => {
  const bytes = (await Simulation.create(SNAPSHOT)).snapshot();
  for (
    const damaged of [bytes.subarray(0, 4), bytes.subarray(0, 100), bytes.subarray(0, bytes.length - 1), bytes.slice(1)]
  ) {
    await assert.rejects(Simulation.restore(damaged), (error: Error) => /^snapshot: [^\n]+$/.test(error.message));
  }
});

const STREAM: Scenario = {
  duration: "10s",
  topology: { kind: "path", links: [{ rate: "10Mbps", delay: "5ms" }] },
  flows: [{ realBytes: true }],
};

test("streams: closing after a reset, writing what is no bytes, and waiting beyond the end all fail", async () => {
  const simulation = await Simulation.create(STREAM);
  const { a, b } = simulation.flows[0];
  const writer = a.writable.getWriter();
  await simulation.runUntil("1s");
  b.abort();
  await simulation.runUntil("2s");
  await assert.rejects(writer.close(), /The connection is over: RESET/);

  const other = await Simulation.create(STREAM);
  const text = other.flows[0].a.writable.getWriter();
  await other.runUntil("1s");
  await assert.rejects(text.write("hello" as unknown as Uint8Array), /expected a Uint8Array/);

  const third = await Simulation.create(STREAM);
  const read = third.flows[0].b.readable.getReader().read();
  await third.runUntil("1s");
  third.close();
  await assert.rejects(read, /The simulation is closed/);
});

test("streams: an end that aborts before the flow starts never connects for long", async () => {
  const simulation = await Simulation.create({ ...STREAM, flows: [{ realBytes: true, start: "1s" }] });
  const { a } = simulation.flows[0];
  a.abort();
  await simulation.runUntil("3s");
  assert.deepEqual([a.state, a.endReason], ["CLOSED", "ABORTED"]);
});
