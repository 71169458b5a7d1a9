/**
 * Accurate ECN, RFC 9768: the ACE field counts segments that came with CE, modulo 8, on every segment; the AccECN option
 * counts bytes by their mark. Handshake §3.1, the ACE field §3.2.2, the option §3.2.3, how a wrapped counter is told from
 * appendix A.2; what is sent when follows Linux (net.ipv4.tcp_ecn_option).
 */
import { AccEcnFail, AccEcnOption, EcnBit, EcnMode, ExtOpt, Flag, Mark, Opt } from "../layout/enums";
import { Ecn } from "../layout/ecn";
import { Segment, SegmentExt, SynOptions } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { NS_PER_US } from "../base/time";
import { aceBits, aceField, ecnField, ecnOf } from "./ecn";
import { OPTIONS_MAX, optionsLength } from "./pmtu";

/** RFC 9768 §3.2.1: what the counters begin with on the wire. */
const CEP_INIT: u32 = 5;
const BYTES_INIT: u32 = 1;
const ACE_MASK: u32 = 7;
/** Marked segments that wait for an ACK to tell of them: with one more the field could be taken for an older one. */
const PENDING_MAX: u32 = 6;
const NOT_ECT: u32 = 0;
const ECT1: u32 = 1;
const ECT0: u32 = 2;
const CE: u32 = 3;
const FIELD_MASK: u32 = 0xffffff;
/** A counter that has moved by this much is told of, RFC 9768 §3.2.3.3. */
const BYTES_STEP_SHIFT: u32 = 22;
const FIELDS: u32 = 3;

// ---- The handshake

/** §3.1.1: which mark the SYN came with. */
export function accEcnOfSyn(ecn: Ecn, segment: Segment): void {
  ecn.syn_ect_received = <u8>ecnField(segment);
  if (ecnField(segment) == CE) countCe(ecn);
}

/** Table 3: the IP-ECN field of the other end's SYN or SYN-ACK, in three bits. */
@inline
function reflection(field: u32): u32 {
  return field == NOT_ECT ? 2 : field == ECT1 ? 3 : field == ECT0 ? 4 : 6;
}

/** §3.1.4.2: a SYN-ACK that has to be sent a third time goes without the bits; feedback stays accurate. */
export function accEcnAnswersSyn(tcb: Tcb, ecn: Ecn): u32 {
  if (engine().ecn_fallback && tcb.unanswered > 1) return 0;
  return aceBits(reflection(ecn.syn_ect_received));
}

export function accEcnSynAckArrives(ecn: Ecn, segment: Segment): void {
  ecn.syn_ect_received = <u8>ecnField(segment);
  ecn.bits |= <u8>(EcnBit.REFLECT | EcnBit.FIRST_ACK_TAKEN);
  takeOption(ecn, segment);
  // §3.2.3.2.1: the option that came is answered by two, so that this end's path is tried too
  if (ecn.option_seen != <u8>AccEcnOption.NOT_SEEN) ecn.options_demanded = 2;
  if (ecnField(segment) == CE) countCe(ecn);
  judgeReflection(ecn, aceField(segment));
}

/** §3.2.2.2: a SYN leaves without a mark; one that arrived with ECT was marked on the way. */
function judgeReflection(ecn: Ecn, ace: u32): void {
  if (ace == reflection(CE)) ecn.delivered_ce++;
  else if (engine().ecn_fallback && (ace == 3 || ace == 4)) ecn.fail |= <u8>AccEcnFail.NO_ECT;
}

/** §3.2.2.1: the ACK that ends the handshake tells how our SYN-ACK came; a zero says that somebody wipes the field. */
function firstAckArrives(ecn: Ecn, segment: Segment): void {
  ecn.bits |= <u8>EcnBit.FIRST_ACK_TAKEN;
  const ace = aceField(segment);
  if (ace == 0) {
    if (engine().ecn_fallback) ecn.fail |= <u8>AccEcnFail.NO_ECT;
    ecn.bits |= <u8>EcnBit.ACE_WIPED;
  } else if (segment.len == 0 && ace != 1 && ace != 5 && ace != 7) {
    judgeReflection(ecn, ace);
  }
}

