/**
 * Connections as a script sees them. A script names neither ports nor live sequence numbers: its packets belong to the
 * one connection under test, and its numbers count from ISNs of its own. The remote host is the script, so its sequence
 * numbers are live as they stand; the local ones are shifted, and timestamps of the local clock are looked up.
 */
import type { TcpOption } from "./syntax.ts";

/** One connection, and how its numbers map. */
export class Connection {
  /** Whether the script connected, so that the local port shows in the SYN only. */
  readonly active: boolean;
  /** Port of the local end; unknown until the SYN of `connect` is seen. */
  localPort: number | undefined;
  readonly remotePort: number;
  /** The descriptor, once there is one. */
  fd: number | undefined;
  /** Live minus scripted local sequence numbers; unknown until the first SYN. */
  localOffset: number | undefined;
  /** A SYN has come since the connection had an end or a middle: the next SYN sent may begin a new one. */
  mayRestart = false;
  /** The remote end has sent a RST. */
  wasReset = false;
  #used = false;
  /** Live TS val of each scripted one. */
  readonly #timestamps = new Map<number, number>();
  #firstTimestamp: { script: number; live: number } | undefined;

  /** A connection between two ports. */
  constructor(active: boolean, localPort: number | undefined, remotePort: number) {
    this.active = active;
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /** A scripted local sequence number as it is live. */
  toLive(number: number): number {
    return (number + (this.localOffset ?? 0)) >>> 0;
  }

  /** A live local sequence number as the script counts. */
  toScript(number: number): number {
    return (number - (this.localOffset ?? 0)) >>> 0;
  }

  /** A packet arrives: after a SYN in the middle of a connection the local ISN may change. */
  sawInbound(syn: boolean, ack: boolean, rst: boolean): void {
    if (syn && !ack && this.#used) this.mayRestart = true;
    if (rst) this.wasReset = this.#used = true;
  }

  /** A packet was sent as expected. A SYN says how the local numbers map. */
  sawOutbound(syn: boolean): void {
    if (!syn) this.#used = true;
    else this.#used = this.mayRestart = false;
  }

  /** Takes the mapping from a SYN if it is the first, or the first of a new connection. */
  learnIsn(script: number, live: number): void {
    if (this.localOffset === undefined || this.mayRestart) this.localOffset = (live - script) >>> 0;
  }

  /** Notes which live TS val stands for a scripted one. */
  learnTimestamp(script: number, live: number): void {
    this.#timestamps.set(script, live);
    this.#firstTimestamp ??= { script, live };
  }

  /** The live TS val that the script means; `undefined` if it never saw that one. */
  liveTimestamp(script: number): number | undefined {
    return this.#timestamps.get(script) ?? (script === 0 ? 0 : undefined);
  }

  /** What a live TS val would be in the script if its clock ticked alike. */
  expectedScriptTimestamp(live: number): number | undefined {
    const first = this.#firstTimestamp;
    return first === undefined ? undefined : (live - first.live + first.script) >>> 0;
  }

  /** Options of an inbound packet with live numbers; the text says what cannot be mapped. */
  liveOptions(options: readonly TcpOption[]): TcpOption[] | string {
    const live: TcpOption[] = [];
    for (const option of options) {
      if (option.kind === "sack") {
        live.push({ ...option, blocks: option.blocks.map(([start, end]) => [this.toLive(start), this.toLive(end)]) });
      } else if (option.kind === "TS") {
        const ecr = this.liveTimestamp(option.ecr);
        if (ecr === undefined) return `ecr ${option.ecr}`;
        live.push({ ...option, ecr });
      } else live.push(option);
    }
    return live;
  }
}
