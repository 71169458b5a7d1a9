/**
 * A scenario becomes links, routes, flows and sources in the core's memory. Nothing here knows how they behave; it
 * decides only what there is and what feeds what.
 */
import type { Engine } from "../core/engine.ts";
import {
  Cc,
  CcOption,
  Engine as EngineLayout,
  EventKind,
  Flow,
  Hop,
  LinkExt,
  LossKind,
  Qdisc,
  Recovery,
  Route,
  SourceKind,
  Tcb,
  TcbFlag,
} from "../core/layout.gen.ts";
import { ScenarioError } from "./error.ts";
import type { DirectionSpec, FlowGroupSpec, LinkSpec, ScenarioSpec, TcpSpec } from "./types.ts";

/** One direction of a named link in the core. */
export interface CompiledLink {
  /** Name in results: the link's, with `:reverse` for right to left. */
  id: string;
  /** Address of the `Link`. */
  link: number;
  /** Address of its `LinkExt`. */
  ext: number;
  rate_bps: number;
}

/** One flow in the core. */
export interface CompiledFlow {
  id: number;
  group: string;
  cc: string;
  start_ns: number;
  /** Address of the `Flow`. */
  flow: number;
  /** Address of the sending `Tcb`. */
  a: number;
  /** Address of the receiving `Tcb`. */
  b: number;
  realBytes: boolean;
}

/** One open-loop source in the core. */
export interface CompiledSource {
  group: string;
  start_ns: number;
  /** Address of the `Source`. */
  source: number;
}

/** Everything that the host has to know of a compiled scenario. */
export interface Compiled {
  flows: CompiledFlow[];
  sources: CompiledSource[];
  /** Named links, each direction; the first is the bottleneck, or the first link of a path. */
  links: CompiledLink[];
  /** Names of the capture's interfaces, in the order of their numbers. */
  captured: string[];
}

const HEADERS_BYTES = 40;
const TIMESTAMPS_BYTES = 12;
/** The largest IP packet, less Linux's room for headers: what TSO takes in one piece. */
const TSO_BYTES_MAX = 65215;
/** Hosts: left ones in 10.0.0.0/9, right ones in 10.128.0.0/9. */
const LEFT_NETWORK = 0x0a000000;
const RIGHT_NETWORK = 0x0a800000;
const SERVER_PORT = 80;
const FIRST_CLIENT_PORT = 49152;
const CLIENT_PORTS = 65536 - FIRST_CLIENT_PORT;
/** Linux's tcp_rmem: default and largest. */
const TUNED_BUFFER_BYTES = 131072;
const TUNED_BUFFER_MAX_BYTES = 6291456;
const NEVER = (1n << 64n) - 1n;
/** Payload kept of captured packets: none, it is zeros. */
const SNAPLEN = 0;
/** Both ends of a flow with its links, and some data in flight. */
const FLOW_BYTES = 2048;
/** A histogram of round-trip times. */
const HISTOGRAM_BYTES = 7680;
const MEMORY_BYTES = 2 ** 32;

/**
 * Builds `spec` in a fresh engine. Without `gates` each packet that comes to a link or a host is an event of its own, for
 * who watches them one by one; what happens is the same, but for what happens at the same nanosecond.
 */
export function compile(engine: Engine, spec: ScenarioSpec, capturing: boolean, gates = true): Compiled {
  return new Compiler(engine, spec, capturing).compile(gates);
}

/** The links of a scenario in the core, and the ways over them, for packets that the host offers itself. */
export interface CompiledWays {
  /** Address of the `Route` from left to right. */
  rightwards: number;
  /** Address of the `Route` from right to left. */
  leftwards: number;
  /** Named links, each direction. */
  links: CompiledLink[];
}

/** Builds the links of `spec` alone in a fresh engine, with the ways that its first flow would take. */
export function compileWays(engine: Engine, spec: ScenarioSpec): CompiledWays {
  return new Compiler(engine, spec, false).compileWays();
}

