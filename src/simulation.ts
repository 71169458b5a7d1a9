/** Runs scenarios: `simulate` from beginning to end, `Simulation` step by step. */
import { Engine, type WasmSource } from "./core/engine.ts";
import { readTcpInfo, type TcpInfo } from "./core/tcp_info.ts";
import { Engine as EngineLayout, LAYOUT_HASH, RunStatus } from "./core/layout.gen.ts";
import { Measure, type MeasureBase } from "./results/measure.ts";
import { Sampler } from "./results/series.ts";
import type { FlowResult, LinkResult, RunResult } from "./results/types.ts";
import { compile, type Compiled } from "./scenario/compile.ts";
import { ScenarioError } from "./scenario/error.ts";
import { normalize } from "./scenario/normalize.ts";
import type { Quantity, Scenario, ScenarioSpec } from "./scenario/types.ts";
import { parseTime } from "./scenario/units.ts";
import { Endpoint, streamScratch } from "./streams.ts";
import { PcapngWriter } from "./trace/pcapng.ts";
import { VERSION } from "./version.ts";

/** Events between two looks at the wall clock: some tens of milliseconds. */
const SLICE_EVENTS = 200_000;
/** Wall time between two reports of progress, and between two turns of the event loop. */
const BREATH_MS = 50;

/**
 * How far a run has come.
 *
 * @example
 * ```ts
 * import type { Progress } from "@cwnd/cwnd";
 *
 * const percent = (p: Progress): number => 100 * p.simulated_s / p.duration_s;
 * ```
 */
export interface Progress {
  /** Simulated seconds so far. */
  simulated_s: number;
  /** Simulated seconds in all. */
  duration_s: number;
  /** Wall-clock seconds so far. */
  wall_s: number;
  /** Data segments that reached their receiver so far. */
  segments_delivered: number;
  /** Events so far. */
  events: number;
}

/**
 * How to run a scenario.
 *
 * @example
 * ```ts
 * import type { SimulateOptions } from "@cwnd/cwnd";
 *
 * const options: SimulateOptions = { signal: AbortSignal.timeout(10_000) };
 * ```
 */
export interface SimulateOptions {
  /** Stops the run; what was measured so far is returned, marked as partial. */
  signal?: AbortSignal;
  /** Hears of progress some twenty times a second. */
  onProgress?: (progress: Progress) => void;
  /** Takes a pcapng file of the links that `record.capture` names, in pieces. */
  capture?: (bytes: Uint8Array) => void;
  /** The core's wasm, when not the inlined one. */
  wasm?: WasmSource;
}

/**
 * Runs a scenario to its end and returns what was measured: the object that `cwnd run --json` prints.
 *
 * Throws {@linkcode ScenarioError} when the scenario is wrong and {@linkcode CoreTrapError} when the core is.
 *
 * @example
 * ```ts
 * import { simulate } from "@cwnd/cwnd";
 *
 * const result = await simulate({
 *   topology: {
 *     kind: "dumbbell",
 *     bottleneck: { rate: "100Mbps", delay: "10ms" },
 *     access: { rate: "1Gbps", delay: "1ms" },
 *   },
 *   flows: [{ count: 2, cc: "cubic" }],
 *   duration: "5s",
 * });
 * console.log(result.aggregate.jain);
 * ```
 */
export async function simulate(scenario: Scenario, options: SimulateOptions = {}): Promise<RunResult> {
  const simulation = await Simulation.create(scenario, options);
  try {
    await simulation.runToEnd(options);
    return simulation.result();
  } finally {
    simulation.close();
  }
}

/**
 * One flow of a simulation, as it is now.
 *
 * @example
 * ```ts
 * import { Simulation } from "@cwnd/cwnd";
 *
 * const simulation = await Simulation.create({
 *   topology: { kind: "path", links: [{ rate: "10Mbps", delay: "5ms" }] },
 *   flows: [{}],
 * });
 * await simulation.runUntil("1s");
 * console.log(simulation.flows[0].measure().cwnd_mean);
 * simulation.close();
 * ```
 */
export class FlowHandle {
  /** Number of the flow, from 0. */
  readonly id: number;
  /** Name of its group. */
  readonly group: string;
  /** The end that opens the connection. */
  readonly a: Endpoint;
  /** The end that listens. */
  readonly b: Endpoint;
  #measure: Measure;

  /** Made by {@linkcode Simulation}. */
  constructor(id: number, group: string, a: Endpoint, b: Endpoint, measure: Measure) {
    this.id = id;
    this.group = group;
    this.a = a;
    this.b = b;
    this.#measure = measure;
  }

  /** What `a` sends. */
  get writable(): WritableStream<Uint8Array> {
    return this.a.writable;
  }

