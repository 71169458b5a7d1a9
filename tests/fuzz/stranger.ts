/**
 * Somebody on the path of a host: hears all that it sends, and writes packets of its own that follow a conversation,
 * nearly follow it, or follow nothing at all.
 */
import { forge, type Forged, forgeIcmp, MSS, SACK, SACK_OK, see, TS, u32, WSCALE } from "../hostile/packets.ts";
import type { Random } from "../wire/random.ts";

/** One end of a connection as the stranger plays it. */
interface Conversation {
  src: Uint8Array;
  dst: Uint8Array;
  srcPort: number;
  dstPort: number;
  /** What the host expects next, what it has sent and what it has been told of that, its TSval. */
  seq: number;
  nxt: number;
  una: number;
  tsval: number | undefined;
  /** The last packet that it sent. */
  last: Uint8Array;
}

const FLAGS = ["A", "A", "A", "A", "PA", "FA", "F", "", "S", "SA", "R", "RA", "SF", "SR", "UA", "UPA", "FSRPAU"];
const MARKS = ["", "", "", "", "E", "W", "EW", "N", "EWN"];
const KINDS = [0, 1, 2, 3, 4, 5, 8, 14, 15, 19, 30, 34, 172, 174, 253, 254];
const LENGTHS = [0, 1, 2, 3, 4, 8, 10, 11, 12, 18, 26, 34, 40, 255];
const CONVERSATIONS_MAX = 40;

export class Stranger {
  readonly #random: Random;
  /** The addresses of the host, by family. */
  readonly #hosts: Uint8Array[];
  #talks: Conversation[] = [];
  /** Milliseconds, for timestamps. */
  now_ms = 0;

  constructor(random: Random, hosts: Uint8Array[]) {
    this.#random = random;
    this.#hosts = hosts;
  }

  /** A packet of the host's was heard. */
  hears(packet: Uint8Array): void {
    const seen = see(packet);
    if (!seen) return;
    const end = seen.seq + seen.length + (/[SF]/.test(seen.flags) ? 1 : 0) >>> 0;
    let talk = this.#talks.find((t) =>
      t.srcPort === seen.dstPort && t.dstPort === seen.srcPort && t.src.length === seen.dst.length &&
      t.src.every((byte, i) => byte === seen.dst[i])
    );
    if (!talk) {
      talk = {
        src: seen.dst,
        dst: seen.src,
        srcPort: seen.dstPort,
        dstPort: seen.srcPort,
        seq: this.#random.u32(),
        nxt: end,
        una: seen.seq,
        tsval: undefined,
        last: packet,
      };
      this.#talks.push(talk);
      if (this.#talks.length > CONVERSATIONS_MAX) this.#talks.shift();
    }
    if (seen.flags.includes("A") && !seen.flags.includes("R")) talk.seq = seen.ack;
    if (seen.flags.includes("S")) talk.una = seen.seq;
    if (seen.flags.includes("S") || (end - talk.nxt | 0) > 0) talk.nxt = end;
    talk.tsval = seen.ts?.[0];
    talk.last = packet;
  }

  /** A first SYN to one of the ports, from one of few addresses so that they come again. */
  syn(ports: number[]): Uint8Array {
    const random = this.#random;
    const dst = random.pick(this.#hosts);
    const src = dst.slice();
    src[src.length - 1] = random.between(100, 110);
    return forge({
      src,
      dst,
      srcPort: random.between(1024, 1100),
      dstPort: random.pick(ports),
      seq: random.u32(),
      flags: "S" + random.pick(["", "", "EW", "EWN", "F", "U"]),
      options: this.#synOptions(),
      payload: random.pick([0, 0, 0, 100, 1400]),
      tos: random.below(4),
    });
  }

  #synOptions(): number[] {
    const random = this.#random;
    const options: number[] = [];
    if (random.chance(0.8)) options.push(...MSS(random.pick([0, 1, 48, 536, 1460, 65535])));
    if (random.chance(0.5)) options.push(...SACK_OK);
    if (random.chance(0.5)) options.push(...TS(this.now_ms, random.chance(0.2) ? random.u32() : 0));
    if (random.chance(0.5)) options.push(...WSCALE(random.pick([0, 7, 14, 15, 255])));
    const rare = random.below(12);
    if (rare === 0) options.push(34, 2, 1, 1);
    if (rare === 1) options.push(34, 10, ...Array.from({ length: 8 }, () => random.below(256)), 1, 1);
    if (rare === 2) options.push(254, 4, 0xf9, 0x89);
    if (rare === 3) options.push(14, 3, random.below(4), 1);
    if (rare === 4) options.push(...this.#garbage());
    return options.slice(0, 40);
  }

  #garbage(): number[] {
    const random = this.#random;
    const bytes: number[] = [];
    while (bytes.length < 40) {
      const length = random.pick(LENGTHS);
      bytes.push(
        random.pick(KINDS),
        length,
        ...Array.from({ length: Math.max(0, length - 2) }, () => random.below(256)),
      );
    }
    return bytes.slice(0, 40);
  }

