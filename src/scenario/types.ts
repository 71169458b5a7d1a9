/**
 * A scenario as people write it (`Scenario`, the file of the contract), and the same scenario with every default filled
 * in and every quantity in its base unit (`ScenarioSpec`). Both are plain data. `normalize` leads from the first to the
 * second; `schema.ts` says for each field its default, its range and what it means.
 */

import type { CongestionControl } from "./congestion_control.ts";

// ---- What people write -------------------------------------------------------------------------------------------

/**
 * A string with a unit (`"100Mbps"`, `"20ms"`, `"64KiB"`), or a number in bit/s, seconds or bytes.
 *
 * @example
 * ```ts
 * import type { Quantity } from "@cwnd/cwnd";
 *
 * const delays: Quantity[] = ["20ms", 0.02];
 * ```
 */
export type Quantity = string | number;

/**
 * An experiment: who sends over which links, for how long, and what to record. Only `topology` and `flows` are required.
 *
 * @example
 * ```ts
 * import type { Scenario } from "@cwnd/cwnd";
 *
 * const scenario: Scenario = {
 *   topology: {
 *     kind: "dumbbell",
 *     bottleneck: { rate: "100Mbps", delay: "10ms" },
 *     access: { rate: "1Gbps", delay: "1ms" },
 *   },
 *   flows: [{ count: 2, cc: "cubic" }],
 *   duration: "30s",
 * };
 * ```
 */
export interface Scenario {
  /** Where editors find the JSON Schema; not read. */
  $schema?: string;
  /** Title of the run. */
  name?: string;
  /** Seed of all random streams: the same seed gives the same run, bit for bit. */
  seed?: string;
  /** Simulated time. */
  duration?: Quantity;
  /** Time at the start that averages leave out. */
  warmup?: Quantity;
  /** Hosts and links. */
  topology: Topology;
  /** Groups of flows. */
  flows: FlowGroup[];
  /** TCP parameters of every flow. */
  tcp?: TcpParameters;
  /** Which series and captures to keep. */
  record?: RecordParameters;
}

/**
 * Hosts and links.
 *
 * @example
 * ```ts
 * import type { Topology } from "@cwnd/cwnd";
 *
 * const topology: Topology = { kind: "path", links: [{ rate: "10Mbps", delay: "20ms" }] };
 * ```
 */
export type Topology = Dumbbell | Path;

/**
 * Hosts on two sides of one shared link, each behind an access link of its own.
 *
 * @example
 * ```ts
 * import type { Dumbbell } from "@cwnd/cwnd";
 *
 * const topology: Dumbbell = {
 *   kind: "dumbbell",
 *   bottleneck: { rate: "1Gbps", delay: "5ms", queue: { kind: "droptail", limit: "1bdp" } },
 *   access: { rate: "1Gbps", delay: "2.5ms" },
 * };
 * ```
 */
export interface Dumbbell {
  /** Selects this topology. */
  kind: "dumbbell";
  /** The link that all flows share. */
  bottleneck: Link;
  /** The link of every host, on both sides. */
  access: Link;
}

/**
 * Two hosts and the links between them, from left to right. All flows of all groups share both hosts.
 *
 * @example
 * ```ts
 * import type { Path } from "@cwnd/cwnd";
 *
 * const topology: Path = {
 *   kind: "path",
 *   links: [{ rate: "1Gbps", delay: "1ms" }, { name: "dsl", rate: "10Mbps", delay: "15ms" }],
 * };
 * ```
 */
export interface Path {
  /** Selects this topology. */
  kind: "path";
  /** Links in order, at least one. */
  links: PathLink[];
}

/**
 * One direction of a link. Impairments are stages behind the queue, each with its own random stream.
 *
 * @example
 * ```ts
 * import type { LinkDirection } from "@cwnd/cwnd";
 *
 * const lossy: LinkDirection = { loss: { kind: "bernoulli", p: 0.01 }, jitter: "1ms" };
 * ```
 */
export interface LinkDirection {
  /** Bits a second. */
  rate?: Quantity;
  /** One-way propagation delay. */
  delay?: Quantity;
  /** Link-layer bytes that each IP packet takes on top. */
  overhead?: Quantity;
  /** What waits for the transmitter, and how much of it. */
  queue?: Queue;
  /** Packets dropped on purpose. */
  loss?: Loss;
  /** Packets held back so that later ones overtake them. */
  reorder?: Reorder;
  /** Packets that arrive twice. */
  duplicate?: Chance;
  /** Packets with a flipped bit, which the receiver's checksum then drops. */
  corrupt?: Chance;
  /** Delay added at random between 0 and this; packets keep their order. */
  jitter?: Quantity;
}

