/**
 * TCP options, RFC 9293 §3.2: MSS, window scale and timestamps (RFC 7323), SACK-permitted and SACK (RFC 2018), AccECN
 * (RFC 9768), Fast Open (RFC 7413) and the alternate checksums (RFC 1146).
 *
 * Written in Linux's order, always a multiple of four bytes:
 *
 *      SYN, timestamps       mss  sackOK TS  nop wscale        a missing option leaves its place to the next;
 *      SYN without them      mss  nop nop sackOK  nop wscale   without sackOK, TS has two nops before it
 *      all others            nop nop TS  nop nop sack
 *
 * AccECN stands before sackOK, wscale and sack, and what it leaves of a word takes the place of their nops; Fast Open
 * and the alternate checksums stand last.
 */
import { ExtOpt, Flag, Opt } from "../layout/enums";
import { Segment, SegmentExt, SynOptions } from "../layout/segment";
import { OptionKind } from "../layout/wire";

/** RFC 7323 §2.3 */
const WINDOW_SCALE_MAX: u8 = 14;
/** RFC 7413 §4.1.1: 4 to 16 bytes, an even number. */
const COOKIE_MIN: u32 = 4;
const COOKIE_MAX: u32 = 16;
/** RFC 7413's experimental option, after RFC 6994. */
const FAST_OPEN_MAGIC: u16 = 0xf989;
const ACCECN_FIELDS: u32 = 3;

@inline
function syn(segment: Segment): SynOptions {
  return changetype<SynOptions>(changetype<usize>(segment));
}

/** What stands behind a segment with `Opt.EXT`. */
@inline
export function segmentExt(segment: Segment): SegmentExt {
  return changetype<SegmentExt>(changetype<usize>(segment) + 64);
}

@inline
function sackBlocks(segment: Segment): u32 {
  return ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
}

/** `ExtOpt` bits of a segment. */
@inline
function rareOptions(segment: Segment): u32 {
  return segment.opts & Opt.EXT ? segmentExt(segment).options : 0;
}

/** Bytes that the options of `segment` take. */
export function optionsLength(segment: Segment): u32 {
  const timestamps: u32 = segment.opts & Opt.TIMESTAMPS ? 12 : 0;
  let length = timestamps;
  // Which nops AccECN may take the place of
  let wordOfTwoNops = false;
  let wordOfOneNop = false;
  if (segment.opts & Opt.SYN) {
    const options = syn(segment);
    if (options.mss) length += 4;
    if (options.sack_permitted != 0 && timestamps == 0) {
      length += 4;
      wordOfTwoNops = true;
    }
    if (options.wscale_plus_one) {
      length += 4;
      wordOfOneNop = true;
    }
    if (options.fast_open) length += fastOpenLength(options);
    if (options.alt_checksum) length += 4;
  } else {
    const blocks = sackBlocks(segment);
    if (blocks) {
      length += 4 + 8 * blocks;
      wordOfTwoNops = true;
    }
  }
  const rare = rareOptions(segment);
  if (!rare) return length;
  const ext = segmentExt(segment);
  if (rare & (ExtOpt.ACCECN0 | ExtOpt.ACCECN1)) {
    const fields = <u32>ext.accecn_fields;
    length += accEcnWords(fields);
    const over = accEcnOver(fields);
    if (over != 0 && !wordOfTwoNops && !(wordOfOneNop && over == 1)) length += 4;
  }
  if (rare & ExtOpt.ALT_CHECKSUM_DATA) length += (2 + ext.alt_checksum_length + 3) & ~3;
  return length;
}

/** Bytes of an AccECN option in whole words of its own; three fields and a nop are three words. */
@inline
function accEcnWords(fields: u32): u32 {
  return fields == ACCECN_FIELDS ? 12 : fields << 2;
}

/** Bytes of it beyond them. */
@inline
function accEcnOver(fields: u32): u32 {
  return fields < 2 ? 2 - fields : 0;
}

