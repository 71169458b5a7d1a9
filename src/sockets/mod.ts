/**
 * A host with Linux's sockets interface, in virtual or real time: IP packets go in and come out, calls return what
 * Linux's do. Depends on nothing, like the main entry.
 *
 * @example
 * ```ts
 * import { AF_INET, Host, SOCK_NONBLOCK, SOCK_STREAM } from "@cwnd/cwnd/sockets";
 *
 * const [server, client] = [
 *   await Host.create({ addresses: ["192.0.2.1"] }),
 *   await Host.create({ addresses: ["192.0.2.2"], seed: 2n }),
 * ];
 * const listener = server.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
 * server.bind(listener, { address: "192.0.2.1", port: 80 });
 * server.listen(listener, 1);
 * const socket = client.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
 * client.connect(socket, { address: "192.0.2.1", port: 80 }); // -EINPROGRESS
 *
 * // A wire of 10 ms each way: what has left by the last step arrives now
 * for (let now = 10_000_000n; now <= 50_000_000n; now += 10_000_000n) {
 *   const [up, down] = [client.output(), server.output()];
 *   for (const host of [client, server]) host.run(now);
 *   for (const { packet } of up) server.input(packet);
 *   for (const { packet } of down) client.input(packet);
 * }
 * const info = client.tcpInfo(socket);
 * if (typeof info !== "number") console.log(info.tcpi_state, info.tcpi_rtt); // 1 (ESTABLISHED), 20000 us
 * ```
 *
 * @module
 */
export { type Accepted, type EpollAnswer, Host, type HostOptions, type PollFd } from "./host.ts";
export type { RouteSettings } from "./route.ts";
export { isPending, type Pending } from "./pending.ts";
export type { SocketAddress } from "./address.ts";
export type { LeftPacket } from "./core_host.ts";
export type { EpollEvent } from "./epoll.ts";
export type { OptionResult, OptionValue, TimeValue } from "./options.ts";
export type { LingerValue, Received } from "./tcp_socket.ts";
export type { TcpInfo } from "../core/tcp_info.ts";
export type { WasmSource } from "../core/engine.ts";
export {
  AF_INET,
  AF_INET6,
  Epoll,
  Errno,
  FileControl,
  IpOption,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  Ipv6Option,
  MessageFlag,
  PathMtuDiscovery,
  PollEvent,
  Shutdown,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SocketOption,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  TcpOption,
  TcpState,
} from "./constants.ts";
