/**
 * Real time: a host of the engine whose wire is a tunnel, perhaps with the links of a scenario in between. Packets that
 * come together are handled together, in turns; between turns the process sleeps until a packet or the next deadline.
 *
 *      tunnel ──▶ (path) ──▶ host ──▶ application ──▶ host ──▶ (path) ──▶ tunnel
 */
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";
import { Clock } from "./clock.ts";
import type { EmulatedPath } from "./emulated_path.ts";
import type { Tunnel } from "./udp_tunnel.ts";

/** What real time wants of a host: IP packets in, IP packets out, time as an argument. */
export interface PacketHost {
  run(untilNs: bigint): void;
  nextEventNs(): bigint | undefined;
  input(packet: Uint8Array): void;
  output(): { packet: Uint8Array }[];
}

/** Packets that have passed, of either direction. */
export interface WireStatistics {
  /** Packets that came. */
  packetsIn: number;
  /** Their bytes. */
  bytesIn: number;
  /** Packets that left. */
  packetsOut: number;
  /** Their bytes. */
  bytesOut: number;
  /** How often the host had its turn. */
  turns: number;
}

/** Timers of a runtime tick in milliseconds and come late; what is due sooner than this is waited for awake. */
const AWAKE_NS = 1_500_000n;
const NS_PER_MS = 1_000_000n;
/** A sleep without a deadline ends now and then, and so does one of more than a runtime's timers can count. */
const SLEEP_MS_MAX = 60_000;

/** A host in real time. */
export class RealTime {
  readonly statistics: WireStatistics = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0, turns: 0 };
  readonly #clock = new Clock();
  readonly #host: PacketHost;
  readonly #path: EmulatedPath | undefined;
  readonly #application: () => void;
  readonly #failed: (error: unknown) => void;
  #tunnel: Tunnel | undefined;
  #immediate: ReturnType<typeof setImmediate> | undefined;
  #timeout: ReturnType<typeof setTimeout> | undefined;
  /** The host's clock has been set since the turn before. */
  #awake = false;

  /**
   * `application` is called once in each turn, after the host has seen all that has come; what it has to send leaves in the
   * same turn. What a turn throws goes to `failed`, and there is no further one.
   */
  constructor(
    host: PacketHost,
    path: EmulatedPath | undefined,
    application: () => void,
    failed: (error: unknown) => void,
  ) {
    this.#host = host;
    this.#path = path;
    this.#application = application;
    this.#failed = failed;
  }

  /** Real time since the beginning, which is what the host's clock shows. */
  now(): bigint {
    return this.#clock.now();
  }

  /** Begins: from now on what leaves goes into `tunnel`. */
  start(tunnel: Tunnel): void {
    this.#tunnel = tunnel;
    this.wake();
  }

  /** Ends: no turn follows. The tunnel is its owner's to close. */
  stop(): void {
    this.#tunnel = undefined;
    clearImmediate(this.#immediate);
    clearTimeout(this.#timeout);
  }

  /** A packet has come out of the tunnel. */
  receive(packet: Uint8Array): void {
    if (this.#tunnel === undefined) return;
    this.statistics.packetsIn++;
    this.statistics.bytesIn += packet.length;
    this.#guarded(() => {
      if (this.#path !== undefined) this.#path.offer("rightwards", packet, this.now());
      else this.#input(packet);
    });
    this.wake();
  }

  /** Brings the host's clock to now: for calls between turns, whose packets and timers would else be of the last one. */
  sync(): void {
    this.#guarded(() => this.#host.run(this.now()));
  }

  /** Has a turn soon: the application wants to do something. */
  wake(): void {
    if (this.#tunnel !== undefined) this.#immediate ??= setImmediate(() => this.#guarded(() => this.#turn()));
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.stop();
      this.#failed(error);
    }
  }

  #input(packet: Uint8Array): void {
    if (!this.#awake) this.#host.run(this.now());
    this.#awake = true;
    this.#host.input(packet);
  }

  #turn(): void {
    this.#immediate = undefined;
    clearTimeout(this.#timeout);
    this.statistics.turns++;
    const now = this.now();
    if (this.#path !== undefined) this.#deliver(this.#path, now);
    this.#host.run(now);
    this.#application();
    for (const { packet } of this.#host.output()) {
      if (this.#path !== undefined) this.#path.offer("leftwards", packet, now);
      else this.#send(packet);
    }
    this.#tunnel?.flush();
    this.#awake = false;
    this.#sleep(now);
  }

  #deliver(path: EmulatedPath, now: bigint): void {
    for (const { direction, packet } of path.run(now)) {
      if (direction === "rightwards") this.#input(packet);
      else this.#send(packet);
    }
  }

  #send(packet: Uint8Array): void {
    this.statistics.packetsOut++;
    this.statistics.bytesOut += packet.length;
    this.#tunnel?.send(packet);
  }

  #sleep(now: bigint): void {
    if (this.#tunnel === undefined || this.#immediate !== undefined) return;
    const next = earlier(this.#host.nextEventNs(), this.#path?.nextEventNs());
    const wait = next === undefined ? undefined : next - now;
    if (wait !== undefined && wait < AWAKE_NS) return this.wake();
    const ms = wait === undefined ? SLEEP_MS_MAX : Math.min(Number(wait / NS_PER_MS) - 1, SLEEP_MS_MAX);
    this.#timeout = setTimeout(() => this.wake(), ms);
  }
}

function earlier(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
