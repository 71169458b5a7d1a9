/**
 * Results to render, made from closed formulas: CUBIC-like saw teeth with a phase per flow. They stand for recorded
 * data in tests of pure functions and claim nothing about the engine.
 */
import type { FlowResult, FlowSeries, LinkResult, RunResult } from "../../src/results/types.ts";

/** Names and sizes of the flow groups wanted. */
export type Groups = [name: string, flows: number][];

/** A result with these groups, sampled at `samples` instants over ten seconds. */
export function makeResult(groups: Groups, samples = 101): RunResult {
  const time_s = Float64Array.from({ length: samples }, (_, i) => (10 * i) / (samples - 1));
  const flows: FlowResult[] = [];
  const series: Record<string, FlowSeries> = {};
  const total = groups.reduce((sum, [, size]) => sum + size, 0);
  for (const [group, size] of groups) {
    for (let n = 0; n < size; n++) {
      const id = flows.length;
      const cwnd = time_s.map((t) => window(t, id, total));
      series[id] = {
        cwnd,
        srtt_ms: time_s.map((t, i) => (t === 0 ? NaN : 20 + 15 * queueFill(t) + 0.02 * cwnd[i])),
        throughput_bps: cwnd.map((
          w,
          i,
        ) => (time_s[i] === 0 ? 0 : (w * 12_000) / (0.02 + 0.015 * queueFill(time_s[i])))),
      };
      flows.push(flowResult(id, group, series[id]));
    }
  }
  const queue_packets = time_s.map((t) => Math.round(1667 * queueFill(t)));
  return {
    name: `${total} flows share 1 Gbit/s`,
    seed: "1",
    version: "0.1.0",
    digest: "0123456789abcdef",
    simulated_s: 10,
    wall_s: 0.312,
    events: 4_012_345,
    segments_delivered: 812_345,
    segments_per_wall_s: 2_603_670,
    memory_bytes: 12_345_678,
    flows,
    links: [bottleneck(), { ...bottleneck(), id: "bottleneck.reverse", utilization: 0.021, drops: noDrops() }],
    aggregate: {
      throughput_bps: 981.2e6,
      goodput_bps: 947.2e6,
      jain: 0.9871,
      utilization: 0.9812,
      retransmit_ratio: 0.00123,
      fct_ms_mean: null,
      fct_ms_p50: null,
      fct_ms_p99: null,
    },
    series: { time_s, flows: series, links: { bottleneck: { queue_packets } } },
    datagrams: [],
  };
}

/** A cubic about its plateau, with its period and phase from the id, slow start before it. */
function window(t: number, id: number, total: number): number {
  const plateau = 3300 / total;
  if (t < 0.4) return Math.min(10 * 2 ** (t / 0.05), plateau * 1.4);
  const period = 2.1 + ((id * 7) % 11) / 10;
  const phase = (t + ((id * 13) % 17) / 9) % period;
  const x = phase / period - 0.55;
  return plateau * (1 + 1.6 * x ** 3);
}

function queueFill(t: number): number {
  return t < 0.2 ? 0 : 0.72 + 0.24 * Math.sin(t * 2.3) * Math.cos(t * 0.9);
}

function flowResult(id: number, group: string, series: FlowSeries): FlowResult {
  const rate = series.throughput_bps!.at(-1)!;
  return {
    id,
    group,
    cc: group,
    start_s: id * 0.001,
    end_s: null,
    fct_s: null,
    state: "ESTABLISHED",
    bytes_acked: Math.round(rate * 1.2),
    throughput_bps: rate,
    goodput_bps: rate * 0.965,
    segments_sent: 8100 + id,
    retransmits: 11 + (id % 7),
    rtos: id % 50 === 3 ? 1 : 0,
    tlps: 0,
    spurious_recoveries: 0,
    cwnd_mean: series.cwnd!.reduce((a, b) => a + b) / series.cwnd!.length,
    cwnd_max: Math.max(...series.cwnd!),
    srtt_ms: series.srtt_ms!.at(-1)!,
    min_rtt_ms: 20.02,
    rtt_ms_mean: 31.2,
    rtt_ms_max: 40.1,
    ce_marked: 0,
    end_reason: null,
  };
}

function bottleneck(): LinkResult {
  return {
    id: "bottleneck",
    utilization: 0.9812,
    packets: 815_012,
    bytes: 1_222_518_000,
    drops: { overflow: 1234, loss: 0, aqm: 0 },
    marks: 0,
    queue_packets_mean: 1190.3,
    queue_packets_max: 1667,
    queue_delay_ms_mean: 14.28,
    queue_delay_ms_p50: 14.9,
    queue_delay_ms_p99: 19.9,
  };
}

function noDrops(): LinkResult["drops"] {
  return { overflow: 0, loss: 0, aqm: 0 };
}
