/**
 * What leaves: every segment is built here and put on the engine's list for the owner to take. What is new is decided
 * in new_data.ts; what is sent again follows RFC 6675 §4 NextSeg. The window of the congestion control is compared with
 * RFC 6675's pipe.
 */
import { CaState, Flag, Opt, Sent, State, TcbFlag, Timer } from "../layout/enums";
import { Reassembly, TcbExt } from "../layout/reassembly";
import { Segment, SegmentExt, SynOptions } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { slabClass, takeSlab } from "../base/arena";
import { takeLongSegment, takeSegment } from "../base/pool";
import { engine } from "../base/root";
import { seqGt } from "../base/seq";
import { timestampClock } from "../base/time";
import { sendNew } from "./new_data";
import { reassemblyOf, reassemblyRelease } from "./reassembly";
import { selectSynWindow, selectWindow } from "./receive_window";
import { sackBlock } from "./scoreboard";
import { senderOf } from "./sender";
import { inFlight, sentAt, sentEnd, sentTail } from "./sent";
import { timerClear } from "./timers";
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
  if (len != 0 && settings & TcbFlag.REAL_BYTES) {
    segment = withPayload(tcb, seq, len);
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
    opts |= writeSack(tcb, segment, len, opts) << Opt.SACK_SHIFT;
  setHead(segment, head(tcb, opts, flags | Flag.ACK));
  tcb.last_ack_sent = rcv_nxt;
  settleOwedAck(tcb);
  tcb.segments_sent++;
  emit(segment);
}

/** What leaves acknowledges all that has come. */
@inline
export function settleOwedAck(tcb: Tcb): void {
  const flags = tcb.flags;
  if (!(flags & (TcbFlag.ACK_NOW | TcbFlag.ACK_DELAYED))) return;
  tcb.flags = flags & ~(TcbFlag.ACK_NOW | TcbFlag.ACK_DELAYED);
  tcb.rcv_unacked = 0;
  timerClear(tcb, Timer.DELAYED_ACK);
}

