/**
 * One instance of the core: its exports, its memory, and fields read and written by name. Every run has an engine of
 * its own; the compiled module is shared.
 */
import { CoreTrapError } from "./errors.ts";
import { LAYOUT_HASH, Trap } from "./layout.gen.ts";
import { coreWasm } from "./wasm.gen.ts";

/**
 * Where the core's wasm comes from when it is not the one inlined in the package: bytes, or a module that the runtime
 * has compiled ahead (as workerd demands).
 *
 * @example
 * ```ts
 * import type { WasmSource } from "@cwnd/cwnd";
 *
 * const own = (bytes: Uint8Array<ArrayBuffer>): WasmSource => bytes;
 * ```
 */
export type WasmSource = WebAssembly.Module | BufferSource;

/** A field of a struct in the core's memory, as the generated layout describes it. */
export interface Field {
  readonly offset: number;
  readonly type: string;
}

/** The core's exported functions; addresses and 32-bit values are numbers, 64-bit ones bigints. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory;
  init(seed: bigint): void;
  allocate(bytes: number): number;
  addLink(nsPerByteQ20: bigint, delayNs: bigint): number;
  extendLink(link: number): number;
  finishLink(ext: number, index: number, histogram: number): void;
  restartLinkAverages(ext: number): void;
  addGate(link: number, lookaheadNs: bigint): void;
  addHostGate(link: number): number;
  addRoute(hops: number, flow: number): number;
  addFlow(index: number, templateA: number, templateB: number, forth: number, back: number): number;
  scheduleFlow(flow: number, kind: number, at: bigint): void;
  addSource(
    index: number,
    kind: number,
    gapNs: number,
    bytes: number,
    route: number,
    start: bigint,
    stop: bigint,
  ): number;
  run(until: bigint, budget: number): number;
  runDigest(): bigint;
  earliestEvent(): bigint;
  newPacket(bytes: number): number;
  offerPacket(packet: number, route: number, now: bigint): void;
  takePacket(): number;
  stackInit(addresses: number): number;
  stackInput(length: number): void;
  stackRun(until: bigint, toNews: number): number;
  stackNews(): number;
  socketOpen(ipv6: number): number;
  socketBind(socket: number, hi: bigint, lo: bigint, port: number): number;
  socketListen(socket: number, backlog: number): number;
  socketUnlisten(socket: number): void;
  socketAccept(socket: number): number;
  socketConnect(socket: number, hi: bigint, lo: bigint, port: number): number;
  socketConnectFast(socket: number, hi: bigint, lo: bigint, port: number): number;
  socketFastRoom(socket: number): number;
  socketSendSyn(socket: number): void;
  socketUrgentInline(socket: number, on: number): void;
  socketWrite(socket: number, from: number, len: number, flags: number): number;
  socketRead(socket: number, to: number, len: number, peek: number): number;
  socketMayWrite(socket: number): boolean;
  socketReadUrgent(socket: number, peek: number): number;
  socketUrgent(socket: number): number;
  socketReadable(socket: number): number;
  socketWritable(socket: number): number;
  socketFinish(socket: number): void;
  socketResize(socket: number): void;
  socketFastOpenKeys(socket: number): number;
  socketReuse(socket: number, bits: number): void;
  socketExt(socket: number): number;
  socketKeepalive(socket: number, on: number, idleS: number, intervalS: number, probes: number): void;
  socketPacingRate(socket: number, bytesPerSecond: bigint): void;
  socketUserTimeout(socket: number, ms: number): void;
  socketWindowClamp(socket: number, bytes: number): void;
  socketNoDelay(socket: number, on: number): void;
  socketCork(socket: number, on: number): void;
  socketQuickAck(socket: number, value: number): void;
  socketReceiveBuffer(socket: number, bytes: number): void;
  socketCongestion(socket: number, cc: number): void;
  socketAbort(socket: number): void;
  socketClose(socket: number, reset: number): void;
  captureInit(snaplen: number): void;
  queuePackets(ext: number): number;
  queueRemaining(ext: number): bigint;
  keepRttHistogram(tcb: number): number;
  programWrite(tcb: number, from: number, len: number): number;
  programRead(tcb: number, to: number, len: number): number;
  programReady(tcb: number): number;
  programClose(tcb: number): void;
  programAbort(tcb: number): void;
  programNews(tcb: number): number;
  openActive(tcb: number, now: bigint): void;
  openFast(tcb: number, now: bigint): void;
  sendOpeningSyn(tcb: number, now: bigint): void;
  fastOpenCookie4(keys: number, client: number, server: number): bigint;
  fastOpenCookie6(keys: number, clientHi: bigint, clientLo: bigint, serverHi: bigint, serverLo: bigint): bigint;
  fastOpenKnows(tcb: number): number;
  fastOpenSyn(tcb: number, segment: number, cookie: bigint, room: number): number;
  openPassive(tcb: number): void;
  sendBytes(tcb: number, bytes: number, now: bigint): number;
  pathMtuReduced(tcb: number, mtu: number, now: bigint): void;
  tcpInfo(tcb: number, now: bigint): number;
  sendMessage(tcb: number, bytes: number, flags: number, now: bigint): number;
  setCork(tcb: number, on: boolean, now: bigint): void;
  setKeepalive(tcb: number, on: boolean, idleS: number, intervalS: number, probes: number, now: bigint): void;
  setUrgentInline(tcb: number, on: boolean): void;
  setUserTimeout(tcb: number, ms: number): void;
  setNoDelay(tcb: number, on: boolean, now: bigint): void;
  receiveBytes(tcb: number, bytes: number, now: bigint): number;
  closeReceiving(tcb: number, now: bigint): void;
  setQuickAcks(tcb: number, value: number, now: bigint): void;
  setReceiveBuffer(tcb: number, bytes: number): void;
  closeConnection(tcb: number, now: bigint): void;
  abortConnection(tcb: number, now: bigint): void;
  segmentArrives(tcb: number, segment: number, now: bigint): void;
  timersExpired(tcb: number, now: bigint): void;
  timersEarliest(tcb: number): bigint;
  checkInvariants(tcb: number): void;
  bytesInUse(): number;
  checkStack(): void;
  takeSegment(): number;
  takeLongSegment(): number;
  giveSegment(segment: number): void;
  encodeIpv4Tcp(segment: number, packet: number, at: number, snaplen: number): number;
  ipv4TcpLength(segment: number): number;
  parseIpv4Tcp(at: number, length: number, segment: number, packet: number): number;
  encodeIpv6Tcp(segment: number, packet: number, at: number, snaplen: number): number;
  ipv6TcpLength(segment: number): number;
  parseIpv6Tcp(at: number, length: number, segment: number, packet: number): number;
  parseTcp(at: number, length: number, segment: number, packet: number): number;
  checksum(at: number, length: number): number;
  rootAddress(): number;
  trapRecord(): number;
}

let inlined: Promise<WebAssembly.Module> | undefined;

/** An instance of the core. */
export class Engine {
  /** The core's functions. */
  readonly exports: CoreExports;
  /** Address of the `Engine` struct. */
  readonly root: number;
  #view: DataView;

