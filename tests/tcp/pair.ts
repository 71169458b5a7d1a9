/** Two ends of one connection in one engine, and a wire between them that a test may cut. */
import assert from "node:assert/strict";
import { Engine } from "../../src/core/engine.ts";
import { State, Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import { drain, makeTcb, type Settings, startRun } from "./harness.ts";
import { neglected } from "./liveness.ts";
import { type Header, putSegment, readSegment } from "./segment.ts";

const NEVER = 2n ** 64n - 1n;

/** What becomes of a segment: how much later than others each copy of it arrives, in nanoseconds; none, and it is lost. */
export type Fate = bigint[];

/** A wire of equal delay both ways. */
export class Pair {
  readonly engine: Engine;
  /** The active end and the passive one. */
  readonly a: number;
  readonly b: number;
  now: bigint;
  /** Decides over each segment. */
  fate: (header: Header, from: "a" | "b") => Fate = () => [0n];
  readonly #delay: bigint;
  #flying: { at: bigint; order: number; to: number; header: Header }[] = [];
  #order = 0;

  private constructor(engine: Engine, settings: Settings, delay_ms: number) {
    this.engine = engine;
    this.#delay = BigInt(delay_ms) * 1_000_000n;
    this.now = settings.start ?? 1_000_000_000n;
    startRun(engine, settings);
    const local: [number, number] = [0x0a000001, 49152];
    const remote: [number, number] = [0x0a800001, 80];
    this.a = makeTcb(engine, { ...settings, local, remote });
    this.b = makeTcb(engine, { ...settings, endless: false, local: remote, remote: local });
  }

  static async create(settings: Settings, delay_ms: number): Promise<Pair> {
    return new Pair(await Engine.load(), settings, delay_ms);
  }

  /** Does something at one end and puts what it sends on the wire. */
  at(tcb: number, action: () => void): void {
    const from = tcb === this.a ? "a" : "b";
    const to = tcb === this.a ? this.b : this.a;
    try {
      action();
      drain(this.engine, (segment) => {
        const header = readSegment(this.engine, segment);
        for (const later of this.fate(header, from)) {
          this.#flying.push({ at: this.now + this.#delay + later, order: this.#order++, to, header });
        }
      });
      this.engine.exports.checkInvariants(tcb);
      assert.equal(neglected(this.engine, tcb), null);
    } catch (error) {
      throw this.engine.explain(error);
    }
  }

  opens(): void {
    this.at(this.b, () => this.engine.exports.openPassive(this.b));
    this.at(this.a, () => this.engine.exports.openActive(this.a, this.now));
  }

  /** How many bytes were taken. */
  writes(tcb: number, bytes: number): number {
    let taken = 0;
    this.at(tcb, () => taken = this.engine.exports.sendBytes(tcb, bytes, this.now));
    return taken;
  }

  /** How many bytes were there to read. */
  reads(tcb: number, bytes: number): number {
    let given = 0;
    this.at(tcb, () => given = this.engine.exports.receiveBytes(tcb, bytes, this.now));
    return given;
  }

  closes(tcb: number): void {
    this.at(tcb, () => this.engine.exports.closeConnection(tcb, this.now));
  }

  /** The next thing happens: a segment arrives or a deadline passes. False when nothing is to come. */
  step(): boolean {
    this.#flying.sort((x, y) => x.at < y.at ? -1 : x.at > y.at ? 1 : x.order - y.order);
    const deadlines = [this.a, this.b].map((tcb) => ({
      tcb,
      at: BigInt.asUintN(64, this.engine.exports.timersEarliest(tcb)),
    })).sort((x, y) => x.at < y.at ? -1 : x.at > y.at ? 1 : 0);
    const arrival = this.#flying[0]?.at ?? NEVER;
    if (arrival === NEVER && deadlines[0].at === NEVER) return false;
    if (arrival <= deadlines[0].at) {
      const { to, header } = this.#flying.shift()!;
      this.now = arrival;
      this.at(to, () => {
        const segment = putSegment(this.engine, header);
        this.engine.exports.segmentArrives(to, segment, this.now);
        this.engine.exports.giveSegment(segment);
      });
    } else {
      const { tcb, at } = deadlines[0];
      if (at > this.now) this.now = at;
      this.at(tcb, () => this.engine.exports.timersExpired(tcb, this.now));
    }
    return true;
  }

  state(tcb: number): string {
    const value = this.engine.get(tcb, Tcb.state);
    return Object.keys(State).find((name) => State[name as keyof typeof State] === value) ?? "";
  }

  /** Bytes of the stream that an end has received in order. */
  received(tcb: number): number {
    const fin = this.engine.get(tcb, Tcb.flags) & TcbFlag.FIN_RECEIVED ? 1 : 0;
    return (this.engine.get(tcb, Tcb.rcv_nxt) - this.engine.get(tcb, Tcb.irs) - 1 - fin) >>> 0;
  }
}
