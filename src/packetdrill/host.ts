/**
 * What the runner asks of a host: the packets and the clock of one machine, and its sockets. `src/sockets` has the real
 * one; a recording of one serves as well, which is how the runner is tested apart from the engine.
 */
import type { RouteSettings } from "../sockets/route.ts";

/** A call that blocks: to be tried again when something has happened. */
export interface Pending<T> {
  /** Asks again. */
  retry(): T | Pending<T>;
  /** When it returns at the latest, on the host's clock. */
  readonly deadlineNs?: bigint;
}

/** Where a socket is bound or connected. */
export interface ScriptAddress {
  /** IPv4 or IPv6, as text. */
  readonly address: string;
  /** TCP port. */
  readonly port: number;
}

/** `struct linger`. */
export interface LingerSetting {
  /** 0: no lingering. */
  readonly onoff: number;
  /** Seconds. */
  readonly linger: number;
}

/** `struct timeval`. */
export interface TimeSetting {
  /** Seconds. */
  readonly tv_sec: number;
  /** Microseconds beside them. */
  readonly tv_usec: number;
}

/** What a socket option is set to. */
export type OptionSetting = number | string | LingerSetting | TimeSetting | Uint8Array;

/** What `accept` returns: a descriptor or -errno, and the peer. */
export interface AcceptResult {
  /** 0 or a count, or -errno. */
  readonly result: number;
  /** IPv4 or IPv6, as text. */
  readonly address?: ScriptAddress;
}

/** What reading calls return: bytes read or -errno, and `msg_flags`. */
export interface ReadResult {
  /** 0 or a count, or -errno. */
  readonly result: number;
  /** Bytes read. */
  readonly data?: Uint8Array;
  /** `msg_flags`. */
  readonly flags?: number;
}

/** What `getsockopt` and `ioctl` return. */
export interface ValueResult {
  /** 0 or a count, or -errno. */
  readonly result: number;
  /** What was asked for. */
  readonly value?: OptionSetting;
}

/** A descriptor to poll. */
export interface PollFd {
  /** Descriptor. */
  readonly fd: number;
  /** Bits that are asked for, or told. */
  readonly events: number;
  /** Bits that hold. */
  revents: number;
}

/** What `epoll_wait` returns. */
export interface EpollResult {
  /** 0 or a count, or -errno. */
  readonly result: number;
  /** Bits that are asked for, or told. */
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
  /** socket(2). */
  socket(domain: number, type: number, protocol: number): number;
  /** bind(2). */
  bind(fd: number, address: ScriptAddress): number;
  /** listen(2). */
  listen(fd: number, backlog: number): number;
  /** accept4(2). */
  accept(fd: number, flags?: number): AcceptResult | Pending<AcceptResult>;
  /** connect(2). */
  connect(fd: number, address: ScriptAddress): number | Pending<number>;
  /** read(2), recv(2) and their like. */
  read(fd: number, length: number, flags?: number): ReadResult | Pending<ReadResult>;
  /** write(2), send(2) and their like: bytes, or that many zeros. */
  write(
    fd: number,
    data: Uint8Array | number,
    flags?: number,
    to?: ScriptAddress,
  ): number | Pending<number>;
  /** shutdown(2). */
  shutdown(fd: number, how: number): number;
  /** close(2). */
  close(fd: number): number | Pending<number>;
  /** getsockopt(2). */
  getsockopt(fd: number, level: number, name: number): ValueResult;
  /** setsockopt(2). */
  setsockopt(fd: number, level: number, name: number, value: OptionSetting): number;
  /** fcntl(2). */
  fcntl(fd: number, command: number, argument: number): number;
  /** ioctl(2). */
  ioctl(fd: number, request: number): ValueResult;
  /** poll(2); fills in `revents`. */
  poll(fds: PollFd[], timeoutMs: number): number | Pending<number>;
  /** epoll_create1(2). */
  epollCreate(flags?: number): number;
  /** epoll_ctl(2). */
  epollCtl(epfd: number, op: number, fd: number, events: number, data?: number): number;
  /** epoll_wait(2). */
  epollWait(epfd: number, maxEvents: number, timeoutMs: number): EpollResult | Pending<EpollResult>;
  /** Members of `struct tcp_info` by name, or -errno. */
  tcpInfo(fd: number): Readonly<Record<string, number | bigint>> | number;
}

/** Makes the host of one script. */
export type MakeHost = (addresses: string[]) => Promise<ScriptHost>;
