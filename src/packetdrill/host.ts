/**
 * What the runner asks of a host: the packets and the clock of one machine, and its sockets. `src/sockets` has the real
 * one; a recording of one serves as well, which is how the runner is tested apart from the engine.
 */
import type { RouteSettings } from "./preamble.ts";

/** A call that blocks: to be tried again when something has happened. */
export interface Pending<T> {
  retry(): T | Pending<T>;
  /** When it returns at the latest, on the host's clock. */
  readonly deadlineNs?: bigint;
}

/** Where a socket is bound or connected. */
export interface ScriptAddress {
  readonly address: string;
  readonly port: number;
}

/** `struct linger`. */
export interface LingerSetting {
  readonly onoff: number;
  readonly linger: number;
}

/** What a socket option is set to. */
export type OptionSetting = number | string | LingerSetting | Uint8Array;

/** What `accept` returns: a descriptor or -errno, and the peer. */
export interface AcceptResult {
  readonly result: number;
  readonly address?: ScriptAddress;
}

/** What reading calls return: bytes read or -errno, and `msg_flags`. */
export interface ReadResult {
  readonly result: number;
  readonly data?: Uint8Array;
  readonly flags?: number;
}

/** What `getsockopt` and `ioctl` return. */
export interface ValueResult {
  readonly result: number;
  readonly value?: OptionSetting;
}

/** A descriptor to poll. */
export interface PollFd {
  readonly fd: number;
  readonly events: number;
  revents: number;
}

/** What `epoll_wait` returns. */
export interface EpollResult {
  readonly result: number;
  readonly events?: readonly { readonly events: number; readonly data: number }[];
}

/** One IP host. Calls return a number of Linux's meaning, -errno for an error. */
export interface ScriptHost {
  /** The clock, in nanoseconds. */
  readonly now: bigint;
  /** Runs what is due up to then, and puts the clock there. */
  run(untilNs: bigint): void;
  /** The same without what is due at that very time. */
  runBefore(untilNs: bigint): void;
  /** When something may be due next; early is allowed. */
  nextEventNs(): bigint | undefined;
  /** An IP packet arrives now. */
  input(packet: Uint8Array): void;
  /** Packets that left since last asked, in order. */
  output(): readonly { readonly timeNs: bigint; readonly packet: Uint8Array }[];
  /** Sets a parameter by its Linux name; throws an Error for one that is unknown. */
  sysctl(name: string, value: string): void;
  /** Attributes of the route to the remote host; throws an Error for one that is not supported. */
  route(settings: RouteSettings): void;
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: ScriptAddress): number;
  listen(fd: number, backlog: number): number;
  accept(fd: number, flags?: number): AcceptResult | Pending<AcceptResult>;
  connect(fd: number, address: ScriptAddress): number | Pending<number>;
  read(fd: number, length: number, flags?: number): ReadResult | Pending<ReadResult>;
  write(
    fd: number,
    data: Uint8Array | number,
    flags?: number,
    to?: ScriptAddress,
  ): number | Pending<number>;
  shutdown(fd: number, how: number): number;
  close(fd: number): number | Pending<number>;
  getsockopt(fd: number, level: number, name: number): ValueResult;
  setsockopt(fd: number, level: number, name: number, value: OptionSetting): number;
  fcntl(fd: number, command: number, argument: number): number;
  ioctl(fd: number, request: number): ValueResult;
  poll(fds: PollFd[], timeoutMs: number): number | Pending<number>;
  epollCreate(flags?: number): number;
  epollCtl(epfd: number, op: number, fd: number, events: number, data?: number): number;
  epollWait(epfd: number, maxEvents: number, timeoutMs: number): EpollResult | Pending<EpollResult>;
  /** Members of `struct tcp_info` by name, or -errno. */
  tcpInfo(fd: number): Readonly<Record<string, number | bigint>> | number;
}

/** Makes the host of one script. */
export type MakeHost = (addresses: string[]) => Promise<ScriptHost>;