  /** What `b` receives: the bytes that were written, in order. */
  get readable(): ReadableStream<Uint8Array> {
    return this.b.readable;
  }

  /** State of the end that opens, RFC 9293 §3.3.2. */
  get state(): string {
    return this.a.state;
  }

  /** What was measured so far. */
  measure(): FlowResult {
    return this.#measure.flow(this.id);
  }
}

/**
 * One direction of a named link of a simulation, as it is now.
 *
 * @example
 * ```ts
 * import { Simulation } from "@cwnd/cwnd";
 *
 * const simulation = await Simulation.create({
 *   topology: { kind: "path", links: [{ rate: "10Mbps", delay: "5ms" }] },
 *   flows: [{}],
 * });
 * await simulation.runUntil("1s");
 * console.log(simulation.links[0].measure().utilization);
 * simulation.close();
 * ```
 */
export class LinkHandle {
  /** Name in results. */
  readonly id: string;
  #engine: Engine;
  #ext: number;
  #measure: () => LinkResult;

  /** Made by {@linkcode Simulation}. */
  constructor(id: string, engine: Engine, ext: number, measure: () => LinkResult) {
    this.id = id;
    this.#engine = engine;
    this.#ext = ext;
    this.#measure = measure;
  }

  /** Packets that wait now; the one being sent has left the queue. */
  get queuePackets(): number {
    return this.#engine.exports.queuePackets(this.#ext);
  }

  /** What was measured so far. */
  measure(): LinkResult {
    return this.#measure();
  }
}

/**
 * A run that can be stepped, looked into, and put aside.
 *
 * @example
 * ```ts
 * import { Simulation } from "@cwnd/cwnd";
 *
 * const simulation = await Simulation.create({
 *   topology: {
 *     kind: "dumbbell",
 *     bottleneck: { rate: "100Mbps", delay: "10ms" },
 *     access: { rate: "1Gbps", delay: "1ms" },
 *   },
 *   flows: [{ count: 2 }],
 * });
 * for (let t = 1; t <= 3; t++) {
 *   await simulation.runUntil(t);
 *   console.log(simulation.time_s, simulation.flows.map((flow) => flow.measure().throughput_bps));
 * }
 * simulation.close();
 * ```
 */
export class Simulation {
  /** The flows, by id. */
  readonly flows: readonly FlowHandle[];
  /** The named links, each direction. */
  readonly links: readonly LinkHandle[];
  #engine: Engine;
  #spec: ScenarioSpec;
  #scenario: Scenario;
  #compiled: Compiled;
  #measure: Measure;
  #sampler: Sampler;
  #streams: Endpoint[];
  #pcapng: PcapngWriter | null;
  #warmedUp: boolean;
  #closed = false;
  #wall_ms = 0;

