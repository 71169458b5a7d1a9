/**
 * Byte streams over one end of a simulated connection. The simulated clock stands while a stream's user acts: the run
 * stops at each event that brings news, and goes on when the program has answered.
 */
import type { Engine } from "./core/engine.ts";
import { END_REASON_NAMES, EndReason, Notify, State, STATE_NAMES, Tcb, TcbFlag } from "./core/layout.gen.ts";

/** Bytes moved through the core's memory at a time. */
const CHUNK_BYTES = 65536;

/**
 * One end of a flow: a full-duplex byte stream, when the flow was opened with `realBytes`.
 *
 * @example
 * ```ts
 * import { Simulation } from "@cwnd/cwnd";
 *
 * const simulation = await Simulation.create({
 *   topology: { kind: "path", links: [{ rate: "10Mbps", delay: "5ms" }] },
 *   flows: [{ realBytes: true }],
 *   duration: "10s",
 * });
 * const { a, b } = simulation.flows[0];
 * const writer = a.writable.getWriter();
 * writer.write(new TextEncoder().encode("hello")).then(() => writer.close());
 * const received = new Response(b.readable).text();
 * await simulation.runUntil("10s");
 * console.log(await received); // hello
 * simulation.close();
 * ```
 */
export class Endpoint {
  /** What the peer writes, in order. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What this end sends; closing it closes this direction. */
  readonly writable: WritableStream<Uint8Array>;
  #engine: Engine;
  #tcb: number;
  #scratch: number;
  #wakers: (() => void)[] = [];
  #closing = false;
  #aborted = false;
  #cut = false;

  /** The end whose control block lies at `tcb`; `scratch` is room for bytes on their way, 0 for a virtual stream. */
  constructor(engine: Engine, tcb: number, scratch: number) {
    this.#engine = engine;
    this.#tcb = tcb;
    this.#scratch = scratch;
    this.readable = new ReadableStream<Uint8Array>({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.abort(),
    }, { highWaterMark: 0 });
    this.writable = new WritableStream<Uint8Array>({
      write: (chunk) => this.#write(chunk),
      close: () => this.#close(),
      abort: () => this.abort(),
    });
  }

  /** State of RFC 9293 §3.3.2, such as `"ESTABLISHED"`. */
  get state(): string {
    return STATE_NAMES[this.#engine.get(this.#tcb, Tcb.state)];
  }

  /** Why the connection is over: `"NONE"` while it is not. */
  get endReason(): string {
    return END_REASON_NAMES[this.#engine.get(this.#tcb, Tcb.end_reason)];
  }

  /** Ends the connection with a reset. */
  abort(): void {
    this.#aborted = true;
    this.#engine.exports.programAbort(this.#tcb);
    this.hear();
  }

  /** The simulation is closed: whoever still waits for this end hears that nothing will come. */
  cut(): void {
    this.#cut = true;
    this.#wake();
  }

  /** Takes the core's news of this end and lets whoever waits for some look again. True when somebody did. */
  hear(): boolean {
    const news = this.#engine.exports.programNews(this.#tcb);
    if (news === 0) return false;
    if (news & Notify.ESTABLISHED) {
      // What was asked for before there was a connection
      if (this.#aborted) this.#engine.exports.programAbort(this.#tcb);
      else if (this.#closing) this.#engine.exports.programClose(this.#tcb);
    }
    return this.#wake();
  }

  #wake(): boolean {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const waker of wakers) waker();
    return wakers.length > 0;
  }

  #waitForNews(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve));
  }

  #requireBytes(): void {
    if (this.#scratch === 0) throw new TypeError('This flow is virtual: set "realBytes": true to read and write bytes');
  }

  get #isOver(): boolean {
    return this.#cut || this.#engine.get(this.#tcb, Tcb.end_reason) !== EndReason.NONE;
  }

  #over(): Error {
    return new Error(this.#cut ? "The simulation is closed" : `The connection is over: ${this.endReason}`);
  }

  #has(flag: number): boolean {
    return (this.#engine.get(this.#tcb, Tcb.flags) & flag) !== 0;
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#requireBytes();
    const { exports } = this.#engine;
    for (;;) {
      const count = exports.programRead(this.#tcb, this.#scratch, CHUNK_BYTES);
      if (count > 0) return controller.enqueue(this.#engine.bytes(this.#scratch, count).slice());
      if (this.#has(TcbFlag.FIN_RECEIVED)) return controller.close();
      if (this.#isOver) return controller.error(this.#over());
      await this.#waitForNews();
    }
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#requireBytes();
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`Found a chunk of type ${typeof chunk}, expected a Uint8Array`);
    }
    const { exports } = this.#engine;
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + CHUNK_BYTES);
      this.#engine.bytes(this.#scratch, part.length).set(part);
      const taken = exports.programWrite(this.#tcb, this.#scratch, part.length);
      at += taken;
      if (at === chunk.length) return;
      if (this.#isOver) throw this.#over();
      if (this.#has(TcbFlag.FIN_QUEUED)) throw new Error("The sending direction was closed before all was written");
      if (taken < part.length) await this.#waitForNews();
    }
  }

  /** CLOSE before the handshake is over would abandon the connection: it waits until then. */
  #close(): void {
    if (this.#isOver && this.endReason !== "CLOSED") throw this.#over();
    const state = this.#engine.get(this.#tcb, Tcb.state);
    if (state < State.ESTABLISHED) this.#closing = true;
    else this.#engine.exports.programClose(this.#tcb);
  }
}

/** Room in the core for bytes on their way between a stream and a connection. */
export function streamScratch(engine: Engine): number {
  return engine.exports.allocate(CHUNK_BYTES);
}
