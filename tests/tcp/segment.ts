/** Segments as a person would list them, in and out of the core's memory. */
import type { Engine } from "../../src/core/engine.ts";
import { ExtOpt, Flag, Mark, Opt, Segment, SegmentExt, SynOptions } from "../../src/core/layout.gen.ts";

/** A TCP header with its options; sequence numbers are absolute here. */
export interface Header {
  /** Letters of `FSRPAUEWN`: E for ECE, W for CWR, N for AE. */
  flags: string;
  seq: number;
  ack: number;
  len: number;
  /** The raw field. */
  wnd: number;
  mss?: number;
  wscale?: number;
  sackPermitted?: boolean;
  /** TSval and TSecr. */
  ts?: [number, number];
  sack?: [number, number][];
  /** IP-ECN field; Not-ECT when absent. */
  ecn?: keyof typeof ECN;
  /** Fields of the AccECN option, as far as there are: e1b, ceb, e0b. */
  accEcn?: number[];
  /** Fast Open option: a cookie as hex digits, "" to ask for one. */
  fastOpen?: string;
  /** The urgent pointer. */
  urg?: number;
  /** RFC 1146: the checksum algorithm asked for on a SYN. */
  altChecksum?: number;
  /** The sender marked it: some of it was sent before. */
  again?: boolean;
}

const LETTERS = {
  F: Flag.FIN,
  S: Flag.SYN,
  R: Flag.RST,
  P: Flag.PSH,
  A: Flag.ACK,
  U: Flag.URG,
  E: Flag.ECE,
  W: Flag.CWR,
} as const;
const ECN = { ect1: Mark.ECT1, ect0: Mark.ECT0, ce: Mark.CE } as const;
const ACCECN_FIELDS = [SegmentExt.accecn_e1b, SegmentExt.accecn_ceb, SegmentExt.accecn_e0b];
const BLOCKS = [
  [Segment.sack0_start, Segment.sack0_end],
  [Segment.sack1_start, Segment.sack1_end],
  [Segment.sack2_start, Segment.sack2_end],
  // Without timestamps a fourth block lies in their place
  [Segment.tsval, Segment.tsecr],
] as const;

/** Makes a segment of the core's own from a header. The core takes it back with `giveSegment`. */
export function putSegment(engine: Engine, header: Header): number {
  const long = header.accEcn !== undefined || header.urg !== undefined;
  const at = long ? engine.exports.takeLongSegment() : engine.exports.takeSegment();
  engine.bytes(at, Segment.size + (long ? SegmentExt.size : 0)).fill(0);
  let opts: number = long ? Opt.EXT : 0;
  if (header.urg !== undefined) engine.set(at + Segment.size, SegmentExt.urgent, header.urg);
  if (header.accEcn) {
    const ext = at + Segment.size;
    engine.set(ext, SegmentExt.options, ExtOpt.ACCECN1);
    engine.set(ext, SegmentExt.accecn_fields, header.accEcn.length);
    header.accEcn.forEach((value, i) => engine.set(ext, ACCECN_FIELDS[i], value));
  }
  if (header.ts !== undefined) {
    opts |= Opt.TIMESTAMPS;
    engine.set(at, Segment.tsval, header.ts[0] >>> 0);
    engine.set(at, Segment.tsecr, header.ts[1] >>> 0);
  }
  const { mss, wscale, sackPermitted, fastOpen, altChecksum } = header;
  if ([mss, wscale, sackPermitted, fastOpen, altChecksum].some((option) => option !== undefined)) {
    opts |= Opt.SYN;
    engine.set(at, SynOptions.mss, header.mss ?? 0);
    engine.set(at, SynOptions.wscale_plus_one, header.wscale === undefined ? 0 : header.wscale + 1);
    engine.set(at, SynOptions.sack_permitted, header.sackPermitted ? 1 : 0);
    if (altChecksum !== undefined) engine.set(at, SynOptions.alt_checksum, altChecksum + 1);
    if (fastOpen !== undefined) {
      engine.set(at, SynOptions.fast_open, fastOpen.length / 2 + 1);
      const bytes = (fastOpen.match(/../g) ?? []).map((byte) => parseInt(byte, 16));
      engine.bytes(at + SynOptions.cookie0.offset, bytes.length).set(bytes);
    }
  }
  header.sack?.forEach(([start, end], index) => {
    engine.set(at, BLOCKS[index][0], start >>> 0);
    engine.set(at, BLOCKS[index][1], end >>> 0);
  });
  opts |= (header.sack?.length ?? 0) << Opt.SACK_SHIFT;
  engine.set(at, Segment.opts, opts);
  engine.set(at, Segment.flags, flagBits(header.flags));
  const ae = header.flags.includes("N") ? Mark.AE : 0;
  engine.set(at, Segment.kind, ae | (header.ecn ? ECN[header.ecn] : 0));
  engine.set(at, Segment.seq, header.seq >>> 0);
  engine.set(at, Segment.ack, header.ack >>> 0);
  engine.set(at, Segment.len, header.len);
  engine.set(at, Segment.wnd, header.wnd);
  return at;
}

