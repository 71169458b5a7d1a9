/** Socket options: what each sets in the core, and what it reads. */
import type { Field } from "../core/engine.ts";
import {
  CC_NAMES,
  Engine as Root,
  FastOpenKeys,
  FastOpenSysctl,
  Receiver,
  Socket as SocketLayout,
  SocketFlag,
  Stack,
  State,
  Tcb,
  TcbExt,
  TcbFlag,
} from "../core/layout.gen.ts";
import {
  Errno,
  IpOption,
  IPPROTO_TCP,
  Ipv6Option,
  PathMtuDiscovery,
  SOCK_STREAM,
  SocketOption,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_TCP,
  TcpOption,
} from "./constants.ts";
import type { CoreHost } from "./core_host.ts";
import { hostFastOpenKeys, type Sysctls, useFastOpenKeys } from "./sysctls.ts";
import type { LingerValue, TcpSocket } from "./tcp_socket.ts";

/** SO_MAX_PACING_RATE in 32 bits that bounds nothing. */
const NO_RATE = 0xffffffff;
const SMALLEST_SEND_BUFFER = 4608;
const SMALLEST_RECEIVE_BUFFER = 2304;
/** Twice that is still a signed number of 32 bits. */
const BUFFER_MAX = 0x3fffffff;
const US_PER_S = 1_000_000;
/** What Linux tells before a connection is there, RFC 9293 §3.7.1. */
const DEFAULT_MSS = 536;

/** What an option holds. */
export type OptionValue = number | string | LingerValue | TimeValue | Uint8Array;

/** `struct timeval`. */
export interface TimeValue {
  /** Seconds. */
  tv_sec: number;
  /** Microseconds beside them. */
  tv_usec: number;
}

