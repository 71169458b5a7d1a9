/**
 * What a connection needs once it has agreed on ECN (RFC 3168) or Accurate ECN (RFC 9768), in a slab of its own that
 * hangs from its `TcbExt`. The counters are RFC 9768's r.* (what came here) and s.* (what the peer says came there), without
 * the values that they begin with on the wire.
 */
@unmanaged
export class Ecn {
  /** `EcnMode`. */
  mode: u8;
  /** `EcnBit` bits. */
  bits: u8;
  /** IP-ECN field of the peer's SYN or SYN-ACK, which the handshake reflects. */
  syn_ect_received: u8;
  /** `AccEcnOption`: what was seen of the peer's options. */
  option_seen: u8;
  /** `AccEcnFail` bits. */
  fail: u8;
  /** Fields of the option that the next one needs, and ACKs that must have one. */
  fields_needed: u8;
  options_demanded: u8;
  /** IP-ECN field of the last data segment. */
  last_field: u8;
  /** r.cep: segments that came with CE, data or not; and those among them that no ACK has told of yet. */
  received_ce: u32;
  received_ce_pending: u32;
  /** r.e1b, r.e0b, r.ceb: bytes of data that came with ECT(1), ECT(0) and CE, in this order: by field less one. */
  received_e1b: u32;
  received_e0b: u32;
  received_ceb: u32;
  /** s.cep: segments of ours that arrived there with CE. */
  delivered_ce: u32;
  /** s.e1b, s.e0b, s.ceb. */
  delivered_e1b: u32;
  delivered_e0b: u32;
  delivered_ceb: u32;
  /** IP-ECN field that delivered bytes without an option are counted as, 0 while none is known. */
  estimated_field: u8;
  unused0: u8;
  unused1: u16;
  /** Congestion signals taken: entries into CWR. */
  unused2: u32;
  /** When an option was last sent, nanoseconds. */
  option_sent_at: u64;
}
