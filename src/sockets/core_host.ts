/** The core as a host: its stack, sockets as addresses of structs, and bytes on their way in and out. */
import { Engine, type Field, type WasmSource } from "../core/engine.ts";
import {
  Engine as Root,
  LocalAddress,
  OutputRecord,
  RunStatus,
  Socket as SocketLayout,
  Stack,
  Tcb,
} from "../core/layout.gen.ts";
import { parseAddress } from "./address.ts";

/** Room for bytes between a caller and the core. */
const SCRATCH_BYTES = 1 << 16;

/** A packet that left, and when. */
export interface LeftPacket {
  /** When it left, nanoseconds of the host's clock. */
  timeNs: bigint;
  /** The IP packet. */
  packet: Uint8Array;
}

/** One engine that runs as a host. */
export class CoreHost {
  readonly engine: Engine;
  readonly scratch: number;
  readonly scratchBytes: number = SCRATCH_BYTES;
  readonly #stack: number;
  readonly #input: number;
  #left: LeftPacket[] = [];

  private constructor(engine: Engine, addresses: string[], seed: bigint) {
    this.engine = engine;
    engine.exports.init(seed);
    this.#stack = engine.exports.stackInit(addresses.length);
    const list = this.stack(Stack.addresses);
    addresses.forEach((address, i) => {
      const { hi, lo } = parseAddress(address);
      engine.set(list + i * LocalAddress.size, LocalAddress.hi, hi);
      engine.set(list + i * LocalAddress.size, LocalAddress.lo, lo);
    });
    this.#input = this.stack(Stack.input);
    this.scratch = engine.exports.allocate(SCRATCH_BYTES);
  }

  /** A host with these local addresses; `seed` makes its secrets. */
  static async create(addresses: string[], seed: bigint, wasm?: WasmSource): Promise<CoreHost> {
    return new CoreHost(await Engine.load(wasm), addresses, seed);
  }

  /** A field of the host's root. */
  stack(field: Field): number {
    return this.engine.get(this.#stack, field);
  }

  /** Sets a field of the host's root. */
  setStack(field: Field, value: number | bigint): void {
    this.engine.set(this.#stack, field, value);
  }

  /** Sets a parameter of the whole run. */
  setRoot(field: Field, value: number | bigint): void {
    this.engine.set(this.engine.root, field, value);
  }

  /** The block of a socket that new ones are copied from. */
  get template(): number {
    return this.stack(Stack.template);
  }

  /** A field of a socket. */
  socket(at: number, field: Field): number {
    return this.engine.get(at, field);
  }

  /** Address of a socket's control block. */
  tcbOf(at: number): number {
    return at + SocketLayout.size;
  }

  /** A field of what few sockets have beside their control block; 0 when this one has none. */
  ext(at: number, field: Field): number {
    const ext = this.tcb(at, Tcb.ext);
    return ext === 0 ? 0 : this.engine.get(ext, field);
  }

  /** Sets such a field. */
  setExt(at: number, field: Field, value: number): void {
    this.engine.set(this.call((core) => core.socketExt(at)), field, value);
  }

  /** A parameter of the whole run. */
  root(field: Field): number {
    return this.engine.get(this.engine.root, field);
  }

  /** A field of a socket's control block. */
  tcb(at: number, field: Field): number {
    return this.engine.get(at + SocketLayout.size, field);
  }

  /** Sets a field of a socket's control block. */
  setTcb(at: number, field: Field, value: number | bigint): void {
    this.engine.set(at + SocketLayout.size, field, value);
  }

  /** Sets or clears bits of a socket's `Tcb.flags`. */
  setFlag(at: number, bits: number, on: boolean): void {
    const flags = this.tcb(at, Tcb.flags);
    this.setTcb(at, Tcb.flags, (on ? flags | bits : flags & ~bits) >>> 0);
  }

  /** The clock, nanoseconds. */
  get now(): bigint {
    return this.engine.getBig(this.engine.root, Root.now);
  }

  /** Puts the clock forward without running what is due at that very time. */
  setNow(now: bigint): void {
    this.engine.set(this.engine.root, Root.now, now);
  }

  /** Runs to `until`, or to the first news when `toNews` says so; true when it stopped for news. */
  run(until: bigint, toNews: boolean): boolean {
    for (;;) {
      const status = this.#guard(() => this.engine.exports.stackRun(until, toNews ? 1 : 0));
      if (status === RunStatus.OUTPUT_FULL) this.collect();
      else return status === RunStatus.NOTIFY;
    }
  }

  /** A time before which no timer goes off; undefined when none is set. */
  nextEventNs(): bigint | undefined {
    const next = BigInt.asUintN(64, this.engine.exports.earliestEvent());
    return next === 0xffffffffffffffffn ? undefined : next;
  }

  /** An IP packet arrives now. */
  input(packet: Uint8Array): void {
    if (packet.length > 65535) throw new RangeError(`Found a packet of ${packet.length} bytes, expected 65535 at most`);
    this.engine.bytes(this.#input, packet.length).set(packet);
    this.#guard(() => this.engine.exports.stackInput(packet.length));
  }

  /** Packets that left since the last call, in order. */
  output(): LeftPacket[] {
    this.collect();
    const left = this.#left;
    this.#left = [];
    return left;
  }

  /** Copies packets out of the core, whose buffer is empty then. */
  collect(): void {
    const used = this.stack(Stack.output_used);
    if (used === 0) return;
    const buffer = this.stack(Stack.output);
    for (let at = 0; at < used;) {
      const record = buffer + at;
      const length = this.engine.get(record, OutputRecord.length);
      const packet = this.engine.bytes(record + OutputRecord.size, length).slice();
      this.#left.push({ timeNs: this.engine.getBig(record, OutputRecord.time), packet });
      at += OutputRecord.size + (length + 7 & ~7);
    }
    this.setStack(Stack.output_used, 0);
  }

  /** The handle of the next socket with news, and its `Notify` bits, which are cleared; undefined when there is none. */
  takeNews(): { handle: number; news: number } | undefined {
    const at = this.engine.exports.stackNews();
    if (at === 0) return undefined;
    const news = this.engine.get(at, SocketLayout.news);
    this.engine.set(at, SocketLayout.news, 0);
    return { handle: this.engine.get(at, SocketLayout.handle), news };
  }

  /** Makes a call into the core; a trap is reported with its source line. */
  call<T>(action: (core: Engine["exports"]) => T): T {
    return this.#guard(() => action(this.engine.exports));
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw this.engine.explain(error);
    }
  }
}