/** What reading an option returns. */
export interface OptionResult {
  /** 0, or -errno. */
  result: number;
  /** What it is. */
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

/** Kept and told, without effect on what is sent. */
const remember = (key: string, initial: number): Option => ({
  set: ({ socket }, value) => {
    socket.remembered.set(key, value);
    return 0;
  },
  get: ({ socket }) => socket.remembered.get(key) ?? initial,
});

/** A field of `TcbExt`, from `least` to `most`; `initial` is told while nothing was set. */
const extra = (field: Field, least: number, most: number, initial: (target: Target) => number): Option => ({
  set: ({ core, socket }, value) => {
    if (value < least || value > most) return -Errno.EINVAL;
    core.setExt(socket.at, field, value);
    return 0;
  },
  get: (target) => target.core.ext(target.socket.at, field) || initial(target),
});

/** What is asked for, at most `maximum`; below 0 it is unsigned, and so the maximum, but nothing where there is none. */
function askedBuffer({ sysctls }: Target, maximum: string | null, value: number): number {
  if (maximum === null) return Math.min(Math.max(value, 0), BUFFER_MAX);
  return Math.min(value < 0 ? value >>> 0 : value, sysctls.get(maximum)[0], BUFFER_MAX);
}

/** Linux doubles what is asked for: half of it is bookkeeping. */
const sendBuffer = (maximum: string | null): Option => ({
  set: (target, value) => {
    const { core, socket } = target;
    const asked = askedBuffer(target, maximum, value);
    core.setExt(socket.at, TcbExt.sndbuf_locked, 1);
    core.setTcb(socket.at, Tcb.snd_buf, Math.max(2 * asked, SMALLEST_SEND_BUFFER));
    core.call((exports) => exports.socketResize(socket.at));
    return 0;
  },
  get: ({ core, socket }) => core.tcb(socket.at, Tcb.snd_buf),
});

const receiveBuffer = (maximum: string | null): Option => ({
  set: (target, value) => {
    const { core, socket } = target;
    const asked = askedBuffer(target, maximum, value);
    const bytes = Math.max(2 * asked, SMALLEST_RECEIVE_BUFFER);
    core.call((exports) => exports.socketReceiveBuffer(socket.at, bytes));
    return 0;
  },
  get: ({ core, socket }) => core.tcb(socket.at, Tcb.rcv_buf),
});

/** A call of the core that takes what is set. */
const act = (
  set: (core: CoreHost["engine"]["exports"], at: number, value: number) => void,
  get: (target: Target) => number,
): Option => ({
  set: ({ core, socket }, value) => {
    core.call((exports) => set(exports, socket.at, value));
    return 0;
  },
  get,
});

/** A sysctl's first number, as what an option is while nothing was set. */
const sysctl = (name: string) => ({ sysctls }: Target): number => sysctls.get(name)[0];

const hasFlag = (bit: number) => ({ core, socket }: Target): number =>
  (core.tcb(socket.at, Tcb.flags) & bit) !== 0 ? 1 : 0;

const reuse = (bit: number): Option => ({
  set: ({ socket }, value) => {
    socket.setReuse(bit, value !== 0);
    return 0;
  },
  get: ({ socket }) => socket.reuses(bit) ? 1 : 0,
});

const SOCKET: Record<number, Option> = {
  [SocketOption.SO_REUSEADDR]: reuse(SocketFlag.REUSE_ADDRESS),
  [SocketOption.SO_REUSEPORT]: reuse(SocketFlag.REUSE_PORT),
  [SocketOption.SO_TYPE]: { get: () => SOCK_STREAM },
  [SocketOption.SO_PROTOCOL]: { get: () => IPPROTO_TCP },
  [SocketOption.SO_DOMAIN]: { get: ({ socket }) => socket.family },
  [SocketOption.SO_ERROR]: { get: ({ socket }) => socket.takeError() },
  [SocketOption.SO_ACCEPTCONN]: { get: ({ socket }) => socket.isListening ? 1 : 0 },
  [SocketOption.SO_SNDBUF]: sendBuffer("net.core.wmem_max"),
  [SocketOption.SO_RCVBUF]: receiveBuffer("net.core.rmem_max"),
  [SocketOption.SO_SNDBUFFORCE]: sendBuffer(null),
  [SocketOption.SO_RCVBUFFORCE]: receiveBuffer(null),
  [SocketOption.SO_MAX_PACING_RATE]: {
    set: ({ core, socket }, value) => {
      // As an int of 32 bits, whose ones bound nothing; what is larger came in 64
      const rate = value < 0 ? value >>> 0 : Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER);
      core.call((exports) => exports.socketPacingRate(socket.at, rate === NO_RATE ? 0n : BigInt(rate)));
      return 0;
    },
    get: ({ core, socket }) => core.ext(socket.at, TcbExt.max_pacing_rate) || NO_RATE,
  },
  [SocketOption.SO_RCVLOWAT]: {
    set: ({ socket }, value) => {
      socket.receiveLowWater = value < 0 ? 0x7fffffff : value || 1;
      return 0;
    },
    get: ({ socket }) => socket.receiveLowWater,
  },
  [SocketOption.SO_KEEPALIVE]: {
    set: (target, value) => {
      applyKeepalive(target, value !== 0);
      return 0;
    },
    get: ({ core, socket }) => core.ext(socket.at, TcbExt.keepalive),
  },
  [SocketOption.SO_OOBINLINE]: {
    set: ({ core, socket }, value) => {
      socket.remembered.set("oobinline", value ? 1 : 0);
      core.call((exports) => exports.socketUrgentInline(socket.at, value ? 1 : 0));
      return 0;
    },
    get: ({ socket }) => socket.remembered.get("oobinline") ?? 0,
  },
  [SocketOption.SO_PRIORITY]: remember("priority", 0),
  [SocketOption.SO_MARK]: remember("mark", 0),
};

/** Linux keeps a number of SYN-ACKs; the seconds are those that they take, doubling from one. */
const deferAccept: Option = {
  set: ({ core, socket }, value) => {
    let count = 0;
    for (let passed = 0, step = 1; value > passed && count < 255; step = Math.min(2 * step, 120), count++) {
      passed += step;
    }
    core.engine.set(socket.at, SocketLayout.defer_accept, count);
    return 0;
  },
  get: ({ core, socket }) => {
    let seconds = 0;
    const count = core.socket(socket.at, SocketLayout.defer_accept);
    for (let i = 0, step = 1; i < count; i++, step = Math.min(2 * step, 120)) seconds += step;
    return seconds;
  },
};

