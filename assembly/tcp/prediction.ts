/**
 * Header prediction (Jacobson, 1990): of an established connection nearly every segment is the next text of data that
 * flows one way, or a pure ACK of it while nothing is lost or in doubt. A few comparisons recognise both, and what
 * follows is known. Each function here does what `segment_arrives.ts` would do, or nothing: tests/tcp/prediction_test.ts
 * runs both ways and compares.
 */
import { CaState, Flag, Opt, Pending, Recovery, State, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGt, seqLeq, seqLt, seqMax } from "../base/seq";
import { timestampClock } from "../base/time";
import { acknowledgeCalmlyHere } from "./ack";
import { ackIsDue, delayAck, noteGap } from "./delayed_ack";
import { sendSteadily, steadyRoom } from "./new_data";
import { sendPending, sendPlainAck } from "./output";
import { storeTimestamp } from "./paws";
import { tuneOnRead, tuneOnText } from "./receive_tuning";
import { receiverOf } from "./receiver";
import { noteWritable } from "./send_buffer";
import { senderOf } from "./sender";
import { armProbe, rearmRto, setTransmitTimer } from "./tlp";

/** Options and control bits of a segment, as they lie in the word of its kind: timestamps and ACK, nothing else. */
const PLAIN: u32 = (Opt.TIMESTAMPS << 16) | (Flag.ACK << 24);
const PLAIN_MASK: u32 = 0xffff0000;

/** What rules either prediction out. */
const ODD: u32 =
  TcbFlag.OUT_OF_ORDER |
  TcbFlag.REAL_BYTES |
  TcbFlag.ECN |
  TcbFlag.SEND_CARE |
  TcbFlag.FIN_QUEUED |
  TcbFlag.FIN_RECEIVED;
const TEXT_FLAGS: u32 = TcbFlag.TIMESTAMPS | TcbFlag.READS_AT_ONCE | TcbFlag.DELAYED_ACK;
const ACK_FLAGS: u32 = TcbFlag.TIMESTAMPS | TcbFlag.SACK;
/** Who waits for any sign of life. */
const WAITING: u32 = (1 << Timer.PERSIST) | (1 << Timer.KEEPALIVE);

// State, ca_state, timers and flags of a control block lie in one word
const TEXT_MASK: u64 = 0xff | ((<u64>WAITING) << 24) | ((<u64>(ODD | TEXT_FLAGS)) << 32);
const TEXT_CALM: u64 = (<u64>State.ESTABLISHED) | ((<u64>TEXT_FLAGS) << 32);
const ACK_MASK: u64 = 0xffff | ((<u64>WAITING) << 24) | ((<u64>(ODD | ACK_FLAGS)) << 32);
const ACK_CALM: u64 = (<u64>State.ESTABLISHED) | ((<u64>CaState.OPEN) << 8) | ((<u64>ACK_FLAGS) << 32);

if (offsetof<Tcb>("ca_state") != 1 || offsetof<Tcb>("timer_mask") != 3 || offsetof<Tcb>("flags") != 4) {
  ERROR("state, ca_state, timer_mask and flags do not lie as prediction.ts reads them");
}
if (offsetof<Segment>("opts") != offsetof<Segment>("kind") + 2) ERROR("kind, hop, opts and flags are not one word");
if (offsetof<Segment>("ack") != offsetof<Segment>("seq") + 4) ERROR("SEG.SEQ and SEG.ACK are not neighbours");
if (offsetof<Tcb>("snd_una") != offsetof<Tcb>("rcv_nxt") + 4) ERROR("RCV.NXT and SND.UNA are not neighbours");

/** True when the segment was one of the two, and is dealt with. */
@inline
export function predicted(tcb: Tcb, segment: Segment, now: u64): bool {
  const word = load<u32>(changetype<usize>(segment), offsetof<Segment>("kind"));
  if ((word & PLAIN_MASK) != PLAIN) return false;
  return segment.len ? textPredicted(tcb, segment, now) : ackPredicted(tcb, segment, now);
}