  private constructor(instance: WebAssembly.Instance) {
    this.exports = withUnsignedAddresses(instance.exports as unknown as CoreExports);
    this.root = this.exports.rootAddress();
    this.#view = new DataView(this.exports.memory.buffer);
  }

  /** Instantiates the inlined core, or `source`; refuses one whose memory layout is not this host's. */
  static async load(source?: WasmSource): Promise<Engine> {
    const module = await compile(source);
    const sections = WebAssembly.Module.customSections(module, "cwnd.layout");
    const hash = sections.length === 1 ? new TextDecoder().decode(sections[0]) : "none";
    if (hash !== LAYOUT_HASH) {
      throw new Error(`The wasm has the memory layout ${hash}, expected ${LAYOUT_HASH}: it is of another version`);
    }
    return new Engine(await WebAssembly.instantiate(module, {}));
  }

  /** The core's memory; a new view after the memory has grown. */
  get view(): DataView {
    const buffer = this.exports.memory.buffer;
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  /** `length` bytes of the core's memory at `address`, as they are now. */
  bytes(address: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.exports.memory.buffer as ArrayBuffer, address, length);
  }

  /** Reads a field of the struct at `address`; a u64 as a number, exact below 2^53. */
  get(address: number, field: Field): number {
    const view = this.view;
    const at = address + field.offset;
    switch (field.type) {
      case "u8":
        return view.getUint8(at);
      case "u16":
        return view.getUint16(at, true);
      case "f64":
        return view.getFloat64(at, true);
      case "u64":
        return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
      default:
        return view.getUint32(at, true);
    }
  }

