/**
 * IPv6 packets, RFC 8200, that carry TCP.
 *
 *       0              4         6      7    8                 24                40
 *      +--------------+---------+------+----+-----------------+-----------------+---------+
 *      |ver,class,flow| payload | next |hops| source          | destination     | payload |
 *      +--------------+---------+------+----+-----------------+-----------------+---------+
 *
 * No extension headers are written; those received are skipped, but for fragments, which are refused.
 */
import { Mark } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Packet, WireStatus } from "../layout/wire";
import { IP_PROTOCOL_TCP, parseTcp, tcpHeaderLength, writeTcpHeader } from "./tcp_header";

const enum At {
  VERSION = 0,
  PAYLOAD_LENGTH = 4,
  NEXT_HEADER = 6,
  HOP_LIMIT = 7,
  SRC = 8,
  DST = 24,
}

const HEADER: u32 = 40;
/** The ECN field of the traffic class, RFC 3168 §23.1. */
const ECN: u8 = 3;
const DEFAULT_HOP_LIMIT: u8 = 64;

/** Extension headers, RFC 8200 §4. */
const HOP_BY_HOP: u32 = 0;
const ROUTING: u32 = 43;
const FRAGMENT: u32 = 44;
const DESTINATION_OPTIONS: u32 = 60;

/** Bytes of the IPv6 packet that carries `segment`. */
export function ipv6TcpLength(segment: Segment): u32 {
  return HEADER + tcpHeaderLength(segment) + segment.len;
}

/** `encodeIpv4Tcp`'s like: writes `segment` as an IPv6 packet at `at`, at most `snaplen` bytes but both headers whole. */
export function encodeIpv6Tcp(segment: Segment, packet: Packet, at: usize, snaplen: u32): u32 {
  packet.version = 6;
  packet.tos = <u8>((packet.tos & ~ECN) | ((segment.kind & Mark.ECN_MASK) >> Mark.ECN_SHIFT));
  const tcpHeader = tcpHeaderLength(segment);
  writeIpv6Header(packet, at, IP_PROTOCOL_TCP, tcpHeader + segment.len);
  writeTcpHeader(segment, packet, at + HEADER, tcpHeader);
  const headers = HEADER + tcpHeader;
  const kept = max(headers, min(headers + segment.len, snaplen));
  if (packet.payload) memory.copy(at + headers, packet.payload, kept - headers);
  else memory.fill(at + headers, 0, kept - headers);
  return kept;
}

/** Writes a header for `payload` bytes of `protocol`; addresses, traffic class and hop limit are the packet's. */
export function writeIpv6Header(packet: Packet, at: usize, protocol: u32, payload: u32): u32 {
  assert(payload <= 0xffff, "a packet is longer than IPv6 can say");
  // Version, traffic class, and flow label 0: RFC 6437 §3 allows a host not to label
  store<u32>(at, bswap<u32>(0x60000000 | ((<u32>packet.tos) << 20)), At.VERSION);
  store<u16>(at, bswap<u16>(<u16>payload), At.PAYLOAD_LENGTH);
  store<u8>(at, <u8>protocol, At.NEXT_HEADER);
  store<u8>(at, packet.ttl ? packet.ttl : DEFAULT_HOP_LIMIT, At.HOP_LIMIT);
  memory.copy(at + At.SRC, changetype<usize>(packet) + offsetof<Packet>("src_hi"), 32);
  return HEADER;
}

/** Reads the packet in the `length` bytes at `at` into `segment` and `packet`, see `parseTcp`. */
export function parseIpv6Tcp(at: usize, length: u32, segment: Segment, packet: Packet): WireStatus {
  const status = parseIpv6(at, length, packet);
  if (status != WireStatus.OK) return status;
  if (packet.protocol != <u8>IP_PROTOCOL_TCP) return WireStatus.NOT_TCP;
  segment.kind = <u8>((<u32>(packet.tos & ECN)) << Mark.ECN_SHIFT);
  return parseTcp(packet.payload, ipv6PayloadLength(at, packet), segment, packet);
}

/** Reads an IPv6 header and those behind it; the payload, `ipv6PayloadLength` bytes, begins at `packet.payload`. */
export function parseIpv6(at: usize, length: u32, packet: Packet): WireStatus {
  if (length < HEADER) return WireStatus.TRUNCATED;
  const first = bswap(load<u32>(at, At.VERSION));
  if (first >> 28 != 6) return WireStatus.NOT_IPV4;
  const end = HEADER + <u32>bswap(load<u16>(at, At.PAYLOAD_LENGTH));
  if (end > length) return WireStatus.TRUNCATED;
  let next = <u32>load<u8>(at, At.NEXT_HEADER);
  let begin = HEADER;
  while (next == HOP_BY_HOP || next == ROUTING || next == DESTINATION_OPTIONS || next == FRAGMENT) {
    if (begin + 8 > end) return WireStatus.TRUNCATED;
    const header = at + begin;
    if (next == FRAGMENT) {
      // RFC 6946: an atomic fragment, offset 0 and no more to come, is whole
      if (bswap(load<u16>(header, 2)) & 0xfff9) return WireStatus.FRAGMENT;
      begin += 8;
    } else {
      begin += (<u32>load<u8>(header, 1) + 1) << 3;
    }
    next = load<u8>(header);
  }
  if (begin > end) return WireStatus.TRUNCATED;
  packet.version = 6;
  packet.protocol = <u8>next;
  packet.ttl = load<u8>(at, At.HOP_LIMIT);
  packet.tos = <u8>(first >> 20);
  packet.id = 0;
  memory.copy(changetype<usize>(packet) + offsetof<Packet>("src_hi"), at + At.SRC, 32);
  packet.payload = <u32>at + begin;
  return WireStatus.OK;
}

/** Bytes behind the headers of the packet at `at`, which `parseIpv6` has found good. */
export function ipv6PayloadLength(at: usize, packet: Packet): u32 {
  return HEADER + <u32>bswap(load<u16>(at, At.PAYLOAD_LENGTH)) - (packet.payload - <u32>at);
}
