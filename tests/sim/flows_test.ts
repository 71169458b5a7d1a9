/** What flows do: either direction, when they start and stop, how far apart, how fast they are read, how they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FlowResult, type Scenario, simulate, Simulation } from "../../src/mod.ts";
import { runCaptured } from "./packets.ts";
import { MSS, overLink, US_PER_BYTE } from "./paths.ts";

function dumbbell(flows: Scenario["flows"], rest: Partial<Scenario> = {}): Scenario {
  return {
    duration: "10s",
    topology: {
      kind: "dumbbell",
      bottleneck: { rate: "10Mbps", delay: "5ms" },
      access: { rate: "1Gbps", delay: "2ms" },
    },
    flows,
    ...rest,
  };
}

test("flows: from the right goes as from the left, over the other direction of the links", async () => {
  for (const make of [dumbbell, (flows: Scenario["flows"]) => overLink(US_PER_BYTE, flows)]) {
    const [left, right] = await Promise.all(
      (["left", "right"] as const).map((from) => simulate(make([{ from, bytes: "1MB" }]))),
    );
    const told = (
      { fct_s, end_s, segments_sent, retransmits, srtt_ms }: FlowResult,
    ) => [fct_s, end_s, segments_sent, retransmits, srtt_ms];
    assert.deepEqual(told(right.flows[0]), told(left.flows[0]));
    assert.notEqual(right.flows[0].fct_s, null);
    const work = ({ packets, bytes, drops }: typeof left.links[0]) => [packets, bytes, drops];
    assert.deepEqual(right.links.map(work), left.links.map(work).reverse());
  }
});

test("flows: both directions at once share nothing but the links' acknowledgments", async () => {
  // The window and not the queue limits them: acknowledgments that wait in a full queue would be lost by the burst
  const link = { rate: "10Mbps", delay: "5ms", queue: { limit: "unlimited" } };
  const { flows, links } = await simulate(
    overLink(link, [{}, { from: "right" }], { tcp: { receiveBuffer: "128KiB" } }),
  );
  for (const { goodput_bps } of flows) assert.ok(goodput_bps > 8.5e6, `${goodput_bps}`);
  for (const { utilization } of links) assert.ok(utilization > 0.95, `${utilization}`);
});

test("flows: stagger sets their starts apart, and the first packet is the SYN of that instant", async () => {
  const { packets, result } = await runCaptured(
    overLink({ rate: "10Tbps", delay: "1ms" }, [{ count: 5, start: "10ms", stagger: "3ms", bytes: 1 }]),
  );
  const expected = [10, 13, 16, 19, 22].map((ms) => ms * 1e6);
  assert.deepEqual(packets.filter(({ syn, forth }) => syn && forth).map(({ time_ns }) => time_ns), expected);
  assert.deepEqual(result.flows.map(({ start_s }) => start_s * 1e9), expected);
});

test("flows: accessDelay adds to the way there and back; a list spreads over the group and begins again", async () => {
  const { flows } = await simulate(
    dumbbell([{ count: 5, accessDelay: ["0ms", "10ms", "25ms"], stagger: "1s", bytes: 10 * MSS }]),
  );
  const [first, ...others] = flows.map(({ min_rtt_ms }) => min_rtt_ms);
  // Propagation is 18 ms
  assert.ok(first > 18 && first < 18.5, `${first}`);
  assert.deepEqual(others.map((ms) => Math.round(10 * (ms - first)) / 10), [20, 50, 0, 20]);
});

test("flows: stop ends an endless flow: what was sent is delivered, then both ends close", async () => {
  const simulation = await Simulation.create(dumbbell([{ stop: "2s" }]));
  await simulation.runUntil("1.999s");
  assert.equal(simulation.flows[0].state, "ESTABLISHED");
  await simulation.runUntil("10s");
  const [flow] = simulation.flows;
  const { end_s, fct_s, bytes_acked, goodput_bps } = flow.measure();
  assert.equal(flow.state, "TIME_WAIT");
  assert.deepEqual([flow.a.endReason, flow.b.state, flow.b.endReason], ["CLOSED", "CLOSED", "CLOSED"]);
  assert.ok(end_s !== null && end_s > 2 && end_s < 2.2, `${end_s}`);
  assert.ok(fct_s !== null && fct_s < end_s);
  assert.equal(bytes_acked * 8 / 10, goodput_bps);
  assert.ok(bytes_acked > 10e6 / 8 && bytes_acked < 2 * 10e6 / 8, `${bytes_acked}`);
  simulation.close();
});

test("flows: stop cuts a flow of so many bytes short: what its application has written by then is delivered", async () => {
  const sendBuffer = 100_000;
  const simulation = await Simulation.create(dumbbell([{ bytes: "10MB", stop: "1s", tcp: { sendBuffer } }]));
  await simulation.runUntil("1s");
  const acked = simulation.flows[0].measure().bytes_acked;
  await simulation.runUntil("10s");
  assert.equal(simulation.flows[0].state, "TIME_WAIT");
  // The application had filled the buffer, or waits for a third of it to be free
  const { bytes_acked } = simulation.flows[0].measure();
  assert.ok(bytes_acked <= acked + sendBuffer && bytes_acked >= acked + sendBuffer * 2 / 3, `${bytes_acked - acked}`);
  simulation.close();
});

test("flows: a receiver that reads slowly sets the pace, and its buffer is never overrun", async () => {
  const bytes = 400_000;
  const { packets, result: { flows: [flow] } } = await runCaptured(
    overLink({ rate: "100Mbps", delay: "5ms" }, [{ bytes, read: "800kbps", tcp: { receiveBuffer: "32KiB" } }]),
  );
  // 100,000 bytes a second
  assert.ok(flow.fct_s !== null && Math.abs(flow.fct_s - 4) < 0.05, `${flow.fct_s}`);
  assert.equal(flow.retransmits, 0);
  // Sent within the window: never more than the buffer beyond what the reader had taken by then
  const data = packets.filter(({ forth, len }) => forth && len > 0);
  const first = data[0].seq;
  for (const { seq, len, time_ns } of data) {
    const read = Math.max(0, time_ns / 1e9) * 100_000;
    assert.ok((seq + len - first | 0) <= read + 32_768, `${time_ns} ns: ${seq + len - first} bytes out`);
  }
});

test("flows: a reader that keeps up does not slow the flow down", async () => {
  const scenario = (read?: string) => overLink(US_PER_BYTE, [{ bytes: "1MB", ...(read ? { read } : {}) }]);
  const [atOnce, fast] = [await simulate(scenario()), await simulate(scenario("1Gbps"))];
  const [quickest, read] = [atOnce.flows[0].fct_s, fast.flows[0].fct_s];
  assert.ok(quickest !== null && read !== null && read - quickest < 0.02, `${quickest} and ${read}`);
});

test("flows: every group ends by itself, in every order of opening and closing", async () => {
  const { flows } = await simulate(dumbbell([
    { name: "one byte", bytes: 1 },
    { name: "a segment", bytes: MSS },
    { name: "a segment and a byte", bytes: MSS + 1 },
    { name: "a window", bytes: 10 * MSS },
    { name: "many", bytes: "1MB" },
    { name: "from the right", from: "right", bytes: 12345 },
    { name: "late", start: "5s", bytes: 54321 },
  ], { duration: "20s" }));
  assert.deepEqual(flows.map(({ bytes_acked }) => bytes_acked), [1, 1448, 1449, 14480, 1_000_000, 12345, 54321]);
  for (const { group, state, fct_s, end_s } of flows) {
    assert.equal(state, "TIME_WAIT", group);
    assert.ok(fct_s !== null && end_s !== null, group);
  }
});

test("flows: 10,000 short ones all complete, and need no more memory than those that are open at a time", async () => {
  const crowd = (count: number) =>
    dumbbell([{ count, bytes: 20_000, stagger: "20ms" }], { duration: `${count * 20 + 20_000}ms` });
  const [few, many] = [await simulate(crowd(1000)), await simulate(crowd(10_000))];
  assert.equal(many.flows.length, 10_000);
  assert.ok(
    many.flows.every(({ bytes_acked, fct_s, end_s }) => bytes_acked === 20_000 && fct_s !== null && end_s !== null),
  );
  assert.ok(many.aggregate.fct_ms_p50 !== null && many.aggregate.fct_ms_p50 < 200);
  // Two control blocks, a route each way and four access links: below the 2 KiB that the schema counts with
  const perFlow = (many.memory_bytes - few.memory_bytes) / 9000;
  assert.ok(perFlow < 2048, `${perFlow} bytes a flow`);
});
