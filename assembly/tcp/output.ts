/**
 * What leaves: every segment is built here and put on the engine's list for the owner to take. What is new is decided
 * in new_data.ts; what is sent again follows RFC 6675 §4 NextSeg. The window of the congestion control is compared with
 * RFC 6675's pipe.
 */
import { Flag, Opt, Recovery, State, TcbFlag, Timer } from "../layout/enums";
import { Reassembly, TcbExt } from "../layout/reassembly";
import { Segment, SegmentExt, SynOptions } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { slabClass, takeSlab } from "../base/arena";
import { takeLongSegment, takeSegment, takeSegmentHere } from "../base/pool";
import { engine } from "../base/root";
import { timestampClock } from "../base/time";
import { answerSent, quickAckSent } from "./delayed_ack";
import { accEcnOptionIsDue, accEcnOptionLength, accEcnOptionOnSynAck, accEcnWrite, accEcnWriteSynAck } from "./accecn";
import { ecnStamp, ecnStampSyn } from "./ecn";
import { fastOpenIsEarly, fastOpenStamp, fastOpenSynData } from "./fast_open";
import { sendNew } from "./new_data";
import { reassemblyOf, reassemblyRelease } from "./reassembly";
import { selectSynWindow, selectWindow, selectWindowHere } from "./receive_window";
import { OPTIONS_MAX, optionsLength } from "./pmtu";
import { scaleOffered } from "./receive_tuning";
import { sackBlock } from "./scoreboard";
import { retransmitByRfc6675, retransmitLost } from "./retransmit";
import { timerClear } from "./timers";
import { urgentPointer } from "./urgent";
import { copyFromRing } from "./real_bytes";

/** Appends to the list that the owner drains after each call. */
@inline
export function emit(segment: Segment): void {
  const e = engine();
  segment.next = 0;
  if (e.out_head) changetype<Segment>(<usize>e.out_tail).next = <u32>changetype<usize>(segment);
  else e.out_head = <u32>changetype<usize>(segment);
  e.out_tail = <u32>changetype<usize>(segment);
}

/** kind, hop (the owner sends it over the first itself), opts, flags and target lie in one word, in this order. */
@inline
export function head(tcb: Tcb, opts: u32, flags: u32): u64 {
  return (<u64>((1 << 8) | (opts << 16) | (flags << 24))) | ((<u64>tcb.route) << 32);
}

@inline
export function setHead(segment: Segment, word: u64): void {
  store<u64>(changetype<usize>(segment), word, offsetof<Segment>("kind"));
}

/** A segment of a synchronised connection: it acknowledges, and so settles what ACK was owed. */
export function send(tcb: Tcb, seq: u32, len: u32, flags: u32, now: u64, mark: u32): void {
  const settings = tcb.flags;
  let opts = mark;
  let segment: Segment;
  const urgent = settings & TcbFlag.SEND_CARE ? urgentPointer(tcb, seq) : 0;
  if (len != 0 && settings & TcbFlag.REAL_BYTES) {
    segment = withPayload(tcb, seq, len);
    opts |= Opt.EXT;
  } else if (urgent != 0 || (settings & TcbFlag.ECN && accEcnOptionIsDue(tcb, now))) {
    segment = withoutPayload();
    opts |= Opt.EXT;
  } else {
    segment = takeSegment();
  }
  const rcv_nxt = tcb.rcv_nxt;
  segment.seq = seq;
  segment.ack = rcv_nxt;
  segment.len = <u16>len;
  segment.wnd = selectWindow(tcb);
  if (settings & TcbFlag.TIMESTAMPS) {
    opts |= Opt.TIMESTAMPS;
    segment.tsval = timestampClock(now) + tcb.iss;
    segment.tsecr = tcb.ts_recent;
  }
  if ((settings & (TcbFlag.OUT_OF_ORDER | TcbFlag.SACK)) == (TcbFlag.OUT_OF_ORDER | TcbFlag.SACK))
    opts |= writeSack(tcb, segment, len) << Opt.SACK_SHIFT;
  if (urgent) {
    changetype<SegmentExt>(changetype<usize>(segment) + 64).urgent = <u16>urgent;
    flags |= Flag.URG;
  }
  let word = head(tcb, opts, flags | Flag.ACK);
  if (settings & TcbFlag.ECN) {
    if (opts & Opt.EXT && accEcnOptionIsDue(tcb, now)) {
      accEcnWrite(tcb, segment, opts, len ? spareRoom(tcb, len, opts) : u32.MAX_VALUE, now);
    }
    word |= ecnStamp(tcb, len, mark);
  }
  setHead(segment, word);
  tcb.last_ack_sent = rcv_nxt;
  settleOwedAck(tcb);
  if (len) answerSent(tcb, now);
  tcb.segments_sent++;
  emit(segment);
}