/**
 * A full-duplex link. Its fields describe the left-to-right direction. The other direction has the same rate, delay,
 * overhead and queue, and no impairments, unless `reverse` says otherwise.
 *
 * @example
 * ```ts
 * import type { Link } from "@cwnd/cwnd";
 *
 * const adsl: Link = { rate: "16Mbps", delay: "15ms", reverse: { rate: "1Mbps" } };
 * ```
 */
export interface Link extends LinkDirection {
  /** Bits a second. */
  rate: Quantity;
  /** One-way propagation delay. */
  delay: Quantity;
  /** What differs on the way back. */
  reverse?: LinkDirection;
}

/**
 * A link of a `path`, which may have a name.
 *
 * @example
 * ```ts
 * import type { PathLink } from "@cwnd/cwnd";
 *
 * const link: PathLink = { name: "dsl", rate: "10Mbps", delay: "15ms" };
 * ```
 */
export interface PathLink extends Link {
  /** Name in results and captures; `link0`, `link1`, ... when absent. */
  name?: string;
}

/**
 * A queue discipline and its limit.
 *
 * @example
 * ```ts
 * import type { Queue } from "@cwnd/cwnd";
 *
 * const queue: Queue = { kind: "droptail", limit: "100pkt" };
 * ```
 */
export interface Queue {
  /** First in, first out, and what does not fit is dropped. */
  kind?: "droptail";
  /** `"100pkt"`, `"64KiB"`, `"1.5bdp"`, `"unlimited"`, or a number of bytes. */
  limit?: Quantity;
  /** Packets waiting from which on those with ECT are marked CE, RFC 3168. */
  mark?: number;
}

/**
 * Which packets a link drops on purpose.
 *
 * @example
 * ```ts
 * import type { Loss } from "@cwnd/cwnd";
 *
 * const losses: Loss[] = [
 *   { kind: "bernoulli", p: 0.01 },
 *   { kind: "periodic", every: 1000 },
 *   { kind: "list", packets: [14, 26, 28] },
 * ];
 * ```
 */
export type Loss =
  | { kind: "bernoulli"; p: number }
  | { kind: "periodic"; every: number }
  | { kind: "list"; packets: number[] };

/**
 * Reordering: each packet is held back with probability `p`, for `delay`.
 *
 * @example
 * ```ts
 * import type { Reorder } from "@cwnd/cwnd";
 *
 * const reorder: Reorder = { p: 0.01, delay: "5ms" };
 * ```
 */
export interface Reorder {
  /** Probability for each packet. */
  p: number;
  /** How long it is held back. */
  delay: Quantity;
}

/**
 * Something that happens to each packet with probability `p`.
 *
 * @example
 * ```ts
 * import type { Chance } from "@cwnd/cwnd";
 *
 * const duplicate: Chance = { p: 0.001 };
 * ```
 */
export interface Chance {
  /** Probability for each packet. */
  p: number;
}

/**
 * A side of the network: of a dumbbell, or the first and the last host of a path.
 *
 * @example
 * ```ts
 * import type { Side } from "@cwnd/cwnd";
 *
 * const sender: Side = "left";
 * ```
 */
export type Side = "left" | "right";

/**
 * Flows that are alike: TCP connections, or open-loop datagram sources when `app` is given.
 *
 * @example
 * ```ts
 * import type { FlowGroup } from "@cwnd/cwnd";
 *
 * const downloads: FlowGroup = { name: "downloads", count: 50, cc: "reno", stagger: "20ms", bytes: "1MB" };
 * ```
 */
export interface FlowGroup {
  /** Name in results; the congestion control's or the source's when absent. */
  name?: string;
  /** How many flows. */
  count?: number;
  /** The side that sends. */
  from?: Side;
  /** The side that receives. */
  to?: Side;
  /** Congestion control of the sender. */
  cc?: CongestionControl;
  /** Parameters of the congestion control. */
  ccOptions?: CcOptions;
  /** When the first flow starts. */
  start?: Quantity;
  /** Time between the starts of one flow and the next. */
  stagger?: Quantity;
  /** Payload to send before closing, or `"unlimited"`. */
  bytes?: Quantity;
  /** When the application stops writing and closes. */
  stop?: Quantity;
  /** Extra one-way delay at the sender's access link; flow k of the group takes entry k of a list, which repeats. */
  accessDelay?: Quantity | Quantity[];
  /** Rate at which the receiving application reads; at once when absent. */
  read?: Quantity;
  /** Whether the stream carries bytes that the host writes and reads, instead of lengths alone. */
  realBytes?: boolean;
  /** Makes the group a source of datagrams without TCP. */
  app?: Source;
  /** Departures from the scenario's `tcp`. */
  tcp?: FlowTcpParameters;
}

