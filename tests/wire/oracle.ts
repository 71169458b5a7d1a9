/**
 * What a TCP segment in an IPv4 packet looks like, RFC 791 and RFC 9293 §3.1, written to be plainly right: byte by
 * byte, with no thought of speed, and from the RFCs, not from `assembly/wire/`.
 */
import { WireStatus } from "../../src/core/layout.gen.ts";

/** A packet as a person would list it. */
export interface TcpPacket {
  srcAddr: number;
  dstAddr: number;
  tos: number;
  id: number;
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  /** The low eight header bits. */
  flags: number;
  wnd: number;
  urgent: number;
  /** The header's AE bit, beside the data offset. */
  ae?: boolean;
  /** Only on segments with SYN. */
  mss?: number;
  windowScale?: number;
  sackPermitted?: boolean;
  /** RFC 7413: the cookie's bytes, none to ask for one; in the experimental option or in its own. */
  fastOpen?: { cookie: number[]; experimental: boolean };
  /** RFC 1146: the algorithm asked for. */
  altChecksum?: number;
  timestamps?: { tsval: number; tsecr: number };
  /** RFC 9768: the option's fields in the order in which they stand, up to three. */
  accEcn?: { order: 0 | 1; fields: number[] };
  /** RFC 2385: there is a signature; never written. */
  md5?: boolean;
  /** Only on segments without SYN. */
  sack?: { start: number; end: number }[];
  payload: Uint8Array;
}

export const SYN = 2;

/** RFC 1071 §1: the complement of the ones' complement sum of all 16-bit words. */
export function internetChecksum(bytes: ArrayLike<number>, from = 0, to: number = bytes.length, start = 0): number {
  let sum = start;
  for (let i = from; i < to; i += 2) {
    sum += bytes[i] * 256 + (i + 1 < to ? bytes[i + 1] : 0);
    if (sum > 0xffff) sum -= 0xffff; // the carry comes in again at the right
  }
  return 0xffff - sum;
}

/** The packet's bytes, its options in Linux's order. */
export function encodeOracle(packet: TcpPacket): Uint8Array {
  const tcp = [
    ...u16(packet.srcPort),
    ...u16(packet.dstPort),
    ...u32(packet.seq),
    ...u32(packet.ack),
    0,
    packet.flags,
    ...u16(packet.wnd),
    0,
    0,
    ...u16(packet.urgent),
    ...encodeOptions(packet),
  ];
  tcp[12] = tcp.length / 4 * 16 + (packet.ae ? 1 : 0);
  const header = tcp.length;
  for (const byte of packet.payload) tcp.push(byte);
  const checksum = tcpChecksum(packet.srcAddr, packet.dstAddr, tcp, 0, tcp.length);
  [tcp[16], tcp[17]] = u16(checksum);

  const total = 20 + header + packet.payload.length;
  const ip = [0x45, packet.tos, ...u16(total), ...u16(packet.id), 0x40, 0, 64, 6, 0, 0];
  ip.push(...u32(packet.srcAddr), ...u32(packet.dstAddr));
  [ip[10], ip[11]] = u16(internetChecksum(ip));
  return Uint8Array.from(ip.concat(tcp));
}

/** Linux's order. Of AccECN what goes beyond whole words takes the place of the nops before the next option. */
function encodeOptions(packet: TcpPacket): number[] {
  const { mss, windowScale, sackPermitted, timestamps, sack, accEcn, fastOpen, altChecksum } = packet;
  const bytes: number[] = [];
  let nops: number[] = [];
  /** As many bytes as a word needs before an option: what is left of AccECN if it fits, else nops. */
  const before = (room: number): number[] => {
    const taken = nops.length > room ? [] : nops;
    if (taken.length > 0) nops = [];
    return [...taken, ...Array<number>(room - taken.length).fill(1)];
  };
  if (mss !== undefined) bytes.push(2, 4, ...u16(mss));
  if (timestamps) {
    bytes.push(...sackPermitted ? [4, 2] : [1, 1], 8, 10, ...u32(timestamps.tsval), ...u32(timestamps.tsecr));
  }
  if (accEcn) {
    const option = [accEcn.order === 1 ? 174 : 172, 2 + 3 * accEcn.fields.length];
    for (const field of accEcn.fields) option.push(...u32(field).slice(1));
    if (option.length === 11) option.push(1);
    const whole = option.length - option.length % 4;
    bytes.push(...option.slice(0, whole));
    nops = option.slice(whole);
  }
  if (sackPermitted && !timestamps) bytes.push(...before(2), 4, 2);
  if (windowScale !== undefined) bytes.push(...before(1), 3, 3, windowScale);
  if (sack) {
    bytes.push(...before(2), 5, 2 + 8 * sack.length, ...sack.flatMap(({ start, end }) => [...u32(start), ...u32(end)]));
  }
  if (nops.length > 0) bytes.push(...before(4));
  if (fastOpen) {
    const { cookie, experimental } = fastOpen;
    bytes.push(...experimental ? [254, 4 + cookie.length, 0xf9, 0x89] : [34, 2 + cookie.length], ...cookie);
    while (bytes.length % 4 !== 0) bytes.push(1);
  }
  if (altChecksum !== undefined) bytes.push(14, 3, altChecksum, 1);
  return bytes;
}

