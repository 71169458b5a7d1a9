/** A host of the engine on a real wire: applications on its connections, and what became of them. */
import {
  AF_INET,
  AF_INET6,
  Errno,
  FileControl,
  Shutdown,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_TCP,
  TcpOption,
  TcpState,
} from "../sockets/constants.ts";
import { Host } from "../sockets/host.ts";
import { isPending, type Pending } from "../sockets/pending.ts";
import type { EmulatedPath, PathLinkStatistics } from "./emulated_path.ts";
import { RealTime, type WireStatistics } from "./real_time.ts";
import type { Application, ByteStream, Session } from "./session.ts";
import { openTunnel, type Tunnel, type TunnelAddress } from "./udp_tunnel.ts";

/** How to make a host. */
export interface LiveHostOptions {
  /** The wire. */
  tunnel: TunnelAddress;
  /** The host's own addresses, IPv4 and IPv6. */
  addresses: string[];
  /** Congestion control of its connections: `cubic`, `reno`; Linux's default when absent. */
  congestionControl?: string;
  /** Parameters, by Linux's names: `net.ipv4.tcp_sack`. */
  sysctls?: Record<string, string | number>;
  /** Largest packet; 1500 when absent. */
  mtu?: number;
  /** Links between the wire, at their left end, and the host. */
  path?: EmulatedPath;
  /** What the secrets of the host are made from; another each time when absent. */
  seed?: bigint;
}

/** One connection, under way or over. */
export interface ConnectionReport {
  /** The other end, as ADDRESS:PORT, in brackets for IPv6. */
  peer: string;
  /** When it began, seconds since the host was opened. */
  opened_s: number;
  /** null while it lasts. */
  closed_s: number | null;
  /** Bytes that the application has read. */
  bytes_received: number;
  /** Bytes that the application has written. */
  bytes_sent: number;
  /** What ended it, when that was not its close: `ECONNRESET`. */
  error: string | null;
  /** SHA-256 of what was received, for applications that keep it. */
  sha256: string | null;
  /** Members of `struct tcp_info` at its end, or now. */
  info: Record<string, number>;
}

/** Everything that there is to know. */
export interface LiveStatistics {
  /** Seconds since the host was opened. */
  wall_s: number;
  /** What has passed the tunnel. */
  wire: WireStatistics;
  /** What the links in between have done. */
  links: PathLinkStatistics[];
  /** All connections so far, or the first ten thousand. */
  connections: ConnectionReport[];
}

const STREAM = SOCK_STREAM | SOCK_NONBLOCK;
/** Connections that may wait to be accepted. */
const BACKLOG = 1024;
const READ_BYTES = 1 << 18;
/** Connections whose end is remembered. */
const REPORTS_MAX = 10_000;

interface Connection {
  fd: number;
  session: Session;
  stream: HostStream;
  report: ConnectionReport;
  /** Told when it is over. */
  over: (report: ConnectionReport) => void;
}

/** A host of the engine in real time. */
export class LiveHost {
  /** The host itself, for what is not here: its sockets' calls may be used between turns, after `sync`. */
  readonly host: Host;
  readonly #realTime: RealTime;
  readonly #path: EmulatedPath | undefined;
  readonly #congestionControl: string | undefined;
  readonly #listeners = new Map<number, Application>();
  readonly #connections = new Map<number, Connection>();
  /** Connections, by descriptor, whose sessions are done, but whose last bytes the other end does not have yet. */
  readonly #lingering = new Map<number, Connection>();
  /** Connections that stopped only to give others their turn. */
  readonly #hungry = new Set<Connection>();
  readonly #reports: ConnectionReport[] = [];
  readonly #failure: Promise<never>;
  #tunnel: Tunnel | undefined;

  private constructor(host: Host, path: EmulatedPath | undefined, congestionControl: string | undefined) {
    this.host = host;
    this.#path = path;
    this.#congestionControl = congestionControl;
    let failed: (error: unknown) => void = () => {};
    this.#failure = new Promise((_, reject) => failed = reject);
    // Who does not ask for it does not want to hear of it
    this.#failure.catch(() => {});
    this.#realTime = new RealTime(host, path, () => this.#turn(), failed);
  }

