/**
 * What a run measured: the object `cwnd run --json` prints and `simulate` returns.
 *
 * Field names are the names in the JSON document and in stored columns, with the unit last. Absent measurements are
 * `null` in places where the contract says so and `NaN` inside columns (printed as `null`).
 */

/**
 * Why packets left a link other than by delivery, in packets.
 *
 * @example
 * ```ts
 * import type { LinkDrops } from "@cwnd/cwnd";
 *
 * const dropped = (drops: LinkDrops): number => drops.overflow + drops.loss + drops.aqm;
 * ```
 */
export interface LinkDrops {
  /** The queue was full. */
  overflow: number;
  /** A loss stage of the link dropped it. */
  loss: number;
  /** Active queue management dropped it. */
  aqm: number;
}

/**
 * One flow, seen from its sender. Means and throughput leave the warm-up out; counters run from the first SYN.
 *
 * @example
 * ```ts
 * import type { FlowResult } from "@cwnd/cwnd";
 *
 * const retransmitRatio = (flow: FlowResult): number => flow.retransmits / flow.segments_sent;
 * ```
 */
export interface FlowResult {
  /** Position in the run, counting from 0; also the key of the flow in {@link Series.flows}. */
  id: number;
  /** Name of the flow group in the scenario. */
  group: string;
  /** Congestion control. */
  cc: string;
  /** When the flow opened, in simulated seconds. */
  start_s: number;
  /** When the connection ended at the end that opened it (CLOSED or TIME_WAIT), `null` while it runs. */
  end_s: number | null;
  /** Flow completion time in seconds, `null` for a flow that did not complete. */
  fct_s: number | null;
  /** RFC 9293 state of the sending side at the end, such as `"ESTABLISHED"`. */
  state: string;
  /** Payload bytes the receiver has acknowledged. */
  bytes_acked: number;
  /** IP bytes delivered to the receiver's host after warm-up, over all of that time, in bits per second. */
  throughput_bps: number;
  /** Payload delivered in order after warm-up, in bits per second. */
  goodput_bps: number;
  /** Segments sent, retransmissions included. */
  segments_sent: number;
  /** Segments sent again. */
  retransmits: number;
  /** Retransmission timeouts. */
  rtos: number;
  /** Tail-loss probes. */
  tlps: number;
  /** Recoveries that proved spurious. */
  spurious_recoveries: number;
  /** Congestion window in segments, mean over time. */
  cwnd_mean: number;
  /** Largest congestion window, in segments. */
  cwnd_max: number;
  /** Smoothed round-trip time at the end, in milliseconds. */
  srtt_ms: number;
  /** Smallest round-trip time measured, in milliseconds. */
  min_rtt_ms: number;
  /** Mean of the round-trip times measured, in milliseconds. */
  rtt_ms_mean: number;
  /** Largest round-trip time measured, in milliseconds. */
  rtt_ms_max: number;
  /** Median round-trip time in milliseconds; present under `"percentiles": true`. */
  rtt_ms_p50?: number;
  /** 99th percentile of the round-trip time in milliseconds; present under `"percentiles": true`. */
  rtt_ms_p99?: number;
  /** Segments that arrived with Congestion Experienced set. */
  ce_marked: number;
  /** Why the connection ended: `"closed"`, `"reset"`, `"refused"`, `"timed_out"` or `"aborted"`; `null` while it runs. */
  end_reason: string | null;
}

/**
 * One source of datagrams. Throughput and the mean delay leave the warm-up out; counters run from the start. What was
 * neither delivered nor dropped is on its way; one that a link doubled is delivered twice.
 *
 * @example
 * ```ts
 * import type { DatagramResult } from "@cwnd/cwnd";
 *
 * const lossRate = (source: DatagramResult): number => source.packets_dropped / source.packets_sent;
 * ```
 */
export interface DatagramResult {
  /** Position among the sources of the run, counting from 0. */
  id: number;
  /** Name of the flow group in the scenario. */
  group: string;
  /** From when on it sends, in simulated seconds. */
  start_s: number;
  /** Datagrams sent. */
  packets_sent: number;
  /** Datagrams that reached the other side whole. */
  packets_delivered: number;
  /** Datagrams that a link dropped, or that arrived damaged. */
  packets_dropped: number;
  /** IP bytes delivered. */
  bytes_delivered: number;
  /** IP bytes delivered after warm-up, over all of that time, in bits per second. */
  throughput_bps: number;
  /** Mean time from leaving to arriving, in milliseconds. */
  delay_ms_mean: number;
  /** Longest time from leaving to arriving, in milliseconds. */
  delay_ms_max: number;
}

/**
 * One direction of one link. Means, maxima and utilization leave the warm-up out; counters run from the start.
 *
 * @example
 * ```ts
 * import type { LinkResult } from "@cwnd/cwnd";
 *
 * const bitsSent = (link: LinkResult): number => link.bytes * 8;
 * ```
 */
