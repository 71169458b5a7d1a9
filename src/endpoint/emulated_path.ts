/**
 * The links of a scenario in front of a real host: IP packets go in at one end with their bytes and come out at the other
 * when the simulator's own links let them, late, reordered, twice, damaged or not at all. Time is an argument.
 */
import { Engine } from "../core/engine.ts";
import { LinkExt, Route, Segment, SegmentExt } from "../core/layout.gen.ts";
import { type CompiledWays, compileWays } from "../scenario/compile.ts";
import { normalize } from "../scenario/normalize.ts";
import type { Scenario } from "../scenario/types.ts";

/** A scenario whose links matter, and of its flows at most the way that the first one takes. */
export type EmulatedScenario = Omit<Scenario, "flows"> & Partial<Pick<Scenario, "flows">>;

/** From the left end of the path to its right end, or back. */
export type Direction = "rightwards" | "leftwards";

/** A packet that has come out. */
export interface Arrival {
  /** Which way it went. */
  direction: Direction;
  /** A copy: it stays as it is. */
  packet: Uint8Array<ArrayBuffer>;
}

/** What one direction of a named link has done. */
export interface PathLinkStatistics {
  /** `bottleneck`, or `bottleneck:reverse` for the other direction. */
  id: string;
  /** Packets that entered it. */
  packets: number;
  /** Their bytes. */
  bytes: number;
  /** Packets it dropped: by its queue, by its loss. */
  drops: { overflow: number; loss: number };
  /** Packets it doubled. */
  duplicated: number;
  /** Packets it held back. */
  reordered: number;
  /** Packets it damaged. */
  corrupted: number;
}

/** What a route to the left end has for its destination; the other has none. */
const LEFT_END = 1;
const NEVER = (1n << 64n) - 1n;
/** Events between two looks at what has arrived. */
const BUDGET = 1 << 20;
const PACKET_BYTES_MAX = 65535;

/** The links of a scenario between two ends that are not simulated. */
export class EmulatedPath {
  readonly #engine: Engine;
  readonly #ways: CompiledWays;

  private constructor(engine: Engine, ways: CompiledWays) {
    this.#engine = engine;
    this.#ways = ways;
  }

  /**
   * The path that the first flow of a scenario would take, in an engine of its own. A `ScenarioError` that names `file`
   * says what is wrong with it.
   */
  static async create(scenario: EmulatedScenario, file?: string): Promise<EmulatedPath> {
    const isObject = typeof scenario === "object" && scenario !== null && !Array.isArray(scenario);
    const spec = normalize(isObject ? { flows: [{}], ...scenario } : scenario, file);
    const engine = await Engine.load();
    const ways = compileWays(engine, spec);
    engine.set(ways.leftwards, Route.destination, LEFT_END);
    return new EmulatedPath(engine, ways);
  }

  /** Puts a packet in at the beginning of a direction. Time may not go backwards, here or in `run`. */
  offer(direction: Direction, packet: Uint8Array, nowNs: bigint): void {
    if (packet.length === 0 || packet.length > PACKET_BYTES_MAX) return;
    const { exports } = this.#engine;
    exports.run(nowNs, BUDGET);
    const at = exports.newPacket(packet.length);
    this.#payload(at, packet.length).set(packet);
    exports.offerPacket(at, this.#ways[direction], nowNs);
  }

  /** Runs the links up to `nowNs` and returns what has come out, in order. */
  run(nowNs: bigint): Arrival[] {
    const { exports } = this.#engine;
    exports.run(nowNs, BUDGET);
    const arrivals: Arrival[] = [];
    for (let at = exports.takePacket(); at !== 0; at = exports.takePacket()) {
      const length = this.#engine.get(at, Segment.len);
      const direction = this.#engine.get(at, Segment.target) === LEFT_END ? "leftwards" : "rightwards";
      arrivals.push({ direction, packet: this.#payload(at, length).slice() });
      exports.giveSegment(at);
    }
    return arrivals;
  }

  /** When something may come out next, perhaps a little early; undefined when nothing is on its way. */
  nextEventNs(): bigint | undefined {
    const next = BigInt.asUintN(64, this.#engine.exports.earliestEvent());
    return next === NEVER ? undefined : next;
  }

  /** What the named links have done so far. */
  statistics(): PathLinkStatistics[] {
    const engine = this.#engine;
    return this.#ways.links.map(({ id, ext }) => ({
      id,
      packets: engine.get(ext, LinkExt.packets),
      bytes: engine.get(ext, LinkExt.bytes),
      drops: { overflow: engine.get(ext, LinkExt.drops_overflow), loss: engine.get(ext, LinkExt.drops_loss) },
      duplicated: engine.get(ext, LinkExt.duplicated),
      reordered: engine.get(ext, LinkExt.reordered),
      corrupted: engine.get(ext, LinkExt.corrupted),
    }));
  }

  #payload(packet: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#engine.bytes(this.#engine.get(packet + Segment.size, SegmentExt.payload), length);
  }
}
