/** Results against values worked out by hand, and against the same thing measured another way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Scenario, simulate, Simulation } from "../../src/mod.ts";
import { MSS, overLink, US_PER_BYTE } from "./paths.ts";

function assertNear(measured: number, expected: number, relative = 1e-9): void {
  assert.ok(Math.abs(measured - expected) <= relative * Math.abs(expected), `${measured}, expected ${expected}`);
}

/*
 * Ten segments at a microsecond a byte and 10 ms each way. In milliseconds:
 *
 *      0        SYN, 60 bytes               20.12    SYN-ACK is here; ACK (52 bytes) and ten full segments leave
 *      31.672   the first segment is there: a quick ACK      35.172   the tenth has left
 *      41.724   that ACK is here: with the window open again the FIN leaves
 *      51.776   the FIN is there: complete; a FIN goes back and takes the ACK along, 52 bytes
 *      61.828   the FIN is here: TIME_WAIT; its ACK leaves   71.880   and is there
 */
const TEN: Scenario = overLink(US_PER_BYTE, [{ bytes: 10 * MSS }], { duration: "100ms" });
const IP_BYTES = 60 + 52 + 10 * 1500 + 52 + 52;

test("statistics: ten segments over one link, by hand: times", async () => {
  const { flows: [flow] } = await simulate(TEN);
  assertNear(flow.fct_s ?? NaN, 0.051776);
  assertNear(flow.end_s ?? NaN, 0.061828);
  assert.equal(flow.end_reason, "closed");
  assert.equal(flow.start_s, 0);
  assert.equal(flow.state, "TIME_WAIT");
  // The FIN's round trip is the shortest, the last segment's the longest: it leaves behind nine others
  assertNear(flow.min_rtt_ms, 20.104);
  assertNear(flow.rtt_ms_max, 35.104);
  // SYN, then an ACK for every segment 1.5 ms after the last, then the FIN
  const segments = Array.from({ length: 10 }, (_, k) => 21.604 + 1.5 * k);
  assertNear(flow.rtt_ms_mean, (20.12 + segments.reduce((sum, ms) => sum + ms, 0) + 20.104) / 12);
});

test("statistics: ten segments over one link, by hand: counts and rates", async () => {
  const { flows: [flow], aggregate, segments_delivered } = await simulate(TEN);
  assert.equal(flow.bytes_acked, 10 * MSS);
  assert.equal(flow.segments_sent, 14);
  assert.equal(segments_delivered, 10);
  assert.deepEqual([flow.retransmits, flow.rtos], [0, 0]);
  assertNear(flow.throughput_bps, IP_BYTES * 8 / 0.1);
  assertNear(flow.goodput_bps, 10 * MSS * 8 / 0.1);
  assertNear(aggregate.goodput_bps, flow.goodput_bps);
  assertNear(aggregate.fct_ms_p50 ?? NaN, 51.776);
  assert.equal(aggregate.jain, 1);
});

test("statistics: ten segments over one link, by hand: the link", async () => {
  const { links: [link, back] } = await simulate(TEN);
  assert.equal(link.packets, 14);
  assert.equal(link.bytes, IP_BYTES);
  assertNear(link.utilization, IP_BYTES * 8 / (8e6 * 0.1));
  // Segment k waits for the ACK and k segments
  const waited_ms = Array.from({ length: 10 }, (_, k) => 0.052 + 1.5 * k).reduce((sum, ms) => sum + ms, 0);
  assertNear(link.queue_packets_mean, waited_ms / 100);
  assertNear(link.queue_delay_ms_mean, waited_ms / 14);
  assert.equal(link.queue_packets_max, 10);
  // Buckets are 3 % wide. Half of the 14 waits are those of SYN, ACK, FIN, ACK and the first three segments
  assertNear(link.queue_delay_ms_p50, 0.052 + 1.5 * 2, 0.04);
  assertNear(link.queue_delay_ms_p99, 0.052 + 1.5 * 9, 0.04);
  // SYN-ACK, an ACK for every segment, and a FIN
  assert.equal(back.packets, 1 + 10 + 1);
  assert.equal(back.bytes, 60 + 11 * 52);
});

test("statistics: utilization counts what has left by now, not what waits", async () => {
  const simulation = await Simulation.create({ ...TEN, duration: "1s" });
  await simulation.runUntil("27.672ms");
  // The SYN, the ACK and five of ten segments
  assertNear(simulation.links[0].measure().utilization, (60 + 52 + 5 * 1500) / 27672);
  simulation.close();
});

