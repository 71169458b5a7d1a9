/** A host with one raw peer on its wire: packets are made and read by the wire tests' oracle, over IPv4 or IPv6. */
import { Host, type HostOptions } from "../../src/sockets/host.ts";
import { encodeOracle, internetChecksum, parseOracle, type TcpPacket, u16, u32 } from "../wire/oracle.ts";

export const HOST = 0x0a000001;
export const PEER = 0x0a000002;
export const HOST_ADDRESSES = ["10.0.0.1", "2001:db8::1"];
const HOST6 = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1];
const PEER6 = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 2];

const FLAGS = "FSRPAUEW";

/** What a test says of a segment; all else is as a plain peer would have it. */
export interface Saying extends Partial<Omit<TcpPacket, "flags" | "payload">> {
  flags: string;
  payload?: number | Uint8Array;
}

/** A segment that the host sent. */
export interface Heard extends Omit<TcpPacket, "flags"> {
  flags: string;
}

export class Peer {
  readonly host: Host;
  readonly ipv6: boolean;

  private constructor(host: Host, ipv6: boolean) {
    this.host = host;
    this.ipv6 = ipv6;
  }

  static async create(options: HostOptions = {}, ipv6 = false): Promise<Peer> {
    return new Peer(await Host.create({ addresses: HOST_ADDRESSES, ...options }), ipv6);
  }

  /** Lets milliseconds pass. */
  pass(ms: number): void {
    this.host.run(this.host.now + BigInt(Math.round(ms * 1e6)));
  }

  says(saying: Saying): void {
    this.host.input(this.packet(saying));
  }

  /** The bytes of a segment to the host. */
  packet({ flags, payload = 0, ...rest }: Saying): Uint8Array {
    const bytes = encodeOracle({
      srcAddr: PEER,
      dstAddr: HOST,
      tos: 0,
      id: 1,
      srcPort: 5000,
      dstPort: 80,
      seq: 0,
      ack: 0,
      wnd: 65535,
      urgent: 0,
      ...rest,
      flags: [...flags].reduce((sum, letter) => sum | 1 << FLAGS.indexOf(letter), 0),
      payload: typeof payload === "number" ? new Uint8Array(payload) : payload,
    });
    return this.ipv6 ? overIpv6(bytes.subarray(20)) : bytes;
  }

  /** TCP segments that the host has sent since last asked. */
  hears(): Heard[] {
    return this.host.output().filter(({ packet }) => packet[packet[0] >> 4 === 6 ? 6 : 9] === 6).map(({ packet }) =>
      readSegment(packet)
    );
  }

  /** The only segment that the host has sent. */
  hearsOne(): Heard {
    const heard = this.hears();
    if (heard.length !== 1) throw new Error(`Found ${heard.length} segments, expected one: ${heard.map(brief)}`);
    return heard[0];
  }

  /** A listener at port 80. */
  listen(backlog: number, options: [number, number, number][] = []): number {
    const fd = this.host.socket(this.ipv6 ? 10 : 2, 1 | 0o4000);
    for (const [level, name, value] of options) this.host.setsockopt(fd, level, name, value);
    this.host.bind(fd, { address: this.ipv6 ? "::" : "0.0.0.0", port: 80 });
    this.host.listen(fd, backlog);
    return fd;
  }

  /** A handshake from `srcPort`; the host's ISN. */
  handshakes(srcPort: number, options: Partial<Saying> = {}): number {
    this.says({ flags: "S", srcPort, seq: 1000, mss: 1460, ...options });
    const { seq } = this.hearsOne();
    this.says({ flags: "A", srcPort, seq: 1001, ack: seq + 1 >>> 0, ...options, mss: undefined });
    return seq;
  }
}

/** Flags, and whether the numbers are as given: for messages. */
export function brief({ flags, seq, ack }: Heard): string {
  return `${flags} ${seq} ${ack}`;
}

/** Reads a segment; refuses wrong checksums. */
export function readSegment(packet: Uint8Array): Heard {
  const parsed = parseOracle(packet[0] >> 4 === 6 ? overIpv4(packet) : packet);
  if (typeof parsed === "number") throw new Error(`The host sent a packet that is refused: ${parsed}`);
  return { ...parsed, flags: [...FLAGS].filter((_, i) => parsed.flags & 1 << i).join("") };
}

/** The same TCP segment in an IPv6 packet from the peer to the host. */
export function overIpv6(tcp: Uint8Array, nextHeader = 6, between: number[] = []): Uint8Array {
  const segment = Uint8Array.from(tcp);
  segment[16] = segment[17] = 0;
  segment.set(u16(checksum6(PEER6, HOST6, segment, 6)), 16);
  const payload = between.length + segment.length;
  return Uint8Array.from([0x60, 0, 0, 0, ...u16(payload), nextHeader, 64, ...PEER6, ...HOST6, ...between, ...segment]);
}

/** RFC 8200 §8.1, over the pseudo-header and `bytes`. */
export function checksum6(src: number[], dst: number[], bytes: Uint8Array, protocol: number): number {
  const pseudo = [...src, ...dst, ...u32(bytes.length), 0, 0, 0, protocol];
  return internetChecksum([...pseudo, ...bytes]);
}

/** Checks an IPv6 packet's TCP checksum, and puts the segment into IPv4 for the oracle. */
function overIpv4(packet: Uint8Array): Uint8Array {
  const src = [...packet.subarray(8, 24)];
  const dst = [...packet.subarray(24, 40)];
  const segment = Uint8Array.from(packet.subarray(40));
  if (checksum6(src, dst, segment, 6) !== 0) throw new Error("The host sent a wrong IPv6 TCP checksum");
  segment[16] = segment[17] = 0;
  const pseudo = [...u32(HOST), ...u32(PEER), 0, 6, ...u16(segment.length)];
  segment.set(u16(internetChecksum([...pseudo, ...segment])), 16);
  const ip = [0x45, packet[0] << 4 & 0xf0 | packet[1] >> 4, ...u16(20 + segment.length), 0, 0, 0x40, 0, 64, 6, 0, 0];
  ip.push(...u32(HOST), ...u32(PEER));
  [ip[10], ip[11]] = u16(internetChecksum(ip));
  return Uint8Array.from([...ip, ...segment]);
}
