/**
 * Packet scripts: reads them and runs them against a host, in virtual time. Depends on nothing, like the main entry.
 *
 * @example
 * ```ts
 * import { drill } from "@cwnd/cwnd/packetdrill";
 *
 * const report = await drill(
 *   "handshake.pkt",
 *   `0  socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
 *   +0 bind(3, ..., ...) = 0
 *   +0 listen(3, 1) = 0
 *   +0 < S 0:0(0) win 32792 <mss 1000>
 *   +0 > S. 0:0(0) ack 1 <mss 1460>
 *   `,
 * );
 * console.log(report.outcome, report.message); // passed undefined
 * ```
 *
 * @module
 */
export { drill, type ScriptReport } from "./drill.ts";
export { engineHost } from "./engine_host.ts";
export { OptionError } from "./config.ts";
export type { Overrides } from "./prepare.ts";
export type { RunOptions } from "./runner.ts";
export type { RouteSettings } from "../sockets/route.ts";
export type {
  AcceptResult,
  EpollResult,
  LingerSetting,
  MakeHost,
  OptionSetting,
  Pending,
  PollFd,
  ReadResult,
  ScriptAddress,
  ScriptHost,
  TimeSetting,
  ValueResult,
} from "./host.ts";