function fastOpenLength(options: SynOptions): u32 {
  return ((options.fast_open_experimental ? 4 : 2) + <u32>options.fast_open - 1 + 3) & ~3;
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
  const rare = rareOptions(segment);
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
  }
  // What AccECN leaves of a word stands where the next option would have its nops
  let a: u32 = OptionKind.NOP;
  let b: u32 = OptionKind.NOP;
  let over: u32 = 0;
  if (rare & (ExtOpt.ACCECN0 | ExtOpt.ACCECN1)) {
    const fields = <u32>segmentExt(segment).accecn_fields;
    writeAccEcn(segmentExt(segment), at);
    at += accEcnWords(fields);
    over = accEcnOver(fields);
    if (over) a = load<u8>(at);
    if (over == 2) b = load<u8>(at, 1);
  }
  if (!timestamps && sackPermitted) {
    store<u32>(at, word(a, b, OptionKind.SACK_PERMITTED, 2));
    at += 4;
    over = 0;
  }
  if (isSyn && options.wscale_plus_one != 0) {
    store<u32>(at, word(over == 1 ? a : <u32>OptionKind.NOP, OptionKind.WINDOW_SCALE, 3, options.wscale_plus_one - 1));
    at += 4;
    if (over == 1) over = 0;
  }
  const blocks = isSyn ? 0 : sackBlocks(segment);
  if (blocks) {
    store<u32>(
      at,
      word(over ? a : <u32>OptionKind.NOP, over ? b : <u32>OptionKind.NOP, OptionKind.SACK, 2 + 8 * blocks),
    );
    writeSack(segment, blocks, at + 4);
    at += 4 + 8 * blocks;
    over = 0;
  }
  if (over) {
    store<u32>(at, word(a, b, OptionKind.NOP, OptionKind.NOP));
    at += 4;
  }
  if (isSyn && options.fast_open != 0) {
    writeFastOpen(options, at);
    at += fastOpenLength(options);
  }
  if (isSyn && options.alt_checksum != 0) {
    store<u32>(at, word(OptionKind.ALT_CHECKSUM_REQUEST, 3, options.alt_checksum - 1, OptionKind.NOP));
  }
  if (rare & ExtOpt.ALT_CHECKSUM_DATA) writeAltChecksumData(segmentExt(segment), at);
}

