/** Random scenarios by number: everything a scenario may say, in every notation, and all of it right. */

import type {
  FlowGroup,
  FlowTcpParameters,
  Link,
  LinkDirection,
  Loss,
  Quantity,
  Scenario,
  SeriesName,
  Topology,
} from "../../src/scenario/types.ts";

/** Draws that a number decides (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `min` to `max`. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)];
  }

  /** The value, or nothing. */
  maybe<T>(value: () => T, p = 0.5): T | undefined {
    return this.chance(p) ? value() : undefined;
  }

  list<T>(least: number, most: number, item: (i: number) => T): T[] {
    return Array.from({ length: this.integer(least, most) }, (_, i) => item(i));
  }
}

/** Leaves out what is undefined, as JSON does. */
export function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

/** The scenario with this number. */
export function randomScenario(seed: number): Scenario {
  const random = new Random(seed);
  const topology = randomTopology(random);
  return plain({
    name: random.maybe(() => `random ${seed}`),
    seed: random.maybe(() => String(random.integer(0, 1e9))),
    duration: time(random, 1000, 60_000),
    warmup: random.maybe(() => time(random, 0, 999)),
    topology,
    flows: random.list(1, 4, () => randomGroup(random)),
    tcp: random.maybe(() => ({
      ...randomTcp(random),
      profile: random.maybe(() => random.pick(["linux", "rfc"] as const)),
      maxRto: random.maybe(() => time(random, 2000, 120_000)),
      delayedAckTimeout: random.maybe(() => random.chance(0.3) ? "auto" : time(random, 1, 500)),
      msl: random.maybe(() => time(random, 1, 60_000)),
      finWait2Timeout: random.maybe(() => time(random, 0, 60_000)),
      synRetries: random.maybe(() => random.integer(0, 10)),
      dataRetries: random.maybe(() => random.integer(1, 20)),
    })),
    record: random.maybe(() => ({
      interval: random.maybe(() => time(random, 10, 2000)),
      series: random.maybe(() => random.list(0, 3, () => random.pick<SeriesName>(["cwnd", "rto", "queue", "srtt"]))),
      percentiles: random.maybe(() => random.chance(0.5)),
    })),
  });
}

function time(random: Random, ms_min: number, ms_max: number): Quantity {
  const ms = random.integer(ms_min, ms_max);
  return random.pick<Quantity>([`${ms}ms`, `${ms * 1000} us`, `${ms * 1e6}ns`, ms / 1000, `${ms / 1000}s`]);
}

function rate(random: Random): Quantity {
  const kbps = random.integer(1, 10_000_000);
  return random.pick<Quantity>([`${kbps}kbps`, `${kbps / 1000}Mbps`, kbps * 1000, `${kbps}e3bps`, `${kbps / 1e6}Gbps`]);
}

function bytes(random: Random, min: number, max: number): Quantity {
  const size = random.integer(min, max);
  return random.pick<Quantity>([size, `${size}B`, `${size}B`, `${Math.ceil(size / 1024)}KiB`]);
}

function randomTopology(random: Random): Topology {
  if (random.chance(0.5)) return { kind: "dumbbell", bottleneck: randomLink(random), access: randomLink(random) };
  return {
    kind: "path",
    links: random.list(1, 5, (i) => ({ name: random.maybe(() => `hop ${i}`), ...randomLink(random) })),
  };
}

function randomLink(random: Random): Link {
  return {
    ...randomDirection(random),
    rate: rate(random),
    delay: time(random, 0, 200),
    reverse: random.maybe(() => randomDirection(random)),
  };
}

function randomDirection(random: Random): LinkDirection {
  return {
    rate: random.maybe(() => rate(random)),
    delay: random.maybe(() => time(random, 0, 200)),
    overhead: random.maybe(() => bytes(random, 0, 100)),
    queue: random.maybe(() => ({
      kind: random.maybe(() => "droptail" as const),
      limit: random.maybe(() => random.pick<Quantity>(["unlimited", "10pkt", "1.5bdp", "64KiB", 3000, "1e5B"])),
    })),
    loss: random.maybe(() => randomLoss(random)),
    reorder: random.maybe(() => ({ p: random.next(), delay: time(random, 1, 20) })),
    duplicate: random.maybe(() => ({ p: random.next() })),
    corrupt: random.maybe(() => ({ p: random.next() })),
    jitter: random.maybe(() => time(random, 0, 10)),
  };
}

function randomLoss(random: Random): Loss {
  return random.pick<Loss>([
    { kind: "bernoulli", p: random.next() },
    { kind: "periodic", every: random.integer(1, 1000) },
    { kind: "list", packets: random.list(1, 5, () => random.integer(1, 100)) },
  ]);
}

function randomTcp(random: Random): FlowTcpParameters {
  const flag = (): boolean | undefined => random.maybe(() => random.chance(0.5));
  return {
    mss: random.maybe(() => random.integer(64, 9000)),
    sack: flag(),
    timestamps: flag(),
    windowScaling: flag(),
    ecn: random.maybe(() => "off" as const),
    delayedAck: flag(),
    nagle: flag(),
    sendBuffer: random.maybe(() => bytes(random, 4000, 1e7)),
    receiveBuffer: random.maybe(() => random.chance(0.3) ? "auto" : bytes(random, 4000, 1e7)),
    initialWindow: random.maybe(() => random.integer(1, 40)),
    minRto: random.maybe(() => time(random, 1, 900)),
  };
}

function randomGroup(random: Random): FlowGroup {
  const common: FlowGroup = {
    count: random.maybe(() => random.integer(1, 5)),
    from: random.maybe(() => random.pick(["left", "right"] as const)),
    start: random.maybe(() => time(random, 0, 900)),
    stagger: random.maybe(() => time(random, 0, 20)),
    stop: random.maybe(() => time(random, 1000, 9000)),
    accessDelay: random.maybe(() =>
      random.chance(0.5) ? time(random, 0, 50) : random.list(1, 3, () => time(random, 0, 50))
    ),
  };
  if (random.chance(0.2)) {
    const kind = random.pick(["cbr", "poisson", "poisson-exponential"] as const);
    return { ...common, app: { kind, rate: rate(random), packetSize: random.maybe(() => bytes(random, 28, 60_000)) } };
  }
  return {
    ...common,
    cc: random.maybe(() => random.pick(["cubic", "reno"])),
    ccOptions: random.maybe(() => ({})),
    bytes: random.maybe(() => random.chance(0.5) ? "unlimited" : bytes(random, 1, 1e7)),
    read: random.maybe(() => rate(random)),
    realBytes: random.maybe(() => random.chance(0.5)),
    tcp: random.maybe(() => randomTcp(random)),
  };
}