/** Reads a segment of the core's. */
export function readSegment(engine: Engine, at: number): Header {
  const opts = engine.get(at, Segment.opts);
  const header: Header = {
    flags: flagLetters(engine.get(at, Segment.flags)) + (engine.get(at, Segment.kind) & Mark.AE ? "N" : ""),
    seq: engine.get(at, Segment.seq),
    ack: engine.get(at, Segment.ack),
    len: engine.get(at, Segment.len),
    wnd: engine.get(at, Segment.wnd),
  };
  if (opts & Opt.TIMESTAMPS) header.ts = [engine.get(at, Segment.tsval), engine.get(at, Segment.tsecr)];
  if (opts & Opt.RETRANSMISSION) header.again = true;
  if (header.flags.includes("U")) header.urg = engine.get(at + Segment.size, SegmentExt.urgent);
  const ecn = engine.get(at, Segment.kind) & Mark.ECN_MASK;
  if (ecn) header.ecn = ecn === Mark.CE ? "ce" : ecn === Mark.ECT0 ? "ect0" : "ect1";
  const ext = at + Segment.size;
  if (opts & Opt.EXT && engine.get(ext, SegmentExt.options) & ExtOpt.ACCECN1) {
    const count = engine.get(ext, SegmentExt.accecn_fields);
    header.accEcn = ACCECN_FIELDS.slice(0, count).map((field) => engine.get(ext, field));
  }
  if (opts & Opt.SYN) {
    const wscale = engine.get(at, SynOptions.wscale_plus_one);
    header.mss = engine.get(at, SynOptions.mss);
    if (wscale !== 0) header.wscale = wscale - 1;
    if (engine.get(at, SynOptions.sack_permitted)) header.sackPermitted = true;
    const altChecksum = engine.get(at, SynOptions.alt_checksum) - 1;
    if (altChecksum >= 0) header.altChecksum = altChecksum;
    const cookie = engine.get(at, SynOptions.fast_open) - 1;
    if (cookie >= 0) {
      const bytes = engine.bytes(at + SynOptions.cookie0.offset, cookie);
      header.fastOpen = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
  }
  const blocks = opts >> Opt.SACK_SHIFT & Opt.SACK_MASK;
  if (blocks > 0) {
    header.sack = BLOCKS.slice(0, blocks).map(([start, end]) => [engine.get(at, start), engine.get(at, end)]);
  }
  return header;
}

function flagBits(letters: string): number {
  let bits = 0;
  for (const letter of letters) bits |= LETTERS[letter as keyof typeof LETTERS] ?? 0;
  return bits;
}

function flagLetters(bits: number): string {
  return Object.entries(LETTERS).filter(([, bit]) => bits & bit).map(([letter]) => letter).join("");
}