/** SACK option, RFC 2018 §4 and RFC 2883 §4: the DSACK once, then the most recent blocks. Returns how many. */
function writeSack(tcb: Tcb, segment: Segment, len: u32, opts: u32): u32 {
  const held = reassemblyOf(tcb);
  let room: u32 = opts & Opt.TIMESTAMPS ? 3 : 4;
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

/** Bytes that options take on the next data segment beyond those counted in the MSS. */
export function sackOptionLength(tcb: Tcb): u32 {
  const both = TcbFlag.OUT_OF_ORDER | TcbFlag.SACK;
  if ((tcb.flags & both) != both) return 0;
  const held = reassemblyOf(tcb);
  const blocks = min<u32>(held.blocks + held.dsack, tcb.flags & TcbFlag.TIMESTAMPS ? 3 : 4);
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
  const segment = takeSegment();
  const answer = tcb.state != State.SYN_SENT;
  const flags = tcb.flags;
  let opts: u32 = (<u32>Opt.SYN) | mark;
  const syn = changetype<SynOptions>(changetype<usize>(segment));
  store<u64>(changetype<usize>(syn), 0, offsetof<SynOptions>("mss"));
  syn.mss = tcb.rcv_mss;
  syn.sack_permitted = <u8>((flags & (answer ? TcbFlag.SACK : TcbFlag.OFFER_SACK)) != 0);
  syn.wscale_plus_one =
    flags & (answer ? TcbFlag.WINDOW_SCALING : TcbFlag.OFFER_WINDOW_SCALING) ? tcb.rcv_wscale + 1 : 0;
  if (flags & (answer ? TcbFlag.TIMESTAMPS : TcbFlag.OFFER_TIMESTAMPS)) {
    opts |= Opt.TIMESTAMPS;
    segment.tsval = timestampClock(now) + tcb.iss;
    segment.tsecr = answer ? tcb.ts_recent : 0;
  }
  segment.seq = tcb.iss;
  segment.ack = answer ? tcb.rcv_nxt : 0;
  segment.len = 0;
  segment.wnd = selectSynWindow(tcb);
  setHead(segment, head(tcb, opts, answer ? (<u32>Flag.SYN) | Flag.ACK : <u32>Flag.SYN));
  tcb.last_ack_sent = tcb.rcv_nxt;
  tcb.segments_sent++;
  if (mark) {
    tcb.retransmits++;
    tcb.flags |= TcbFlag.SYN_SENT_AGAIN;
  }
  emit(segment);
}

/** Sends record `index` again. */
export function retransmit(tcb: Tcb, index: u32, now: u64): void {
  const record = sentAt(tcb, index);
  const fin = record.meta & Sent.FIN;
  const seq = record.seq;
  const end = sentEnd(tcb, index);
  const len = end - seq - (fin ? 1 : 0);
  if (!(record.meta & Sent.RETRANS)) {
    record.meta |= Sent.RETRANS | Sent.EVER_RETRANS;
    tcb.retrans_out++;
  }
  record.sent_at = now;
  tcb.retransmits++;
  tcb.last_sent_ms = timestampClock(now);
  const push = record.meta & Sent.PUSH ? <u32>Flag.PSH : 0;
  send(tcb, seq, len, push | (fin ? <u32>Flag.FIN : 0), now, Opt.RETRANSMISSION);
}

/** Sends all that the windows allow: first what was lost, then what is new. True when anything left. */
export function sendPending(tcb: Tcb, now: u64): bool {
  let sent = false;
  if (tcb.lost_out > tcb.retrans_out || <i32>tcb.ca_state >= CaState.RECOVERY)
    sent = retransmitLost(tcb, now, tcb.cwnd);
  const fresh = sendNew(tcb, now);
  if (tcb.ca_state != <u8>CaState.RECOVERY || !(tcb.flags & TcbFlag.SACK)) return sent || fresh;
  const guessed = retransmitGuesses(tcb, now);
  const rescued = !fresh && rescue(tcb, now);
  return sent || fresh || guessed || rescued;
}

/**
 * RFC 6675 NextSeg rule 3: with nothing lost and nothing new to send, holes below the highest SACK that may yet prove
 * lost. They do not count as lost, so the pipe has them twice, as SetPipe() says.
 */
function retransmitGuesses(tcb: Tcb, now: u64): bool {
  if (<i32>(tcb.lost_frontier - tcb.sent_head) < 0) tcb.lost_frontier = tcb.sent_head;
  let beyond = tcb.sacked_beyond;
  let sent = false;
  for (let index = tcb.lost_frontier; beyond != 0 && inFlight(tcb) < tcb.cwnd; index++) {
    const meta = sentAt(tcb, index).meta;
    if (meta & Sent.SACKED) {
      beyond--;
    } else if (!(meta & Sent.RETRANS)) {
      retransmit(tcb, index, now);
      sent = true;
    }
  }
  return sent;
}

/** NextSeg rule 4: the last segment, once a recovery, so that a lost tail does not wait for the timer. */
function rescue(tcb: Tcb, now: u64): bool {
  if (tcb.packets_out == tcb.sacked_out || inFlight(tcb) >= tcb.cwnd) return false;
  if (!seqGt(tcb.snd_una, senderOf(tcb).rescue_rxt)) return false;
  let last = sentTail(tcb) - 1;
  while (sentAt(tcb, last).meta & Sent.SACKED) last--;
  if (sentAt(tcb, last).meta & Sent.RETRANS) return false;
  senderOf(tcb).rescue_rxt = tcb.high_seq;
  retransmit(tcb, last, now);
  return true;
}

/** RFC 5681 §3.2 (3), RFC 6675 §5 (4.3): the first lost segment leaves at once, before the pipe is asked. */
export function fastRetransmit(tcb: Tcb, now: u64): void {
  retransmitLost(tcb, now, inFlight(tcb) + 1);
}

/** RFC 6675 NextSeg rule 1: the oldest lost segments that no retransmission is in flight for, up to `window`. */
function retransmitLost(tcb: Tcb, now: u64, window: u32): bool {
  const tail = sentTail(tcb);
  if (<i32>(tcb.rtx_hint - tcb.sent_head) < 0) tcb.rtx_hint = tcb.sent_head;
  const edge = tcb.snd_una + tcb.snd_wnd;
  let sent = false;
  while (<i32>(tcb.rtx_hint - tail) < 0 && tcb.lost_out != 0 && inFlight(tcb) < window) {
    const index = tcb.rtx_hint;
    const record = sentAt(tcb, index);
    if ((record.meta & (Sent.LOST | Sent.RETRANS)) == Sent.LOST) {
      // A window that was taken back holds retransmissions up too; the oldest segment probes it
      if (index != tcb.sent_head && seqGt(sentEnd(tcb, index), edge)) break;
      retransmit(tcb, index, now);
      sent = true;
    } else if (<i32>(index - tcb.lost_frontier) >= 0) {
      break;
    }
    tcb.rtx_hint = index + 1;
  }
  return sent;
}