/** The next text, a full segment, for an end that reads at once and has nothing in flight or to send. */
function textPredicted(tcb: Tcb, segment: Segment, now: u64): bool {
  const at = changetype<usize>(tcb);
  if ((load<u64>(at) & TEXT_MASK) != TEXT_CALM || tcb.rx == 0) return false;
  const rx = receiverOf(tcb);
  const len = <u32>segment.len;
  const seq = segment.seq;
  const ack = segment.ack;
  // As one, because each is nearly always as it should be: SEQ and ACK; what was sent and written; the window; the length
  const numbers =
    load<u64>(changetype<usize>(segment), offsetof<Segment>("seq")) ^ load<u64>(at, offsetof<Tcb>("rcv_nxt"));
  const others =
    (tcb.snd_nxt ^ ack) |
    (tcb.write_seq ^ ack) |
    (tcb.snd_wl2 ^ ack) |
    (((<u32>segment.wnd) << tcb.snd_wscale) ^ tcb.snd_wnd) |
    (<u32>tcb.unanswered) |
    (len ^ (<u32>rx.rcv_mss));
  if ((numbers | others) != 0) return false;
  const end = seq + len;
  const tsval = segment.tsval;
  if (seqGt(end, tcb.rcv_adv) || seqLt(tsval, tcb.ts_recent)) return false;
  // An answer to a probe may be on its way
  if (tcb.tx != 0 && senderOf(tcb).tlp_high_seq != 0) return false;

  if (seqLeq(seq, tcb.last_ack_sent)) storeTimestamp(tcb, tsval, now);
  tcb.bytes_received += len;
  tcb.rcv_nxt = end;
  tcb.copied_seq = end;
  rx.last_seg_size = 0;
  noteGap(tcb, rx, now);
  if (tcb.flags & TcbFlag.TUNED_BUFFER) {
    tuneOnText(tcb, rx, segment, now);
    tuneOnRead(tcb, rx, now);
  }
  tcb.flags |= TcbFlag.ACK_DELAYED;
  if (ackIsDue(tcb, rx, true) || !delayAck(tcb, rx, now)) sendPlainAck(tcb, now);
  return true;
}

/** An ACK of whole segments, not of all, while nothing is SACKed, lost, sent again or probed for. */
function ackPredicted(tcb: Tcb, segment: Segment, now: u64): bool {
  if ((load<u64>(changetype<usize>(tcb)) & ACK_MASK) != ACK_CALM) return false;
  const seq = segment.seq;
  const ack = segment.ack;
  const una = tcb.snd_una;
  if (seq != tcb.rcv_nxt || ack - una - 1 >= tcb.snd_nxt - una) return false;
  const tx = senderOf(tcb);
  const tsval = segment.tsval;
  const window = (<u32>segment.wnd) << tcb.snd_wscale;
  if (seqLt(tsval, tcb.ts_recent) || window > tcb.snd_wnd_max) return false;
  if ((tcb.sacked_out | tcb.lost_out | tcb.retrans_out | tx.tlp_high_seq) != 0) return false;
  // Ahead of the round-trip sample, which looks at the clock's milliseconds
  const now_ms = timestampClock(now);
  if (!acknowledgeCalmlyHere(tcb, tx, ack, now)) return false;

  if (seqLeq(seq, tcb.last_ack_sent)) storeTimestamp(tcb, tsval, now);
  tcb.snd_wl1 = seq;
  tcb.snd_wl2 = ack;
  tcb.snd_wnd = window;
  tcb.unanswered = 0;
  tx.heard_ms = now_ms;
  if (tcb.flags & TcbFlag.WRITES_FOR_EVER) {
    tcb.write_seq = seqMax(tcb.write_seq, ack + tcb.snd_buf);
    const room = steadyRoom(tcb, tx, tcb.packets_out);
    if (room >= 0) {
      sendSteadily(tcb, tx, <u32>room, now);
      if (engine().recovery & Recovery.TLP) armProbe(tcb, tx, now, room == 0);
      else rearmRto(tcb, now);
      return true;
    }
  } else if (tcb.flags & TcbFlag.WRITE_BLOCKED) {
    noteWritable(tcb, now);
  }
  const sent = sendPending(tcb, now);
  // New data sets a probe's timer itself
  if (!sent || tx.pending != <u8>Pending.PROBE) setTransmitTimer(tcb, now, true);
  return true;
}
