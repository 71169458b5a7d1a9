/**
 * What stands around a `Segment` when it is written as bytes: an IPv4 (RFC 791) or IPv6 (RFC 8200) packet that
 * carries a TCP header (RFC 9293 §3.1), and the record that keeps a captured one for the host.
 */

/** Verdict of a parser; all but `OK` mean that the packet is to be dropped. Listed in the order of the checks. */
export const enum WireStatus {
  OK = 0,
  /** Fewer bytes than the fixed headers or the IP header's length ask for. */
  TRUNCATED = 1,
  /** Neither IPv4 nor IPv6, where either would do. */
  NOT_IPV4 = 2,
  /** An IPv4 header length below 20 bytes, or a total length below the header's. */
  BAD_IP_LENGTH = 3,
  BAD_IP_CHECKSUM = 4,
  /** Fragments are not reassembled: Path MTU discovery, RFC 1191, is taken for granted. */
  FRAGMENT = 5,
  NOT_TCP = 6,
  /** A data offset below 5 words, or beyond the end of the segment. */
  BAD_OFFSET = 7,
  BAD_CHECKSUM = 8,
}

/** Kinds of TCP options, from IANA's registry. */
export const enum OptionKind {
  END = 0,
  NOP = 1,
  MSS = 2,
  WINDOW_SCALE = 3,
  SACK_PERMITTED = 4,
  SACK = 5,
  TIMESTAMPS = 8,
  /** RFC 1146 */
  ALT_CHECKSUM_REQUEST = 14,
  ALT_CHECKSUM_DATA = 15,
  /** RFC 2385 */
  MD5 = 19,
  /** RFC 7413 */
  FAST_OPEN = 34,
  /** RFC 9768 */
  ACCECN0 = 172,
  ACCECN1 = 174,
  /** RFC 6994: a magic number says what it is. */
  EXPERIMENT = 254,
}

/**
 * The part of a packet that is not in its `Segment`: given to the encoder, filled in by the parser.
 * All in host order.
 */
@unmanaged
export class Packet {
  src_addr: u32;
  dst_addr: u32;
  src_port: u16;
  dst_port: u16;
  /** IPv4 identification. */
  id: u16;
  /** `AltChecksum`: how segments that are neither SYN nor RST are checked. */
  alt_checksum: u8;
  unused0: u8;
  /** Address of the payload. The encoder takes 0 for `Segment.len` zero bytes. */
  payload: u32;
  /** Type of service, traffic class. The encoder takes the DSCP from it, and the ECN field, its low two bits, from the segment. */
  tos: u8;
  /** 6: the addresses are the four words below; anything else: src_addr and dst_addr. */
  version: u8;
  /** IPv4 time to live, IPv6 hop limit; the encoder takes 0 for the default. */
  ttl: u8;
  /** Protocol of the payload, IANA's number: what the parser found. */
  protocol: u8;
  /** IPv6 addresses in network order, as they lie in memory. */
  src_hi: u64;
  src_lo: u64;
  dst_hi: u64;
  dst_lo: u64;
}

/** Head of a captured packet. `caplen` bytes follow at +24, padded to a multiple of 8. */
@unmanaged
export class CaptureRecord {
  /** When it was seen, nanoseconds. */
  time: u64;
  /** Number of the captured link, in the host's order. */
  interface: u32;
  /** Bytes kept. */
  caplen: u32;
  /** Bytes that the packet had. */
  origlen: u32;
  unused: u32;
}
