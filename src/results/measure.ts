/**
 * What a run has measured so far, read from the core. Averages begin at the end of the warm-up: what the counters
 * showed then is remembered and taken off. Totals (segments, drops, time-outs) run from the start.
 */
import type { Engine } from "../core/engine.ts";
import {
  Ecn,
  END_REASON_NAMES,
  EndReason,
  Engine as EngineLayout,
  Flow,
  Link,
  LinkExt,
  Sender,
  Source,
  STATE_NAMES,
  Tcb,
  TcbExt,
} from "../core/layout.gen.ts";
import type { Compiled, CompiledFlow, CompiledLink } from "../scenario/compile.ts";
import type { ScenarioSpec } from "../scenario/types.ts";
import { histogramPercentiles_ms } from "./histogram.ts";
import { jainIndex, mean, percentile } from "./stats.ts";
import type { Aggregate, DatagramResult, FlowResult, LinkResult } from "./types.ts";

/** Counters of one flow when the averages began. */
interface FlowBase {
  ipBytes: number;
  payload: number;
  cwndSum: number;
  rttSum_us: number;
  rttCount: number;
}

/** Counters of one link when the averages began. */
interface LinkBase {
  sentBits: number;
  packets: number;
  /** How long the packets that waited then had still to wait, summed. */
  remaining_ns: number;
}

/** Counters of one source when the averages began. */
interface SourceBase {
  bytes: number;
  packets: number;
  delay_ns: number;
}

/** Where averages begin: plain data, so that a snapshot can hold it. */
export interface MeasureBase {
  from_ns: number;
  flows: FlowBase[];
  links: LinkBase[];
  sources: SourceBase[];
}

const FLOW_ZERO: FlowBase = { ipBytes: 0, payload: 0, cwndSum: 0, rttSum_us: 0, rttCount: 0 };
const SOURCE_ZERO: SourceBase = { bytes: 0, packets: 0, delay_ns: 0 };
const LINK_ZERO: LinkBase = { sentBits: 0, packets: 0, remaining_ns: 0 };

/** Reads results out of one run. */
export class Measure {
  /** Where averages begin. */
  base: MeasureBase = { from_ns: 0, flows: [], links: [], sources: [] };
  #engine: Engine;
  #spec: ScenarioSpec;
  #compiled: Compiled;

  /** Measures what `compiled` does in `engine`. */
  constructor(engine: Engine, spec: ScenarioSpec, compiled: Compiled) {
    this.#engine = engine;
    this.#spec = spec;
    this.#compiled = compiled;
    if (spec.record.percentiles) this.#keepHistograms();
  }

  #keepHistograms(): void {
    for (const flow of this.#compiled.flows) this.#engine.exports.keepRttHistogram(flow.a);
  }

