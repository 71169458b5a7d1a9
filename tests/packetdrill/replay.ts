/**
 * A host that plays back a recorded stream: the packets that left and when, and what calls returned. It knows nothing
 * of TCP, so what a script comes to over a recording is the runner's doing alone.
 */
import type { Pending, PollFd, ReadResult, ScriptHost, ValueResult } from "../../src/packetdrill/host.ts";
import { readFlags } from "../../src/packetdrill/flags.ts";
import type { RouteSettings } from "../../src/sockets/route.ts";
import type { TcpOption } from "../../src/packetdrill/syntax.ts";
import { addressBytes, decodeSegment, encodeSegment, type ReadSegment } from "../../src/packetdrill/wire.ts";

/** A packet that left, with the numbers of the wire. */
export interface RecordedPacket {
  /** Seconds since the start of the script. */
  at: number;
  flags: string;
  seq: number;
  length: number;
  ack: number;
  win: number;
  urg?: number;
  options: TcpOption[];
  tos?: number;
  ttl?: number;
  localPort?: number;
  remotePort?: number;
  /** Changes the bytes; checksums stay as they were. */
  damage?: (bytes: Uint8Array) => void;
}

/** What a call returned. */
export interface RecordedCall {
  call: string;
  result: number;
  /** Seconds; it blocked until then. */
  returnsAt?: number;
  value?: ValueResult["value"];
  flags?: number;
  revents?: number[];
  events?: { events: number; data: number }[];
  peerPort?: number;
}

/** A recorded stream. */
export interface Recording {
  packets: RecordedPacket[];
  calls: RecordedCall[];
  /** Members of TCP_INFO at each time that it is read. */
  infos: Record<string, number>[];
}

const START = 10_000_000_000n;
const LOCAL = { v4: "192.168.0.1", v6: "fd3d:a0b:17d6::1" };
const REMOTE = { v4: "192.0.2.1", v6: "fd3d:fa7b:d17d::1" };

const SENDING = new Set(["connect", "write", "shutdown", "close"]);

/** Plays a recording back. */
export class ReplayHost implements ScriptHost {
  now = 0n;
  /** Segments that were injected, and when. */
  readonly injected: { at: number; segment: ReadSegment | string; bytes: Uint8Array }[] = [];
  /** Parameters that were set, `name=value`, and routes. */
  readonly parameters: string[] = [];
  readonly #packets: { at: bigint; bytes: Uint8Array }[];
  readonly #calls: RecordedCall[];
  readonly #infos: Record<string, number>[];
  readonly #left: { timeNs: bigint; packet: Uint8Array }[] = [];
  readonly #returns: bigint[] = [];

  constructor({ packets, calls, infos }: Recording, ip: "v4" | "v6" = "v4") {
    this.#packets = packets.map((packet) => ({ at: nanoseconds(packet.at), bytes: bytesOf(packet, ip) }));
    this.#calls = [...calls];
    this.#infos = [...infos];
  }

  run(untilNs: bigint): void {
    this.#leave((at) => at <= untilNs);
    this.now = untilNs;
  }

  runBefore(untilNs: bigint): void {
    this.#leave((at) => at < untilNs);
    this.now = untilNs;
  }