  /** Makes the host and opens its tunnel. */
  static async open(options: LiveHostOptions): Promise<LiveHost> {
    const { addresses, sysctls = {}, mtu, path, seed = randomSeed() } = options;
    const host = await Host.create({ addresses, sysctls, seed, mtu });
    const live = new LiveHost(host, path, options.congestionControl);
    // A name that there is not is refused now
    host.close(live.#socket(AF_INET));
    live.#tunnel = await openTunnel(options.tunnel, (packet) => live.#realTime.receive(packet));
    live.#realTime.start(live.#tunnel);
    return live;
  }

  /** Accepts connections on a port, of both families where the host has both, and gives each to `application`. */
  listen(port: number, application: Application): void {
    const { host } = this;
    const fd = this.#socket(AF_INET6);
    checked(host.bind(fd, { address: "::", port }), "bind");
    checked(host.listen(fd, BACKLOG), "listen");
    this.#listeners.set(fd, application);
  }

  /** Connects, and resolves when the connection is over. */
  connect(address: string, port: number, application: Application): Promise<ConnectionReport> {
    const { host } = this;
    this.sync();
    const fd = this.#socket(address.includes(":") ? AF_INET6 : AF_INET);
    const result = settled(host.connect(fd, { address, port }));
    if (result < 0 && result !== -Errno.EINPROGRESS) throw new Error(`connect: ${errnoName(-result)}`);
    return new Promise((over) => {
      this.#adopt(fd, endText(address, port), application(), over);
      this.#realTime.wake();
    });
  }

  #socket(family: number): number {
    const fd = checked(this.host.socket(family, STREAM, 0), "socket");
    const name = this.#congestionControl;
    if (name !== undefined) {
      checked(this.host.setsockopt(fd, SOL_TCP, TcpOption.TCP_CONGESTION, name), `congestion control "${name}"`);
    }
    return fd;
  }

  /** Brings the host's clock to now. */
  sync(): void {
    this.#realTime.sync();
  }