// ---- What leaves

/** ECT(0), unless the path is known to change it, and the ACE field; the ACK of a SYN-ACK reflects its mark instead. */
export function accEcnStamp(tcb: Tcb, ecn: Ecn, len: u32): u32 {
  const ect = ecn.fail & (<u8>AccEcnFail.NO_ECT) ? 0 : <u32>Mark.ECT0;
  const bits = ecn.bits;
  ecn.bits &= <u8>~EcnBit.REFLECT;
  if (len == 0 && bits & (<u8>EcnBit.REFLECT)) return ect | aceBits(reflection(ecn.syn_ect_received));
  ecn.received_ce_pending = 0;
  return ect | aceBits((ecn.received_ce + CEP_INIT) & ACE_MASK);
}

/** Whether the next segment is to have the option, §3.2.3.3. */
export function accEcnOptionIsDue(tcb: Tcb, now: u64): bool {
  const ecn = ecnOf(tcb);
  const mode = engine().ecn_option;
  // Nobody has shown that options of this kind pass
  if (mode == 0 || ecn.mode != <u8>EcnMode.ACCURATE || ecn.option_seen < <u8>AccEcnOption.EMPTY_SEEN) return false;
  if (ecn.fail & (<u8>AccEcnFail.OPTION) && mode < 3) return false;
  if (mode >= 2 || ecn.options_demanded != 0) return true;
  const beacon = <u64>engine().ecn_option_beacon;
  return beacon != 0 && (now - ecn.option_sent_at) * beacon >= <u64>(tcb.srtt_us8 >> 3) * NS_PER_US;
}

/** How many fields fit `room` bytes: as many as there are, and no fewer than have changed; -1 when those do not fit. */
function fieldsThatFit(needed: u32, room: u32, nops: u32): i32 {
  for (let fields: i32 = FIELDS; fields >= <i32>needed; fields--) {
    if (optionLength(<u32>fields, nops) <= room) return fields;
  }
  return -1;
}

/** Bytes of an option with `fields`; what is over whole words takes the place of nops that are there anyway. */
@inline
function optionLength(fields: u32, nops: u32): u32 {
  const bytes: u32 = 2 + 3 * fields;
  const over: u32 = bytes & 3;
  return over != 0 && over <= nops ? bytes - over : (bytes + 3) & ~3;
}

/** Bytes that the option takes of the next data segment, whose other options take `other` beyond timestamps. */
export function accEcnOptionLength(tcb: Tcb, other: u32, now: u64): u32 {
  if (!accEcnOptionIsDue(tcb, now)) return 0;
  const used: u32 = other + optionsLength(tcb);
  const nops: u32 = other ? 2 : 0;
  const fields = fieldsThatFit(ecnOf(tcb).fields_needed, OPTIONS_MAX - used, nops);
  return fields < 0 ? 0 : optionLength(<u32>fields, nops);
}