/** Hands all of a socket's keepalive to the core, which starts or stops its timer. */
function applyKeepalive({ core, socket }: Target, on: boolean): void {
  const [idle, interval, probes] = [TcbExt.keepalive_time_s, TcbExt.keepalive_interval_s, TcbExt.keepalive_probes].map(
    (field) => core.ext(socket.at, field),
  );
  core.call((exports) => exports.socketKeepalive(socket.at, on ? 1 : 0, idle, interval, probes));
}

const keepalive = (field: Field, most: number, initial: string): Option => ({
  set: (target, value) => {
    const { core, socket } = target;
    if (value < 1 || value > most) return -Errno.EINVAL;
    core.setExt(socket.at, field, value);
    if (core.ext(socket.at, TcbExt.keepalive)) applyKeepalive(target, true);
    return 0;
  },
  get: (target) => target.core.ext(target.socket.at, field) || sysctl(initial)(target),
});

const maximumSegment: Option = {
  set: ({ core, socket }, value) => {
    if (value !== 0 && (value < 88 || value > 32767)) return -Errno.EINVAL;
    core.setExt(socket.at, TcbExt.user_mss, value);
    return 0;
  },
  get: ({ core, socket }) => {
    const open = socket.state !== State.CLOSED && socket.state !== State.LISTEN;
    return open ? core.tcb(socket.at, Tcb.mss) : core.ext(socket.at, TcbExt.user_mss) || DEFAULT_MSS;
  },
};

/** Seconds; below 0 FIN_WAIT_2 does not last without an application, beyond two minutes it lasts so long. */
const linger2: Option = {
  set: ({ core, socket }, value) => {
    core.setExt(socket.at, TcbExt.linger2_ms, value < 0 ? -1 : Math.min(value, 120) * 1000);
    return 0;
  },
  get: (target) => {
    const ms = target.core.ext(target.socket.at, TcbExt.linger2_ms) | 0;
    return ms < 0 ? -1 : ms / 1000 || sysctl("net.ipv4.tcp_fin_timeout")(target);
  },
};

