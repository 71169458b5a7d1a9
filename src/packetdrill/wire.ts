/**
 * Packets as bytes, written without the engine's own codec, so that each checks the other: IPv4 (RFC 791), IPv6
 * (RFC 8200), TCP (RFC 9293 §3.1) and ICMP (RFC 792, 4443) about a TCP segment.
 */
import type { TcpOption } from "./syntax.ts";
import { decodeOptions, encodeOptions } from "./tcp_options.ts";

/** Fields of the IP header. */
export interface IpHeader {
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly tos: number;
  readonly ttl: number;
  readonly flowLabel: number;
}

/** A TCP segment with the numbers that stand on the wire. */
export interface WireSegment {
  readonly ip: IpHeader;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly win: number;
  readonly urg: number;
  readonly options: readonly TcpOption[];
  /** Bytes of payload. */
  readonly length: number;
}

/** A segment read from bytes, and what is wrong with it. */
export interface ReadSegment extends WireSegment {
  /** Complaints about the header or the payload, empty for a good packet. */
  readonly faults: readonly string[];
}

const TCP = 6;
const [ICMP, ICMP_V6] = [1, 58];
const FLAGS_MASK = 0x1ff;
const DONT_FRAGMENT = 0x4000;

/** Address bytes, 4 or 16 of them. */
export function addressBytes(text: string): Uint8Array {
  if (!text.includes(":")) return Uint8Array.from(text.split("."), Number);
  const [head, tail] = text.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array(zeros).fill("0"), ...tail ?? []].map((group) => parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** Whether two addresses are one. */
export function sameAddress(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** An IP packet with a TCP segment, its payload zeros. */
export function encodeSegment(segment: WireSegment): Uint8Array {
  const options = encodeOptions(segment.options);
  const header = 20 + options.length;
  const tcp = new Uint8Array(header + segment.length);
  const view = new DataView(tcp.buffer);
  view.setUint16(0, segment.srcPort);
  view.setUint16(2, segment.dstPort);
  view.setUint32(4, segment.seq);
  view.setUint32(8, segment.ack);
  view.setUint16(12, (header / 4) << 12 | segment.flags);
  view.setUint16(14, segment.win);
  view.setUint16(18, segment.urg);
  tcp.set(options, 20);
  view.setUint16(16, onesComplement(tcp, pseudoHeader(segment.ip, TCP, tcp.length)));
  return encodeIp(segment.ip, TCP, tcp);
}

/** An ICMP message; `rest` is the second word, `quoted` the head of the packet it is about. */
export function encodeIcmp(ip: IpHeader, type: number, code: number, rest: number, quoted: Uint8Array): Uint8Array {
  const message = new Uint8Array(8 + quoted.length);
  const view = new DataView(message.buffer);
  message[0] = type;
  message[1] = code;
  view.setUint32(4, rest);
  message.set(quoted, 8);
  const ipv6 = ip.src.length === 16;
  const pseudo = ipv6 ? pseudoHeader(ip, ICMP_V6, message.length) : 0;
  view.setUint16(2, onesComplement(message, pseudo));
  return encodeIp(ip, ipv6 ? ICMP_V6 : ICMP, message);
}

function encodeIp(ip: IpHeader, protocol: number, body: Uint8Array): Uint8Array {
  const ipv6 = ip.src.length === 16;
  const header = ipv6 ? 40 : 20;
  const packet = new Uint8Array(header + body.length);
  const view = new DataView(packet.buffer);
  if (ipv6) {
    view.setUint32(0, (6 << 28 | ip.tos << 20 | ip.flowLabel) >>> 0);
    view.setUint16(4, body.length);
    packet[6] = protocol;
    packet[7] = ip.ttl;
    packet.set(ip.src, 8);
    packet.set(ip.dst, 24);
  } else {
    packet[0] = 0x45;
    packet[1] = ip.tos;
    view.setUint16(2, packet.length);
    view.setUint16(6, DONT_FRAGMENT);
    packet[8] = ip.ttl;
    packet[9] = protocol;
    packet.set(ip.src, 12);
    packet.set(ip.dst, 16);
    view.setUint16(10, onesComplement(packet.subarray(0, 20), 0));
  }
  packet.set(body, header);
  return packet;
}

/** Reads an IP packet with a TCP segment; the text says why it is none. */
export function decodeSegment(packet: Uint8Array): ReadSegment | string {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const version = packet.length > 0 ? packet[0] >> 4 : 0;
  if (version !== 4 && version !== 6) return `IP version ${version}`;
  const ipv6 = version === 6;
  const header = ipv6 ? 40 : (packet[0] & 15) * 4;
  if (packet.length < header + 20) return `${packet.length} bytes`;
  const protocol = ipv6 ? packet[6] : packet[9];
  if (protocol !== TCP) return `IP protocol ${protocol}`;
  const faults: string[] = [];
  const total = ipv6 ? 40 + view.getUint16(4) : view.getUint16(2);
  if (total !== packet.length) faults.push(`IP length ${total} of a packet of ${packet.length} bytes`);
  if (!ipv6 && onesComplement(packet.subarray(0, header), 0) !== 0) faults.push("a wrong IP checksum");
  const ip: IpHeader = ipv6
    ? {
      src: packet.subarray(8, 24),
      dst: packet.subarray(24, 40),
      tos: view.getUint16(0) >> 4 & 255,
      ttl: packet[7],
      flowLabel: view.getUint32(0) & 0xfffff,
    }
    : { src: packet.subarray(12, 16), dst: packet.subarray(16, 20), tos: packet[1], ttl: packet[8], flowLabel: 0 };
  return { ip, ...decodeTcp(ip, packet.subarray(header), faults), faults };
}

function decodeTcp(ip: IpHeader, tcp: Uint8Array, faults: string[]): Omit<WireSegment, "ip"> {
  const view = new DataView(tcp.buffer, tcp.byteOffset, tcp.length);
  const word = view.getUint16(12);
  const header = Math.min((word >> 12) * 4, tcp.length);
  if (header < 20) faults.push(`a TCP header of ${header} bytes`);
  if ((word & 0xe00) !== 0) faults.push("reserved TCP bits that are set");
  if (onesComplement(tcp, pseudoHeader(ip, TCP, tcp.length)) !== 0) faults.push("a wrong TCP checksum");
  const options = decodeOptions(tcp.subarray(20, Math.max(header, 20)));
  if (typeof options === "string") faults.push(options);
  const payload = tcp.subarray(header);
  if (payload.some((byte) => byte !== 0)) faults.push("payload that is not all zeros");
  return {
    srcPort: view.getUint16(0),
    dstPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: word & FLAGS_MASK,
    win: view.getUint16(14),
    urg: view.getUint16(18),
    options: typeof options === "string" ? [] : options,
    length: payload.length,
  };
}

function pseudoHeader(ip: IpHeader, protocol: number, length: number): number {
  return sum16(ip.src) + sum16(ip.dst) + protocol + length;
}

/** RFC 1071, over `bytes` and what is summed up already. */
function onesComplement(bytes: Uint8Array, start: number): number {
  let sum = start + sum16(bytes);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 65536);
  return ~sum & 0xffff;
}

function sum16(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes[at] << 8 | (bytes[at + 1] ?? 0);
  return sum;
}