/** Writes the option into a segment that is otherwise complete; `room` bytes are left for it. */
export function accEcnWrite(tcb: Tcb, segment: Segment, opts: u32, spare: u32, now: u64): void {
  const ecn = ecnOf(tcb);
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  const blocks = (opts >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  const used: u32 = optionsLength(tcb) + (blocks ? 4 + 8 * blocks : 0);
  const fields = fieldsThatFit(ecn.fields_needed, min(OPTIONS_MAX - used, spare), blocks ? 2 : 0);
  if (fields < 0) return;
  fill(ext, <u32>fields, ecn.received_e0b, ecn.received_ceb, ecn.received_e1b);
  ecn.fields_needed = 0;
  if (ecn.options_demanded) ecn.options_demanded--;
  ecn.option_sent_at = now;
}

/** Whether a SYN-ACK is to have the option. */
export function accEcnOptionOnSynAck(tcb: Tcb): bool {
  return engine().ecn_option != 0 && ecnOf(tcb).mode == <u8>EcnMode.ACCURATE;
}

/** The option of a SYN-ACK that is otherwise complete: nothing has been counted yet. */
export function accEcnWriteSynAck(segment: Segment): void {
  const options = changetype<SynOptions>(changetype<usize>(segment));
  const stamped = ((<u32>segment.opts) & Opt.TIMESTAMPS) != 0;
  // What stands behind it may lend its nops
  const nops: u32 = options.sack_permitted != 0 && !stamped ? 2 : options.wscale_plus_one ? 1 : 0;
  const fields = fieldsThatFit(0, OPTIONS_MAX - optionsTaken(options, stamped), nops);
  if (fields >= 0) fill(changetype<SegmentExt>(changetype<usize>(segment) + 64), <u32>fields, 0, 0, 0);
}

function optionsTaken(options: SynOptions, stamped: bool): u32 {
  let taken: u32 = stamped ? 12 : options.sack_permitted ? 4 : 0;
  if (options.mss) taken += 4;
  if (options.wscale_plus_one) taken += 4;
  if (options.fast_open) {
    taken += ((options.fast_open_experimental ? 4 : 2) + <u32>options.fast_open - 1 + 3) & ~3;
  }
  return options.alt_checksum ? taken + 4 : taken;
}

function fill(ext: SegmentExt, fields: u32, e0b: u32, ceb: u32, e1b: u32): void {
  ext.options |= <u8>ExtOpt.ACCECN1;
  ext.accecn_fields = <u8>fields;
  ext.accecn_e0b = (e0b + BYTES_INIT) & FIELD_MASK;
  ext.accecn_ceb = ceb & FIELD_MASK;
  ext.accecn_e1b = (e1b + BYTES_INIT) & FIELD_MASK;
}

// ---- What comes: this end counts

/** A segment of a synchronised connection, acceptable, with text or without. */
export function accEcnCounts(ecn: Ecn, segment: Segment): void {
  if (!(ecn.bits & (<u8>EcnBit.FIRST_ACK_TAKEN))) firstAckArrives(ecn, segment);
  // §3.2.3.2.1: that options pass can be seen on any segment
  if (ecn.option_seen < <u8>AccEcnOption.COUNTERS_SEEN) takeOption(ecn, segment);
  const field = ecnField(segment);
  if (field != NOT_ECT) ecn.bits |= <u8>EcnBit.SEEN;
  if (field == CE) countCe(ecn);
  const len = <u32>segment.len;
  if (!len) return;
  if (field != NOT_ECT) countBytes(ecn, field, len);
  if (field != ecn.last_field || ecn.received_ce_pending >= PENDING_MAX) {
    // §3.2.2.5: a change is told of at once, and twice, so that the second ACK cannot be misread
    if (field != ecn.last_field) ecn.options_demanded = 2;
    ecn.bits |= <u8>EcnBit.ACK_NOW;
  }
  ecn.last_field = <u8>field;
}

@inline
function countCe(ecn: Ecn): void {
  ecn.received_ce++;
  ecn.received_ce_pending++;
}

function countBytes(ecn: Ecn, field: u32, len: u32): void {
  const at =
    changetype<usize>(ecn) +
    (field == ECT1
      ? offsetof<Ecn>("received_e1b")
      : field == ECT0
        ? offsetof<Ecn>("received_e0b")
        : offsetof<Ecn>("received_ceb"));
  const before = load<u32>(at);
  store<u32>(at, before + len);
  // By its place in the option: e1b, ceb, e0b
  const needed: u8 = field == ECT1 ? 1 : field == CE ? 2 : 3;
  ecn.fields_needed = max(ecn.fields_needed, needed);
  if ((before ^ (before + len)) >> BYTES_STEP_SHIFT) ecn.options_demanded = max<u8>(ecn.options_demanded, 1);
}

// ---- What comes: the peer's counters

/** Takes the option's counters. True when the ACK had them, or bytes could be counted by what came before. */
function takeOption(ecn: Ecn, segment: Segment): bool {
  if (!((<u32>segment.opts) & Opt.EXT)) return false;
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  const options = (<u32>ext.options) & (ExtOpt.ACCECN0 | ExtOpt.ACCECN1);
  if (!options) return false;
  const order1 = (options & ExtOpt.ACCECN1) != 0;
  const fields = <u32>ext.accecn_fields;
  if (ecn.option_seen < <u8>AccEcnOption.COUNTERS_SEEN) {
    // §3.2.3.2.4: a counter that begins at 1 cannot be zero, unless somebody wiped it
    const first = order1 ? ext.accecn_e1b : ext.accecn_e0b;
    if (fields == 0) ecn.option_seen = <u8>AccEcnOption.EMPTY_SEEN;
    else if (first == 0) ecn.option_seen = <u8>AccEcnOption.WIPED;
    else ecn.option_seen = <u8>AccEcnOption.COUNTERS_SEEN;
  }
  if (ecn.option_seen == <u8>AccEcnOption.WIPED) {
    ecn.fail |= <u8>AccEcnFail.OPTION;
    return false;
  }
  for (let i: u32 = 0; i < fields; i++) {
    if (i == 1) ecn.delivered_ceb = follow(ecn.delivered_ceb, ext.accecn_ceb);
    else if ((i == 0) == order1) takeBytes(ecn, ECT1, ext.accecn_e1b);
    else takeBytes(ecn, ECT0, ext.accecn_e0b);
  }
  return fields != 0;
}

function takeBytes(ecn: Ecn, field: u32, counter: u32): void {
  if (field == ECT1) ecn.delivered_e1b = follow(ecn.delivered_e1b, counter - BYTES_INIT);
  else ecn.delivered_e0b = follow(ecn.delivered_e0b, counter - BYTES_INIT);
}

/** A 24-bit counter continues a longer one; one that seems to go back is an old ACK's. Appendix A.1. */
@inline
function follow(counter: u32, low: u32): u32 {
  const step = (<i32>((low - counter) << 8)) >> 8;
  return step > 0 ? counter + step : counter;
}

/** True when an ACK newly counts marks: §3.2.2.5.2 and appendix A.2 tell how many times the ACE field has gone round. */
export function accEcnTakes(tcb: Tcb, ecn: Ecn, segment: Segment, delivered: u32): bool {
  if (delivered == 0) return false;
  const ceb = ecn.delivered_ceb;
  const counted = takeOption(ecn, segment);
  if (ecn.bits & (<u8>EcnBit.ACE_WIPED) || (<u32>segment.flags) & Flag.SYN) return false;
  const step = (aceField(segment) - CEP_INIT - ecn.delivered_ce) & ACE_MASK;
  const marked = delivered > ACE_MASK ? unwrap(tcb, step, delivered, counted, ecn.delivered_ceb - ceb) : step;
  ecn.delivered_ce += marked;
  return marked != 0;
}

/** Of `delivered` segments `step` were marked, or 8 more, or 16 more, ... */
function unwrap(tcb: Tcb, step: u32, delivered: u32, counted: bool, marked_bytes: u32): u32 {
  const bytes = delivered * tcb.mss;
  const safe = delivered - ((delivered - step) & ACE_MASK);
  if (!counted) return safe;
  if (marked_bytes == 0) return step;
  if (delivered >= (ACE_MASK + 1) << 1) {
    if (bytes <= marked_bytes) return safe;
    const estimate = <u32>((<u64>marked_bytes * delivered + bytes - 1) / bytes);
    return min(safe, step + (estimate & ~ACE_MASK));
  }
  if (marked_bytes > step * tcb.mss) return safe;
  return marked_bytes < (safe * tcb.mss) >> 1 ? step : safe;
}