  /** Asks every session to go on: something that they wait for has happened elsewhere. */
  poke(): void {
    for (const connection of this.#connections.values()) this.#hungry.add(connection);
    this.#realTime.wake();
  }

  /** Rejects when the engine fails, and never resolves. */
  get failure(): Promise<never> {
    return this.#failure;
  }

  /** Everything so far. */
  statistics(): LiveStatistics {
    for (const connection of [...this.#connections.values(), ...this.#lingering.values()]) this.#update(connection);
    return {
      wall_s: this.#seconds(),
      wire: { ...this.#realTime.statistics },
      links: this.#path?.statistics() ?? [],
      connections: [...this.#reports],
    };
  }

  /** Lets go of the wire; what was under way stays as it is. */
  async close(): Promise<void> {
    this.#realTime.stop();
    await this.#tunnel?.close();
  }

  #seconds(): number {
    return Number(this.#realTime.now()) / 1e9;
  }

  #turn(): void {
    const hungry = [...this.#hungry];
    this.#hungry.clear();
    for (const connection of hungry) this.#proceed(connection);
    for (const fd of this.host.takeNews()) {
      const application = this.#listeners.get(fd);
      if (application !== undefined) this.#accept(fd, application);
      const connection = this.#connections.get(fd);
      if (connection !== undefined) this.#proceed(connection);
      const lingering = this.#lingering.get(fd);
      // The last acknowledgment and every end are news
      if (lingering !== undefined && !this.#isOwed(lingering)) this.#finish(lingering);
    }
    if (this.#hungry.size > 0) this.#realTime.wake();
  }

  #accept(listener: number, application: Application): void {
    for (;;) {
      const { result: fd, address } = settled(this.host.accept(listener, SOCK_NONBLOCK));
      if (fd < 0) return;
      const peer = address === undefined ? "" : endText(address.address, address.port);
      this.#proceed(this.#adopt(fd, peer, application(), () => {}));
    }
  }

  #adopt(fd: number, peer: string, session: Session, over: (report: ConnectionReport) => void): Connection {
    const report: ConnectionReport = {
      peer,
      opened_s: this.#seconds(),
      closed_s: null,
      bytes_received: 0,
      bytes_sent: 0,
      error: null,
      sha256: null,
      info: this.#info(fd),
    };
    const connection = { fd, session, stream: new HostStream(this.host, fd), report, over };
    this.#connections.set(fd, connection);
    if (this.#reports.length < REPORTS_MAX) this.#reports.push(report);
    return connection;
  }

  #proceed(connection: Connection): void {
    const { session, stream } = connection;
    const end = session.turn(stream);
    if (end === "more" && stream.error === 0) this.#hungry.add(connection);
    else if (end !== "waits" || stream.error !== 0) this.#finishOrLinger(connection);
  }

  #finishOrLinger(connection: Connection): void {
    if (!this.#isOwed(connection)) return this.#finish(connection);
    this.#connections.delete(connection.fd);
    this.#lingering.set(connection.fd, connection);
  }

  /** Whether the other end still has to acknowledge something, the FIN among it, of a stream that was ended in order. */
  #isOwed({ fd, stream }: Connection): boolean {
    if (!stream.ended || stream.error !== 0 || this.host.ioctl(fd, FileControl.SIOCOUTQ).value === 0) return false;
    return this.#info(fd).tcpi_state !== TcpState.TCP_CLOSE;
  }

  #finish(connection: Connection): void {
    const { fd, report, over } = connection;
    this.#update(connection);
    report.closed_s = this.#seconds();
    this.#hungry.delete(connection);
    this.#lingering.delete(fd);
    this.#connections.delete(fd);
    this.host.close(fd);
    over(report);
  }

  #update({ fd, session, stream, report }: Connection): void {
    report.bytes_received = stream.bytesRead;
    report.bytes_sent = stream.bytesWritten;
    report.error = stream.error === 0 ? null : errnoName(stream.error);
    // A sum that is asked for cannot go on
    if (stream.error !== 0 || stream.atEnd) report.sha256 = session.received?.() ?? null;
    report.info = this.#info(fd);
  }

  #info(fd: number): Record<string, number> {
    const info = this.host.tcpInfo(fd);
    if (typeof info === "number") throw new Error(`TCP_INFO: ${errnoName(-info)}`);
    return Object.fromEntries(Object.entries(info).map(([name, value]) => [name, Number(value)]));
  }
}

/** A descriptor's two streams. An error ends both, and is kept. */
class HostStream implements ByteStream {
  bytesRead = 0;
  bytesWritten = 0;
  error = 0;
  atEnd = false;
  ended = false;
  readonly #host: Host;
  readonly #fd: number;

  constructor(host: Host, fd: number) {
    this.#host = host;
    this.#fd = fd;
  }

  read(): Uint8Array | undefined {
    if (this.error !== 0) return undefined;
    const { result, data } = settled(this.#host.read(this.#fd, READ_BYTES));
    if (result < 0) {
      this.#failed(-result);
      return undefined;
    }
    this.bytesRead += result;
    if (result === 0) this.atEnd = true;
    return data ?? new Uint8Array(result);
  }

  write(bytes: Uint8Array): number {
    if (this.error !== 0) return 0;
    const result = settled(this.#host.write(this.#fd, bytes));
    if (result < 0) {
      this.#failed(-result);
      return 0;
    }
    this.bytesWritten += result;
    return result;
  }

  end(): void {
    this.ended = true;
    this.#host.shutdown(this.#fd, Shutdown.SHUT_WR);
  }

  describe(): string {
    const info = Object.entries(this.#host.tcpInfo(this.#fd));
    return info.map(([name, value]) => `${name} ${value}\n`).join("");
  }

  /** No bytes or no room yet, or not connected yet: no error. */
  #failed(errno: number): void {
    if (errno !== Errno.EAGAIN) this.error = errno;
  }
}

/** The answer of a call that does not block. */
function settled<T>(answer: T | Pending<T>): T {
  if (isPending(answer)) throw new Error("a call on a non-blocking socket waits");
  return answer;
}

function checked(result: number, call: string): number {
  if (result < 0) throw new Error(`${call}: ${errnoName(-result)}`);
  return result;
}

function errnoName(errno: number): string {
  return Object.entries(Errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}

/** A listener of both families sees IPv4 addresses mapped, RFC 4291 §2.5.5.2. */
function endText(mapped: string, port: number): string {
  const address = mapped.replace(/^::ffff:(?=\d+\.)/, "");
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function randomSeed(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0];
}