/** RFC 9293 §3.1: over the pseudo-header, then header and payload. The checksum's own field counts as it stands. */
export function tcpChecksum(src: number, dst: number, bytes: ArrayLike<number>, from: number, to: number): number {
  const pseudo = [...u32(src), ...u32(dst), 0, 6, ...u16(to - from)];
  return internetChecksum(bytes, from, to, 0xffff - internetChecksum(pseudo));
}

/** The packet in `bytes`, or the status that says why it is refused. */
export function parseOracle(bytes: Uint8Array): TcpPacket | number {
  if (bytes.length < 20) return WireStatus.TRUNCATED;
  if (bytes[0] >> 4 !== 4) return WireStatus.NOT_IPV4;
  const ipHeader = (bytes[0] & 15) * 4;
  if (ipHeader < 20) return WireStatus.BAD_IP_LENGTH;
  if (bytes.length < ipHeader) return WireStatus.TRUNCATED;
  if (internetChecksum(bytes, 0, ipHeader) !== 0) return WireStatus.BAD_IP_CHECKSUM;
  const end = readU16(bytes, 2);
  if (end < ipHeader) return WireStatus.BAD_IP_LENGTH;
  if (bytes.length < end) return WireStatus.TRUNCATED;
  const moreFragments = (bytes[6] & 0x20) !== 0;
  const fragmentOffset = readU16(bytes, 6) % 0x2000;
  if (moreFragments || fragmentOffset !== 0) return WireStatus.FRAGMENT;
  if (bytes[9] !== 6) return WireStatus.NOT_TCP;

  const tcp = ipHeader;
  if (end - tcp < 20) return WireStatus.TRUNCATED;
  const options = tcp + 20;
  const payload = tcp + (bytes[tcp + 12] >> 4) * 4;
  if (payload < options || payload > end) return WireStatus.BAD_OFFSET;
  const srcAddr = readU32(bytes, 12);
  const dstAddr = readU32(bytes, 16);
  if (tcpChecksum(srcAddr, dstAddr, bytes, tcp, end) !== 0) return WireStatus.BAD_CHECKSUM;
  const packet: TcpPacket = {
    srcAddr,
    dstAddr,
    tos: bytes[1],
    id: readU16(bytes, 4),
    srcPort: readU16(bytes, tcp),
    dstPort: readU16(bytes, tcp + 2),
    seq: readU32(bytes, tcp + 4),
    ack: readU32(bytes, tcp + 8),
    flags: bytes[tcp + 13],
    wnd: readU16(bytes, tcp + 14),
    urgent: readU16(bytes, tcp + 18),
    payload: bytes.subarray(payload, end),
  };
  if (bytes[tcp + 12] & 1) packet.ae = true;
  parseOptions(bytes, options, payload, packet);
  return packet;
}

/** As Linux reads them: an option of a wrong length is skipped, an impossible length ends the reading. */
function parseOptions(bytes: Uint8Array, at: number, end: number, packet: TcpPacket): void {
  const syn = (packet.flags & SYN) !== 0;
  while (at < end && bytes[at] !== 0) {
    if (bytes[at] === 1) {
      at++;
      continue;
    }
    if (at + 1 === end) return;
    const [kind, length] = [bytes[at], bytes[at + 1]];
    if (length < 2 || at + length > end) return;
    const value = at + 2;
    if (syn) parseSynOption(bytes, kind, value, length, packet);
    if (kind === 5 && !syn && [10, 18, 26, 34].includes(length)) {
      packet.sack = [];
      for (let block = value; block < at + length; block += 8) {
        packet.sack.push({ start: readU32(bytes, block), end: readU32(bytes, block + 4) });
      }
    }
    if (kind === 8 && length === 10) {
      packet.timestamps = { tsval: readU32(bytes, value), tsecr: readU32(bytes, value + 4) };
    }
    if (kind === 19 && length === 18) packet.md5 = true;
    if (kind === 172 || kind === 174) {
      const fields: number[] = [];
      for (let i = 0; i < 3 && 2 + 3 * i + 3 <= length; i++) {
        fields.push(readU32(bytes, value + 3 * i - 1) % 0x100_0000);
      }
      packet.accEcn = { order: kind === 174 ? 1 : 0, fields };
    }
    at += length;
  }
}

function parseSynOption(bytes: Uint8Array, kind: number, value: number, length: number, packet: TcpPacket): void {
  if (kind === 2 && length === 4) packet.mss = readU16(bytes, value) || packet.mss; // an MSS of 0 says nothing
  if (kind === 3 && length === 3) packet.windowScale = Math.min(bytes[value], 14); // RFC 7323 §2.3
  if (kind === 4 && length === 2) packet.sackPermitted = true;
  // 255 stands for itself and for 254: there is no such algorithm
  if (kind === 14 && length === 3) packet.altChecksum = Math.min(bytes[value], 254);
  const experimental = kind === 254 && length >= 4 && readU16(bytes, value) === 0xf989;
  if (kind !== 34 && !experimental) return;
  const from = value + (experimental ? 2 : 0);
  const cookie = Array.from(bytes.subarray(from, value - 2 + length));
  if (cookie.length % 2 !== 0) return;
  packet.fastOpen = { cookie, experimental };
  // RFC 7413 §4.1.1: from 4 to 16 bytes, or none
  if (cookie.length === 2 || cookie.length > 16) delete packet.fastOpen;
}

export function u16(value: number): [number, number] {
  return [value >>> 8, value & 0xff];
}

export function u32(value: number): [number, number, number, number] {
  return [value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff];
}

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at] * 0x100 + bytes[at + 1];
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * 0x1_0000 + readU16(bytes, at + 2);
}