function writeSack(segment: Segment, blocks: u32, at: usize): void {
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

/** RFC 9768 §3.2.3, figure 4: order 1 begins with ECT(1)'s counter, order 0 with ECT(0)'s. With three fields a nop. */
function writeAccEcn(ext: SegmentExt, at: usize): void {
  const order1 = (ext.options & ExtOpt.ACCECN1) != 0;
  const fields = <u32>ext.accecn_fields;
  store<u8>(at, <u8>(order1 ? OptionKind.ACCECN1 : OptionKind.ACCECN0));
  store<u8>(at, <u8>(2 + 3 * fields), 1);
  at += 2;
  for (let i: u32 = 0; i < fields; i++, at += 3) {
    const value = accEcnField(ext, i, order1);
    store<u8>(at, <u8>(value >> 16));
    store<u8>(at, <u8>(value >> 8), 1);
    store<u8>(at, <u8>value, 2);
  }
  if (fields == ACCECN_FIELDS) store<u8>(at, <u8>OptionKind.NOP);
}

@inline
function accEcnField(ext: SegmentExt, i: u32, order1: bool): u32 {
  if (i == 1) return ext.accecn_ceb;
  return (i == 0) == order1 ? ext.accecn_e1b : ext.accecn_e0b;
}

function writeFastOpen(options: SynOptions, at: usize): void {
  const length = <u32>options.fast_open - 1;
  const end = at + fastOpenLength(options);
  if (options.fast_open_experimental) {
    store<u8>(at, <u8>OptionKind.EXPERIMENT);
    store<u8>(at, <u8>(4 + length), 1);
    store<u16>(at, bswap(FAST_OPEN_MAGIC), 2);
    at += 4;
  } else {
    store<u8>(at, <u8>OptionKind.FAST_OPEN);
    store<u8>(at, <u8>(2 + length), 1);
    at += 2;
  }
  memory.copy(at, changetype<usize>(options) + offsetof<SynOptions>("cookie0"), length);
  memory.fill(at + length, <u8>OptionKind.NOP, end - at - length);
}

function writeAltChecksumData(ext: SegmentExt, at: usize): void {
  const length = ext.alt_checksum_length;
  const padded = (2 + length + 3) & ~3;
  memory.fill(at, <u8>OptionKind.NOP, padded);
  at += padded - length - 2;
  store<u8>(at, <u8>OptionKind.ALT_CHECKSUM_DATA);
  store<u8>(at, <u8>(2 + length), 1);
  // What the checksum needs to be zero is filled in last, by who sums
  memory.fill(at + 2, 0, length);
}

/**
 * Reads the options in [at, end) into `segment`, a long one whose flags are set, and replaces its `opts`; `Opt.EXT` is
 * among them, always. As Linux reads them: kinds not known, and those of a wrong length, are skipped; where a length
 * cannot be (RFC 9293 §3.1, MUST-7) all that follows is; of an option given twice the last counts; an MSS of 0
 * counts as none. MSS, window scale, SACK-permitted, Fast Open and the checksum request count on a SYN only, SACK blocks on
 * others only.
 */
export function parseOptions(at: usize, end: usize, segment: Segment): void {
  const isSyn = (segment.flags & Flag.SYN) != 0;
  let opts: u32 = Opt.EXT;
  if (isSyn) {
    opts |= Opt.SYN;
    store<u64>(changetype<usize>(segment), 0, offsetof<SynOptions>("mss"));
  } else if (end - at == 12 && load<u32>(at) == word(OptionKind.NOP, OptionKind.NOP, OptionKind.TIMESTAMPS, 10)) {
    // What nearly every segment looks like, RFC 7323 appendix A
    readTimestamps(segment, at + 2);
    segment.opts = <u8>(opts | Opt.TIMESTAMPS);
    return;
  }
  while (at < end) {
    const kind = <i32>load<u8>(at);
    if (kind == OptionKind.END) break;
    if (kind == OptionKind.NOP) {
      at++;
      continue;
    }
    if (end - at < 2) break;
    const length = <u32>load<u8>(at, 1);
    if (length < 2 || length > <u32>(end - at)) break;
    switch (kind) {
      case OptionKind.MSS: {
        if (isSyn && length == 4) {
          const mss = bswap(load<u16>(at, 2));
          if (mss) syn(segment).mss = mss;
        }
        break;
      }
      case OptionKind.WINDOW_SCALE: {
        // RFC 7323 §2.3: a larger shift counts as 14
        if (isSyn && length == 3) syn(segment).wscale_plus_one = min(load<u8>(at, 2), WINDOW_SCALE_MAX) + 1;
        break;
      }
      case OptionKind.SACK_PERMITTED: {
        if (isSyn && length == 2) syn(segment).sack_permitted = 1;
        break;
      }
      case OptionKind.SACK: {
        if (isSyn || length < 10 || (length & 7) != 2) break;
        const blocks = length >> 3;
        opts = (opts & ~(Opt.SACK_MASK << Opt.SACK_SHIFT)) | (blocks << Opt.SACK_SHIFT);
        readSack(segment, blocks, at + 2);
        break;
      }
      case OptionKind.TIMESTAMPS: {
        if (length != 10) break;
        opts |= Opt.TIMESTAMPS;
        readTimestamps(segment, at);
        break;
      }
      case OptionKind.ALT_CHECKSUM_REQUEST: {
        if (isSyn && length == 3) syn(segment).alt_checksum = <u8>min<u32>(<u32>load<u8>(at, 2) + 1, 255);
        break;
      }
      case OptionKind.FAST_OPEN: {
        if (isSyn) readFastOpen(syn(segment), at + 2, length - 2, false);
        break;
      }
      case OptionKind.EXPERIMENT: {
        if (!isSyn || length < 4 || bswap(load<u16>(at, 2)) != FAST_OPEN_MAGIC) break;
        readFastOpen(syn(segment), at + 4, length - 4, true);
        break;
      }
      case OptionKind.ALT_CHECKSUM_DATA:
      case OptionKind.MD5:
      case OptionKind.ACCECN0:
      case OptionKind.ACCECN1: {
        readRare(segmentExt(segment), kind, at + 2, length - 2);
        break;
      }
    }
    at += length;
  }
  segment.opts = <u8>opts;
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

/** RFC 7413 §4.1.1: a cookie of an impossible length is no cookie, and no request for one either. */
function readFastOpen(options: SynOptions, at: usize, length: u32, experimental: bool): void {
  if (length & 1) return;
  const valid = length == 0 || (length >= COOKIE_MIN && length <= COOKIE_MAX);
  options.fast_open = valid ? <u8>(length + 1) : 0;
  options.fast_open_experimental = <u8>experimental;
  if (valid) memory.copy(changetype<usize>(options) + offsetof<SynOptions>("cookie0"), at, length);
}

function readRare(ext: SegmentExt, kind: i32, at: usize, length: u32): void {
  switch (kind) {
    case OptionKind.MD5: {
      if (length == 16) ext.options |= <u8>ExtOpt.MD5;
      break;
    }
    case OptionKind.ALT_CHECKSUM_DATA: {
      ext.options |= <u8>ExtOpt.ALT_CHECKSUM_DATA;
      ext.alt_checksum_length = length;
      ext.alt_checksum = length == 2 ? bswap(load<u16>(at)) : 0;
      break;
    }
    default: {
      // RFC 9768 §3.2.3: whole fields count, as many as there are
      const order1 = kind == OptionKind.ACCECN1;
      ext.options =
        (ext.options & ~(<u8>(ExtOpt.ACCECN0 | ExtOpt.ACCECN1))) | (<u8>(order1 ? ExtOpt.ACCECN1 : ExtOpt.ACCECN0));
      const fields = min<u32>(length / 3, ACCECN_FIELDS);
      ext.accecn_fields = <u8>fields;
      for (let i: u32 = 0; i < fields; i++, at += 3) {
        const value = ((<u32>load<u8>(at)) << 16) | ((<u32>load<u8>(at, 1)) << 8) | load<u8>(at, 2);
        if (i == 1) ext.accecn_ceb = value;
        else if ((i == 0) == order1) ext.accecn_e1b = value;
        else ext.accecn_e0b = value;
      }
    }
  }
}
