/** The descriptors of a script and of the host, and which connection is under test: the one opened last. */
import type { CallContext } from "./calls.ts";
import type { Config } from "./config.ts";
import { Connection } from "./connection.ts";
import { TcpFlag } from "./flags.ts";
import type { ScriptAddress, ScriptHost } from "./host.ts";
import type { Sent } from "./match.ts";
import type { Outbound } from "./outbound.ts";
import { symbol } from "./symbols.ts";
import type { IcmpPacket, TcpPacket } from "./syntax.ts";

/** The remote ends of inbound connections count from here. */
const FIRST_REMOTE_PORT = 53055;
/** Descriptors that the script never opened get numbers that the host never gave. */
const UNKNOWN_FD = 1_000_000;

/** What the runner knows of the sockets of one script. */
export class Sockets implements CallContext {
  readonly host: ScriptHost;
  readonly family: number;
  readonly local: ScriptAddress;
  readonly remote: ScriptAddress;
  readonly #outbound: Outbound;
  readonly #live = new Map<number, number>();
  readonly #ports = new Map<number, number>();
  /** The listener that the next SYN is for, if it was opened after the latest connection. */
  #listener: number | undefined;
  #nextRemotePort = FIRST_REMOTE_PORT;

  /** For the addresses and ports of `config`. */
  constructor(config: Config, host: ScriptHost, outbound: Outbound) {
    this.host = host;
    this.#outbound = outbound;
    const prefix = config.ipVersion === "ipv4-mapped-ipv6" ? "::ffff:" : "";
    this.family = symbol(config.ipVersion === "ipv4" ? "AF_INET" : "AF_INET6")!;
    this.local = { address: prefix + config.localIp, port: config.bindPort };
    this.remote = { address: prefix + config.remoteIp, port: config.connectPort };
  }

  /** The descriptor that `%{ }%` reads. */
  get fdUnderTest(): number | undefined {
    return this.#listener ?? this.#outbound.current?.fd;
  }

  fd(scripted: number): number {
    return this.#live.get(scripted) ?? UNKNOWN_FD + scripted;
  }

  scriptedFd(live: number): number {
    return [...this.#live].findLast(([, value]) => value === live)?.[0] ?? -1;
  }

  /** A call has opened a descriptor under the script's own number. */
  learnFd(scripted: number, live: number): void {
    this.#live.set(scripted, live);
  }

  onBind(fd: number, port: number): void {
    this.#ports.set(fd, port);
  }

  onListen(fd: number): void {
    if (this.#outbound.current?.fd !== fd) this.#listener = fd;
  }

  onConnect(fd: number, remotePort: number): void {
    const current = this.#outbound.current;
    // Called again for the same connection, unless that one was refused
    if (current?.active && current.fd === fd && !current.wasReset && this.#listener === undefined) return;
    const connection = new Connection(true, undefined, remotePort);
    connection.fd = fd;
    this.#listener = undefined;
    this.#outbound.current = connection;
  }

  onAccept(fd: number, peer: ScriptAddress | undefined): void {
    const passive = this.#outbound.connections.filter(({ active }) => !active);
    const connection = passive.find(({ remotePort }) => remotePort === peer?.port) ??
      passive.findLast((candidate) => candidate.fd === undefined);
    if (connection !== undefined) connection.fd = fd;
  }

  onClose(fd: number): void {
    if (this.#listener === fd) this.#listener = undefined;
    for (const connection of this.#outbound.connections) {
      if (connection.fd === fd) connection.fd = undefined;
    }
  }

  /** The connection that an injected packet is of; a SYN to a listener begins one. */
  forInbound(packet: TcpPacket | IcmpPacket): Connection {
    const flags = packet.kind === "tcp" ? packet.flags : 0;
    const syn = (flags & TcpFlag.SYN) !== 0;
    const ack = (flags & TcpFlag.ACK) !== 0;
    const fresh = this.#outbound.current === undefined || (this.#listener !== undefined && syn && !ack);
    if (fresh) this.#begin();
    const connection = this.#outbound.current!;
    connection.sawInbound(syn, ack, (flags & TcpFlag.RST) !== 0);
    return connection;
  }

  /** The connection that a packet that left is of. */
  forOutbound({ segment }: Sent): Connection | undefined {
    const current = this.#outbound.current;
    const same = current?.localPort === segment.srcPort && current.remotePort === segment.dstPort;
    return same ? current : undefined;
  }

  /** From a port of the remote host's that has not been used, to the listener, if there is one. */
  #begin(): void {
    const port = this.#listener === undefined ? undefined : this.#ports.get(this.#listener);
    this.#listener = undefined;
    this.#outbound.current = new Connection(false, port ?? this.local.port, this.#nextRemotePort++);
  }
}