/**
 * Parameters of the congestion controls; a group takes those of its own.
 *
 * @example
 * ```ts
 * import type { CcOptions } from "@cwnd/cwnd";
 *
 * const countAcks: CcOptions = { abc: false };
 * ```
 */
export interface CcOptions {
  /** Reno: counts acknowledged segments, RFC 3465, instead of ACKs. */
  abc?: boolean;
  /** CUBIC: leaves slow start when round-trip times grow or a train of ACKs is long, as Linux does. */
  hystart?: boolean;
  /** CUBIC: real numbers to the letter of RFC 9438; else whole segments and milliseconds as Linux computes them. */
  exact?: boolean;
  /** A mark takes less of the window than a loss, RFC 8511. */
  abe?: boolean;
}

/**
 * An open-loop source: datagrams at a mean rate, whatever the network says.
 *
 * @example
 * ```ts
 * import type { Source } from "@cwnd/cwnd";
 *
 * const md1: Source = { kind: "poisson", rate: "70Mbps", packetSize: "1500B" };
 * ```
 */
export interface Source {
  /** Constant gaps; exponential gaps; exponential gaps and sizes. */
  kind: "cbr" | "poisson" | "poisson-exponential";
  /** Mean offered load in IP bits a second. */
  rate: Quantity;
  /** IP bytes of a datagram, the mean for exponential sizes. */
  packetSize?: Quantity;
}

/**
 * TCP parameters that groups of flows may differ in.
 *
 * @example
 * ```ts
 * import type { FlowTcpParameters } from "@cwnd/cwnd";
 *
 * const tcp: FlowTcpParameters = { sack: false, receiveBuffer: "64KiB" };
 * ```
 */
export interface FlowTcpParameters {
  /** Payload bytes of a full segment with timestamps on. */
  mss?: number;
  /** Initial window in segments. */
  initialWindow?: number;
  /** Selective acknowledgments. */
  sack?: boolean;
  /** The timestamps option. */
  timestamps?: boolean;
  /** The window scale option. */
  windowScaling?: boolean;
  /** Explicit congestion notification. */
  ecn?: "off" | "on" | "accurate";
  /** Whether the receiver acknowledges every second segment instead of every one. */
  delayedAck?: boolean;
  /** Nagle's algorithm. */
  nagle?: boolean;
  /** Bytes the sender can hold. */
  sendBuffer?: Quantity;
  /** Bytes the receiver can hold, or `"auto"`: grown with what is read. */
  receiveBuffer?: Quantity;
  /** Shortest RTO. */
  minRto?: Quantity;
}

/**
 * TCP parameters of a run. Defaults are Linux's, or the RFCs' with `profile: "rfc"`.
 *
 * @example
 * ```ts
 * import type { TcpParameters } from "@cwnd/cwnd";
 *
 * const tcp: TcpParameters = { profile: "rfc", mss: 1448, delayedAck: false };
 * ```
 */
export interface TcpParameters extends FlowTcpParameters {
  /** Whose defaults the other fields take. */
  profile?: "linux" | "rfc";
  /** Longest time an acknowledgment is delayed, or `"auto"`. */
  delayedAckTimeout?: Quantity;
  /** RTO before the first round-trip sample. */
  initialRto?: Quantity;
  /** Longest RTO. */
  maxRto?: Quantity;
  /** Maximum segment lifetime; TIME_WAIT lasts twice as long. */
  msl?: Quantity;
  /** How long FIN_WAIT_2 waits for the peer; 0 for ever. */
  finWait2Timeout?: Quantity;
  /** Retransmissions of a SYN before giving up. */
  synRetries?: number;
  /** Retransmissions of a segment in a row before giving up. */
  dataRetries?: number;
  /** Whether a window that was not used for an RTO shrinks. */
  slowStartAfterIdle?: boolean;
  /** Space what is sent over the round trip. */
  pacing?: boolean;
  /** Send in bursts, as a host does whose network card segments for it. */
  tso?: boolean;
}

/**
 * Name of a time series.
 *
 * @example
 * ```ts
 * import type { SeriesName } from "@cwnd/cwnd";
 *
 * const series: SeriesName[] = ["cwnd", "queue"];
 * ```
 */
export type SeriesName = "cwnd" | "ssthresh" | "srtt" | "rto" | "inflight" | "throughput" | "queue";