  /** Reads a u64 field exactly. */
  getBig(address: number, field: Field): bigint {
    return this.view.getBigUint64(address + field.offset, true);
  }

  /** Writes a field of the struct at `address`; a u64 takes a number or a bigint. */
  set(address: number, field: Field, value: number | bigint): void {
    const view = this.view;
    const at = address + field.offset;
    switch (field.type) {
      case "u8":
        return view.setUint8(at, Number(value));
      case "u16":
        return view.setUint16(at, Number(value), true);
      case "f64":
        return view.setFloat64(at, Number(value), true);
      case "u64":
        return view.setBigUint64(at, BigInt(value), true);
      default:
        return view.setUint32(at, Number(value), true);
    }
  }

  /** A copy of the whole memory: a snapshot of the run. */
  snapshot(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.exports.memory.buffer as ArrayBuffer).slice();
  }

  /** Puts a snapshot back. */
  restore(bytes: Uint8Array): void {
    const memory = this.exports.memory;
    const missing = bytes.length - memory.buffer.byteLength;
    if (missing > 0) memory.grow(missing / 65536);
    const all = new Uint8Array(memory.buffer);
    all.set(bytes);
    all.fill(0, bytes.length);
  }

  /** What a trap means: the assertion that failed, and where in the core's sources it stands. */
  explain(error: unknown, scenario = "", seed = ""): unknown {
    if (!(error instanceof WebAssembly.RuntimeError)) return error;
    const at = this.exports.trapRecord();
    const [message, file, line, column] = [Trap.message, Trap.file, Trap.line, Trap.column].map((field) =>
      this.get(at, field)
    );
    if (file === 0) return new CoreTrapError(error.message, "", scenario, seed);
    const source = `assembly/${this.#string(file).replace(/^assembly\//, "")}:${line}:${column}`;
    return new CoreTrapError(message === 0 ? "assertion failed" : this.#string(message), source, scenario, seed);
  }

  /** AssemblyScript's UTF-16 string, its byte length in the word before it. */
  #string(at: number): string {
    return new TextDecoder("utf-16le").decode(this.bytes(at, this.view.getUint32(at - 4, true)));
  }
}

/** Exports that return an address: wasm hands it over as a signed number, negative beyond 2 GiB. */
const ADDRESSES = [
  "allocate",
  "addLink",
  "extendLink",
  "addRoute",
  "addFlow",
  "addHostGate",
  "addSource",
  "stackInit",
  "stackNews",
  "socketOpen",
  "socketAccept",
  "socketExt",
  "keepRttHistogram",
  "newPacket",
  "takePacket",
  "takeSegment",
] as const;

function withUnsignedAddresses(exports: CoreExports): CoreExports {
  const unsigned = ADDRESSES.map((name) => {
    const call = exports[name] as (...values: unknown[]) => number;
    return [name, (...values: unknown[]): number => call(...values) >>> 0];
  });
  return { ...exports, ...Object.fromEntries(unsigned) };
}

function compile(source?: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return Promise.resolve(source);
  if (source !== undefined) return WebAssembly.compile(source);
  return inlined ??= WebAssembly.compile(coreWasm());
}
