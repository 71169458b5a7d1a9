/**
 * cwnd: a TCP engine and congestion laboratory. A scenario describes hosts, links and flows; `simulate` runs it on a
 * core compiled to WebAssembly and returns what was measured. The same scenario and seed give the same bits in every
 * runtime.
 *
 * @example
 * ```ts
 * import { simulate } from "@cwnd/cwnd";
 *
 * const result = await simulate({
 *   topology: {
 *     kind: "dumbbell",
 *     bottleneck: { rate: "100Mbps", delay: "10ms" },
 *     access: { rate: "1Gbps", delay: "1ms" },
 *   },
 *   flows: [{ count: 4, cc: "cubic" }, { count: 4, cc: "reno" }],
 *   duration: "10s",
 * });
 * for (const flow of result.flows) console.log(flow.group, flow.goodput_bps);
 * ```
 *
 * @module
 */
export { FlowHandle, LinkHandle, type Progress, simulate, type SimulateOptions, Simulation } from "./simulation.ts";
export { Endpoint } from "./streams.ts";
export { CoreTrapError } from "./core/errors.ts";
export type { TcpInfo } from "./core/tcp_info.ts";
export type { WasmSource } from "./core/engine.ts";
export { ScenarioError } from "./scenario/error.ts";
export type { BuiltInCongestionControl, CongestionControl } from "./scenario/congestion_control.ts";
export type {
  CcOptions,
  Chance,
  Dumbbell,
  FlowGroup,
  FlowTcpParameters,
  Link,
  LinkDirection,
  Loss,
  Path,
  PathLink,
  Quantity,
  Queue,
  RecordParameters,
  Reorder,
  Scenario,
  SeriesName,
  Side,
  Source,
  TcpParameters,
  Topology,
} from "./scenario/types.ts";
export type {
  Aggregate,
  DatagramResult,
  FlowResult,
  FlowSeries,
  LinkDrops,
  LinkResult,
  LinkSeries,
  RunResult,
  Series,
} from "./results/types.ts";