class Compiler {
  #engine: Engine;
  #spec: ScenarioSpec;
  #captured: string[];
  #named: CompiledLink[] = [];
  #linkCount = 0;
  /** The shortest delay of the hosts' own links, left and right: nothing reaches the bottleneck sooner. */
  #nearest_ns = { left: Infinity, right: Infinity };
  /**
   * Routes to hosts, left and right, to which nothing comes but by the bottleneck, and nothing happens but packets and
   * deadlines.
   */
  #ends: { left: number[]; right: number[] } = { left: [], right: [] };

  constructor(engine: Engine, spec: ScenarioSpec, capturing: boolean) {
    this.#engine = engine;
    this.#spec = spec;
    this.#captured = capturing ? spec.record.capture : [];
  }

  compile(gates: boolean): Compiled {
    const spec = this.#spec;
    checkMemory(spec);
    this.#engine.exports.init(seedNumber(spec.seed));
    this.#setParameters(spec.tcp);
    if (this.#captured.length > 0) this.#engine.exports.captureInit(SNAPLEN);

    const { forward, backward } = this.#trunk();
    const flows: CompiledFlow[] = [];
    const sources: CompiledSource[] = [];
    let index = 0;
    for (const group of spec.flows) {
      const templates = group.app === null ? this.#templates(group) : null;
      for (let k = 0; k < group.count; k++, index++) {
        const { forth, back } = this.#routes(group, k, index, forward, backward);
        if (templates === null) sources.push(this.#source(group, k, index, forth));
        else flows.push({ id: flows.length, ...this.#flow(group, k, index, forth, back, templates) });
      }
    }
    // A program with real bytes hears of news at once, not when a gate's slot is over
    if (gates && !spec.flows.some((group) => group.realBytes)) this.#addGates(forward, backward);
    return { flows, sources, links: this.#named, captured: this.#captured };
  }

  /** In front of each link that others feed, never hosts themselves. */
  #addGates(forward: number[], backward: number[]): void {
    const { topology } = this.#spec;
    const { addGate } = this.#engine.exports;
    if (topology.kind === "dumbbell") {
      addGate(forward[0], BigInt(this.#nearest_ns.left));
      addGate(backward[0], BigInt(this.#nearest_ns.right));
      // What hosts send ahead of the clock wants a gate where it comes to
      if (this.#named.some(({ ext }) => this.#engine.get(ext, LinkExt.gate) === 0)) return;
      for (const [link, routes] of [[forward[0], this.#ends.right], [backward[0], this.#ends.left]] as const) {
        const gate = this.#engine.exports.addHostGate(link);
        for (const route of routes) this.#engine.set(route, Route.gate, gate);
      }
      return;
    }
    const { links } = topology;
    for (let i = 1; i < links.length; i++) {
      addGate(forward[i], BigInt(links[i - 1].delay_ns));
      addGate(backward[i], BigInt(links[links.length - i].reverse.delay_ns));
    }
  }

  compileWays(): CompiledWays {
    const spec = this.#spec;
    this.#engine.exports.init(seedNumber(spec.seed));
    const { forward, backward } = this.#trunk();
    const { forth, back } = this.#routes({ ...spec.flows[0], from: "left", to: "right" }, 0, 0, forward, backward);
    return { rightwards: forth, leftwards: back, links: this.#named };
  }

  /** The links that all flows share, in the order in which each direction passes them. */
  #trunk(): { forward: number[]; backward: number[] } {
    const { topology } = this.#spec;
    const trunk = topology.kind === "path" ? topology.links : [topology.bottleneck];
    const forward = trunk.map((link) => this.#namedLink(link.name, link, link, false));
    const backward = trunk.map((link) => this.#namedLink(`${link.name}:reverse`, link, link.reverse, true)).reverse();
    return { forward, backward };
  }

  /** Parameters of the whole run. */
  #setParameters(tcp: TcpSpec): void {
    const set = (field: { offset: number; type: string }, value: number): void =>
      this.#engine.set(this.#engine.root, field, value);
    set(EngineLayout.msl_ms, Math.round(tcp.msl_ns / 1e6));
    set(EngineLayout.rto_max_us, Math.round(tcp.maxRto_ns / 1e3));
    set(EngineLayout.rto_initial_us, Math.round(tcp.initialRto_ns / 1e3));
    set(EngineLayout.recovery, tcp.profile === "rfc" ? 0 : Recovery.LINUX);
    set(EngineLayout.reordering, 3);
    set(EngineLayout.rto_floor_on_sum, tcp.profile === "rfc" ? 1 : 0);
    set(EngineLayout.delayed_ack_us, Math.round((tcp.delayedAckTimeout_ns ?? 0) / 1e3));
    if (tcp.profile === "rfc") set(EngineLayout.quick_acks, 0);
    set(EngineLayout.fin_wait_2_ms, Math.round(tcp.finWait2Timeout_ns / 1e6));
    set(EngineLayout.syn_retries, tcp.synRetries);
    set(EngineLayout.synack_retries, tcp.synRetries);
    set(EngineLayout.data_retries, tcp.dataRetries);
    set(EngineLayout.slow_start_after_idle, tcp.slowStartAfterIdle ? 1 : 0);
    set(EngineLayout.tso_bytes_max, tcp.tso ? TSO_BYTES_MAX : 0);
    set(EngineLayout.pacing, tcp.pacing ? 1 : 0);
  }

  /** Adds one direction of a link; its address. */
  #addLink(direction: DirectionSpec, extraDelay_ns: number): number {
    const nsPerByteQ20 = BigInt(Math.round(8e9 / direction.rate_bps * 2 ** 20));
    return this.#engine.exports.addLink(nsPerByteQ20, BigInt(direction.delay_ns + extraDelay_ns));
  }

  /** A link that results name: watched, with its queue and impairments. */
  #namedLink(id: string, link: LinkSpec, direction: DirectionSpec, reverse: boolean): number {
    const address = this.#addLink(direction, 0);
    const ext = this.#extend(address, link.name, direction, reverse, true);
    this.#named.push({ id, ext, link: address, rate_bps: direction.rate_bps });
    return address;
  }

  /** One direction of a host's own link: plain unless it is limited, impaired or captured. */
  #accessLink(name: string, direction: DirectionSpec, extraDelay_ns: number, reverse: boolean): number {
    const address = this.#addLink(direction, extraDelay_ns);
    if (!isPlain(direction) || this.#captured.includes(name)) this.#extend(address, name, direction, reverse, false);
    this.#linkCount++;
    return address;
  }

  #extend(link: number, name: string, direction: DirectionSpec, reverse: boolean, histogram: boolean): number {
    const engine = this.#engine;
    const ext = engine.exports.extendLink(link);
    const { limit } = direction.queue;
    if (limit !== null) {
      if (limit.unit === "packets") engine.set(ext, LinkExt.limit_packets, limit.value);
      else engine.set(ext, LinkExt.limit_bytes, this.#limitBytes(direction, limit.value, limit.unit));
    }
    engine.set(ext, LinkExt.mark_packets, direction.queue.mark ?? 0);
    engine.set(ext, LinkExt.qdisc, Qdisc[direction.queue.kind.toUpperCase() as keyof typeof Qdisc]);
    this.#setLoss(ext, direction);
    engine.set(ext, LinkExt.overhead, direction.overhead_bytes);
    engine.set(ext, LinkExt.jitter_ns, direction.jitter_ns);
    if (direction.reorder !== null) {
      engine.set(ext, LinkExt.reorder_threshold, threshold(direction.reorder.p));
      engine.set(ext, LinkExt.reorder_delay_ns, direction.reorder.delay_ns);
    }
    if (direction.duplicate !== null) engine.set(ext, LinkExt.duplicate_threshold, threshold(direction.duplicate.p));
    if (direction.corrupt !== null) engine.set(ext, LinkExt.corrupt_threshold, threshold(direction.corrupt.p));
    engine.set(ext, LinkExt.capture, this.#captured.indexOf(name) + 1);
    engine.set(ext, LinkExt.reverse, reverse ? 1 : 0);
    engine.exports.finishLink(ext, this.#linkCount++, histogram ? 1 : 0);
    return ext;
  }

  #setLoss(ext: number, { loss }: DirectionSpec): void {
    if (loss === null) return;
    const engine = this.#engine;
    switch (loss.kind) {
      case "bernoulli":
        engine.set(ext, LinkExt.loss_kind, LossKind.BERNOULLI);
        return engine.set(ext, LinkExt.loss_threshold, threshold(loss.p));
      case "periodic":
        engine.set(ext, LinkExt.loss_kind, LossKind.PERIODIC);
        return engine.set(ext, LinkExt.loss_every, loss.every);
      case "list": {
        const list = engine.exports.allocate(4 * loss.packets.length);
        new Uint32Array(engine.exports.memory.buffer, list, loss.packets.length).set(loss.packets);
        engine.set(ext, LinkExt.loss_kind, LossKind.LIST);
        engine.set(ext, LinkExt.loss_list, list);
        return engine.set(ext, LinkExt.loss_list_count, loss.packets.length);
      }
    }
  }

  /** A queue limit in bytes; bandwidth-delay products are those of the link and the shortest way over it. */
  #limitBytes(direction: DirectionSpec, value: number, unit: "bytes" | "bdp"): number {
    if (unit === "bytes") return value;
    const bdp = direction.rate_bps * this.#baseRtt_ns() / 8e9;
    return Math.max(Math.round(value * bdp), fullPacket(this.#spec.tcp) + direction.overhead_bytes);
  }

  /** Propagation alone, there and back, of the shortest way that any flow takes; all ways pass the named links. */
  #baseRtt_ns(): number {
    const { topology } = this.#spec;
    const both = (link: LinkSpec): number => link.delay_ns + link.reverse.delay_ns;
    const extra = 2 *
      Math.min(...this.#spec.flows.map((group) => Math.min(...group.accessDelay_ns.slice(0, group.count))));
    if (topology.kind === "path") return topology.links.reduce((sum, link) => sum + both(link), 0) + extra;
    return both(topology.bottleneck) + 2 * both(topology.access) + extra;
  }

  /** Routes of flow number `index`, there and back, as addresses. */
  #routes(
    group: FlowGroupSpec,
    k: number,
    index: number,
    forward: number[],
    backward: number[],
  ): { forth: number; back: number } {
    const { topology } = this.#spec;
    const rightwards = group.from === "left";
    if (topology.kind === "path") {
      const east = this.#fillRoute(this.#engine.exports.addRoute(forward.length, index), forward);
      const west = this.#fillRoute(this.#engine.exports.addRoute(backward.length, index), backward);
      return rightwards ? { forth: east, back: west } : { forth: west, back: east };
    }
    const { access, bottleneck } = topology;
    const extra = group.accessDelay_ns[k % group.accessDelay_ns.length];
    const [leftExtra, rightExtra] = rightwards ? [extra, 0] : [0, extra];
    const { left: nearestLeft, right: nearestRight } = this.#nearest_ns;
    this.#nearest_ns.left = Math.min(nearestLeft, access.delay_ns + leftExtra);
    this.#nearest_ns.right = Math.min(nearestRight, access.reverse.delay_ns + rightExtra);
    const left = `left${index}`;
    const right = `right${index}`;
    // Left to right is forward on every link: up from a left host, down to a right one. A route and its first link
    // share a cache line
    const leftUp = this.#accessLink(left, access, leftExtra, false);
    const east = this.#engine.exports.addRoute(3, index);
    const rightUp = this.#accessLink(right, access.reverse, rightExtra, true);
    const west = this.#engine.exports.addRoute(3, index);
    const leftDown = this.#accessLink(left, access.reverse, leftExtra, true);
    const rightDown = this.#accessLink(right, access, rightExtra, false);
    const fusedRight = isFifo(bottleneck) && isPlain(access) ? Hop.FUSED : 0;
    const fusedLeft = isFifo(bottleneck.reverse) && isPlain(access.reverse) ? Hop.FUSED : 0;
    this.#fillRoute(east, [leftUp, forward[0], rightDown | fusedRight]);
    this.#fillRoute(west, [rightUp, backward[0], leftDown | fusedLeft]);
    if (group.app === null && !group.realBytes && group.read_bps === null && group.stop_ns === null) {
      if (fusedRight) this.#ends.right.push(east);
      if (fusedLeft) this.#ends.left.push(west);
    }
    return rightwards ? { forth: east, back: west } : { forth: west, back: east };
  }

  #fillRoute(route: number, links: number[]): number {
    const view = this.#engine.view;
    links.forEach((link, hop) => view.setUint32(route + Route.size + 4 * hop, link, true));
    return route;
  }

  #flow(
    group: FlowGroupSpec,
    k: number,
    index: number,
    forth: number,
    back: number,
    templates: { a: number; b: number },
  ): Omit<CompiledFlow, "id"> {
    const engine = this.#engine;
    this.#setAddresses(templates.a, templates.b, group, index);
    const flow = engine.exports.addFlow(index, templates.a, templates.b, forth, back);
    const start_ns = group.start_ns + k * group.stagger_ns;
    if (group.bytes !== null) {
      engine.set(flow, Flow.bytes_left, group.bytes);
    }
    if (group.read_bps !== null) engine.set(flow, Flow.read_bytes_per_s, Math.max(1, Math.round(group.read_bps / 8)));
    engine.exports.scheduleFlow(flow, EventKind.FLOW_START, BigInt(start_ns));
    if (group.stop_ns !== null && group.stop_ns > start_ns) {
      engine.exports.scheduleFlow(flow, EventKind.FLOW_STOP, BigInt(group.stop_ns));
    }
    return {
      group: group.name,
      cc: group.cc,
      start_ns,
      flow,
      a: engine.get(flow, Flow.a),
      b: engine.get(flow, Flow.b),
      realBytes: group.realBytes,
    };
  }

  /** Control blocks that those of a group are copied from: the sender's and the receiver's. */
  #templates(group: FlowGroupSpec): { a: number; b: number } {
    const engine = this.#engine;
    const { tcp } = group;
    let flags: number = TcbFlag.READS_AT_ONCE;
    if (tcp.timestamps) flags |= TcbFlag.OFFER_TIMESTAMPS;
    if (tcp.sack) flags |= TcbFlag.OFFER_SACK;
    if (tcp.windowScaling) flags |= TcbFlag.OFFER_WINDOW_SCALING;
    if (tcp.ecn === "on") flags |= TcbFlag.OFFER_ECN;
    if (tcp.ecn === "accurate") flags |= TcbFlag.OFFER_ACCECN;
    if (tcp.delayedAck) flags |= TcbFlag.DELAYED_ACK;
    if (!tcp.nagle) flags |= TcbFlag.NODELAY;
    if (tcp.receiveBuffer_bytes === null) flags |= TcbFlag.TUNED_BUFFER;
    if (group.realBytes) flags = (flags | TcbFlag.REAL_BYTES) & ~TcbFlag.READS_AT_ONCE;
    const template = (own: number): number => {
      const tcb = engine.exports.allocate(Tcb.size);
      engine.set(tcb, Tcb.flags, own);
      engine.set(tcb, Tcb.cc, congestionControl(group));
      engine.set(tcb, Tcb.rcv_mss, tcp.mss + TIMESTAMPS_BYTES);
      engine.set(tcb, Tcb.rcv_buf, tcp.receiveBuffer_bytes ?? TUNED_BUFFER_BYTES);
      engine.set(tcb, Tcb.snd_buf, tcp.sendBuffer_bytes);
      engine.set(tcb, Tcb.rto_min_us, Math.round(tcp.minRto_ns / 1e3));
      engine.set(tcb, Tcb.initial_cwnd, tcp.initialWindow);
      engine.set(tcb, Tcb.cc_priv7, ccOptionBits(group.ccOptions));
      return tcb;
    };
    const endless = group.bytes === null && !group.realBytes ? TcbFlag.WRITES_FOR_EVER : 0;
    const paced = group.read_bps === null ? 0 : TcbFlag.READS_AT_ONCE;
    return { a: template(flags | endless), b: template(flags & ~paced) };
  }

  /** The flow's four-tuple, for ISNs and captures. Flows of a path share two hosts and differ in their ports. */
  #setAddresses(a: number, b: number, group: FlowGroupSpec, index: number): void {
    const engine = this.#engine;
    const host = this.#spec.topology.kind === "path" ? 1 + Math.floor(index / CLIENT_PORTS) : 1 + index;
    const port = FIRST_CLIENT_PORT + index % CLIENT_PORTS;
    const [addressA, addressB] = group.from === "left"
      ? [LEFT_NETWORK + host, RIGHT_NETWORK + host]
      : [RIGHT_NETWORK + host, LEFT_NETWORK + host];
    engine.set(a, Tcb.local_addr, addressA);
    engine.set(a, Tcb.remote_addr, addressB);
    engine.set(a, Tcb.local_port, port);
    engine.set(a, Tcb.remote_port, SERVER_PORT);
    engine.set(b, Tcb.local_addr, addressB);
    engine.set(b, Tcb.remote_addr, addressA);
    engine.set(b, Tcb.local_port, SERVER_PORT);
    engine.set(b, Tcb.remote_port, port);
  }

  #source(group: FlowGroupSpec, k: number, index: number, route: number): CompiledSource {
    const { app } = group;
    if (app === null) throw new Error("a source without an app");
    const kind = {
      "cbr": SourceKind.CBR,
      "poisson": SourceKind.POISSON,
      "poisson-exponential": SourceKind.POISSON_EXPONENTIAL,
    }[app.kind];
    const gap_ns = app.packetSize_bytes * 8e9 / app.rate_bps;
    const start_ns = group.start_ns + k * group.stagger_ns;
    const stop = group.stop_ns === null ? NEVER : BigInt(group.stop_ns);
    const source = this.#engine.exports.addSource(
      index,
      kind,
      gap_ns,
      app.packetSize_bytes,
      route,
      BigInt(start_ns),
      stop,
    );
    return { group: group.name, start_ns, source };
  }
}

/** The core's controller: some have two forms. */
function congestionControl({ cc, ccOptions }: FlowGroupSpec): number {
  if (cc === "cubic" && ccOptions.exact) return Cc.CUBIC_RFC;
  return Cc[cc.toUpperCase() as keyof typeof Cc];
}

/** `CcOption` bits. */
function ccOptionBits({ abc, hystart, abe }: FlowGroupSpec["ccOptions"]): number {
  return (abc === false ? CcOption.COUNT_ACKS : 0) | (hystart === false ? CcOption.NO_HYSTART : 0) |
    (abe ? CcOption.ABE : 0);
}

/** Refuses what the core's memory cannot hold; data in flight beyond the usual is not foreseen here. */
function checkMemory(spec: ScenarioSpec): void {
  let bytes = 0;
  spec.flows.forEach((group, i) => {
    const rings = group.realBytes ? ringBytes(group.tcp) : 0;
    const each = FLOW_BYTES + rings + (spec.record.percentiles ? HISTOGRAM_BYTES : 0);
    bytes += group.count * each;
    if (bytes < MEMORY_BYTES) return;
    const found = `${group.count} flows of ${Math.round(each / 1024)} KiB each`;
    throw new ScenarioError("scenario", `flows[${i}].count`, found, "at most 4 GiB for all flows together");
  });
}

/** Rings of real bytes, powers of two: a send and a receive buffer at both ends. */
function ringBytes(tcp: TcpSpec): number {
  const ring = (bytes: number): number => 2 ** Math.ceil(Math.log2(bytes));
  return 2 * (ring(tcp.sendBuffer_bytes) + ring((tcp.receiveBuffer_bytes ?? TUNED_BUFFER_MAX_BYTES / 2) + 0x18000));
}

/** The seed's characters as 64 bits, FNV-1a: any string is a seed. */
function seedNumber(seed: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(seed)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash;
}

/** A probability as a threshold that a uniform u64 must stay below. */
function threshold(p: number): bigint {
  if (p >= 1) return NEVER;
  return BigInt(Math.floor(p * 2 ** 53)) << 11n;
}

function fullPacket(tcp: TcpSpec): number {
  return tcp.mss + TIMESTAMPS_BYTES + HEADERS_BYTES;
}

/** Nothing but a rate and a delay. */
function isPlain(direction: DirectionSpec): boolean {
  return direction.queue.limit === null && direction.queue.mark === null && isFifo(direction) &&
    direction.loss === null && direction.corrupt === null &&
    direction.jitter_ns === 0 && direction.overhead_bytes === 0;
}

/** Packets leave in the order in which they came, so the next link's arrivals are known when they come. */
function isFifo(direction: DirectionSpec): boolean {
  return direction.reorder === null && direction.duplicate === null;
}
