/**
 * Explicit congestion notification, RFC 3168 with Linux's rules, and where it meets Accurate ECN (RFC 9768, accecn.ts):
 *
 *      handshake     SYN with ECE and CWR, SYN-ACK with ECE; three bits for accurate feedback; fallbacks
 *      what leaves   ECT(0) on new data; ECE from a CE until the peer's CWR; CWR on the first new data after a reduction
 *      what comes    CE on data, CWR; ECE, which recovery answers as it does a loss, once a window
 */
import { EcnBit, EcnMode, EcnSysctl, Flag, Mark, Opt, State, TcbFlag } from "../layout/enums";
import { Ecn } from "../layout/ecn";
import { TcbExt } from "../layout/reassembly";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { giveSlab, slabClass, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { accEcnAnswersSyn, accEcnCounts, accEcnOfSyn, accEcnStamp, accEcnSynAckArrives, accEcnTakes } from "./accecn";
import { enterQuickAcks } from "./delayed_ack";
import { connectionExt } from "./extension";

/** Where a segment's flags stand in the word that begins with its kind, see output.ts. */
const FLAGS_SHIFT: u32 = 24;

/** Of a connection with `TcbFlag.ECN`. */
@inline
export function ecnOf(tcb: Tcb): Ecn {
  return changetype<Ecn>(<usize>changetype<TcbExt>(<usize>tcb.ext).ecn);
}

/** The three bits AE, CWR and ECE as one number: RFC 9768's ACE field. */
@inline
export function aceField(segment: Segment): u32 {
  return ((<u32>segment.flags) >> 6) | (((<u32>segment.kind) & Mark.AE) >> 4);
}

/** The ACE field as it stands in a segment's first word. */
@inline
export function aceBits(ace: u32): u32 {
  return ((ace & 3) << (6 + FLAGS_SHIFT)) | ((ace & 4) << 4);
}

@inline
export function ecnField(segment: Segment): u32 {
  return ((<u32>segment.kind) & Mark.ECN_MASK) >> Mark.ECN_SHIFT;
}

// ---- The handshake

/** What the host's setting adds to what the connection offers. */
export function ecnOffer(tcb: Tcb, passive: bool): void {
  const mode = engine().ecn;
  if (!mode) return;
  if (passive) tcb.flags |= mode >= <u32>EcnSysctl.ACCURATE ? TcbFlag.OFFER_ACCECN : TcbFlag.OFFER_ECN;
  else if (mode == <u32>EcnSysctl.ACCURATE) tcb.flags |= TcbFlag.OFFER_ACCECN;
  else if (mode == <u32>EcnSysctl.ON || mode == <u32>EcnSysctl.ACCURATE_ACCEPT_ASK_CLASSIC)
    tcb.flags |= TcbFlag.OFFER_ECN;
}

/** Both ends agree: from now on marks count. */
function agree(tcb: Tcb, mode: EcnMode): void {
  const ext = connectionExt(tcb);
  if (!ext.ecn) ext.ecn = <u32>takeSlab(slabClass(offsetof<Ecn>()));
  memory.fill(ext.ecn, 0, offsetof<Ecn>());
  changetype<Ecn>(<usize>ext.ecn).mode = <u8>mode;
  tcb.flags |= TcbFlag.ECN;
}

/** Gives the block back: another connection begins, or none. */
export function ecnRelease(tcb: Tcb): void {
  tcb.flags &= ~TcbFlag.ECN;
  if (!tcb.ext) return;
  const ext = changetype<TcbExt>(<usize>tcb.ext);
  if (!ext.ecn) return;
  giveSlab(ext.ecn, slabClass(offsetof<Ecn>()));
  ext.ecn = 0;
}

/** RFC 3168 §6.1.1.1: a path that drops SYNs for their bits must not keep a connection from opening. */
function syn(tcb: Tcb): u32 {
  const again = engine().ecn_fallback ? <u32>tcb.unanswered : 0;
  // RFC 9768 §3.1.4.1: accurate feedback is asked for once more, then without
  if (tcb.flags & TcbFlag.OFFER_ACCECN) return again > 1 ? 0 : aceBits(7);
  if (tcb.flags & TcbFlag.OFFER_ECN) return again ? 0 : aceBits(3);
  return 0;
}

/** The bits of a SYN or SYN-ACK, for its first word. */
export function ecnStampSyn(tcb: Tcb): u32 {
  if (tcb.state == <u8>State.SYN_SENT) return syn(tcb);
  if (!(tcb.flags & TcbFlag.ECN)) return 0;
  const ecn = ecnOf(tcb);
  return ecn.mode == <u8>EcnMode.CLASSIC ? aceBits(1) : accEcnAnswersSyn(tcb, ecn);
}

/** The peer's SYN: RFC 3168 §6.1.1 and RFC 9768 §3.1.1. A SYN that is itself marked is no classic host's, as in Linux. */
export function ecnSynArrives(tcb: Tcb, segment: Segment): void {
  ecnRelease(tcb);
  const ace = aceField(segment);
  if (ace == 7 && tcb.flags & TcbFlag.OFFER_ACCECN) {
    agree(tcb, EcnMode.ACCURATE);
    accEcnOfSyn(ecnOf(tcb), segment);
    return;
  }
  if (!(tcb.flags & (TcbFlag.OFFER_ECN | TcbFlag.OFFER_ACCECN))) return;
  // RFC 9768 §3.1.2: whoever asks for what is not known here speaks RFC 3168 too
  if ((ace & 3) == 3 && (ecnField(segment) == 0 || ace == 7)) agree(tcb, EcnMode.CLASSIC);
}

/** The answer to our SYN: what the three bits of both say, RFC 9768 table 2. */
export function ecnSynAckArrives(tcb: Tcb, segment: Segment): void {
  ecnRelease(tcb);
  const ace = aceField(segment);
  if (tcb.flags & TcbFlag.OFFER_ACCECN) {
    if (ace == 0 || ace == 7) return;
    if ((ace & 3) == 1 && ace != 3) {
      agree(tcb, EcnMode.CLASSIC);
      return;
    }
    agree(tcb, EcnMode.ACCURATE);
    accEcnSynAckArrives(ecnOf(tcb), segment);
    return;
  }
  if (tcb.flags & TcbFlag.OFFER_ECN && (ace & 3) == 1) agree(tcb, EcnMode.CLASSIC);
}

/** With Accurate ECN the next pure ACK tells the mark of this SYN-ACK. */
export function ecnReflects(tcb: Tcb, segment: Segment): void {
  const ecn = ecnOf(tcb);
  if (ecn.mode != <u8>EcnMode.ACCURATE) return;
  ecn.syn_ect_received = <u8>ecnField(segment);
  ecn.bits |= <u8>EcnBit.REFLECT;
}

// ---- What leaves

/** The bits of a segment of a synchronised connection, for its first word. `mark`: `Opt.RETRANSMISSION` or 0. */
export function ecnStamp(tcb: Tcb, len: u32, mark: u32): u32 {
  const ecn = ecnOf(tcb);
  if (ecn.mode == <u8>EcnMode.ACCURATE) return accEcnStamp(tcb, ecn, len);
  let stamp: u32 = 0;
  const bits = <u32>ecn.bits;
  // RFC 3168 §6.1.4, §6.1.5: neither pure ACKs nor retransmissions may be marked
  if (len != 0 && !(mark & Opt.RETRANSMISSION)) {
    stamp = Mark.ECT0;
    if (bits & EcnBit.QUEUE_CWR) {
      ecn.bits = <u8>(bits & ~EcnBit.QUEUE_CWR);
      stamp |= Flag.CWR << FLAGS_SHIFT;
    }
  }
  if (bits & EcnBit.DEMAND_CWR) stamp |= Flag.ECE << FLAGS_SHIFT;
  return stamp;
}

/** RFC 3168 §6.1.2: cwnd was reduced, for whatever reason; the peer is told on the next new data. */
export function ecnReduced(tcb: Tcb): void {
  const ecn = ecnOf(tcb);
  if (ecn.mode == <u8>EcnMode.CLASSIC) ecn.bits |= <u8>EcnBit.QUEUE_CWR;
}

// ---- What comes

/** Any acceptable segment: with Accurate ECN it is counted before anything is answered. */
export function ecnCounts(tcb: Tcb, segment: Segment): void {
  const ecn = ecnOf(tcb);
  if (ecn.mode == <u8>EcnMode.ACCURATE) accEcnCounts(ecn, segment);
}

/** Text that is taken: what its mark asks for, RFC 3168 §6.1.3. */
export function ecnTextArrives(tcb: Tcb, segment: Segment): void {
  const ecn = ecnOf(tcb);
  if (ecn.mode == <u8>EcnMode.ACCURATE) {
    if (ecn.bits & (<u8>EcnBit.ACK_NOW)) tcb.flags |= TcbFlag.ACK_NOW;
    ecn.bits &= <u8>~EcnBit.ACK_NOW;
    return;
  }
  if ((<u32>segment.flags) & Flag.CWR) {
    ecn.bits &= <u8>~EcnBit.DEMAND_CWR;
    // The peer's window may be as small as one segment
    tcb.flags |= TcbFlag.ACK_NOW;
  }
  const field = ecnField(segment);
  if (field == 0) {
    // Not ECT where others were: likely a retransmission
    if (ecn.bits & (<u8>EcnBit.SEEN)) acknowledgeQuickly(tcb);
    return;
  }
  ecn.bits |= <u8>EcnBit.SEEN;
  if (field != <u32>(Mark.CE >> Mark.ECN_SHIFT)) return;
  ecn.received_ce++;
  ecn.received_ceb += segment.len;
  if (ecn.bits & (<u8>EcnBit.DEMAND_CWR)) return;
  ecn.bits |= <u8>EcnBit.DEMAND_CWR;
  acknowledgeQuickly(tcb);
}

/** The sender's window may be as small as one segment: two ACKs without delay. */
function acknowledgeQuickly(tcb: Tcb): void {
  enterQuickAcks(tcb, 2);
  tcb.flags |= TcbFlag.ACK_NOW;
}

/** Whether an ACK tells of congestion: ECE, or marks newly counted. `delivered` segments are new with it. */
export function ecnEchoes(tcb: Tcb, segment: Segment, delivered: u32): bool {
  const ecn = ecnOf(tcb);
  if (ecn.mode == <u8>EcnMode.ACCURATE) return accEcnTakes(tcb, ecn, segment, delivered);
  if (!((<u32>segment.flags) & Flag.ECE) || (<u32>segment.flags) & Flag.SYN) return false;
  // RFC 3168 tells of congestion, not of how much: what the ACK acknowledges counts, as in Linux
  ecn.delivered_ce += delivered;
  return true;
}
