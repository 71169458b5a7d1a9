/**
 * The engine on a real wire, in real time: a host behind a UDP tunnel, with applications on its connections and, if
 * wanted, the links of a scenario in between. Needs Node, Deno or Bun.
 *
 * @example
 * ```ts
 * import { echo, EmulatedPath, LiveHost } from "@cwnd/cwnd/endpoint";
 *
 * const live = await LiveHost.open({
 *   tunnel: { port: 7100, peerPort: 7101 },
 *   addresses: ["10.77.0.2", "fd77::2"],
 *   path: await EmulatedPath.create({
 *     topology: { kind: "path", links: [{ rate: "10Mbps", delay: "20ms", loss: { kind: "bernoulli", p: 0.01 } }] },
 *   }),
 * });
 * live.listen(7, echo);
 * console.log(live.statistics().links.map(({ id }) => id));
 * await live.close();
 * ```
 *
 * @module
 */
export { type ConnectionReport, LiveHost, type LiveHostOptions, type LiveStatistics } from "./live_host.ts";
export {
  type Arrival,
  type Direction,
  EmulatedPath,
  type EmulatedScenario,
  type PathLinkStatistics,
} from "./emulated_path.ts";
export { type Application, type ByteStream, echo, type Session, sink, source, type TurnEnd } from "./session.ts";
export { http } from "./http.ts";
export { ipCommands, openTun, socatCommand, type Tun, type TunOptions } from "./tun.ts";
export { openTunnel, type PacketHandler, type Tunnel, type TunnelAddress } from "./udp_tunnel.ts";
export type { WireStatistics } from "./real_time.ts";
