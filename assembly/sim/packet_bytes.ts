/** What a link wants to know of a packet from outside: RFC 791, RFC 8200 and RFC 9293 headers, IPv6 ones without extensions. */
import { Segment, SegmentExt } from "../layout/segment";

const IPV6_HEADER: u32 = 40;
const TCP: u8 = 6;

/** Address of the bytes of a packet. */
@inline
export function packetBytes(segment: Segment): usize {
  return changetype<SegmentExt>(changetype<usize>(segment) + offsetof<Segment>()).payload;
}

/** Bytes of the IP header at `at`. */
export function ipHeaderLength(at: usize): u32 {
  const first = load<u8>(at);
  return first >> 4 == 6 ? IPV6_HEADER : (<u32>(first & 15)) << 2;
}

/** Whether a loss model counts it: everything but a TCP segment without payload. */
export function isDataPacket(segment: Segment): bool {
  const at = packetBytes(segment);
  const header = ipHeaderLength(at);
  const protocol = header == IPV6_HEADER && load<u8>(at) >> 4 == 6 ? load<u8>(at, 6) : load<u8>(at, 9);
  if (protocol != TCP || segment.len < header + 20) return true;
  return segment.len > header + ((<u32>(load<u8>(at + header, 12) >> 4)) << 2);
}
