/**
 * A host among strangers, in bytes: listeners, connections and random calls on one side, packets that follow a
 * conversation, lie, or are broken on the other. After every step the host counts its books again; when all is closed and
 * time has passed nothing is left: no socket, no timer, no byte of memory.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IPPROTO_TCP, SocketOption, SOL_SOCKET, TcpOption } from "../../src/sockets/constants.ts";
import { Host } from "../../src/sockets/host.ts";
import { addressBytes } from "../../src/packetdrill/wire.ts";
import { Random } from "../wire/random.ts";
import { fuzz } from "./budget.ts";
import { POOL_BYTES } from "./memory.ts";
import { Stranger } from "./stranger.ts";

const HOSTS = 60;
const STEPS = 300;
const ADDRESSES = ["10.0.0.1", "2001:db8::1"];
const PORTS = [80, 443];
/** Of pools, tables and buffers. */
const KEPT_MAX = 1 << 21;
const NS_PER_MS = 1_000_000n;
/** Longer than any time-out of what is left behind. */
const CENTURY_MS = 40_000_000;

const OPTIONS: [number, number, number[]][] = [
  [SOL_SOCKET, SocketOption.SO_SNDBUF, [0, 2304, 100_000]],
  [SOL_SOCKET, SocketOption.SO_RCVBUF, [0, 1024, 100_000, 3_000_000]],
  [SOL_SOCKET, SocketOption.SO_KEEPALIVE, [0, 1]],
  [SOL_SOCKET, SocketOption.SO_REUSEADDR, [0, 1]],
  [SOL_SOCKET, SocketOption.SO_REUSEPORT, [0, 1]],
  [IPPROTO_TCP, TcpOption.TCP_NODELAY, [0, 1]],
  [IPPROTO_TCP, TcpOption.TCP_CORK, [0, 1]],
  [IPPROTO_TCP, TcpOption.TCP_QUICKACK, [0, 1, 2]],
  [IPPROTO_TCP, TcpOption.TCP_USER_TIMEOUT, [0, 1000, 30_000]],
  [IPPROTO_TCP, TcpOption.TCP_MAXSEG, [88, 536, 1460]],
  [IPPROTO_TCP, TcpOption.TCP_DEFER_ACCEPT, [0, 1, 5]],
  [IPPROTO_TCP, TcpOption.TCP_NOTSENT_LOWAT, [1, 10_000]],
  [IPPROTO_TCP, TcpOption.TCP_FASTOPEN, [1, 5]],
];

/** The host, its descriptors, and who listens to it. */
class Stage {
  readonly #host: Host;
  readonly #stranger: Stranger;
  readonly #random: Random;
  readonly #fds: number[] = [];
  readonly #listeners: number[] = [];
  packets = 0;

  constructor(host: Host, random: Random) {
    this.#host = host;
    this.#random = random;
    this.#stranger = new Stranger(random, ADDRESSES.map(addressBytes));
    for (const port of PORTS) this.#listen(port);
  }

  #listen(port: number): void {
    const fd = this.#host.socket(10, 1);
    this.#host.setsockopt(fd, SOL_SOCKET, SocketOption.SO_REUSEADDR, 1);
    if (this.#random.chance(0.5)) this.#host.setsockopt(fd, SOL_SOCKET, SocketOption.SO_REUSEPORT, 1);
    this.#host.bind(fd, { address: "::", port });
    this.#host.listen(fd, this.#random.pick([0, 1, 5, 100]));
    this.#host.fcntl(fd, 4, 0o4000);
    this.#listeners.push(fd);
  }

  step(): void {
    const random = this.#random;
    const act = random.below(100);
    if (act < 12) this.#hears(this.#stranger.syn([...PORTS, 81]));
    else if (act < 45) this.#hears(this.#stranger.polite());
    else if (act < 65) this.#hears(this.#stranger.rude());
    else if (act < 70) this.#hears(this.#stranger.mutated());
    else if (act < 73) this.#hears(this.#stranger.icmp());
    else if (act < 85) this.#passes(random.pick([0, 1, 5, 40, 250, 3000, 70_000]));
    else this.#calls();
    this.#host.check();
  }