  private constructor(
    engine: Engine,
    scenario: Scenario,
    spec: ScenarioSpec,
    capture: ((bytes: Uint8Array) => void) | null,
  ) {
    this.#engine = engine;
    this.#scenario = scenario;
    this.#spec = spec;
    this.#warmedUp = spec.warmup_ns === 0;
    const compiled = this.#guard(() => compile(engine, spec, capture !== null));
    this.#compiled = compiled;
    this.#measure = this.#guard(() => new Measure(engine, spec, compiled));
    this.#sampler = new Sampler(engine, compiled, spec.record, spec.duration_ns);
    this.#pcapng = capture === null ? null : new PcapngWriter(capture, {
      interfaces: compiled.captured,
      application: `cwnd ${VERSION}`,
      comment: `${spec.name}, seed ${spec.seed}`,
    });
    const scratch = compiled.flows.some((flow) => flow.realBytes) ? this.#guard(() => streamScratch(engine)) : 0;
    this.#streams = [];
    this.flows = compiled.flows.map(({ id, group, a, b, realBytes }) => {
      const [endA, endB] = [a, b].map((tcb) => new Endpoint(engine, tcb, realBytes ? scratch : 0));
      if (realBytes) this.#streams.push(endA, endB);
      return new FlowHandle(id, group, endA, endB, this.#measure);
    });
    this.links = compiled.links.map(({ id, ext }, i) => new LinkHandle(id, engine, ext, () => this.#measure.link(i)));
  }

  /** Checks the scenario and builds it; time stands at 0. */
  static async create(scenario: Scenario, options: SimulateOptions = {}): Promise<Simulation> {
    const spec = normalize(scenario);
    return new Simulation(await Engine.load(options.wasm), scenario, spec, options.capture ?? null);
  }

  /**
   * A simulation from a {@linkcode snapshot}: it goes on as the original would have, and its averages go on too. Of
   * series only what follows is sampled: what lies before the snapshot is NaN. A capture goes on in a file of its own;
   * it takes a snapshot of a run that was captured.
   */
  static async restore(bytes: Uint8Array, options: SimulateOptions = {}): Promise<Simulation> {
    const { head, memory } = unpack(bytes);
    if (options.capture !== undefined && !head.captured) {
      throw new ScenarioError("snapshot", "capture", "a run without one", "a snapshot of a run that was captured");
    }
    // The capture is part of what was built: without a taker its packets are dropped
    const capture = head.captured ? options.capture ?? (() => {}) : null;
    const engine = await Engine.load(options.wasm);
    const simulation = new Simulation(engine, head.scenario, normalize(head.scenario), capture);
    simulation.#engine.restore(memory);
    simulation.#warmedUp = head.warmedUp;
    simulation.#measure.base = head.base;
    simulation.#sampler.skipTo(simulation.#now_ns);
    return simulation;
  }

  /** Simulated seconds so far. */
  get time_s(): number {
    return this.#now_ns / 1e9;
  }

  /** Events so far. */
  get events(): number {
    return this.#engine.get(this.#engine.root, EngineLayout.events);
  }

  /**
   * Digest of every event so far: 16 hexadecimal digits, the same for the same scenario and seed in any runtime, however
   * the run was cut.
   */
  get digest(): string {
    return BigInt.asUintN(64, this.#engine.exports.runDigest()).toString(16).padStart(16, "0");
  }

  /**
   * What Linux's TCP_INFO would say now of flow `flow`, by id: of the end that opened it, or of the one that listened.
   * Once a connection is over what it had in flight, its chronographs and what it learned of the path are gone.
   */
  tcpInfo(flow: number, end: "a" | "b" = "a"): TcpInfo {
    const compiled = this.#compiled.flows[flow];
    if (compiled === undefined) {
      throw new RangeError(`tcpInfo: found flow ${flow}, expected 0 to ${this.#compiled.flows.length - 1}`);
    }
    const now = this.#engine.getBig(this.#engine.root, EngineLayout.now);
    return readTcpInfo(this.#engine, compiled[end], now);
  }

  get #now_ns(): number {
    return this.#engine.get(this.#engine.root, EngineLayout.now);
  }

  /**
   * Runs until the clock stands at `time`: a number of seconds, or a quantity such as `"10ms"`. Without real bytes all
   * of it has happened when the call returns, before the promise is awaited.
   */
  async runUntil(time: Quantity): Promise<void> {
    const until_ns = Math.round(parseTime(time));
    if (!(until_ns >= this.#now_ns && until_ns <= Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`runUntil: found ${time}, expected a time from ${this.time_s} s on, where the clock stands`);
    }
    while (!this.#advance(until_ns, 0xffffffff)) {
      if (this.#streams.length > 0) await this.#answerStreams();
    }
  }

  /** Runs to the scenario's end, in slices between which the program breathes; see {@linkcode simulate}. */
  async runToEnd({ signal, onProgress }: SimulateOptions = {}): Promise<void> {
    let breath = performance.now();
    const report = (): void =>
      onProgress?.({
        simulated_s: this.time_s,
        duration_s: this.#spec.duration_ns / 1e9,
        wall_s: this.#wall_ms / 1e3,
        segments_delivered: this.#engine.get(this.#engine.root, EngineLayout.segments_delivered),
        events: this.events,
      });
    while (!signal?.aborted && !this.#advance(this.#spec.duration_ns, SLICE_EVENTS)) {
      if (this.#streams.length > 0) await this.#answerStreams();
      if (performance.now() - breath < BREATH_MS) continue;
      report();
      await eventLoopTurn();
      breath = performance.now();
    }
    report();
  }

  /** Lets the programs above real-bytes flows act on what has happened; the simulated clock stands meanwhile. */
  async #answerStreams(): Promise<void> {
    for (;;) {
      let woken = false;
      for (const stream of this.#streams) woken = stream.hear() || woken;
      if (!woken) return;
      await eventLoopTurn();
    }
  }

  /** One slice, at most to the next sample: true when the clock stands at `until_ns`. */
  #advance(until_ns: number, budget: number): boolean {
    if (this.#closed) throw new Error("The simulation is closed");
    const began = performance.now();
    try {
      return this.#guard(() => this.#slice(until_ns, budget));
    } finally {
      this.#wall_ms += performance.now() - began;
    }
  }

  #slice(until_ns: number, budget: number): boolean {
    const warmup_ns = this.#warmedUp ? Infinity : this.#spec.warmup_ns;
    const stop_ns = Math.min(until_ns, this.#sampler.next_ns, warmup_ns);
    const status = this.#engine.exports.run(BigInt(Math.round(stop_ns)), budget);
    if (this.#pcapng !== null) this.#drainCapture(this.#pcapng, status === RunStatus.DONE);
    if (status !== RunStatus.DONE) return false;
    if (stop_ns === warmup_ns) {
      this.#measure.restartAverages();
      this.#warmedUp = true;
    }
    if (stop_ns === this.#sampler.next_ns) this.#sampler.sample();
    return stop_ns === until_ns;
  }

  /** Between two slices more may happen at this very instant. */
  #drainCapture(pcapng: PcapngWriter, instantIsOver: boolean): void {
    const engine = this.#engine;
    const used = engine.get(engine.root, EngineLayout.capture_used);
    const now = engine.getBig(engine.root, EngineLayout.now);
    const over = instantIsOver || now === 0n ? now : now - 1n;
    pcapng.write(engine.bytes(engine.get(engine.root, EngineLayout.capture), used), over);
    engine.set(engine.root, EngineLayout.capture_used, 0);
  }

  /** Runs `action`; a trap is reported with its source line, the scenario and the seed. */
  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw this.#engine.explain(error, this.#spec.name, this.#spec.seed);
    }
  }

  /** Everything that was measured so far. */
  result(): RunResult {
    const engine = this.#engine;
    const flows = this.flows.map((flow) => flow.measure());
    const links = this.links.map((link) => link.measure());
    const delivered = engine.get(engine.root, EngineLayout.segments_delivered);
    const wall_s = this.#wall_ms / 1e3;
    return {
      name: this.#spec.name,
      seed: this.#spec.seed,
      version: VERSION,
      digest: this.digest,
      ...(this.#now_ns < this.#spec.duration_ns ? { partial: true } : {}),
      simulated_s: this.time_s,
      wall_s,
      events: this.events,
      segments_delivered: delivered,
      segments_per_wall_s: wall_s > 0 ? delivered / wall_s : 0,
      memory_bytes: engine.exports.memory.buffer.byteLength,
      flows,
      links,
      aggregate: this.#measure.aggregate(flows, links),
      series: this.#sampler.series,
      datagrams: this.#compiled.sources.map((_, i) => this.#measure.datagrams(i)),
    };
  }

  /** The whole run as bytes: {@linkcode restore} goes on from here. */
  snapshot(): Uint8Array {
    const memory = this.#engine.snapshot();
    const head: SnapshotHead = {
      layout: LAYOUT_HASH,
      memory_bytes: memory.length,
      scenario: this.#scenario,
      captured: this.#pcapng !== null,
      warmedUp: this.#warmedUp,
      base: this.#measure.base,
    };
    return pack(head, memory);
  }

  /** Ends the run and writes what a capture still holds. Handles stay readable. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams) stream.cut();
    // What the core has booked beyond the clock never happened
    this.#pcapng?.close(this.#engine.getBig(this.#engine.root, EngineLayout.now));
  }
}

/** Lets timers, signals and streams have their turn: at once where the runtime can, else within some milliseconds. */
function eventLoopTurn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  return new Promise((resolve) => void (setImmediate ?? setTimeout)(resolve));
}

const SNAPSHOT_MAGIC = 0x646e7763;
const SNAPSHOT_HEAD = 8;

/** What a snapshot holds besides the core's memory. */
interface SnapshotHead {
  /** Memory of another layout would be misread. */
  layout: string;
  memory_bytes: number;
  scenario: Scenario;
  captured: boolean;
  warmedUp: boolean;
  base: MeasureBase;
}

/** A snapshot: magic, the length of the head's JSON, the JSON, the memory. */
function pack(head: SnapshotHead, memory: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const bytes = new Uint8Array(SNAPSHOT_HEAD + text.length + memory.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SNAPSHOT_MAGIC, true);
  view.setUint32(4, text.length, true);
  bytes.set(text, SNAPSHOT_HEAD);
  bytes.set(memory, SNAPSHOT_HEAD + text.length);
  return bytes;
}

function unpack(bytes: Uint8Array): { head: SnapshotHead; memory: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < SNAPSHOT_HEAD || view.getUint32(0, true) !== SNAPSHOT_MAGIC) {
    throw new ScenarioError("snapshot", "", "bytes of another kind", "what Simulation.snapshot() returned");
  }
  const end = SNAPSHOT_HEAD + view.getUint32(4, true);
  const complain = (found: string, expected: string): never => {
    throw new ScenarioError("snapshot", "", found, expected);
  };
  if (end > bytes.length) complain(`${bytes.length} bytes`, `at least ${end}`);
  const head: SnapshotHead = JSON.parse(new TextDecoder().decode(bytes.subarray(SNAPSHOT_HEAD, end)));
  const memory = bytes.subarray(end);
  if (head.layout !== LAYOUT_HASH) complain(`memory layout ${head.layout}`, `${LAYOUT_HASH}: it is of another version`);
  if (memory.length !== head.memory_bytes) complain(`${memory.length} bytes of memory`, `${head.memory_bytes}`);
  return { head, memory };
}
