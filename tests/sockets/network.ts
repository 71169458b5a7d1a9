/** Two hosts on one wire, in virtual time: packets take `delayMs` each way, and a test may look at each or take it away. */
import { Host, type HostOptions } from "../../src/sockets/host.ts";
import { isPending, type Pending } from "../../src/sockets/pending.ts";

/** Addresses of the two. */
export const A = "10.0.0.1";
export const B = "10.0.0.2";
export const A6 = "2001:db8::1";
export const B6 = "2001:db8::2";

/** A packet on its way. */
interface Travelling {
  at: bigint;
  to: Host;
  packet: Uint8Array;
}

const NS_PER_MS = 1_000_000n;

export class Network {
  readonly a: Host;
  readonly b: Host;
  /** Every packet that left, in order. */
  readonly seen: { from: "a" | "b"; packet: Uint8Array }[] = [];
  /** Says of a packet whether it is lost. */
  loses: (packet: Uint8Array, from: "a" | "b") => boolean = () => false;
  delayMs = 5;
  /** What becomes of a packet on the way: nothing, one or more that arrive so much later; may be replaced. */
  carries: (packet: Uint8Array, from: "a" | "b") => { packet: Uint8Array; delay_ms: number }[] = (packet, from) =>
    this.loses(packet, from) ? [] : [{ packet, delay_ms: this.delayMs }];
  #travelling: Travelling[] = [];
  #waiting: (() => void)[] = [];

  private constructor(a: Host, b: Host) {
    this.a = a;
    this.b = b;
  }

  static async create(options: HostOptions = {}, optionsB: HostOptions = options): Promise<Network> {
    const a = await Host.create({ addresses: [A, A6], seed: 1n, ...options });
    const b = await Host.create({ addresses: [B, B6], seed: 2n, ...optionsB });
    return new Network(a, b);
  }

  get now(): bigint {
    return this.a.now;
  }

  /** Lets that many milliseconds pass. */
  pass(ms: number): void {
    this.#runTo(this.now + BigInt(Math.round(ms * 1e6)));
  }

  /** Runs until `call` no longer waits, for at most `ms`. */
  finish<T>(call: T | Pending<T>, ms = 60_000): T {
    const end = this.now + BigInt(ms) * NS_PER_MS;
    let answer = call;
    while (isPending(answer)) {
      if (this.now >= end) throw new Error(`The call still waits after ${ms} ms`);
      const deadline = answer.deadlineNs ?? end;
      this.#step(deadline < end && deadline > this.now ? deadline : end);
      answer = answer.retry();
    }
    return answer;
  }

  /** A call that waits beside others: its result is there once it has one. */
  background<T>(call: T | Pending<T>): { result?: T } {
    const answer: { result?: T } = {};
    const attempt = (again: T | Pending<T>): void => {
      if (isPending(again)) this.#waiting.push(() => attempt(again.retry()));
      else answer.result = again;
    };
    attempt(call);
    return answer;
  }

  /** A connection from `a` to port 80 of `b`: the descriptors of both ends, and of the listener. */
  connect(
    { backlog = 10, port = 80, address = B, family = 2, patience_ms = 60_000 } = {},
  ): { client: number; server: number; listener: number } {
    const listener = this.b.socket(family, 1);
    must(this.b.bind(listener, { address, port }));
    must(this.b.listen(listener, backlog));
    const client = this.a.socket(family, 1);
    must(this.finish(this.a.connect(client, { address, port }), patience_ms));
    const { result: server } = this.finish(this.b.accept(listener), patience_ms);
    return { client, server: must(server), listener };
  }

  #runTo(end: bigint): void {
    do this.#step(end); while (this.now < end);
  }

  /** To the next thing that happens, at most to `end`. */
  #step(end: bigint): void {
    this.#send();
    let next = end;
    for (const { at } of this.#travelling) if (at < next) next = at;
    for (const host of [this.a, this.b]) {
      const timer = host.nextEventNs();
      if (timer !== undefined && timer > this.now && timer < next) next = timer;
    }
    this.a.run(next);
    this.b.run(next);
    const arrived = this.#travelling.filter(({ at }) => at <= next);
    this.#travelling = this.#travelling.filter(({ at }) => at > next);
    for (const { to, packet } of arrived) to.input(packet);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const attempt of waiting) attempt();
    this.#send();
  }

  #send(): void {
    for (const from of ["a", "b"] as const) {
      const [host, to] = from === "a" ? [this.a, this.b] : [this.b, this.a];
      for (const { timeNs, packet } of host.output()) {
        this.seen.push({ from, packet });
        for (const { packet: carried, delay_ms } of this.carries(packet, from)) {
          this.#travelling.push({ at: timeNs + BigInt(Math.round(delay_ms * 1e6)), to, packet: carried });
        }
      }
    }
  }
}

/** Refuses an error. */
export function must(result: number): number {
  if (result < 0) throw new Error(`The call returned ${result}`);
  return result;
}

/** TCP flags of an IPv4 or IPv6 packet, as letters. */
export function flagsOf(packet: Uint8Array): string {
  const header = packet[0] >> 4 === 6 ? 40 : (packet[0] & 15) * 4;
  return [..."FSRPAUEW"].filter((_, i) => packet[header + 13] & 1 << i).join("");
}

/** Bytes of TCP payload. */
export function payloadLength(packet: Uint8Array): number {
  const header = packet[0] >> 4 === 6 ? 40 : (packet[0] & 15) * 4;
  return packet.length - header - (packet[header + 12] >> 4) * 4;
}
