/** Segments as a person would list them, in and out of the core's memory. */
import type { Engine } from "../../src/core/engine.ts";
import { Flag, Opt, Segment, SynOptions } from "../../src/core/layout.gen.ts";

/** A TCP header with its options; sequence numbers are absolute here. */
export interface Header {
  /** Letters of `FSRPA`. */
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
  /** The sender marked it: some of it was sent before. */
  again?: boolean;
}

const LETTERS = { F: Flag.FIN, S: Flag.SYN, R: Flag.RST, P: Flag.PSH, A: Flag.ACK, U: Flag.URG } as const;
const BLOCKS = [
  [Segment.sack0_start, Segment.sack0_end],
  [Segment.sack1_start, Segment.sack1_end],
  [Segment.sack2_start, Segment.sack2_end],
  // Without timestamps a fourth block lies in their place
  [Segment.tsval, Segment.tsecr],
] as const;

/** Makes a segment of the core's own from a header. The core takes it back with `giveSegment`. */
export function putSegment(engine: Engine, header: Header): number {
  const at = engine.exports.takeSegment();
  engine.bytes(at, Segment.size).fill(0);
  let opts = 0;
  if (header.ts !== undefined) {
    opts |= Opt.TIMESTAMPS;
    engine.set(at, Segment.tsval, header.ts[0] >>> 0);
    engine.set(at, Segment.tsecr, header.ts[1] >>> 0);
  }
  if (header.mss !== undefined || header.wscale !== undefined || header.sackPermitted) {
    opts |= Opt.SYN;
    engine.set(at, SynOptions.mss, header.mss ?? 0);
    engine.set(at, SynOptions.wscale_plus_one, header.wscale === undefined ? 0 : header.wscale + 1);
    engine.set(at, SynOptions.sack_permitted, header.sackPermitted ? 1 : 0);
  }
  header.sack?.forEach(([start, end], index) => {
    engine.set(at, BLOCKS[index][0], start >>> 0);
    engine.set(at, BLOCKS[index][1], end >>> 0);
  });
  opts |= (header.sack?.length ?? 0) << Opt.SACK_SHIFT;
  engine.set(at, Segment.opts, opts);
  engine.set(at, Segment.flags, flagBits(header.flags));
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
    flags: flagLetters(engine.get(at, Segment.flags)),
    seq: engine.get(at, Segment.seq),
    ack: engine.get(at, Segment.ack),
    len: engine.get(at, Segment.len),
    wnd: engine.get(at, Segment.wnd),
  };
  if (opts & Opt.TIMESTAMPS) header.ts = [engine.get(at, Segment.tsval), engine.get(at, Segment.tsecr)];
  if (opts & Opt.RETRANSMISSION) header.again = true;
  if (opts & Opt.SYN) {
    const wscale = engine.get(at, SynOptions.wscale_plus_one);
    header.mss = engine.get(at, SynOptions.mss);
    if (wscale !== 0) header.wscale = wscale - 1;
    if (engine.get(at, SynOptions.sack_permitted)) header.sackPermitted = true;
  }
  const blocks = opts >> Opt.SACK_SHIFT & Opt.SACK_MASK;
  if (blocks > 0) {
    header.sack = BLOCKS.slice(0, blocks).map(([start, end]) => [engine.get(at, start), engine.get(at, end)]);
  }
  return header;
}

function flagBits(letters: string): number {
  let bits = 0;
  for (const letter of letters) bits |= LETTERS[letter as keyof typeof LETTERS];
  return bits;
}

function flagLetters(bits: number): string {
  return Object.entries(LETTERS).filter(([, bit]) => bits & bit).map(([letter]) => letter).join("");
}