/** `sendAck` of a connection with timestamps, without ECN, that has nothing to report and no urgent data. */
@inline
export function sendPlainAck(tcb: Tcb, now: u64): void {
  const segment = takeSegmentHere();
  const at = changetype<usize>(segment);
  const rcv_nxt = tcb.rcv_nxt;
  segment.seq = tcb.snd_nxt;
  segment.ack = rcv_nxt;
  // len, wnd and tsval lie in one word
  const tsval = timestampClock(now) + tcb.iss;
  store<u64>(at, ((<u64>selectWindowHere(tcb)) << 16) | ((<u64>tsval) << 32), offsetof<Segment>("len"));
  segment.tsecr = tcb.ts_recent;
  setHead(segment, head(tcb, Opt.TIMESTAMPS, Flag.ACK));
  tcb.last_ack_sent = rcv_nxt;
  settleOwedAck(tcb);
  tcb.segments_sent++;
  emit(segment);
}

/** Bytes that a data segment has left in the MTU for more options. */
@inline
function spareRoom(tcb: Tcb, len: u32, opts: u32): u32 {
  const blocks = (opts >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  const used = len + (blocks ? 4 + (blocks << 3) : 0);
  return tcb.mss > used ? <u32>tcb.mss - used : 0;
}

/** What leaves acknowledges all that has come. */
@inline
export function settleOwedAck(tcb: Tcb): void {
  const flags = tcb.flags;
  if (!(flags & (TcbFlag.ACK_NOW | TcbFlag.ACK_DELAYED))) return;
  tcb.flags = flags & ~(TcbFlag.ACK_NOW | TcbFlag.ACK_DELAYED);
  timerClear(tcb, Timer.DELAYED_ACK);
  if (flags & TcbFlag.ACK_DELAYED) quickAckSent(tcb);
}

/** SACK option, RFC 2018 §4 and RFC 2883 §4: the DSACK once, then the most recent blocks. Returns how many. */
function writeSack(tcb: Tcb, segment: Segment, len: u32): u32 {
  const held = reassemblyOf(tcb);
  let room = sackRoom(tcb);
  if (len) {
    // A full-sized retransmission has no room left in the MTU: RFC 6691 §3.1
    const spare = tcb.mss > len ? <u32>tcb.mss - len : 0;
    room = spare < 12 ? 0 : min(room, (spare - 4) >> 3);
  }
  let count: u32 = 0;
  if (held.dsack != 0 && room != 0) {
    held.dsack = 0;
    const at = sackBlock(segment, count++);
    store<u32>(at, held.dsack_start);
    store<u32>(at, held.dsack_end, 4);
  }
  for (let i: u32 = 0; i < held.blocks && count < room; i++) {
    const at = sackBlock(segment, count++);
    store<u64>(at, load<u64>(changetype<usize>(held) + ((<usize>i) << 3), offsetof<Reassembly>("block0_start")));
  }
  if (held.count == 0 && held.fin == 0 && held.dsack == 0) reassemblyRelease(tcb);
  return count;
}

/** SACK blocks that fit beside the options that every segment carries. */
@inline
function sackRoom(tcb: Tcb): u32 {
  return (OPTIONS_MAX - 4 - optionsLength(tcb)) >> 3;
}

/** Bytes that options take on the next data segment beyond those counted in the MSS. */
export function optionRoom(tcb: Tcb, now: u64): u32 {
  const sack = sackOptionLength(tcb);
  return tcb.flags & TcbFlag.ECN ? sack + accEcnOptionLength(tcb, sack, now) : sack;
}

function sackOptionLength(tcb: Tcb): u32 {
  const both = TcbFlag.OUT_OF_ORDER | TcbFlag.SACK;
  if ((tcb.flags & both) != both) return 0;
  const held = reassemblyOf(tcb);
  const blocks = min<u32>(held.blocks + held.dsack, sackRoom(tcb));
  return blocks ? 4 + (blocks << 3) : 0;
}

function withPayload(tcb: Tcb, seq: u32, len: u32): Segment {
  const segment = takeLongSegment();
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  memory.fill(changetype<usize>(ext), 0, offsetof<SegmentExt>());
  const klass = slabClass(len);
  ext.payload = <u32>takeSlab(klass);
  ext.payload_class = klass;
  const bytes = changetype<TcbExt>(<usize>tcb.ext);
  copyFromRing(ext.payload, bytes.send, bytes.send_mask, seq, len);
  return segment;
}

/** A long segment for the sake of its options. */
function withoutPayload(): Segment {
  const segment = takeLongSegment();
  memory.fill(changetype<usize>(segment) + 64, 0, offsetof<SegmentExt>());
  return segment;
}

/** A segment without data: ACKs, window updates, probes of a synchronised connection. */
export function sendAck(tcb: Tcb, now: u64): void {
  send(tcb, tcb.snd_nxt, 0, 0, now, 0);
}

/** An out-of-window segment that the peer must answer with an ACK: the persist timer's probe. */
export function sendProbe(tcb: Tcb, now: u64): void {
  send(tcb, tcb.snd_una - 1, 0, 0, now, 0);
}

/** A reset of a connection, `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>`, RFC 9293 §3.10.5. */
export function sendReset(tcb: Tcb, now: u64): void {
  send(tcb, tcb.snd_nxt, 0, Flag.RST, now, 0);
}

/** The answer to a segment that no connection wants, RFC 9293 §3.10.7.1; never to a reset. */
export function refuse(tcb: Tcb, arrived: Segment): void {
  if ((<u32>arrived.flags) & Flag.RST) return;
  const segment = takeSegment();
  segment.len = 0;
  segment.wnd = 0;
  if ((<u32>arrived.flags) & Flag.ACK) {
    segment.seq = arrived.ack;
    segment.ack = 0;
    setHead(segment, head(tcb, 0, Flag.RST));
  } else {
    segment.seq = 0;
    segment.ack = arrived.seq + segmentLength(arrived);
    setHead(segment, head(tcb, 0, Flag.RST | Flag.ACK));
  }
  emit(segment);
}

/** SEG.LEN, RFC 9293 §3.4: SYN and FIN count. */
@inline
export function segmentLength(segment: Segment): u32 {
  const flags = <u32>segment.flags;
  return <u32>segment.len + ((flags & Flag.SYN) >> 1) + (flags & Flag.FIN);
}

/** SYN or SYN-ACK: offers what the user allows, or what the peer's SYN offered too. */
export function sendSyn(tcb: Tcb, now: u64, mark: u32): void {
  const answer = tcb.state != State.SYN_SENT;
  const flags = tcb.flags;
  // SYNs have crossed: Linux repeats what its own offered, RFC 7323 only what was heard; both ends know what holds
  const crossed = tcb.state == <u8>State.SYN_RECEIVED && !(flags & TcbFlag.PASSIVE) && !fastOpenIsEarly(tcb);
  const heard = answer && !crossed;
  let opts: u32 = (<u32>Opt.SYN) | mark;
  // RFC 9768 §3.2.3.2: the option goes on the first SYN-ACK only
  const accurate = answer && mark == 0 && (flags & TcbFlag.ECN) != 0 && accEcnOptionOnSynAck(tcb);
  // RFC 7413 §4.2.1: text on the first SYN only
  const early = mark == 0 && tcb.ext != 0 ? fastOpenSynData(tcb) : 0;
  const bytes = early != 0 && (flags & TcbFlag.REAL_BYTES) != 0;
  const segment = bytes ? withPayload(tcb, tcb.iss + 1, early) : accurate ? withoutPayload() : takeSegment();
  if (accurate || bytes) opts |= Opt.EXT;
  const syn = changetype<SynOptions>(changetype<usize>(segment));
  store<u64>(changetype<usize>(syn), 0, offsetof<SynOptions>("mss"));
  syn.mss = tcb.rcv_mss;
  syn.sack_permitted = <u8>((flags & (heard ? TcbFlag.SACK : TcbFlag.OFFER_SACK)) != 0);
  if (flags & (heard ? TcbFlag.WINDOW_SCALING : TcbFlag.OFFER_WINDOW_SCALING)) {
    syn.wscale_plus_one = (crossed ? scaleOffered(tcb) : tcb.rcv_wscale) + 1;
  }
  if (flags & (heard ? TcbFlag.TIMESTAMPS : TcbFlag.OFFER_TIMESTAMPS)) {
    opts |= Opt.TIMESTAMPS;
    segment.tsval = timestampClock(now) + tcb.iss;
    segment.tsecr = answer ? tcb.ts_recent : 0;
  }
  if (tcb.ext) {
    fastOpenStamp(tcb, syn, mark != 0);
    const ext = changetype<TcbExt>(<usize>tcb.ext);
    const checksum = answer ? ext.alt_checksum : ext.alt_checksum_wish;
    if (checksum) syn.alt_checksum = checksum + 1;
  }
  segment.seq = tcb.iss;
  segment.ack = answer ? tcb.rcv_nxt : 0;
  segment.len = <u16>early;
  segment.wnd = selectSynWindow(tcb);
  const word = head(tcb, opts, answer ? (<u32>Flag.SYN) | Flag.ACK : <u32>Flag.SYN);
  setHead(segment, word | ecnStampSyn(tcb));
  if (accurate) accEcnWriteSynAck(segment);
  tcb.last_ack_sent = tcb.rcv_nxt;
  tcb.segments_sent++;
  if (mark) {
    tcb.retransmits++;
    tcb.flags |= TcbFlag.SYN_SENT_AGAIN;
  } else {
    // Until data leaves: when the first SYN did
    tcb.last_sent_ms = timestampClock(now);
  }
  emit(segment);
}

/** Sends what the windows allow: new data, and without RACK, which sends it when it finds it, what was lost. */
export function sendPending(tcb: Tcb, now: u64): bool {
  if (engine().recovery & Recovery.RACK) return sendNew(tcb, now);
  const sent = tcb.lost_out > tcb.retrans_out && retransmitLost(tcb, now, tcb.cwnd);
  const fresh = sendNew(tcb, now);
  return retransmitByRfc6675(tcb, fresh, now) || sent || fresh;
}
