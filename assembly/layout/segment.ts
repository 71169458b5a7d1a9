/**
 * What travels: one 64-byte node that is an event, then a segment, then an event again.
 *
 *       0        8      12   13  14   15   16    20    24    28   30   32     36     40          64
 *      +--------+------+----+---+----+-----+-----+-----+-----+----+----+------+------+-----------+
 *      |  time  | next |kind|hop|opts|flags|targ.| seq | ack |len |wnd |tsval |tsecr |  3 x SACK |
 *      +--------+------+----+---+----+-----+-----+-----+-----+----+----+------+------+-----------+
 *      `---------------- Event ------------------'
 *
 * Without timestamps a fourth SACK block (RFC 2018 §3 allows four then) lies in tsval and tsecr.
 * A SYN has no SACK blocks: its MSS, window scale and the rest of `SynOptions` lie there instead. The upper half of
 * `kind` holds what `Mark` names: the ECN field of the IP header and the AE bit.
 */

/** The head that every event shares; `Segment` begins with the same fields. */
@unmanaged
export class Event {
  /** When it happens, nanoseconds. */
  time: u64;
  /** Intrusive list: event-queue bucket, free list, or the list of segments to send. */
  next: u32;
  /** `EventKind`. */
  kind: u8;
  hop: u8;
  opts: u8;
  flags: u8;
  /** What it is for: a `Tcb`, `Flow` or `Source`; for what travels, its `Route`. 0: cancelled. */
  target: u32;
  /** Stay zero, because the digest covers them. */
  unused0: u32;
  unused1: u32;
  /** The `Gate` that the packet waits for, of a `GATE_WAIT`. */
  gate: u32;
}

@unmanaged
export class Segment {
  time: u64;
  next: u32;
  /** `EventKind` and `Mark`. */
  kind: u8;
  /** How many links of its route it has passed. */
  hop: u8;
  /** `Opt` bits and, from bit 4, the number of SACK blocks. */
  opts: u8;
  /** `Flag` bits, SEG.CTL. */
  flags: u8;
  /** The `Route` it takes. */
  target: u32;
  seq: u32;
  ack: u32;
  /** Payload bytes; SYN and FIN are not counted. */
  len: u16;
  /** The raw window field, not yet scaled. */
  wnd: u16;
  tsval: u32;
  tsecr: u32;
  sack0_start: u32;
  sack0_end: u32;
  sack1_start: u32;
  sack1_end: u32;
  sack2_start: u32;
  sack2_end: u32;
}

/** The SACK area of a segment with SYN (`Opt.SYN`). Offsets continue those of `Segment`. */
@unmanaged
export class SynOptions {
  header0: u64;
  header1: u64;
  header2: u64;
  header3: u64;
  header4: u64;
  /** MSS option; 0 when absent. */
  mss: u16;
  /** Window scale option plus one; 0 when absent. */
  wscale_plus_one: u8;
  /** 1 when SACK-permitted is there. */
  sack_permitted: u8;
  /** Length of the Fast Open cookie plus one (RFC 7413; 1 asks for one); 0 without the option. */
  fast_open: u8;
  /** 1: the option is the experimental one, kind 254 with its magic number. */
  fast_open_experimental: u8;
  /** Algorithm that the Alternate Checksum Request asks for, plus one (RFC 1146); 0 without it. */
  alt_checksum: u8;
  unused: u8;
  /** The cookie's bytes in their order. */
  cookie0: u64;
  cookie1: u64;
}

if (offsetof<SynOptions>() != 64) ERROR("SynOptions does not end where Segment does");

/** Rare baggage at +64 of a segment with `Opt.EXT`; such segments take 128 bytes. */
@unmanaged
export class SegmentExt {
  /** Address of the payload, in a slab of its own; 0 for virtual bytes. */
  payload: u32;
  /** Size class of that slab, see `base/arena`. */
  payload_class: u32;
  /** `ExtOpt` bits. */
  options: u8;
  /** How many of the AccECN option's three fields are there, in the option's order. */
  accecn_fields: u8;
  /** SEG.UP, meaningful with `Flag.URG`. */
  urgent: u16;
  /** The fields of the AccECN option, 24 bits each: bytes received with ECT(0), CE, ECT(1). */
  accecn_e0b: u32;
  accecn_ceb: u32;
  accecn_e1b: u32;
  /** The data of RFC 1146's Alternate Checksum Data option, and their length in bytes. */
  alt_checksum: u32;
  alt_checksum_length: u32;
}