const TCP: Record<number, Option> = {
  [TcpOption.TCP_NODELAY]: act((core, at, value) => core.socketNoDelay(at, value), hasFlag(TcbFlag.NODELAY)),
  [TcpOption.TCP_CORK]: act((core, at, value) => core.socketCork(at, value), hasFlag(TcbFlag.CORK)),
  [TcpOption.TCP_QUICKACK]: act((core, at, value) => core.socketQuickAck(at, value), ({ core, socket }) => {
    const receiver = core.tcb(socket.at, Tcb.rx);
    return receiver === 0 || core.engine.get(receiver, Receiver.pingpong) === 0 ? 1 : 0;
  }),
  [TcpOption.TCP_MAXSEG]: maximumSegment,
  [TcpOption.TCP_SYNCNT]: extra(TcbExt.syn_retries, 1, 127, sysctl("net.ipv4.tcp_syn_retries")),
  [TcpOption.TCP_KEEPIDLE]: keepalive(TcbExt.keepalive_time_s, 32767, "net.ipv4.tcp_keepalive_time"),
  [TcpOption.TCP_KEEPINTVL]: keepalive(TcbExt.keepalive_interval_s, 32767, "net.ipv4.tcp_keepalive_intvl"),
  [TcpOption.TCP_KEEPCNT]: keepalive(TcbExt.keepalive_probes, 127, "net.ipv4.tcp_keepalive_probes"),
  [TcpOption.TCP_USER_TIMEOUT]: {
    set: ({ core, socket }, value) => {
      if (value < 0) return -Errno.EINVAL;
      core.call((exports) => exports.socketUserTimeout(socket.at, value));
      return 0;
    },
    get: ({ core, socket }) => core.ext(socket.at, TcbExt.user_timeout_ms),
  },
  [TcpOption.TCP_NOTSENT_LOWAT]: extra(TcbExt.notsent_lowat, 0, 0xffffffff, sysctl("net.ipv4.tcp_notsent_lowat")),
  [TcpOption.TCP_DEFER_ACCEPT]: deferAccept,
  [TcpOption.TCP_FASTOPEN]: {
    set: ({ core, socket }, value) => {
      if (value < 0 || (socket.state !== State.CLOSED && socket.state !== State.LISTEN)) return -Errno.EINVAL;
      core.engine.set(socket.at, SocketLayout.fastopen_backlog, Math.min(value, core.stack(Stack.somaxconn)));
      return 0;
    },
    get: ({ core, socket }) => core.socket(socket.at, SocketLayout.fastopen_backlog),
  },
  [TcpOption.TCP_FASTOPEN_CONNECT]: {
    set: ({ core, socket }, value) => {
      if (value !== 0 && value !== 1) return -Errno.EINVAL;
      if (!(core.root(Root.fastopen) & FastOpenSysctl.CLIENT)) return -Errno.EOPNOTSUPP;
      if (socket.state !== State.CLOSED) return -Errno.EINVAL;
      socket.fastOpenConnect = value !== 0;
      return 0;
    },
    get: ({ socket }) => socket.fastOpenConnect ? 1 : 0,
  },
  [TcpOption.TCP_FASTOPEN_NO_COOKIE]: {
    set: ({ core, socket }, value) => {
      if (value !== 0 && value !== 1) return -Errno.EINVAL;
      if (socket.state !== State.CLOSED && socket.state !== State.LISTEN) return -Errno.EINVAL;
      core.setExt(socket.at, TcbExt.fast_open_no_cookie, value);
      return 0;
    },
    get: ({ core, socket }) => core.ext(socket.at, TcbExt.fast_open_no_cookie),
  },
  [TcpOption.TCP_LINGER2]: linger2,
  [TcpOption.TCP_WINDOW_CLAMP]: {
    set: ({ core, socket }, value) => {
      if (value === 0 && socket.state !== State.CLOSED) return -Errno.EINVAL;
      core.call((exports) => exports.socketWindowClamp(socket.at, value));
      return 0;
    },
    get: ({ core, socket }) => core.ext(socket.at, TcbExt.window_clamp),
  },
  [TcpOption.TCP_TIMESTAMP]: remember("timestamp", 0),
  [TcpOption.TCP_SAVE_SYN]: remember("save-syn", 0),
  [TcpOption.TCP_INQ]: remember("inq", 0),
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

/** Without discovery, or by what the interface takes alone, no router's word on the path's MTU is heard. */
const pathMtuDiscovery: Option = {
  set: ({ core, socket }, value) => {
    if (value < 0 || value > 5) return -Errno.EINVAL;
    socket.remembered.set("mtu-discover", value);
    const hears = value >= PathMtuDiscovery.IP_PMTUDISC_WANT && value <= PathMtuDiscovery.IP_PMTUDISC_PROBE;
    core.setExt(socket.at, TcbExt.ignores_path_mtu, hears ? 0 : 1);
    return 0;
  },
  get: ({ core, socket }) => {
    const initial = core.ext(socket.at, TcbExt.ignores_path_mtu) ? "IP_PMTUDISC_DONT" : "IP_PMTUDISC_WANT";
    return socket.remembered.get("mtu-discover") ?? PathMtuDiscovery[initial];
  },
};

const IP: Record<number, Option> = {
  [IpOption.IP_TOS]: typeOfService,
  [IpOption.IP_TTL]: timeToLive,
  [IpOption.IP_MTU_DISCOVER]: pathMtuDiscovery,
  [IpOption.IP_RECVERR]: remember("recverr", 0),
  [IpOption.IP_MTU]: { get: ({ core }) => core.stack(Stack.mtu) },
};

const IPV6: Record<number, Option> = {
  [Ipv6Option.IPV6_TCLASS]: typeOfService,
  [Ipv6Option.IPV6_UNICAST_HOPS]: timeToLive,
  [Ipv6Option.IPV6_MTU_DISCOVER]: pathMtuDiscovery,
  [Ipv6Option.IPV6_MTU]: { get: ({ core }) => core.stack(Stack.mtu) },
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
  if (level === SOL_TCP && name === TcpOption.TCP_FASTOPEN_KEY) return setFastOpenKey(core, socket, value);
  if (level === SOL_TCP && name === TcpOption.TCP_CONGESTION) return setCongestion(core, socket, value);
  if (level === SOL_SOCKET && name === SocketOption.SO_LINGER) {
    if (typeof value !== "object" || !("onoff" in value)) return -Errno.EINVAL;
    socket.linger = { onoff: value.onoff, linger: value.linger };
    return 0;
  }
  if (level === SOL_SOCKET && isTimeout(name)) return setTimeLimit(socket, name, value);
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
  if (level === SOL_TCP && name === TcpOption.TCP_FASTOPEN_KEY) {
    return { result: 0, value: fastOpenKey(core, socket) };
  }
  if (level === SOL_SOCKET && name === SocketOption.SO_LINGER) return { result: 0, value: { ...socket.linger } };
  // The struct itself is what `Host.tcpInfo` returns, by the names of its fields
  if (level === SOL_TCP && name === TcpOption.TCP_INFO) return { result: 0 };
  if (level === SOL_SOCKET && isTimeout(name)) return { result: 0, value: timeLimit(socket, name) };
  const option = LEVELS[level]?.[name];
  if (option?.get === undefined) return { result: -Errno.ENOPROTOOPT };
  return { result: 0, value: option.get(target) };
}

const isTimeout = (name: number): boolean => name === SocketOption.SO_RCVTIMEO || name === SocketOption.SO_SNDTIMEO;

/** How long a call that receives or sends may wait; 0 for as long as it takes. */
function setTimeLimit(socket: TcpSocket, name: number, value: OptionValue): number {
  if (typeof value !== "object" || !("tv_sec" in value)) return -Errno.EINVAL;
  const { tv_sec, tv_usec } = value;
  if (tv_usec < 0 || tv_usec >= US_PER_S) return -Errno.EDOM;
  const limit = tv_sec < 0 ? 0n : BigInt(tv_sec * US_PER_S + tv_usec) * 1000n;
  if (name === SocketOption.SO_RCVTIMEO) socket.receiveTimeoutNs = limit;
  else socket.sendTimeoutNs = limit;
  return 0;
}

function timeLimit(socket: TcpSocket, name: number): TimeValue {
  const limit = name === SocketOption.SO_RCVTIMEO ? socket.receiveTimeoutNs : socket.sendTimeoutNs;
  const us = Number(limit / 1000n);
  return { tv_sec: Math.floor(us / US_PER_S), tv_usec: us % US_PER_S };
}

/** One key of 16 bytes, or two of which the first makes cookies; until then a listener has the host's. */
function setFastOpenKey(core: CoreHost, socket: TcpSocket, value: OptionValue): number {
  const bytes = typeof value === "string" ? Uint8Array.from(value, (letter) => letter.charCodeAt(0)) : value;
  if (!(bytes instanceof Uint8Array) || (bytes.length !== 16 && bytes.length !== 32)) return -Errno.EINVAL;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const words = Array.from({ length: bytes.length / 4 }, (_, at) => BigInt(view.getUint32(4 * at, true)));
  const keys = core.call((exports) => exports.socketFastOpenKeys(socket.at)) >>> 0;
  useFastOpenKeys(core, keys, [words.slice(0, 4), ...bytes.length === 32 ? [words.slice(4)] : []]);
  return 0;
}

/** As many keys as there are. */
function fastOpenKey(core: CoreHost, socket: TcpSocket): Uint8Array {
  const at = core.socket(socket.at, SocketLayout.fast_open_keys) || hostFastOpenKeys(core);
  const keys = core.engine.bytes(at, FastOpenKeys.size).slice();
  return keys.subarray(FastOpenKeys.backup0.offset).every((byte) => byte === 0) ? keys.slice(0, 16) : keys;
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