  nextEventNs(): bigint | undefined {
    const times = [...this.#packets.map(({ at }) => at), ...this.#returns.filter((at) => at > this.now)];
    return times.length === 0 ? undefined : times.reduce((a, b) => a < b ? a : b);
  }

  input(packet: Uint8Array): void {
    const at = Number(this.now - START) / 1e9;
    this.injected.push({ at, segment: decodeSegment(packet), bytes: packet });
    this.#leave((time) => time <= this.now);
  }

  output(): { timeNs: bigint; packet: Uint8Array }[] {
    return this.#left.splice(0);
  }

  sysctl(name: string, value: string): void {
    if (name.includes("imagined")) throw new Error(`unknown sysctl "${name}"`);
    this.parameters.push(`${name}=${value}`);
  }

  route(settings: RouteSettings): void {
    this.parameters.push(`route ${JSON.stringify(settings)}`);
  }

  socket(): number {
    return this.#call("socket").result;
  }

  bind(): number {
    return this.#call("bind").result;
  }

  listen(): number {
    return this.#call("listen").result;
  }

  accept(): { result: number; address: { address: string; port: number } } | Pending<never> {
    const call = this.#call("accept");
    const value = { result: call.result, address: { address: REMOTE.v4, port: call.peerPort ?? 0 } };
    return this.#when(call, value) as typeof value | Pending<never>;
  }

  connect(): number | Pending<number> {
    const call = this.#call("connect");
    return this.#when(call, call.result);
  }

  read(): ReadResult | Pending<ReadResult> {
    const call = this.#call("read");
    return this.#when(call, { result: call.result, flags: call.flags });
  }

  write(): number | Pending<number> {
    const call = this.#call("write");
    return this.#when(call, call.result);
  }

  shutdown(): number {
    return this.#call("shutdown").result;
  }

  close(): number | Pending<number> {
    const call = this.#call("close");
    return this.#when(call, call.result);
  }

  getsockopt(): ValueResult {
    return this.#call("getsockopt");
  }

  setsockopt(): number {
    return this.#call("setsockopt").result;
  }

  fcntl(): number {
    return this.#call("fcntl").result;
  }

  ioctl(): ValueResult {
    return this.#call("ioctl");
  }

  poll(fds: PollFd[]): number | Pending<number> {
    const call = this.#call("poll");
    call.revents?.forEach((revents, index) => fds[index].revents = revents);
    return this.#when(call, call.result);
  }

  epollCreate(): number {
    return this.#call("epoll_create").result;
  }

  epollCtl(): number {
    return this.#call("epoll_ctl").result;
  }

  epollWait(): { result: number; events?: { events: number; data: number }[] } {
    return this.#call("epoll_wait");
  }

  tcpInfo(): Record<string, number> {
    const info = this.#infos.shift();
    if (info === undefined) throw new Error("the recording holds no further TCP_INFO");
    return info;
  }

  #call(name: string): RecordedCall {
    const call = this.#calls.shift();
    if (call?.call !== name) throw new Error(`the recording has ${call?.call ?? "nothing"} where ${name} was called`);
    // What a call sends leaves during it
    if (SENDING.has(name)) this.#leave((at) => at <= this.now);
    return call;
  }

  #when<T>(call: RecordedCall, value: T): T | Pending<T> {
    if (call.returnsAt === undefined) return value;
    const at = nanoseconds(call.returnsAt);
    this.#returns.push(at);
    const pending: Pending<T> = { retry: () => this.now >= at ? value : pending };
    return pending;
  }

  #leave(due: (at: bigint) => boolean): void {
    while (this.#packets.length > 0 && due(this.#packets[0].at)) {
      const { at, bytes } = this.#packets.shift()!;
      this.#left.push({ timeNs: at, packet: bytes });
    }
  }
}

function nanoseconds(seconds: number): bigint {
  return START + BigInt(Math.round(seconds * 1e9));
}

function bytesOf(packet: RecordedPacket, ip: "v4" | "v6"): Uint8Array {
  const bytes = encodeSegment({
    ip: {
      src: addressBytes(LOCAL[ip]),
      dst: addressBytes(REMOTE[ip]),
      tos: packet.tos ?? 0,
      ttl: packet.ttl ?? 64,
      flowLabel: 0,
    },
    srcPort: packet.localPort ?? 8080,
    dstPort: packet.remotePort ?? 53055,
    seq: packet.seq >>> 0,
    ack: packet.ack,
    flags: readFlags(packet.flags)!,
    win: packet.win,
    urg: packet.urg ?? 0,
    options: packet.options,
    length: packet.length,
  });
  packet.damage?.(bytes);
  return bytes;
}
