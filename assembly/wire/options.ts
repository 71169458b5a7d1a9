/**
 * TCP options, RFC 9293 §3.2: MSS, window scale and timestamps (RFC 7323), SACK-permitted and SACK (RFC 2018).
 *
 * Written in Linux's order, always a multiple of four bytes:
 *
 *      SYN, timestamps       mss  sackOK TS  nop wscale        a missing option leaves its place to the next;
 *      SYN without them      mss  nop nop sackOK  nop wscale   without sackOK, TS has two nops before it
 *      all others            nop nop TS  nop nop sack
 */
import { Flag, Opt } from "../layout/enums";
import { Segment, SynOptions } from "../layout/segment";
import { OptionKind, WireStatus } from "../layout/wire";

/** RFC 7323 §2.3 */
const WINDOW_SCALE_MAX: u8 = 14;

@inline
function syn(segment: Segment): SynOptions {
  return changetype<SynOptions>(changetype<usize>(segment));
}

@inline
function sackBlocks(segment: Segment): u32 {
  return ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
}

/** Bytes that the options of `segment` take. */
export function optionsLength(segment: Segment): u32 {
  const timestamps: u32 = segment.opts & Opt.TIMESTAMPS ? 12 : 0;
  if (segment.opts & Opt.SYN) {
    const options = syn(segment);
    return (
      (options.mss ? 4 : 0) +
      (options.wscale_plus_one ? 4 : 0) +
      (timestamps ? timestamps : options.sack_permitted ? 4 : 0)
    );
  }
  const blocks = sackBlocks(segment);
  return timestamps + (blocks ? 4 + 8 * blocks : 0);
}

/** Two bytes of padding or a whole option, then the head of one: the four bytes that begin most options. */
@inline
function word(a: u32, b: u32, c: u32, d: u32): u32 {
  return a | (b << 8) | (c << 16) | (d << 24);
}

/** Writes the options at `at`. */
export function writeOptions(segment: Segment, at: usize): void {
  const isSyn = (segment.opts & Opt.SYN) != 0;
  const timestamps = (segment.opts & Opt.TIMESTAMPS) != 0;
  const options = syn(segment);
  const sackPermitted = isSyn && options.sack_permitted != 0;
  if (isSyn && options.mss) {
    store<u32>(at, word(OptionKind.MSS, 4, options.mss >> 8, options.mss & 0xff));
    at += 4;
  }
  if (timestamps) {
    if (sackPermitted) store<u32>(at, word(OptionKind.SACK_PERMITTED, 2, OptionKind.TIMESTAMPS, 10));
    else store<u32>(at, word(OptionKind.NOP, OptionKind.NOP, OptionKind.TIMESTAMPS, 10));
    store<u32>(at, bswap(segment.tsval), 4);
    store<u32>(at, bswap(segment.tsecr), 8);
    at += 12;
  } else if (sackPermitted) {
    store<u32>(at, word(OptionKind.NOP, OptionKind.NOP, OptionKind.SACK_PERMITTED, 2));
    at += 4;
  }
  if (isSyn) {
    if (options.wscale_plus_one) {
      store<u32>(at, word(OptionKind.NOP, OptionKind.WINDOW_SCALE, 3, options.wscale_plus_one - 1));
    }
  } else {
    const blocks = sackBlocks(segment);
    if (blocks) writeSack(segment, blocks, at);
  }
}

function writeSack(segment: Segment, blocks: u32, at: usize): void {
  store<u32>(at, word(OptionKind.NOP, OptionKind.NOP, OptionKind.SACK, 2 + 8 * blocks));
  at += 4;
  for (let i: u32 = 0; i < blocks; i++, at += 8) {
    const block = sackBlock(segment, i);
    store<u32>(at, bswap(load<u32>(block)));
    store<u32>(at, bswap(load<u32>(block, 4)), 4);
  }
}