  /** What a sane peer of some conversation would send next. */
  polite(): Uint8Array | undefined {
    const random = this.#random;
    const talk = this.#talks.length ? random.pick(this.#talks) : undefined;
    if (!talk) return undefined;
    const seen = see(talk.last)!;
    // An opening host is answered
    if (seen.flags === "S" || seen.flags.startsWith("SE")) {
      return forge({ ...this.#base(talk), flags: "SA", seq: talk.seq - 1, options: [...MSS(1460), ...SACK_OK] });
    }
    const length = random.chance(0.5) ? random.pick([1, 100, 1000, 1448]) : 0;
    const ahead = random.chance(0.2) ? 1448 * random.between(1, 20) : 0;
    if (random.chance(0.7)) talk.una = talk.nxt;
    const options = this.#stamps(talk);
    if (random.chance(0.2)) {
      const start = talk.una + 1448 * random.below(10);
      options.push(...SACK(start, start + 1448 * random.between(1, 4)));
    }
    return forge({
      ...this.#base(talk),
      flags: random.chance(0.03) ? "FA" : random.chance(0.5) ? "PA" : "A",
      seq: talk.seq + ahead >>> 0,
      payload: length,
      options,
      wnd: random.pick([0, 1, 500, 65535, 65535]),
    });
  }

  #base(talk: Conversation): Forged {
    const { src, dst, srcPort, dstPort } = talk;
    return { src, dst, srcPort, dstPort, seq: talk.seq, ack: talk.una, flags: "A", tos: this.#random.below(4) };
  }

  #stamps(talk: Conversation): number[] {
    return talk.tsval === undefined ? [] : TS(this.now_ms, talk.tsval);
  }

  #near(center: number): number {
    const random = this.#random;
    const off = [0, 0, 1, -1, random.between(-2000, 2000), random.between(-70_000, 70_000), random.u32()];
    return center + random.pick(off) >>> 0;
  }

  /** One lie or another about a conversation. */
  rude(): Uint8Array | undefined {
    const random = this.#random;
    const talk = this.#talks.length ? random.pick(this.#talks) : undefined;
    if (!talk) return undefined;
    let options = random.chance(0.7) ? this.#stamps(talk) : TS(this.#near(this.now_ms), this.#near(talk.tsval ?? 0));
    const rare = random.below(8);
    if (rare < 2) {
      options.push(...SACK(this.#near(talk.una), this.#near(talk.nxt), this.#near(talk.una), this.#near(talk.una)));
    }
    if (rare === 2) options = this.#garbage();
    if (rare === 3) options = this.#synOptions();
    if (rare === 4) {
      options.push(random.pick([172, 174]), random.pick([2, 5, 8, 11]), ...u32(random.u32()), ...u32(random.u32()));
    }
    return forge({
      ...this.#base(talk),
      flags: random.pick(FLAGS) + random.pick(MARKS),
      seq: this.#near(talk.seq),
      ack: this.#near(random.chance(0.5) ? talk.una : talk.nxt),
      wnd: random.pick([0, 0, 1, random.below(65536), 65535]),
      urgent: random.chance(0.2) ? random.below(65536) : 0,
      options: options.slice(0, 40),
      payload: random.pick([0, 0, 1, random.below(3000), 60_000]),
    });
  }

  /** A packet cut, padded, or with bits flipped; nobody mends its checksums. */
  mutated(): Uint8Array | undefined {
    const random = this.#random;
    const packet = (random.chance(0.5) ? this.rude() : this.polite())?.slice();
    if (!packet) return undefined;
    const kind = random.below(4);
    if (kind === 0) return packet.subarray(0, random.below(packet.length));
    if (kind === 1) return Uint8Array.from({ length: random.below(200) }, () => random.below(256));
    for (let n = random.between(1, 3); n > 0; n--) {
      packet[random.below(Math.min(packet.length, 80))] ^= 1 << random.below(8);
    }
    return packet;
  }

  /** An ICMP error about a segment of a conversation, or about none; or an echo. */
  icmp(): Uint8Array | undefined {
    const random = this.#random;
    const talk = this.#talks.length ? random.pick(this.#talks) : undefined;
    if (!talk) return undefined;
    const ipv6 = talk.src.length === 16;
    const quoted = talk.last.slice(0, random.pick([0, 20, 28, 48, 60, 68, 576]));
    const tcp = ipv6 ? 40 : 20;
    if (random.chance(0.5) && quoted.length >= tcp + 8) quoted.set(u32(this.#near(talk.una)), tcp + 4);
    if (random.chance(0.1) && quoted.length > 0) quoted[random.below(quoted.length)] ^= 1 << random.below(8);
    const type = random.pick(ipv6 ? [1, 2, 3, 4, 128, 129, 200] : [3, 3, 3, 4, 5, 8, 11, 12, 0, 99]);
    const mtu = random.pick([0, 1, 68, 552, 1280, 1400, 1500, 65535]);
    return forgeIcmp(talk.src, talk.dst, type, random.below(16), random.chance(0.9) ? mtu : random.u32(), quoted);
  }
}