test("statistics: averages leave the warm-up out, totals do not", async () => {
  const duration = 3;
  const busy: Scenario = {
    duration,
    topology: { kind: "path", links: [US_PER_BYTE] },
    flows: [{ app: { kind: "cbr", rate: "4Mbps" }, stop: "1s" }, { name: "idle", start: "2s", bytes: 10 * MSS }],
  };
  const [whole, warm] = [await simulate(busy), await simulate({ ...busy, warmup: "1.5s" })];
  assert.equal(whole.digest, warm.digest);
  assert.equal(whole.links[0].packets, warm.links[0].packets);
  assert.equal(whole.links[0].bytes, warm.links[0].bytes);
  // All of the source is over before; of the flow nothing
  assertNear(whole.links[0].utilization, (500_000 + IP_BYTES) / 3e6, 0.004);
  assertNear(warm.links[0].utilization, IP_BYTES / 1.5e6);
  assertNear(warm.links[0].queue_packets_mean, (10 * 0.052 + 1.5 * 45) / 1500);
  assertNear(warm.flows[0].goodput_bps, 10 * MSS * 8 / 1.5);
  assertNear(whole.flows[0].goodput_bps, 10 * MSS * 8 / 3);
});

test("statistics: nothing after the warm-up is nothing, and no division by it", async () => {
  const { flows, links, aggregate } = await simulate({ ...TEN, duration: "2s", warmup: "1s" });
  assert.deepEqual([flows[0].throughput_bps, flows[0].goodput_bps, links[0].utilization], [0, 0, 0]);
  assert.equal(links[0].queue_packets_mean, 0);
  assert.equal(links[0].queue_packets_max, 0);
  assert.ok(Number.isNaN(links[0].queue_delay_ms_p50));
  assert.ok(Number.isNaN(flows[0].rtt_ms_mean));
  assert.equal(aggregate.throughput_bps, 0);
  assert.equal(flows[0].bytes_acked, 10 * MSS);
});

test("statistics: percentiles of waiting times are those of M/M/1", async () => {
  const load = 0.8;
  const { links: [link] } = await simulate({
    duration: "4000s",
    topology: { kind: "path", links: [{ rate: "12Mbps", delay: 0, queue: { limit: "unlimited" } }] },
    flows: [{ app: { kind: "poisson-exponential", rate: load * 12e6 } }],
  });
  // P(wait > t) = load exp(-(1 - load) t / service), service 1 ms
  const percentile = (p: number): number => Math.log(load / (1 - p)) / (1 - load);
  assertNear(link.queue_delay_ms_p50, percentile(0.5), 0.05);
  assertNear(link.queue_delay_ms_p99, percentile(0.99), 0.05);
});

test("statistics: percentiles of round-trip times are kept on request, after the warm-up", async () => {
  const scenario: Scenario = {
    ...overLink(US_PER_BYTE, [{ tcp: { receiveBuffer: "10KB" } }]),
    duration: "5s",
    warmup: "1s",
    record: { percentiles: true },
  };
  const { flows: [flow] } = await simulate(scenario);
  // The window of six segments is less than the path holds, so they are acknowledged in pairs, all alike
  assertNear(flow.rtt_ms_p50 ?? NaN, flow.rtt_ms_mean, 0.1);
  assert.ok((flow.rtt_ms_p99 ?? NaN) >= (flow.rtt_ms_p50 ?? NaN));
  assert.ok((flow.rtt_ms_p99 ?? NaN) <= flow.rtt_ms_max * 1.04);
  assert.equal((await simulate({ ...scenario, record: {} })).flows[0].rtt_ms_p50, undefined);
});

test("statistics: cwnd's mean and the queue's are the means of their series, sampled finely", async () => {
  const { flows: [flow], links: [link], series } = await simulate({
    ...overLink({ rate: "10Mbps", delay: "10ms" }, [{}]),
    duration: "20s",
    record: { interval: "500us", series: ["cwnd", "queue", "throughput"] },
  });
  const mean = (column: Float64Array = new Float64Array()): number =>
    // Before the connection there is no window
    column.reduce((sum, value) => sum + (Number.isNaN(value) ? 0 : value), 0) / column.length;
  assertNear(flow.cwnd_mean, mean(series.flows[0].cwnd), 0.002);
  assertNear(link.queue_packets_mean, mean(series.links[link.id].queue_packets), 0.01);
  assertNear(flow.throughput_bps, mean(series.flows[0].throughput_bps));
  assert.equal(flow.cwnd_max, Math.max(...(series.flows[0].cwnd ?? []).filter((cwnd) => !Number.isNaN(cwnd))));
  assert.equal(series.time_s.length, 40_000);
  assert.equal(series.time_s[39_999], 20);
});

test("statistics: rates of flows add up to what the link carried", async () => {
  const { flows, links: [link], aggregate } = await simulate({
    duration: "20s",
    warmup: "5s",
    topology: { kind: "path", links: [{ rate: "10Mbps", delay: "10ms" }] },
    flows: [{ count: 4, stagger: "100ms" }],
  });
  assertNear(flows.reduce((sum, { throughput_bps }) => sum + throughput_bps, 0), aggregate.throughput_bps);
  // All but the packets under way at either end of the time
  assertNear(aggregate.throughput_bps, link.utilization * 10e6, 0.002);
  assert.equal(aggregate.utilization, link.utilization);
});
