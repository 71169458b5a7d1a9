/**
 * The TCP header, RFC 9293 §3.1.
 *
 *       0       2       4       8      12 12.5 13     14     16      18     20
 *      +-------+-------+-------+-------+---+---+------+------+-------+------+---------+---------+
 *      |source | dest. |  seq  |  ack  |off|rsv|flags |window|checks.|urgent| options | payload |
 *      +-------+-------+-------+-------+---+---+------+------+-------+------+---------+---------+
 *
 * Of the four bits beside the offset the last is AE (RFC 9768); the others are written as zero and not looked at.
 */
import { checksumAdd, checksumFinish } from "../base/checksum";
import { Mark, Opt } from "../layout/enums";
import { Segment, SegmentExt } from "../layout/segment";
import { Packet, WireStatus } from "../layout/wire";
import { alternateHolds, flagsAt, isAlternate, writeAlternate } from "./alternate_checksum";
import { optionsLength, parseOptions, segmentExt, writeOptions } from "./options";

const enum At {
  SRC_PORT = 0,
  DST_PORT = 2,
  SEQ = 4,
  ACK = 8,
  OFFSET = 12,
  FLAGS = 13,
  WINDOW = 14,
  CHECKSUM = 16,
  URGENT = 18,
}

/** Bytes of the header without options. */
const HEADER_MIN: u32 = 20;

/** Protocol number of TCP in IPv4, and its next-header value in IPv6. */
export const IP_PROTOCOL_TCP: u32 = 6;

/** Bytes of the header of `segment`, options included. */
export function tcpHeaderLength(segment: Segment): u32 {
  return HEADER_MIN + optionsLength(segment);
}

/** RFC 9293 §3.1 and RFC 8200 §8.1, the pseudo-header: addresses, protocol, and length of header and payload. */
@inline
function pseudoHeader(packet: Packet, length: u32): u64 {
  if (packet.version == 6) return ipv6PseudoHeader(packet, IP_PROTOCOL_TCP, length);
  return (
    <u64>bswap(packet.src_addr) +
    <u64>bswap(packet.dst_addr) +
    <u64>bswap<u16>(<u16>IP_PROTOCOL_TCP) +
    <u64>bswap<u16>(<u16>length)
  );
}

/** RFC 8200 §8.1: what every checksum above IPv6 begins with. */
export function ipv6PseudoHeader(packet: Packet, protocol: u32, length: u32): u64 {
  const addresses = changetype<usize>(packet) + offsetof<Packet>("src_hi");
  return checksumAdd(<u64>bswap<u32>(length) + <u64>bswap<u32>(protocol), addresses, 32);
}

/** Writes the header, `header` bytes long, at `at`. The checksum is that of the whole segment, payload included. */
export function writeTcpHeader(segment: Segment, packet: Packet, at: usize, header: u32): void {
  store<u16>(at, bswap(packet.src_port), At.SRC_PORT);
  store<u16>(at, bswap(packet.dst_port), At.DST_PORT);
  store<u32>(at, bswap(segment.seq), At.SEQ);
  store<u32>(at, bswap(segment.ack), At.ACK);
  store<u8>(at, (header << 2) | (segment.kind & Mark.AE ? 1 : 0), At.OFFSET);
  store<u8>(at, segment.flags, At.FLAGS);
  store<u16>(at, bswap(segment.wnd), At.WINDOW);
  store<u16>(at, 0, At.CHECKSUM);
  store<u16>(at, segment.opts & Opt.EXT ? bswap(segmentExt(segment).urgent) : 0, At.URGENT);
  writeOptions(segment, at + HEADER_MIN);
  const length = <u32>segment.len;
  if (isAlternate(packet, segment.flags)) {
    writeAlternate(packet, at, header, length);
    if (segment.opts & Opt.CORRUPTED) store<u8>(at, load<u8>(at, At.CHECKSUM) ^ 1, At.CHECKSUM);
    return;
  }
  let sum = checksumAdd(pseudoHeader(packet, header + length), at, header);
  if (packet.payload) sum = checksumAdd(sum, packet.payload, length); // zeros add nothing
  let checksum = checksumFinish(sum);
  if (segment.opts & Opt.CORRUPTED) checksum ^= 0x0100; // one bit off is always noticed
  store<u16>(at, checksum, At.CHECKSUM);
}

/**
 * Reads the `length` bytes of a TCP segment at `at`: header fields into `segment`, which must be a long one
 * (`takeLongSegment`), ports and the payload's address into `packet`, whose addresses and `alt_checksum` must be set. Reads nothing
 * outside those bytes; `length` is at most 65,535. `segment.opts` and its `SegmentExt` are replaced, the ECN field
 * in `segment.kind` stays as the IP header's parser left it. After any status but OK both structs may be half filled.
 */
export function parseTcp(at: usize, length: u32, segment: Segment, packet: Packet): WireStatus {
  if (length < HEADER_MIN) return WireStatus.TRUNCATED;
  const header = (<u32>(load<u8>(at, At.OFFSET) >> 4)) << 2;
  if (header < HEADER_MIN || header > length) return WireStatus.BAD_OFFSET;
  const holds = isAlternate(packet, flagsAt(at))
    ? alternateHolds(packet, at, header, length)
    : checksumFinish(checksumAdd(pseudoHeader(packet, length), at, length)) == 0;
  if (!holds) return WireStatus.BAD_CHECKSUM;
  packet.src_port = bswap(load<u16>(at, At.SRC_PORT));
  packet.dst_port = bswap(load<u16>(at, At.DST_PORT));
  packet.payload = <u32>at + header;
  segment.seq = bswap(load<u32>(at, At.SEQ));
  segment.ack = bswap(load<u32>(at, At.ACK));
  segment.flags = load<u8>(at, At.FLAGS);
  segment.kind = <u8>((segment.kind & Mark.ECN_MASK) | (load<u8>(at, At.OFFSET) & 1 ? Mark.AE : 0));
  segment.wnd = bswap(load<u16>(at, At.WINDOW));
  segment.len = <u16>(length - header);
  const ext = segmentExt(segment);
  memory.fill(changetype<usize>(ext), 0, offsetof<SegmentExt>());
  ext.urgent = bswap(load<u16>(at, At.URGENT));
  parseOptions(at + HEADER_MIN, at + header, segment);
  return WireStatus.OK;
}
