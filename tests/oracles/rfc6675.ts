/**
 * RFC 6675 §3 to §5, in its own words, on whole segments numbered from 0: HighACK is the first segment that is not
 * acknowledged, HighData the first that was never sent. Sets and loops, nothing kept that can be computed.
 *
 * Where the RFC has HighRxt this has the set of segments that were retransmitted, as the core has. Inside a recovery
 * the two are the same but for rule 4's segment, which is counted in pipe (docs/rfc_exceptions.toml).
 */
const DUP_THRESH = 3;

export class Rfc6675 {
  highAck = 0;
  highData = 0;
  /** The segment that has to be acknowledged, with more behind it, before rule 4 may rescue. */
  rescueRxt = -1;
  /** HighData when the recovery began; null outside of it. */
  recoveryPoint: number | null = null;
  readonly sacked = new Set<number>();
  readonly retransmitted = new Set<number>();
  /** Segments that the application has written. */
  readonly written: number;

  constructor(written: number) {
    this.written = written;
  }

  /** §4 IsLost, with segments of SMSS: more than (DupThresh - 1) * SMSS bytes above are DupThresh segments. */
  isLost(segment: number): boolean {
    return [...this.sacked].filter((other) => other > segment).length >= DUP_THRESH;
  }

  lost(): number[] {
    return this.#outstanding().filter((segment) => this.isLost(segment));
  }

  /** §4 SetPipe. */
  pipe(): number {
    let pipe = 0;
    for (const segment of this.#outstanding()) {
      if (!this.isLost(segment)) pipe++;
      if (this.retransmitted.has(segment)) pipe++;
    }
    return pipe;
  }

  #outstanding(): number[] {
    const segments: number[] = [];
    for (let segment = this.highAck; segment < this.highData; segment++) {
      if (!this.sacked.has(segment)) segments.push(segment);
    }
    return segments;
  }

  /** §4 NextSeg, and which of its rules it was. */
  nextSeg(): { segment: number; rule: 1 | 2 | 3 | 4 } | null {
    const unsent = this.highData < this.written ? { segment: this.highData, rule: 2 as const } : null;
    if (this.recoveryPoint === null) return unsent;
    const highestSacked = Math.max(-1, ...this.sacked);
    const holes = this.#outstanding().filter((s) => !this.retransmitted.has(s) && s < highestSacked);
    const hole = holes.find((segment) => this.isLost(segment));
    if (hole !== undefined) return { segment: hole, rule: 1 };
    if (unsent) return unsent;
    if (holes.length > 0) return { segment: holes[0], rule: 3 };
    const last = this.#outstanding().at(-1);
    if (last === undefined || this.retransmitted.has(last) || this.highAck - 1 <= this.rescueRxt) return null;
    return { segment: last, rule: 4 };
  }

  /** §5: an ACK arrives; `window` is cwnd after it, in segments. Returns what is sent. */
  ack(ack: number, blocks: readonly [number, number][], window: number): number[] {
    this.highAck = Math.max(this.highAck, ack);
    for (const [start, end] of blocks) {
      for (let segment = start; segment < end; segment++) this.sacked.add(segment);
    }
    for (const set of [this.sacked, this.retransmitted]) {
      for (const segment of set) if (segment < this.highAck) set.delete(segment);
    }
    for (const segment of this.sacked) this.retransmitted.delete(segment);

    const sent: number[] = [];
    // (A)
    if (this.recoveryPoint !== null && this.highAck >= this.recoveryPoint) this.recoveryPoint = null;
    // (2)
    if (this.recoveryPoint === null && this.lost().length > 0) {
      // (4.1), (4.3)
      this.recoveryPoint = this.highData;
      this.rescueRxt = this.highAck;
      const first = this.lost().find((segment) => !this.retransmitted.has(segment));
      if (first !== undefined) {
        sent.push(first);
        this.retransmitted.add(first);
      }
    }
    // (3.3), (C)
    return [...sent, ...this.send(window)];
  }

  /** (C.1) to (C.5), and all that is sent outside of recovery. */
  send(window: number): number[] {
    const sent: number[] = [];
    let newData = false;
    while (this.pipe() < window) {
      const next = this.nextSeg();
      if (next === null) break;
      // Rule 4 would rescue a segment that has just left for the first time
      if (next.rule === 4 && newData) break;
      sent.push(next.segment);
      if (next.rule === 2) {
        this.highData++;
        newData = true;
      }
      if (next.rule !== 2) this.retransmitted.add(next.segment);
      if (next.rule === 4) this.rescueRxt = (this.recoveryPoint ?? this.highData) - 1;
    }
    return sent;
  }
}
