/**
 * IPv4 packets that carry TCP, RFC 791.
 *
 *       0        1   2       4    6         8   9        10      12       16       20
 *      +--------+---+-------+----+---------+---+--------+-------+--------+--------+---------+
 *      |ver, len|tos| total | id |flag, off|ttl|protocol|checks.| source | dest.  | payload |
 *      +--------+---+-------+----+---------+---+--------+-------+--------+--------+---------+
 *
 * No IP options are written; those received are skipped. Fragments are refused, not reassembled.
 */
import { checksumAdd, checksumFinish } from "../base/checksum";
import { Mark } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Packet, WireStatus } from "../layout/wire";
import { IP_PROTOCOL_TCP, parseTcp, tcpHeaderLength, writeTcpHeader } from "./tcp_header";

const enum At {
  VERSION = 0,
  TOS = 1,
  TOTAL_LENGTH = 2,
  ID = 4,
  FRAGMENT = 6,
  TTL = 8,
  PROTOCOL = 9,
  CHECKSUM = 10,
  SRC = 12,
  DST = 16,
}

/** Bytes of the header without options. */
const HEADER_MIN: u32 = 20;

/** The ECN field in the type of service, RFC 3168 §5. */
const ECN: u8 = 3;
const DONT_FRAGMENT: u16 = 0x4000;
/** More-fragments bit and fragment offset. */
const FRAGMENT_MASK: u16 = 0x3fff;
const DEFAULT_TTL: u8 = 64;

/** Bytes of the IPv4 packet that carries `segment`. */
export function ipv4TcpLength(segment: Segment): u32 {
  return HEADER_MIN + tcpHeaderLength(segment) + segment.len;
}

/**
 * Writes `segment` as an IPv4 packet at `at`, and returns the bytes written: both headers whole, and
 * payload until the packet's first `snaplen` bytes are full. Checksums and lengths are those of the
 * packet as it was sent, whatever is kept of it; a corrupted segment's TCP checksum is wrong.
 */
export function encodeIpv4Tcp(segment: Segment, packet: Packet, at: usize, snaplen: u32): u32 {
  packet.version = 4;
  packet.tos = <u8>((packet.tos & ~ECN) | ((segment.kind & Mark.ECN_MASK) >> Mark.ECN_SHIFT));
  const tcpHeader = tcpHeaderLength(segment);
  writeIpv4Header(packet, at, IP_PROTOCOL_TCP, tcpHeader + segment.len);
  writeTcpHeader(segment, packet, at + HEADER_MIN, tcpHeader);

  const headers = HEADER_MIN + tcpHeader;
  const kept = max(headers, min(headers + segment.len, snaplen));
  if (packet.payload) memory.copy(at + headers, packet.payload, kept - headers);
  else memory.fill(at + headers, 0, kept - headers);
  return kept;
}

/**
 * Reads the packet in the `length` bytes at `at` into `segment` and `packet`, see `parseTcp`. Bytes
 * beyond the packet's own total length are a link's padding.
 */
export function parseIpv4Tcp(at: usize, length: u32, segment: Segment, packet: Packet): WireStatus {
  const status = parseIpv4(at, length, packet);
  if (status != WireStatus.OK) return status;
  if (packet.protocol != <u8>IP_PROTOCOL_TCP) return WireStatus.NOT_TCP;
  segment.kind = <u8>((<u32>(packet.tos & ECN)) << Mark.ECN_SHIFT);
  return parseTcp(packet.payload, ipv4PayloadLength(at), segment, packet);
}

/** Reads an IPv4 header; the payload, `ipv4PayloadLength` bytes, begins at `packet.payload`. */
export function parseIpv4(at: usize, length: u32, packet: Packet): WireStatus {
  if (length < HEADER_MIN) return WireStatus.TRUNCATED;
  if (load<u8>(at, At.VERSION) >> 4 != 4) return WireStatus.NOT_IPV4;
  const header = ipv4HeaderLength(at);
  if (header < HEADER_MIN) return WireStatus.BAD_IP_LENGTH;
  if (header > length) return WireStatus.TRUNCATED;
  // RFC 1122 §3.2.1.2: before any field is believed
  if (checksumFinish(checksumAdd(0, at, header))) return WireStatus.BAD_IP_CHECKSUM;
  const total = <u32>bswap(load<u16>(at, At.TOTAL_LENGTH));
  if (total < header) return WireStatus.BAD_IP_LENGTH;
  if (total > length) return WireStatus.TRUNCATED;
  if (bswap(load<u16>(at, At.FRAGMENT)) & FRAGMENT_MASK) return WireStatus.FRAGMENT;
  packet.version = 4;
  packet.protocol = load<u8>(at, At.PROTOCOL);
  packet.ttl = load<u8>(at, At.TTL);
  packet.src_addr = bswap(load<u32>(at, At.SRC));
  packet.dst_addr = bswap(load<u32>(at, At.DST));
  packet.id = bswap(load<u16>(at, At.ID));
  packet.tos = load<u8>(at, At.TOS);
  packet.payload = <u32>at + header;
  return WireStatus.OK;
}

function ipv4HeaderLength(at: usize): u32 {
  return (<u32>(load<u8>(at, At.VERSION) & 15)) << 2;
}

/** Bytes behind the header of the packet at `at`, which `parseIpv4` has found good. */
export function ipv4PayloadLength(at: usize): u32 {
  return <u32>bswap(load<u16>(at, At.TOTAL_LENGTH)) - ipv4HeaderLength(at);
}

/** Writes a header for `payload` bytes of `protocol`; addresses, tos, ttl and id are the packet's. */
export function writeIpv4Header(packet: Packet, at: usize, protocol: u32, payload: u32): u32 {
  const total = HEADER_MIN + payload;
  assert(total <= 0xffff, "a packet is longer than IPv4 can say");
  store<u8>(at, 0x45, At.VERSION);
  store<u8>(at, packet.tos, At.TOS);
  store<u16>(at, bswap<u16>(<u16>total), At.TOTAL_LENGTH);
  store<u16>(at, bswap(packet.id), At.ID);
  store<u16>(at, bswap(DONT_FRAGMENT), At.FRAGMENT);
  store<u8>(at, packet.ttl ? packet.ttl : DEFAULT_TTL, At.TTL);
  store<u8>(at, <u8>protocol, At.PROTOCOL);
  store<u16>(at, 0, At.CHECKSUM);
  store<u32>(at, bswap(packet.src_addr), At.SRC);
  store<u32>(at, bswap(packet.dst_addr), At.DST);
  store<u16>(at, checksumFinish(checksumAdd(0, at, HEADER_MIN)), At.CHECKSUM);
  return HEADER_MIN;
}
