/** Packets as somebody hostile writes them: every field as wished, checksums right unless a wrong one is asked for. */
import { encodeIcmp } from "../../src/packetdrill/wire.ts";
import { internetChecksum } from "../wire/oracle.ts";

/** Fields of a TCP segment in an IPv4 or IPv6 packet; addresses are bytes. */
export interface Forged {
  src: Uint8Array;
  dst: Uint8Array;
  srcPort: number;
  dstPort: number;
  seq?: number;
  ack?: number;
  /** Letters of `FSRPAUEWN`. */
  flags?: string;
  wnd?: number;
  urgent?: number;
  /** Bytes of options; padded with NOPs to whole words. */
  options?: readonly number[];
  payload?: number | Uint8Array;
  tos?: number;
}

const LETTERS = "FSRPAUEWN";
const TCP = 6;
const TTL = 64;

/** Sequence numbers and the like as bytes in network order. */
export function u32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

export const MSS = (mss: number): number[] => [2, 4, mss >> 8, mss & 255];
export const WSCALE = (shift: number): number[] => [1, 3, 3, shift];
export const SACK_OK = [1, 1, 4, 2];
export const TS = (val: number, ecr: number): number[] => [1, 1, 8, 10, ...u32(val), ...u32(ecr)];
export const SACK = (...edges: number[]): number[] => [1, 1, 5, 2 + edges.length * 4, ...edges.flatMap(u32)];

/** The packet's bytes. */
export function forge(f: Forged): Uint8Array {
  const options = [...f.options ?? []];
  while (options.length % 4 !== 0) options.push(1);
  const header = 20 + Math.min(options.length, 40);
  const payload = typeof f.payload === "number" ? f.payload : f.payload?.length ?? 0;
  const tcp = new Uint8Array(header + payload);
  const view = new DataView(tcp.buffer);
  view.setUint16(0, f.srcPort);
  view.setUint16(2, f.dstPort);
  view.setUint32(4, f.seq ?? 0);
  view.setUint32(8, f.ack ?? 0);
  let flags = 0;
  for (const letter of f.flags ?? "A") flags |= 1 << LETTERS.indexOf(letter);
  view.setUint16(12, header / 4 << 12 | flags);
  view.setUint16(14, f.wnd ?? 65535);
  view.setUint16(18, f.urgent ?? 0);
  tcp.set(options.slice(0, 40), 20);
  if (f.payload instanceof Uint8Array) tcp.set(f.payload, header);
  view.setUint16(16, transportChecksum(f.src, f.dst, TCP, tcp));
  return inIp(f.src, f.dst, TCP, tcp, f.tos ?? 0);
}

/** An ICMP message (ICMPv6 when the addresses are), about `quoted`. */
export function forgeIcmp(
  src: Uint8Array,
  dst: Uint8Array,
  type: number,
  code: number,
  rest: number,
  quoted: Uint8Array,
): Uint8Array {
  return encodeIcmp({ src, dst, tos: 0, ttl: TTL, flowLabel: 0 }, type, code, rest, quoted);
}

function transportChecksum(src: Uint8Array, dst: Uint8Array, protocol: number, body: Uint8Array): number {
  const pseudo = new Uint8Array(2 * src.length + 4 + body.length);
  pseudo.set(src);
  pseudo.set(dst, src.length);
  pseudo[2 * src.length + 1] = protocol;
  new DataView(pseudo.buffer).setUint16(2 * src.length + 2, body.length);
  pseudo.set(body, 2 * src.length + 4);
  return internetChecksum(pseudo, 0, pseudo.length);
}

function inIp(src: Uint8Array, dst: Uint8Array, protocol: number, body: Uint8Array, tos: number): Uint8Array {
  const header = src.length === 16 ? 40 : 20;
  const packet = new Uint8Array(header + body.length);
  const view = new DataView(packet.buffer);
  if (header === 40) {
    view.setUint32(0, (6 << 28 | tos << 20) >>> 0);
    view.setUint16(4, body.length);
    packet[6] = protocol;
    packet[7] = TTL;
    packet.set(src, 8);
    packet.set(dst, 24);
  } else {
    packet[0] = 0x45;
    packet[1] = tos;
    view.setUint16(2, packet.length);
    packet[8] = TTL;
    packet[9] = protocol;
    packet.set(src, 12);
    packet.set(dst, 16);
    view.setUint16(10, internetChecksum(packet, 0, 20));
  }
  packet.set(body, header);
  return packet;
}

/** A TCP segment as it was seen on the wire. */
export interface Seen {
  src: Uint8Array;
  dst: Uint8Array;
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  flags: string;
  wnd: number;
  length: number;
  /** TSval and TSecr. */
  ts?: [number, number];
}

/** Reads a packet that a host has sent; undefined for what is not TCP. */
export function see(packet: Uint8Array): Seen | undefined {
  const ipv6 = packet[0] >> 4 === 6;
  const header = ipv6 ? 40 : (packet[0] & 15) * 4;
  if (packet[ipv6 ? 6 : 9] !== TCP) return undefined;
  const tcp = packet.subarray(header);
  const view = new DataView(tcp.buffer, tcp.byteOffset, tcp.length);
  const bits = view.getUint16(12);
  const seen: Seen = {
    src: ipv6 ? packet.slice(8, 24) : packet.slice(12, 16),
    dst: ipv6 ? packet.slice(24, 40) : packet.slice(16, 20),
    srcPort: view.getUint16(0),
    dstPort: view.getUint16(2),
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: [...LETTERS].filter((_, i) => bits & 1 << i).join(""),
    wnd: view.getUint16(14),
    length: tcp.length - (bits >> 12) * 4,
  };
  for (let at = 20; at < (bits >> 12) * 4;) {
    if (tcp[at] === 8) seen.ts = [view.getUint32(at + 2), view.getUint32(at + 6)];
    at += tcp[at] < 2 ? 1 : tcp[at + 1];
  }
  return seen;
}
