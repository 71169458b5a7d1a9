/**
 * One IP host on one engine, in virtual or real time: packets in, packets out, and the sockets interface as Linux has it.
 * Calls return a number as Linux does, -errno for an error; one that would block returns a `Pending`.
 */
import type { Field, WasmSource } from "../core/engine.ts";
import {
  AltChecksum,
  Engine as Root,
  Recovery,
  Socket as SocketLayout,
  Stack,
  Tcb,
  TcbExt,
  TcbFlag,
} from "../core/layout.gen.ts";
import type { SocketAddress } from "./address.ts";
import {
  AF_INET,
  AF_INET6,
  Errno,
  FileControl,
  IPPROTO_TCP,
  MessageFlag,
  PollEvent,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "./constants.ts";
import { CoreHost, type LeftPacket } from "./core_host.ts";
import { type EpollEvent, EpollInstance } from "./epoll.ts";
import { getOption, type OptionResult, type OptionValue, setOption } from "./options.ts";
import { isPending, type Pending, untilAnswered } from "./pending.ts";
import { readiness } from "./readiness.ts";
import { IPV6_MTU_MIN, type RouteSettings, setRoute } from "./route.ts";
import { Sysctls } from "./sysctls.ts";
import type { TcpInfo } from "../core/tcp_info.ts";
import { tcpInfo } from "./tcp_info.ts";
import { type Received, TcpSocket } from "./tcp_socket.ts";

/** How to make a host. */
export interface HostOptions {
  /**
   * Its addresses; the first of a family is the one that connections leave from. When absent, one of each family, or of
   * IPv4 alone when the MTU is too small for IPv6.
   */
  addresses?: string[];
  /** Parameters by their Linux names. */
  sysctls?: Record<string, number | string>;
  /** Makes its secrets and initial sequence numbers. */
  seed?: bigint;
  /** Whether streams carry bytes; without, lengths move and the payload is zeros. */
  realBytes?: boolean;
  /** Largest packet: 68 to 65535 bytes, and 1280 at least when the host has an IPv6 address. */
  mtu?: number;
  /** RFC 1146: the checksum that connections ask for, and use when the peer asks for it too. */
  alternateChecksum?: "fletcher-8" | "fletcher-16";
  /** The core's wasm, when not the inlined one. */
  wasm?: WasmSource;
}

/** What `accept` returns: a descriptor or -errno, and the peer. */
export interface Accepted {
  /** A descriptor or a count, or -errno. */
  result: number;
  /** The peer, or the end that was asked for. */
  address?: SocketAddress;
}

/** A descriptor to poll; `revents` is filled in. */
export interface PollFd {
  /** Descriptor; ignored below 0. */
  readonly fd: number;
  /** `PollEvent` bits that are asked for. */
  readonly events: number;
  /** `PollEvent` bits that hold. */
  revents: number;
}

/** What `epollWait` returns. */
export interface EpollAnswer {
  /** A descriptor or a count, or -errno. */
  result: number;
  /** `PollEvent` bits that are asked for. */
  events?: EpollEvent[];
}

const CHECKSUMS = {
  "tcp": AltChecksum.TCP,
  "fletcher-8": AltChecksum.FLETCHER_8,
  "fletcher-16": AltChecksum.FLETCHER_16,
};
const FIRST_FD = 3;
const NS_PER_MS = 1_000_000;
const DEFAULT_IPV4 = "192.168.0.1";
const DEFAULT_IPV6 = "fd3d:a0b:17d6::1";

/** A host. */
export class Host {
  readonly #core: CoreHost;
  readonly #sysctls: Sysctls;
  readonly #files: Map<number, TcpSocket | EpollInstance> = new Map<number, TcpSocket | EpollInstance>();
  /** `AltChecksum` */
  readonly #alternateChecksum: number;
  /** No descriptor below it is free. */
  #lowestFd = FIRST_FD;
  readonly #epolls: Set<EpollInstance> = new Set<EpollInstance>();
  #newsFds: Set<number> = new Set<number>();

  private constructor(core: CoreHost, options: HostOptions) {
    this.#core = core;
    setDefaults(core, options);
    this.#alternateChecksum = CHECKSUMS[options.alternateChecksum ?? "tcp"];
    this.#sysctls = new Sysctls(core);
    for (const [name, value] of Object.entries(options.sysctls ?? {})) this.sysctl(name, value);
  }

  /** A host without sockets; its clock stands at 0. */
  static async create(options: HostOptions = {}): Promise<Host> {
    // Linux takes IPv6 off a device whose MTU is too small for it
    const own = (options.mtu ?? IPV6_MTU_MIN) < IPV6_MTU_MIN ? [DEFAULT_IPV4] : [DEFAULT_IPV4, DEFAULT_IPV6];
    const core = await CoreHost.create(options.addresses ?? own, options.seed ?? 1n, options.wasm);
    return new Host(core, options);
  }

  // ---- Time and the wire

  /** The clock, nanoseconds. */
  get now(): bigint {
    return this.#core.now;
  }

  /** Runs timers up to then; the clock stands at `untilNs` after. */
  run(untilNs: bigint): void {
    this.#core.run(untilNs, false);
    this.#hearNews();
  }

  /** The same, but what is due at that very time waits. */
  runBefore(untilNs: bigint): void {
    if (untilNs <= this.now) return;
    this.run(untilNs - 1n);
    this.#core.setNow(untilNs);
  }

  /** Runs, but stops after the first event that a caller could see: true when there was one. */
  runToNews(untilNs: bigint): boolean {
    const stopped = this.#core.run(untilNs, true);
    this.#hearNews();
    return stopped;
  }

  /** When the next timer may go off: early is possible, late is not. Undefined when none is set. */
  nextEventNs(): bigint | undefined {
    return this.#core.nextEventNs();
  }

  /** An IP packet arrives now. */
  input(packet: Uint8Array): void {
    this.#core.input(packet);
    this.#hearNews();
  }

  /** Packets that left since last asked, in order. */
  output(): LeftPacket[] {
    return this.#core.output();
  }

  /** Descriptors of sockets that something has happened to since last asked. */
  takeNews(): number[] {
    const fds = [...this.#newsFds];
    this.#newsFds.clear();
    return fds;
  }

  #hearNews(): void {
    for (let news = this.#core.takeNews(); news !== undefined; news = this.#core.takeNews()) {
      const file = this.#files.get(news.handle);
      if (!(file instanceof TcpSocket)) continue;
      file.generation++;
      this.#newsFds.add(news.handle);
    }
  }

  /** Sets a parameter by its Linux name; throws an Error that names an unknown one. */
  sysctl(name: string, value: number | string): void {
    this.#sysctls.set(name, value);
  }

  /** Sets attributes of the route, before sockets are opened; throws an Error that names an unknown or impossible one. */
  route(settings: RouteSettings): void {
    setRoute(this.#core, settings);
  }

  /** A counter or a parameter of the stack by its name in the core's `Stack`, such as `drops_checksum`. */
  stack(name: string): number {
    const field = Object.entries<Field | number>(Stack).find(([known]) => known === name)?.[1];
    if (typeof field !== "object") throw new RangeError(`Found ${JSON.stringify(name)}, expected a field of Stack`);
    return this.#core.stack(field);
  }

  /** Bytes of memory that the core has. */
  get memoryBytes(): number {
    return this.#core.engine.exports.memory.buffer.byteLength;
  }

  /** Counts the host's books again, and those of all its connections; throws when they contradict each other. Slow. */
  check(): void {
    this.#core.call((core) => core.checkStack());
  }

  /** Bytes of the core's memory that are in use. */
  get bytesInUse(): number {
    return this.#core.engine.exports.bytesInUse() >>> 0;
  }

  // ---- Calls

  /** A new socket: TCP over IPv4 or IPv6. */
  socket(domain: number, type: number, protocol = 0): number {
    if (domain !== AF_INET && domain !== AF_INET6) return -Errno.EAFNOSUPPORT;
    const kind = type & 0xf;
    if (kind !== SOCK_STREAM) return -Errno.ESOCKTNOSUPPORT;
    if (protocol !== 0 && protocol !== IPPROTO_TCP) return -Errno.EPROTONOSUPPORT;
    const at = this.#core.call((core) => core.socketOpen(domain === AF_INET6 ? 1 : 0)) >>> 0;
    const socket = new TcpSocket(this.#core, at, domain, false);
    if (this.#alternateChecksum !== 0) this.#core.setExt(at, TcbExt.alt_checksum_wish, this.#alternateChecksum);
    // Without path MTU discovery no router's word on it is heard
    if (this.#core.root(Root.ip_no_pmtu_disc) === 1) this.#core.setExt(at, TcbExt.ignores_path_mtu, 1);
    socket.nonBlocking = (type & SOCK_NONBLOCK) !== 0;
    return this.#open(socket);
  }

  #open(file: TcpSocket | EpollInstance): number {
    while (this.#files.has(this.#lowestFd)) this.#lowestFd++;
    const fd = this.#lowestFd++;
    this.#files.set(fd, file);
    if (file instanceof EpollInstance) this.#epolls.add(file);
    if (file instanceof TcpSocket) this.#core.engine.set(file.at, SocketLayout.handle, fd);
    return fd;
  }

  /** Makes a call of a socket; EBADF and ENOTSOCK for what is none. */
  #with<T>(fd: number, wrong: (errno: number) => T, call: (socket: TcpSocket) => T): T {
    const file = this.#files.get(fd);
    if (file === undefined) return wrong(-Errno.EBADF);
    if (!(file instanceof TcpSocket)) return wrong(-Errno.ENOTSOCK);
    return call(file);
  }

  #number<T extends number | Pending<number>>(fd: number, call: (socket: TcpSocket) => T): T | number {
    return this.#with<T | number>(fd, (errno) => errno, call);
  }

  /** Gives a socket its local end. */
  bind(fd: number, address: SocketAddress): number {
    return this.#number(fd, (socket) => socket.bind(address));
  }

  /** Takes connections from now on. */
  listen(fd: number, backlog: number): number {
    return this.#number(fd, (socket) => socket.listen(backlog));
  }

  /** The next connection that waits, as a descriptor. */
  accept(fd: number, flags = 0): Accepted | Pending<Accepted> {
    return this.#with<Accepted | Pending<Accepted>>(
      fd,
      (result) => ({ result }),
      (listener) =>
        listener.whileReceiving<Accepted>((late) => {
          if (!listener.isListening) return { result: -Errno.EINVAL };
          const at = this.#core.call((core) => core.socketAccept(listener.at)) >>> 0;
          if (at === 0) return listener.nonBlocking || late ? { result: -Errno.EAGAIN } : undefined;
          const socket = new TcpSocket(this.#core, at, listener.family, true);
          socket.inherit(listener);
          socket.nonBlocking = (flags & SOCK_NONBLOCK) !== 0;
          return { result: this.#open(socket), address: socket.remoteAddress };
        }),
    );
  }

  /** Opens a connection. */
  connect(fd: number, address: SocketAddress): number | Pending<number> {
    return this.#number(fd, (socket) => socket.connect(address));
  }

  /** read, recv and recvmsg: up to `length` bytes. */
  read(fd: number, length: number, flags = 0): Received | Pending<Received> {
    return this.#with<Received | Pending<Received>>(
      fd,
      (result) => ({ result }),
      (socket) => socket.read(length, flags),
    );
  }

  /** write, send, sendto and sendmsg: bytes, or that many zeros. */
  write(fd: number, data: Uint8Array | number, flags = 0, to?: SocketAddress): number | Pending<number> {
    return this.#number(fd, (socket) => {
      if (flags & MessageFlag.MSG_FASTOPEN) return to === undefined ? -Errno.EINVAL : socket.writeFast(data, flags, to);
      return socket.write(data, flags);
    });
  }

  /** Closes a direction, or both. */
  shutdown(fd: number, how: number): number {
    return this.#number(fd, (socket) => socket.shutdown(how));
  }

  /** Gives a descriptor back; waits where SO_LINGER says so. */
  close(fd: number): number | Pending<number> {
    const file = this.#files.get(fd);
    if (file === undefined) return -Errno.EBADF;
    this.#files.delete(fd);
    this.#lowestFd = Math.min(this.#lowestFd, fd);
    this.#newsFds.delete(fd);
    if (!(file instanceof TcpSocket)) {
      this.#epolls.delete(file);
      return 0;
    }
    for (const epoll of this.#epolls) epoll.forget(fd);
    return file.close();
  }

  /** Reads an option. */
  getsockopt(fd: number, level: number, name: number): OptionResult {
    return this.#with<OptionResult>(
      fd,
      (result) => ({ result }),
      (socket) => getOption({ core: this.#core, sysctls: this.#sysctls, socket }, level, name),
    );
  }

  /** Sets an option. */
  setsockopt(fd: number, level: number, name: number, value: OptionValue): number {
    return this.#number(
      fd,
      (socket) => setOption({ core: this.#core, sysctls: this.#sysctls, socket }, level, name, value),
    );
  }

  /** F_GETFL and F_SETFL with O_NONBLOCK. */
  fcntl(fd: number, command: number, argument = 0): number {
    return this.#number(fd, (socket) => {
      switch (command) {
        case FileControl.F_GETFL:
          return FileControl.O_RDWR | (socket.nonBlocking ? FileControl.O_NONBLOCK : 0);
        case FileControl.F_SETFL:
          socket.nonBlocking = (argument & FileControl.O_NONBLOCK) !== 0;
          return 0;
        case FileControl.F_GETFD:
        case FileControl.F_SETFD:
          return 0;
        default:
          return -Errno.EINVAL;
      }
    });
  }

  /** SIOCINQ, SIOCOUTQ and SIOCOUTQNSD; FIONBIO with its argument. */
  ioctl(fd: number, request: number, argument = 0): OptionResult {
    return this.#with<OptionResult>(fd, (result) => ({ result }), (socket) => {
      if (request === FileControl.FIONBIO) {
        socket.nonBlocking = argument !== 0;
        return { result: 0 };
      }
      if (socket.isListening) return { result: -Errno.EINVAL };
      switch (request) {
        case FileControl.SIOCATMARK:
          return { result: 0, value: this.#core.engine.exports.socketUrgent(socket.at) & 1 };
        case FileControl.SIOCINQ:
          return { result: 0, value: socket.readable };
        case FileControl.SIOCOUTQ:
          return { result: 0, value: socket.queued(false) };
        case FileControl.SIOCOUTQNSD:
          return { result: 0, value: socket.queued(true) };
        default:
          return { result: -Errno.ENOTTY };
      }
    });
  }

  /** The local end. */
  getsockname(fd: number): Accepted {
    return this.#with<Accepted>(
      fd,
      (result) => ({ result }),
      (socket) => ({ result: 0, address: socket.localAddress }),
    );
  }

  /** The remote end. */
  getpeername(fd: number): Accepted {
    return this.#with<Accepted>(fd, (result) => ({ result }), (socket) => {
      const address = socket.remoteAddress;
      return address === undefined ? { result: -Errno.ENOTCONN } : { result: 0, address };
    });
  }

  // ---- Waiting for many

  /** Fills in `revents`; how many descriptors have some. `timeoutMs` below 0 waits for ever. */
  poll(fds: PollFd[], timeoutMs: number): number | Pending<number> {
    const deadline = this.#deadline(timeoutMs);
    const always = PollEvent.POLLERR | PollEvent.POLLHUP | PollEvent.POLLNVAL;
    return untilAnswered(() => {
      let count = 0;
      for (const poll of fds) {
        poll.revents = poll.fd < 0 ? 0 : (this.#readiness(poll.fd) ?? PollEvent.POLLNVAL) & (poll.events | always);
        if (poll.revents !== 0) count++;
      }
      return count > 0 || (deadline !== undefined && this.now >= deadline) ? count : undefined;
    }, deadline);
  }

  #deadline(timeoutMs: number): bigint | undefined {
    return timeoutMs < 0 ? undefined : this.now + BigInt(Math.round(timeoutMs * NS_PER_MS));
  }

  #readiness(fd: number): number | undefined {
    const file = this.#files.get(fd);
    return file instanceof TcpSocket ? readiness(this.#core, file) : file === undefined ? undefined : 0;
  }

  /** A new epoll instance. */
  epollCreate(_flags = 0): number {
    return this.#open(new EpollInstance());
  }

  /** Adds, changes or removes a descriptor to watch. */
  epollCtl(epfd: number, operation: number, fd: number, events: number, data: number = fd): number {
    const epoll = this.#files.get(epfd);
    if (epoll === undefined || !this.#files.has(fd)) return -Errno.EBADF;
    if (!(epoll instanceof EpollInstance) || epfd === fd) return -Errno.EINVAL;
    return epoll.control(operation, fd, events, data);
  }

  /** Events that hold; `timeoutMs` below 0 waits for ever. */
  epollWait(epfd: number, maxEvents: number, timeoutMs: number): EpollAnswer | Pending<EpollAnswer> {
    const epoll = this.#files.get(epfd);
    if (epoll === undefined) return { result: -Errno.EBADF };
    if (!(epoll instanceof EpollInstance) || maxEvents <= 0) return { result: -Errno.EINVAL };
    const deadline = this.#deadline(timeoutMs);
    const watched = {
      readiness: (fd: number) => this.#readiness(fd),
      generation: (fd: number) => (this.#files.get(fd) as TcpSocket | undefined)?.generation ?? 0,
    };
    return untilAnswered<EpollAnswer>(() => {
      const events = epoll.ready(watched, maxEvents);
      const over = deadline !== undefined && this.now >= deadline;
      return events.length > 0 || over ? { result: events.length, events } : undefined;
    }, deadline);
  }

  /** TCP_INFO: members of `struct tcp_info` by their names, or -errno. */
  tcpInfo(fd: number): Record<keyof TcpInfo, number> | number {
    return this.#with<Record<keyof TcpInfo, number> | number>(
      fd,
      (errno) => errno,
      (socket) => tcpInfo(this.#core, socket),
    );
  }
}

export { isPending };

/** What a Linux host is like before anybody has set a parameter. */
function setDefaults(core: CoreHost, options: HostOptions): void {
  setRoute(core, { mtu: options.mtu ?? 1500 });
  core.setRoot(Root.msl_ms, 30_000);
  core.setRoot(Root.rto_max_us, 120_000_000);
  core.setRoot(Root.rto_initial_us, 1_000_000);
  core.setRoot(Root.tso_bytes_max, 65_215);
  core.setRoot(Root.recovery, Recovery.LINUX);
  core.setFlag(core.template, TcbFlag.TUNED_BUFFER, true);
  core.setFlag(core.template, TcbFlag.DELAYED_ACK, true);
  core.setFlag(core.template, TcbFlag.REAL_BYTES, options.realBytes ?? true);
  core.setTcb(core.template, Tcb.initial_cwnd, 10);
  core.setTcb(core.template, Tcb.rto_min_us, 200_000);
}
