/** Packets that have left the host and wait to be compared; those of earlier connections are none of the script's. */
import type { Connection } from "./connection.ts";
import { TcpFlag } from "./flags.ts";
import { continues, joined, type Sent } from "./match.ts";
import type { TcpPacket } from "./syntax.ts";
import type { ReadSegment } from "./wire.ts";

/** Tells which live packets a script means, and keeps them in order. */
export class Outbound {
  readonly #waiting: Sent[] = [];
  /** Connections that were under test before. */
  readonly #old: Connection[] = [];
  #current: Connection | undefined;

  /** The connection under test. */
  get current(): Connection | undefined {
    return this.#current;
  }

  set current(connection: Connection | undefined) {
    if (connection === this.#current) return;
    if (this.#current !== undefined) this.#old.push(this.#current);
    this.#current = connection;
  }

  /** All connections so far, the latest first. */
  get connections(): Connection[] {
    return [...this.#current === undefined ? [] : [this.#current], ...this.#old.toReversed()];
  }

  /** A packet left. */
  push(segment: ReadSegment, at: number): void {
    this.#learnPort(segment);
    if (this.#old.some((connection) => isOf(segment, connection)) && !this.#isCurrent(segment)) return;
    this.#waiting.push({ segment, at, until: at });
  }

  /** The packet that comes next. */
  peek(): Sent | undefined {
    return this.#waiting[0];
  }

  /** Packets that wait, in order. */
  get waiting(): readonly Sent[] {
    return this.#waiting;
  }

  /**
   * Takes the next packet, which has to wait already. Unless `strict`, those behind it that continue it are added until
   * the length that the script expects is reached; `more` waits for another and tells whether it came.
   */
  take(expected: TcpPacket, strict: boolean, more: () => boolean): Sent {
    let sum = this.#waiting.shift()!;
    const size = sum.segment.length;
    const whole = strict || size === 0 || (sum.segment.flags & TcpFlag.SYN) !== 0;
    while (!whole && sum.segment.length < expected.seq.length && (this.#waiting.length > 0 || more())) {
      const next = this.#waiting[0];
      if (!continues(sum, next, size)) break;
      sum = joined(sum, next);
      this.#waiting.shift();
    }
    return sum;
  }

  /** A SYN shows which local port `connect` took. */
  #learnPort({ flags, srcPort, dstPort }: ReadSegment): void {
    const connection = this.#current;
    if (connection === undefined || !connection.active || connection.remotePort !== dstPort) return;
    if ((flags & TcpFlag.SYN) === 0 || connection.localPort !== undefined) return;
    const known = this.#old.some((old) => old.localPort === srcPort && old.remotePort === dstPort);
    if (!known) connection.localPort = srcPort;
  }

  #isCurrent(segment: ReadSegment): boolean {
    return this.#current !== undefined && isOf(segment, this.#current);
  }
}

function isOf({ srcPort, dstPort }: ReadSegment, connection: Connection): boolean {
  return srcPort === connection.localPort && dstPort === connection.remotePort;
}