/**
 * What a run keeps beside its summary.
 *
 * @example
 * ```ts
 * import type { RecordParameters } from "@cwnd/cwnd";
 *
 * const record: RecordParameters = { interval: "100ms", series: ["cwnd", "queue"] };
 * ```
 */
export interface RecordParameters {
  /** Time between samples. */
  interval?: Quantity;
  /** What to sample. */
  series?: SeriesName[];
  /** Whether to keep a histogram of round-trip times for each connection. */
  percentiles?: boolean;
  /** Links to capture when a capture is asked for, both directions. */
  capture?: string[];
}

// ---- What the core is compiled from ------------------------------------------------------------------------------

/** A scenario with defaults filled in, quantities in base units, and every rule checked. */
export interface ScenarioSpec {
  name: string;
  seed: string;
  duration_ns: number;
  warmup_ns: number;
  topology: DumbbellSpec | PathSpec;
  flows: FlowGroupSpec[];
  /** The scenario's own; each group carries its merged copy. */
  tcp: TcpSpec;
  record: RecordSpec;
}

export interface DumbbellSpec {
  kind: "dumbbell";
  /** Named `bottleneck`. */
  bottleneck: LinkSpec;
  /** Pattern of the hosts' links. Those of flow k are named `left<k>` and `right<k>`; left to right is forward on both. */
  access: LinkSpec;
}

export interface PathSpec {
  kind: "path";
  /** From left to right, at least one, names distinct. */
  links: LinkSpec[];
}

/** One direction of a link. */
export interface DirectionSpec {
  rate_bps: number;
  delay_ns: number;
  overhead_bytes: number;
  queue: QueueSpec;
  loss: LossSpec | null;
  reorder: { p: number; delay_ns: number } | null;
  duplicate: { p: number } | null;
  corrupt: { p: number } | null;
  jitter_ns: number;
}

/** A full-duplex link: its own fields are the left-to-right direction. */
export interface LinkSpec extends DirectionSpec {
  name: string;
  /** The right-to-left direction, complete: inheritance is already done. */
  reverse: DirectionSpec;
}

export interface QueueSpec {
  kind: "droptail";
  /** null: nothing is ever dropped. */
  limit: QueueLimit | null;
  /** Packets waiting from which on ECT becomes CE; null: never. */
  mark: number | null;
}

/** `bdp` multiplies the link's rate by the base round-trip time of the shortest path through it. */
export interface QueueLimit {
  unit: "packets" | "bytes" | "bdp";
  /** An integer, except for `bdp`. */
  value: number;
}

export type LossSpec =
  | { kind: "bernoulli"; p: number }
  | { kind: "periodic"; every: number }
  /** Sorted, distinct, from 1. */
  | { kind: "list"; packets: number[] };

export interface FlowGroupSpec {
  /** Distinct among groups. */
  name: string;
  count: number;
  from: Side;
  /** Always the other side. */
  to: Side;
  /** A datagram source instead of TCP; then `cc`, `bytes`, `read_bps`, `realBytes` and `tcp` mean nothing. */
  app: SourceSpec | null;
  cc: string;
  ccOptions: CcOptions;
  start_ns: number;
  stagger_ns: number;
  /** null: unlimited. */
  bytes: number | null;
  /** Absolute; null: when `bytes` are sent, or never. */
  stop_ns: number | null;
  /** At least one entry; flow k of the group takes entry k modulo the length. */
  accessDelay_ns: number[];
  /** null: the receiving application reads at once. */
  read_bps: number | null;
  realBytes: boolean;
  tcp: TcpSpec;
}

export interface SourceSpec {
  kind: "cbr" | "poisson" | "poisson-exponential";
  rate_bps: number;
  packetSize_bytes: number;
}

export interface TcpSpec {
  profile: "linux" | "rfc";
  mss: number;
  initialWindow: number;
  sack: boolean;
  timestamps: boolean;
  windowScaling: boolean;
  ecn: "off" | "on" | "accurate";
  delayedAck: boolean;
  /** null: as arrivals are spaced. */
  delayedAckTimeout_ns: number | null;
  nagle: boolean;
  sendBuffer_bytes: number;
  /** null: grown with what is read. */
  receiveBuffer_bytes: number | null;
  initialRto_ns: number;
  minRto_ns: number;
  maxRto_ns: number;
  msl_ns: number;
  /** 0: for ever. */
  finWait2Timeout_ns: number;
  synRetries: number;
  dataRetries: number;
  slowStartAfterIdle: boolean;
  pacing: boolean;
  tso: boolean;
}

export interface RecordSpec {
  /** null when `series` is empty. */
  interval_ns: number | null;
  series: SeriesName[];
  percentiles: boolean;
  /** Names of links; never empty. */
  capture: string[];
}