/** Address of SACK block `i`; the fourth, which only fits without timestamps, lies in their place. */
@inline
function sackBlock(segment: Segment, i: u32): usize {
  const base = changetype<usize>(segment);
  return i < 3 ? base + offsetof<Segment>("sack0_start") + 8 * i : base + offsetof<Segment>("tsval");
}

/**
 * Reads the options in [at, end) into `segment`, whose flags must be set, and replaces its `opts`.
 * Kinds not known are skipped; of an option given twice the last counts; an MSS of 0 counts as none.
 * MSS, window scale and SACK-permitted count on a SYN only, SACK blocks on others only.
 */
export function parseOptions(at: usize, end: usize, segment: Segment): WireStatus {
  const isSyn = (segment.flags & Flag.SYN) != 0;
  let opts: u32 = 0;
  if (isSyn) {
    opts = Opt.SYN;
    const options = syn(segment);
    options.mss = 0;
    options.wscale_plus_one = 0;
    options.sack_permitted = 0;
  } else if (end - at == 12 && load<u32>(at) == word(OptionKind.NOP, OptionKind.NOP, OptionKind.TIMESTAMPS, 10)) {
    // What nearly every segment looks like, RFC 7323 appendix A
    readTimestamps(segment, at + 2);
    segment.opts = <u8>Opt.TIMESTAMPS;
    return WireStatus.OK;
  }
  while (at < end) {
    const kind = <i32>load<u8>(at);
    if (kind == OptionKind.END) break;
    if (kind == OptionKind.NOP) {
      at++;
      continue;
    }
    if (end - at < 2) return WireStatus.BAD_OPTION_LENGTH;
    // RFC 9293 §3.1, MUST-7: a length of zero would never end
    const length = <u32>load<u8>(at, 1);
    if (length < 2 || length > <u32>(end - at)) return WireStatus.BAD_OPTION_LENGTH;
    switch (kind) {
      case OptionKind.MSS: {
        if (length != 4) return WireStatus.BAD_OPTION_LENGTH;
        if (isSyn) syn(segment).mss = bswap(load<u16>(at, 2));
        break;
      }
      case OptionKind.WINDOW_SCALE: {
        if (length != 3) return WireStatus.BAD_OPTION_LENGTH;
        // RFC 7323 §2.3: a larger shift counts as 14
        if (isSyn) syn(segment).wscale_plus_one = min(load<u8>(at, 2), WINDOW_SCALE_MAX) + 1;
        break;
      }
      case OptionKind.SACK_PERMITTED: {
        if (length != 2) return WireStatus.BAD_OPTION_LENGTH;
        if (isSyn) syn(segment).sack_permitted = 1;
        break;
      }
      case OptionKind.SACK: {
        if (length < 10 || (length & 7) != 2) return WireStatus.BAD_OPTION_LENGTH;
        if (!isSyn) {
          const blocks = length >> 3;
          opts = (opts & ~(Opt.SACK_MASK << Opt.SACK_SHIFT)) | (blocks << Opt.SACK_SHIFT);
          readSack(segment, blocks, at + 2);
        }
        break;
      }
      case OptionKind.TIMESTAMPS: {
        if (length != 10) return WireStatus.BAD_OPTION_LENGTH;
        opts |= Opt.TIMESTAMPS;
        readTimestamps(segment, at);
        break;
      }
    }
    at += length;
  }
  segment.opts = <u8>opts;
  return WireStatus.OK;
}

@inline
function readTimestamps(segment: Segment, option: usize): void {
  segment.tsval = bswap(load<u32>(option, 2));
  segment.tsecr = bswap(load<u32>(option, 6));
}

/** Forty bytes of options hold four blocks, or three and timestamps, so the two never meet in one place. */
function readSack(segment: Segment, blocks: u32, at: usize): void {
  for (let i: u32 = 0; i < blocks; i++, at += 8) {
    const block = sackBlock(segment, i);
    store<u32>(block, bswap(load<u32>(at)));
    store<u32>(block, bswap(load<u32>(at, 4)), 4);
  }
}