export interface LinkResult {
  /** Name of the link; also its key in {@link Series.links}. */
  id: string;
  /** Bits sent over bits that could have been sent, 0 to 1. */
  utilization: number;
  /** Packets that the link took: sent, or waiting at the end. */
  packets: number;
  /** Bytes of those packets, link-layer overhead included. */
  bytes: number;
  /** Packets dropped, by reason. */
  drops: LinkDrops;
  /** Packets marked Congestion Experienced. */
  marks: number;
  /** Packets waiting, mean over time. */
  queue_packets_mean: number;
  /** Most packets waiting at once. */
  queue_packets_max: number;
  /** Mean time a packet waited, in milliseconds. */
  queue_delay_ms_mean: number;
  /** Median time a packet waited, in milliseconds. */
  queue_delay_ms_p50: number;
  /** 99th percentile of the time a packet waited, in milliseconds. */
  queue_delay_ms_p99: number;
}

/**
 * All flows together. Rates leave the warm-up out; the retransmit ratio counts from the start.
 *
 * @example
 * ```ts
 * import type { Aggregate } from "@cwnd/cwnd";
 *
 * const fair = (aggregate: Aggregate): boolean => aggregate.jain > 0.95;
 * ```
 */
export interface Aggregate {
  /** Sum of the flows' throughput, in bits per second. */
  throughput_bps: number;
  /** Sum of the flows' goodput, in bits per second. */
  goodput_bps: number;
  /** Jain's fairness index of the flows' goodput, 1/n to 1. */
  jain: number;
  /** Utilization of the bottleneck, 0 to 1. */
  utilization: number;
  /** Retransmitted segments over segments sent. */
  retransmit_ratio: number;
  /** Mean flow completion time in milliseconds, `null` when no flow completed. */
  fct_ms_mean: number | null;
  /** Median flow completion time in milliseconds, `null` when no flow completed. */
  fct_ms_p50: number | null;
  /** 99th percentile of the flow completion time in milliseconds, `null` when no flow completed. */
  fct_ms_p99: number | null;
}

/**
 * Columns sampled from one flow, as long as {@link Series.time_s}. Only what `record.series` asked for is present.
 *
 * @example
 * ```ts
 * import type { FlowSeries } from "@cwnd/cwnd";
 *
 * const largestWindow = (columns: FlowSeries): number => Math.max(...(columns.cwnd ?? []));
 * ```
 */
export interface FlowSeries {
  /** Congestion window in segments. */
  cwnd?: Float64Array;
  /** Slow-start threshold in segments, `NaN` while it is unlimited. */
  ssthresh?: Float64Array;
  /** Segments sent and neither acknowledged nor deemed lost. */
  inflight?: Float64Array;
  /** Smoothed round-trip time in milliseconds, `NaN` before the first sample. */
  srtt_ms?: Float64Array;
  /** Retransmission timeout in milliseconds. */
  rto_ms?: Float64Array;
  /** IP bytes delivered during the interval that ends at the sample, in bits per second. */
  throughput_bps?: Float64Array;
}

/**
 * Columns sampled from one link, as long as {@link Series.time_s}. Only what `record.series` asked for is present.
 *
 * @example
 * ```ts
 * import type { LinkSeries } from "@cwnd/cwnd";
 *
 * const longestQueue = (columns: LinkSeries): number => Math.max(...(columns.queue_packets ?? []));
 * ```
 */
export interface LinkSeries {
  /** Packets waiting. */
  queue_packets?: Float64Array;
}

/**
 * Time series, one column a quantity, all sampled at the same instants.
 *
 * @example
 * ```ts
 * import type { Series } from "@cwnd/cwnd";
 *
 * const lastWindow = (series: Series, flow: number): number | undefined => series.flows[flow]?.cwnd?.at(-1);
 * ```
 */
export interface Series {
  /** Instants of the samples, in simulated seconds. */
  time_s: Float64Array;
  /** Columns by {@link FlowResult.id}. */
  flows: Record<string, FlowSeries>;
  /** Columns by {@link LinkResult.id}. */
  links: Record<string, LinkSeries>;
}

/**
 * Everything one run measured.
 *
 * @example
 * ```ts
 * import type { RunResult } from "@cwnd/cwnd";
 *
 * const headline = (result: RunResult): string =>
 *   `${result.name}: Jain ${result.aggregate.jain}, ${result.segments_delivered} segments in ${result.wall_s} s`;
 * ```
 */
export interface RunResult {
  /** Name of the scenario. */
  name: string;
  /** Seed of every random stream of the run. */
  seed: string;
  /** Version of this package. */
  version: string;
  /** Digest of every event in order, 16 hexadecimal digits; equal on every runtime. */
  digest: string;
  /** `true` when the run was stopped before its end: what stands here was measured until then. */
  partial?: boolean;
  /** Simulated time, in seconds. */
  simulated_s: number;
  /** Real time it took, in seconds. */
  wall_s: number;
  /** Packets that came to a link or a host, deadlines that connections met, what applications did. */
  events: number;
  /** Segments that reached a host. */
  segments_delivered: number;
  /** Segments that reached a host per real second. */
  segments_per_wall_s: number;
  /** Size of the core's memory at the end, in bytes. */
  memory_bytes: number;
  /** One entry a flow, by id. */
  flows: FlowResult[];
  /** One entry a link direction; the bottleneck is named `"bottleneck"` in a dumbbell. */
  links: LinkResult[];
  /** All flows together. */
  aggregate: Aggregate;
  /** What `record` asked for. */
  series: Series;
  /** One entry a source of datagrams. */
  datagrams: DatagramResult[];
}
