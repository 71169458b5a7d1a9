/** Socket options: what each sets in the core, and what it reads. */
import { CC_NAMES, Socket as SocketLayout, State, Tcb, TcbFlag } from "../core/layout.gen.ts";
import {
  Errno,
  IpOption,
  IPPROTO_TCP,
  Ipv6Option,
  SOCK_STREAM,
  SocketOption,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  TcpOption,
} from "./constants.ts";
import type { CoreHost } from "./core_host.ts";
import type { Sysctls } from "./sysctls.ts";
import type { LingerValue, TcpSocket } from "./tcp_socket.ts";

/** What an option holds. */
export type OptionValue = number | string | LingerValue | Uint8Array;

/** What reading an option returns. */
export interface OptionResult {
  result: number;
  value?: OptionValue;
}

/** One socket and what its options reach. */
interface Target {
  core: CoreHost;
  sysctls: Sysctls;
  socket: TcpSocket;
}

interface Option {
  /** -errno or 0. */
  set?: (target: Target, value: number) => number;
  get?: (target: Target) => number;
}

/** A bit of `Tcb.flags`. */
const flag = (bit: number): Option => ({
  set: ({ core, socket }, value) => {
    core.setFlag(socket.at, bit, value !== 0);
    return 0;
  },
  get: ({ core, socket }) => core.tcb(socket.at, Tcb.flags) & bit ? 1 : 0,
});

/** Kept and told, without effect on what is sent. */
const remember = (key: string, initial: number): Option => ({
  set: ({ socket }, value) => {
    socket.remembered.set(key, value);
    return 0;
  },
  get: ({ socket }) => socket.remembered.get(key) ?? initial,
});

/** Linux doubles what is asked for: half of it is bookkeeping. */
const buffer = (field: { offset: number; type: string }, smallest: number, maximum: string | null): Option => ({
  set: ({ core, sysctls, socket }, value) => {
    const asked = maximum === null ? value : Math.min(value, sysctls.get(maximum)[0]);
    core.setTcb(socket.at, field, Math.max(2 * asked, smallest));
    core.call((exports) => exports.socketResize(socket.at));
    return 0;
  },
  get: ({ core, socket }) => core.tcb(socket.at, field),
});

const SOCKET: Record<number, Option> = {
  [SocketOption.SO_REUSEADDR]: {
    set: ({ socket }, value) => {
      socket.reuseAddress = value !== 0;
      return 0;
    },
    get: ({ socket }) => socket.reuseAddress ? 1 : 0,
  },
  [SocketOption.SO_TYPE]: { get: () => SOCK_STREAM },
  [SocketOption.SO_PROTOCOL]: { get: () => IPPROTO_TCP },
  [SocketOption.SO_DOMAIN]: { get: ({ socket }) => socket.family },
  [SocketOption.SO_ERROR]: { get: ({ socket }) => socket.takeError() },
  [SocketOption.SO_ACCEPTCONN]: { get: ({ socket }) => socket.isListening ? 1 : 0 },
  [SocketOption.SO_SNDBUF]: buffer(Tcb.snd_buf, 4608, "net.core.wmem_max"),
  [SocketOption.SO_RCVBUF]: buffer(Tcb.rcv_buf, 2304, "net.core.rmem_max"),
  [SocketOption.SO_SNDBUFFORCE]: buffer(Tcb.snd_buf, 4608, null),
  [SocketOption.SO_RCVBUFFORCE]: buffer(Tcb.rcv_buf, 2304, null),
  [SocketOption.SO_RCVLOWAT]: {
    set: ({ socket }, value) => {
      socket.receiveLowWater = value < 0 ? 0x7fffffff : value || 1;
      return 0;
    },
    get: ({ socket }) => socket.receiveLowWater,
  },
  [SocketOption.SO_PRIORITY]: remember("priority", 0),
  [SocketOption.SO_MARK]: remember("mark", 0),
};

const TCP: Record<number, Option> = {
  [TcpOption.TCP_NODELAY]: flag(TcbFlag.NODELAY),
};

/** The low two bits of the type of service are ECN's, which TCP itself sets. */
const typeOfService: Option = {
  set: ({ core, socket }, value) => {
    core.engine.set(socket.at, SocketLayout.tos, value & ~3);
    return 0;
  },
  get: ({ core, socket }) => core.socket(socket.at, SocketLayout.tos),
};

const timeToLive: Option = {
  set: ({ core, socket }, value) => {
    if (value !== -1 && (value < 1 || value > 255)) return -Errno.EINVAL;
    core.engine.set(socket.at, SocketLayout.ttl, value === -1 ? 0 : value);
    return 0;
  },
  get: ({ core, socket }) => core.socket(socket.at, SocketLayout.ttl) || 64,
};

const IP: Record<number, Option> = {
  [IpOption.IP_TOS]: typeOfService,
  [IpOption.IP_TTL]: timeToLive,
  [IpOption.IP_MTU_DISCOVER]: remember("mtu-discover", 1),
};

const IPV6: Record<number, Option> = {
  [Ipv6Option.IPV6_TCLASS]: typeOfService,
  [Ipv6Option.IPV6_UNICAST_HOPS]: timeToLive,
  [Ipv6Option.IPV6_MTU_DISCOVER]: remember("mtu-discover", 1),
  [Ipv6Option.IPV6_V6ONLY]: remember("v6only", 0),
};

const LEVELS: Record<number, Record<number, Option>> = {
  [SOL_SOCKET]: SOCKET,
  [SOL_TCP]: TCP,
  [SOL_IP]: IP,
  [SOL_IPV6]: IPV6,
};

/** -errno or 0. */
export function setOption(target: Target, level: number, name: number, value: OptionValue): number {
  const { core, socket } = target;
  if (level === SOL_TCP && name === TcpOption.TCP_CONGESTION) return setCongestion(core, socket, value);
  if (level === SOL_SOCKET && name === SocketOption.SO_LINGER) {
    if (typeof value !== "object" || !("onoff" in value)) return -Errno.EINVAL;
    socket.linger = { onoff: value.onoff, linger: value.linger };
    return 0;
  }
  const option = LEVELS[level]?.[name];
  if (option?.set === undefined) return -Errno.ENOPROTOOPT;
  if (typeof value !== "number") return -Errno.EINVAL;
  return option.set(target, value);
}

/** An option's value. */
export function getOption(target: Target, level: number, name: number): OptionResult {
  const { core, socket } = target;
  if (level === SOL_TCP && name === TcpOption.TCP_CONGESTION) {
    return { result: 0, value: CC_NAMES[core.tcb(socket.at, Tcb.cc)].toLowerCase() };
  }
  if (level === SOL_SOCKET && name === SocketOption.SO_LINGER) return { result: 0, value: { ...socket.linger } };
  const option = LEVELS[level]?.[name];
  if (option?.get === undefined) return { result: -Errno.ENOPROTOOPT };
  return { result: 0, value: option.get(target) };
}

/** In the middle of a connection the new algorithm begins afresh: its state is laid over the other's. */
function setCongestion(core: CoreHost, socket: TcpSocket, value: OptionValue): number {
  const name = typeof value === "string" ? value : value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
  const cc = CC_NAMES.indexOf(name.replace(/\0.*$/s, "").toUpperCase());
  if (cc < 0) return -Errno.ENOENT;
  if (socket.state !== State.CLOSED && socket.state !== State.LISTEN && core.tcb(socket.at, Tcb.cc) !== cc) {
    core.call((exports) => exports.socketCongestion(socket.at, cc));
    return 0;
  }
  core.setTcb(socket.at, Tcb.cc, cc);
  return 0;
}