  #hears(packet: Uint8Array | undefined): void {
    if (!packet) return;
    this.#host.input(packet);
    this.packets++;
    this.#listens();
  }

  #passes(ms: number): void {
    this.#host.run(this.#host.now + BigInt(ms) * NS_PER_MS);
    this.#stranger.now_ms += ms;
    this.#listens();
  }

  #listens(): void {
    for (const { packet } of this.#host.output()) this.#stranger.hears(packet);
  }

  #calls(): void {
    const [host, random] = [this.#host, this.#random];
    const call = random.below(20);
    if (call < 5) {
      const accepted = host.accept(random.pick(this.#listeners));
      if ("result" in accepted && accepted.result >= 0) this.#fds.push(accepted.result);
    } else if (call === 5 && this.#fds.length < 20) {
      const fd = host.socket(2, 1 | 0o4000);
      host.connect(fd, { address: "10.0.0.105", port: random.pick([7, 80]) });
      this.#fds.push(fd);
    } else if (call === 6 && random.chance(0.2)) {
      if (random.chance(0.7)) host.close(this.#listeners.shift()!);
      this.#listen(random.pick(PORTS));
    } else if (call === 7) {
      this.#setsOption(random.pick([...this.#fds, ...this.#listeners]));
    } else if (this.#fds.length > 0) {
      this.#uses(random.pick(this.#fds), call);
    }
    this.#listens();
  }

  #setsOption(fd: number): void {
    const [level, name, values] = this.#random.pick(OPTIONS);
    this.#host.setsockopt(fd, level, name, this.#random.pick(values));
  }

  #uses(fd: number, call: number): void {
    const [host, random] = [this.#host, this.#random];
    host.fcntl(fd, 4, 0o4000);
    if (call < 13) host.write(fd, random.pick([1, 1000, 20_000, 300_000]), random.pick([0, 0, 0, 0x8000, 1]));
    else if (call < 17) host.read(fd, random.pick([1, 1000, 100_000]), random.pick([0, 0, 1, 2]));
    else if (call === 17) host.shutdown(fd, random.below(3));
    else if (call === 18 && random.chance(0.5)) this.#closes(fd);
    else host.tcpInfo(fd);
  }

  #closes(fd: number): void {
    this.#host.close(fd);
    this.#fds.splice(this.#fds.indexOf(fd), 1);
  }

  /** Everything is closed, and time passes. */
  ends(): void {
    for (const fd of [...this.#fds]) this.#closes(fd);
    for (const fd of this.#listeners) this.#host.close(fd);
    // Whatever waits for an answer gets none
    this.#host.run(this.#host.now + BigInt(CENTURY_MS) * NS_PER_MS);
    this.#host.output();
    this.#host.check();
  }
}

/** The first packets, timers and sockets make the pools that they come from. */
function fillPools(host: Host): void {
  const fd = host.socket(2, 1 | 0o4000);
  host.connect(fd, { address: "10.0.0.105", port: 7 });
  host.close(fd);
  host.output();
}

test("a host among strangers: its books are right after every packet and call, and nothing is left behind", async () => {
  let packets = 0;
  await fuzz(import.meta, { share: 0.3, least: HOSTS }, async (seed) => {
    const random = new Random(seed);
    const host = await Host.create({
      addresses: ADDRESSES,
      seed: BigInt(seed),
      realBytes: random.chance(0.5),
      sysctls: {
        "net.ipv4.tcp_syncookies": random.below(3),
        "net.ipv4.tcp_ecn": random.below(6),
        "net.ipv4.tcp_mtu_probing": random.below(3),
        "net.ipv4.tcp_sack": random.pick([0, 1, 1]),
        "net.ipv4.tcp_timestamps": random.below(2),
        "net.ipv4.tcp_rfc1337": random.below(2),
        "net.ipv4.tcp_recovery": random.pick([0, 1, 1, 2, 4]),
        "net.ipv4.tcp_slow_start_after_idle": random.below(2),
        "net.ipv4.tcp_congestion_control": random.pick(["cubic", "reno"]),
        "net.ipv4.tcp_fastopen": random.pick([0, 0x703]),
        "net.ipv4.tcp_max_tw_buckets": random.pick([0, 1, 1000]),
        "net.ipv4.tcp_max_orphans": random.pick([0, 1, 1000]),
        "net.ipv4.tcp_max_syn_backlog": random.pick([1, 4, 128]),
        "net.ipv4.tcp_abort_on_overflow": random.below(2),
        "net.ipv4.tcp_shrink_window": random.below(2),
        "net.ipv4.tcp_challenge_ack_limit": random.pick([1, 2147483647]),
      },
    });
    fillPools(host);
    const before = host.bytesInUse;
    const stage = new Stage(host, random);
    let step = 0;
    try {
      for (; step < STEPS; step++) stage.step();
      stage.ends();
    } catch (error) {
      throw new Error(`step ${step}: ${(error as Error).message}`, { cause: error });
    }
    packets += stage.packets;
    assert.equal(host.stack("socket_count"), 0, "sockets are left");
    // Tables and the output buffer stay as large as they were needed: whole kilobytes; pools have their own size
    const kept = host.bytesInUse - before;
    assert.ok(kept < KEPT_MAX && (kept % 1024 === 0 || kept >= POOL_BYTES), `${kept} bytes are lost`);
  });
  assert.ok(packets > HOSTS * STEPS / 4, `only ${packets} packets`);
});