  /** The warm-up is over: averages begin now. */
  restartAverages(): void {
    const engine = this.#engine;
    this.base = {
      from_ns: this.#now_ns,
      flows: this.#compiled.flows.map(({ a, b }) => ({
        ipBytes: engine.get(b, Tcb.ip_bytes_received),
        payload: engine.get(b, Tcb.bytes_received),
        cwndSum: this.#cwndSum(a),
        rttSum_us: engine.get(a, Tcb.rtt_sum_us),
        rttCount: engine.get(a, Tcb.rtt_count),
      })),
      links: this.#compiled.links.map((link) => ({
        sentBits: this.#sentBits(link),
        packets: engine.get(link.ext, LinkExt.packets),
        remaining_ns: Number(engine.exports.queueRemaining(link.ext)),
      })),
      sources: this.#compiled.sources.map(({ source }) => ({
        bytes: engine.get(source, Source.received_bytes),
        packets: engine.get(source, Source.received),
        delay_ns: engine.get(source, Source.delay_ns),
      })),
    };
    for (const { ext } of this.#compiled.links) engine.exports.restartLinkAverages(ext);
    if (this.#spec.record.percentiles) this.#keepHistograms();
  }

  get #now_ns(): number {
    return this.#engine.get(this.#engine.root, EngineLayout.now);
  }

  /** Seconds that averages are taken over. */
  get #span_s(): number {
    return (this.#now_ns - this.base.from_ns) / 1e9;
  }

  /** Integral of cwnd over time up to now, segment nanoseconds. */
  #cwndSum(tcb: number): number {
    const engine = this.#engine;
    const since = this.#now_ns - engine.get(tcb, Tcb.cwnd_since);
    return engine.get(tcb, Tcb.cwnd_sum) + engine.get(tcb, Tcb.cwnd) * since;
  }

  /** One flow, by id. */
  flow(id: number): FlowResult {
    const engine = this.#engine;
    const flow = this.#compiled.flows[id];
    const { a, b } = flow;
    const base = this.base.flows[id] ?? FLOW_ZERO;
    const span_s = this.#span_s;
    const rate = (bytes: number): number => span_s > 0 ? bytes * 8 / span_s : 0;
    const rttCount = engine.get(a, Tcb.rtt_count) - base.rttCount;
    const everSampled = engine.get(a, Tcb.rtt_count) > 0;
    const [end_ns, complete_ns] = [engine.get(flow.flow, Flow.end_ns), engine.get(flow.flow, Flow.complete_ns)];
    const endReason = engine.get(a, Tcb.end_reason);
    const result: FlowResult = {
      id,
      group: flow.group,
      cc: flow.cc,
      start_s: flow.start_ns / 1e9,
      end_s: end_ns === 0 ? null : end_ns / 1e9,
      fct_s: complete_ns === 0 ? null : (complete_ns - flow.start_ns) / 1e9,
      state: STATE_NAMES[engine.get(a, Tcb.state)],
      bytes_acked: engine.get(a, Tcb.bytes_acked),
      throughput_bps: rate(engine.get(b, Tcb.ip_bytes_received) - base.ipBytes),
      goodput_bps: rate(engine.get(b, Tcb.bytes_received) - base.payload),
      segments_sent: engine.get(a, Tcb.segments_sent),
      retransmits: engine.get(a, Tcb.retransmits),
      rtos: engine.get(a, Tcb.rtos),
      tlps: engine.get(a, Tcb.tlps),
      spurious_recoveries: engine.get(a, Tcb.spurious),
      cwnd_mean: this.#cwndMean(flow, base),
      cwnd_max: Math.max(engine.get(a, Tcb.cwnd_max), engine.get(a, Tcb.cwnd)),
      srtt_ms: everSampled ? engine.get(a, Tcb.srtt_us8) / 8e3 : NaN,
      min_rtt_ms: everSampled ? minRtt_us(engine, a) / 1e3 : NaN,
      rtt_ms_mean: rttCount > 0 ? (engine.get(a, Tcb.rtt_sum_us) - base.rttSum_us) / rttCount / 1e3 : NaN,
      rtt_ms_max: everSampled ? engine.get(a, Tcb.rtt_max_us) / 1e3 : NaN,
      ce_marked: this.#ceMarked(b),
      end_reason: endReason === EndReason.NONE ? null : END_REASON_NAMES[endReason].toLowerCase(),
    };
    if (this.#spec.record.percentiles) {
      const histogram = engine.get(engine.get(a, Tcb.ext), TcbExt.rtt_histogram);
      [result.rtt_ms_p50, result.rtt_ms_p99] = histogramPercentiles_ms(engine, histogram, [50, 99]);
    }
    return result;
  }

  /** One source of datagrams, by its place in the compiled table. */
  datagrams(id: number): DatagramResult {
    const engine = this.#engine;
    const { group, start_ns, source } = this.#compiled.sources[id];
    const base = this.base.sources[id] ?? SOURCE_ZERO;
    const span_s = this.#span_s;
    const [bytes, packets] = [engine.get(source, Source.received_bytes), engine.get(source, Source.received)];
    const delivered = packets - base.packets;
    return {
      id,
      group,
      start_s: start_ns / 1e9,
      packets_sent: engine.get(source, Source.sent),
      packets_delivered: packets,
      packets_dropped: engine.get(source, Source.dropped),
      bytes_delivered: bytes,
      throughput_bps: span_s > 0 ? (bytes - base.bytes) * 8 / span_s : 0,
      delay_ms_mean: delivered > 0 ? (engine.get(source, Source.delay_ns) - base.delay_ns) / delivered / 1e6 : NaN,
      delay_ms_max: packets > 0 ? engine.get(source, Source.delay_ns_max) / 1e6 : NaN,
    };
  }

  /** Mean over the time from the flow's start, or the end of the warm-up, to its end, or now. */
  #cwndMean(flow: CompiledFlow, base: FlowBase): number {
    const end_ns = this.#engine.get(flow.flow, Flow.end_ns) || this.#now_ns;
    const span_ns = end_ns - Math.max(flow.start_ns, this.base.from_ns);
    return span_ns > 0 ? (this.#cwndSum(flow.a) - base.cwndSum) / span_ns : 0;
  }

  /**
   * One direction of a named link, by its place in the compiled table. The core books a packet when it comes: from
   * utilization and the mean queue, what lies beyond the clock is taken off here.
   */
  link(index: number): LinkResult {
    const engine = this.#engine;
    const compiled = this.#compiled.links[index];
    const { id, ext, rate_bps } = compiled;
    const base = this.base.links[index] ?? LINK_ZERO;
    const span_s = this.#span_s;
    const waited_ns = engine.get(ext, LinkExt.waited_ns);
    const remaining_ns = Number(engine.exports.queueRemaining(ext));
    const admitted = engine.get(ext, LinkExt.packets) - base.packets;
    const histogram = engine.get(ext, LinkExt.histogram);
    const [p50, p99] = histogramPercentiles_ms(engine, histogram, [50, 99], (waited) => admitted - waited);
    return {
      id,
      utilization: span_s > 0 ? (this.#sentBits(compiled) - base.sentBits) / (rate_bps * span_s) : 0,
      packets: engine.get(ext, LinkExt.packets),
      bytes: engine.get(ext, LinkExt.bytes),
      drops: {
        overflow: engine.get(ext, LinkExt.drops_overflow),
        loss: engine.get(ext, LinkExt.drops_loss),
        aqm: 0, // no discipline of this version drops by policy
      },
      marks: engine.get(ext, LinkExt.marks),
      // Little's law: the integral of the queue's length is the sum of the times waited
      queue_packets_mean: span_s > 0 ? (waited_ns + base.remaining_ns - remaining_ns) / 1e9 / span_s : 0,
      queue_packets_max: engine.get(ext, LinkExt.queue_packets_max),
      queue_delay_ms_mean: admitted > 0 ? waited_ns / admitted / 1e6 : NaN,
      queue_delay_ms_p50: p50,
      queue_delay_ms_p99: p99,
    };
  }

  /** Segments that reached an end with CE. */
  #ceMarked(tcb: number): number {
    const ext = this.#engine.get(tcb, Tcb.ext);
    const ecn = ext === 0 ? 0 : this.#engine.get(ext, TcbExt.ecn);
    return ecn === 0 ? 0 : this.#engine.get(ecn, Ecn.received_ce);
  }

  /** Bits whose transmission is over by now. */
  #sentBits({ link, ext, rate_bps }: CompiledLink): number {
    const engine = this.#engine;
    const ahead_ns = Math.max(0, engine.get(link, Link.busy_until) - this.#now_ns);
    return Math.max(0, engine.get(ext, LinkExt.bytes) * 8 - ahead_ns * rate_bps / 1e9);
  }

  /** All flows together. `bottleneck` is the fullest link when there are several. */
  aggregate(flows: readonly FlowResult[], links: readonly LinkResult[]): Aggregate {
    const sum = (of: (flow: FlowResult) => number): number => flows.reduce((total, flow) => total + of(flow), 0);
    const completed = flows.flatMap(({ fct_s }) => fct_s === null ? [] : [fct_s * 1e3]).sort((x, y) => x - y);
    const orNull = (value: number): number | null => completed.length > 0 ? value : null;
    return {
      throughput_bps: sum((flow) => flow.throughput_bps),
      goodput_bps: sum((flow) => flow.goodput_bps),
      jain: jainIndex(flows.map((flow) => flow.goodput_bps)),
      utilization: Math.max(...links.map((link) => link.utilization)),
      retransmit_ratio: sum((flow) => flow.retransmits) / Math.max(1, sum((flow) => flow.segments_sent)),
      fct_ms_mean: orNull(mean(completed)),
      fct_ms_p50: orNull(percentile(completed, 50)),
      fct_ms_p99: orNull(percentile(completed, 99)),
    };
  }
}

/** The smallest round-trip time that a connection has ever seen. */
function minRtt_us(engine: Engine, tcb: number): number {
  const tx = engine.get(tcb, Tcb.tx);
  const since = engine.get(tcb, Tcb.rtt_min_us);
  return tx ? Math.min(since, engine.get(tx, Sender.rtt_min_ever_us)) : since;
}
