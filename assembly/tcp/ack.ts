/**
 * The ACK field, RFC 9293 §3.10.7.4 fifth check: what it acknowledges, what it says of the window, and what the
 * sender makes of it.
 */
import { AckSample } from "../layout/engine";
import { AckFlag, CaState, Chrono, Flag, Opt, Pending, Recovery, Sent, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { ackSample, engine } from "../base/root";
import { seqGt, seqLeq, seqLt, seqMax } from "../base/seq";
import { microseconds, timestampClock } from "../base/time";
import { ccOnAck } from "../cc/cc";
import { isCwndLimited } from "../cc/window";
import { challenge } from "./challenge";
import { chronoStop } from "./chrono";
import { ecnCounts, ecnEchoes } from "./ecn";
import { probeArrived } from "./mtu_probing";
import { sendNew } from "./new_data";
import { sendPending } from "./output";
import { syncMss } from "./pmtu";
import { noteHeard, windowAnswered } from "./probes";
import { noteReordering, rackAdvance, rackIsOn, rackUpdateWindow } from "./rack";
import { controlCongestion, forgetDuplicates, recoveryOnAck } from "./recovery";
import { fastRetransmit, retransmitQueue } from "./retransmit";
import { backedOffRto, noteMinRtt, restartRetransmitTimer, rttSample, rttSampleHere } from "./rtt";
import { noteWritable } from "./send_buffer";
import { scoreboardUpdate } from "./scoreboard";
import { senderOf } from "./sender";
import { sentAt, sentForget, sentIn, sentRelease } from "./sent";
import { timerIsSet, timerSet } from "./timers";
import { probeAcked, setTransmitTimer } from "./tlp";
import { recoversLiterally } from "./undo";

/** What a receiver of one-way data sees on every segment: an ACK that says nothing that is not known. */
@inline
export function ackIsOldNews(tcb: Tcb, segment: Segment): bool {
  return (
    segment.ack == tcb.snd_una &&
    tcb.packets_out == 0 &&
    !(tcb.flags & TcbFlag.ECN) &&
    segment.ack == tcb.snd_wl2 &&
    (<u32>segment.wnd) << tcb.snd_wscale == tcb.snd_wnd &&
    tcb.unanswered == 0 &&
    ((<u32>tcb.timer_mask) & ((1 << Timer.PERSIST) | (1 << Timer.KEEPALIVE))) == 0 &&
    (tcb.tx == 0 || !tellsOfThePast(tcb, segment))
  );
}

/** A duplicate of something acknowledged, or of a probe: not news of what is in flight, but of the last reduction. */
function tellsOfThePast(tcb: Tcb, segment: Segment): bool {
  return (((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK) != 0 || senderOf(tcb).tlp_high_seq != 0;
}

/** False when the segment is to be dropped: it acknowledges what was never sent. */
export function ackArrives(tcb: Tcb, segment: Segment, now: u64): bool {
  const ack = segment.ack;
  const una = tcb.snd_una;
  if (tcb.flags & TcbFlag.ECN) ecnCounts(tcb, segment);
  // One comparison tells SND.UNA <= SEG.ACK <= SND.NXT
  if (ack - una > tcb.snd_nxt - una) {
    if (oddAckPasses(tcb, ack)) {
      oldAckArrives(tcb, segment, now);
      return true;
    }
    // RFC 5961 §5.2
    challenge(tcb, now);
    return false;
  }
  const advanced = seqLt(una, ack);
  const window = tcb.snd_wnd;
  const speaks = updateWindow(tcb, segment);
  // Linux takes any newer segment for a window update; RFC 5681 §2 asks whether the window is another
  const updates = recoversLiterally() ? tcb.snd_wnd != window : speaks;
  // RFC 9293 §3.8.3: R2 counts for one segment; probes are answered by any ACK (§3.8.6.1)
  if (advanced || tcb.packets_out == 0) tcb.unanswered = 0;
  noteHeard(tcb, now);
  if (tcb.tx) senderOf(tcb).heard_ms = timestampClock(now);
  const blocks = ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  if (!advanced && tcb.packets_out == 0) {
    if (tcb.tx != 0 && tellsOfThePast(tcb, segment)) lateDuplicateArrives(tcb, segment, updates, now);
    windowAnswered(tcb, now);
    if (!bringsText(segment)) sendPending(tcb, now);
    return true;
  }

  // Nothing is wrong and nothing was: no more to decide
  const doubt = blocks | tcb.sacked_out | tcb.lost_out | tcb.retrans_out | tcb.ca_state;
  const calm = doubt == 0 && advanced && isCalm(tcb) && acknowledgeCalmly(tcb, senderOf(tcb), ack, now);
  if (!calm) {
    const sample = ackSample();
    beginSample(tcb, sample, now);
    const text = segment.len != 0 || ((<u32>segment.flags) & (Flag.SYN | Flag.FIN)) != 0;
    sample.flags =
      (advanced ? AckFlag.ADVANCED : 0) | (updates ? AckFlag.WINDOW_UPDATE : 0) | (text ? AckFlag.DATA : 0);
    dubiousAck(tcb, segment, sample, blocks, now);
  }
  if (advanced) {
    // An endless source fills what has become free; a write of its own may have gone beyond
    if (tcb.flags & TcbFlag.WRITES_FOR_EVER) tcb.write_seq = seqMax(tcb.write_seq, tcb.snd_una + tcb.snd_buf);
    else if (tcb.flags & TcbFlag.WRITE_BLOCKED) noteWritable(tcb, now);
  }
  const sent = !bringsText(segment) && sendPending(tcb, now);
  // New data sets a probe's timer itself
  if (calm && !(sent && senderOf(tcb).pending == <u8>Pending.PROBE)) setTransmitTimer(tcb, now, true);
  return true;
}

/** Text comes before new data leaves, which acknowledges it then: `segment_arrives.ts` sends. */
@inline
function bringsText(segment: Segment): bool {
  return segment.len != 0 || ((<u32>segment.flags) & Flag.FIN) != 0;
}

/** No probe is out whose answer this may be, no mark may be told of, and nothing rare is to be looked at. */
@inline
function isCalm(tcb: Tcb): bool {
  return senderOf(tcb).tlp_high_seq == 0 && !(tcb.flags & (TcbFlag.ECN | TcbFlag.SEND_CARE));
}

function beginSample(tcb: Tcb, sample: AckSample, now: u64): void {
  sample.now = now;
  sample.prior_sacked = tcb.sacked_out;
  sample.prior_una = tcb.snd_una;
  sample.prior_fack = tcb.sacked_out ? senderOf(tcb).fack : tcb.snd_una;
  sample.reord = tcb.snd_nxt;
  sample.delivered = 0;
  sample.acked = 0;
  sample.rtt_us = 0;
  sample.flags = 0;
  sample.first_sacked_at = 0;
  sample.last_sacked_at = 0;
}

/** Something is wrong, or may be: SACKs, losses, a state other than OPEN, a duplicate. */
function dubiousAck(tcb: Tcb, segment: Segment, sample: AckSample, blocks: u32, now: u64): void {
  const tx = senderOf(tcb);
  const lost = tx.lost;
  const sack = (tcb.flags & TcbFlag.SACK) != 0;
  if (blocks != 0 && sack) scoreboardUpdate(tcb, segment, sample);
  const advanced = (sample.flags & AckFlag.ADVANCED) != 0;
  acknowledge(tcb, segment, segment.ack, sample);
  if (sample.acked) sample.flags |= AckFlag.SET_TIMER;
  if (tcb.flags & TcbFlag.ECN && ecnEchoes(tcb, segment, sample.delivered)) sample.flags |= AckFlag.ECE;
  rackUpdateWindow(tcb, sample);
  if (tx.tlp_high_seq) probeAcked(tcb, segment.ack, sample);
  const novel: u32 = AckFlag.ADVANCED | AckFlag.DATA | AckFlag.WINDOW_UPDATE;
  const alert: u32 = AckFlag.SACKED | AckFlag.DSACK | AckFlag.ECE;
  if (!(sample.flags & novel) || sample.flags & alert || tcb.ca_state != <u8>CaState.OPEN) {
    recoveryOnAck(tcb, segment, sample, sample.flags & (novel | AckFlag.DSACK) ? 0 : 1);
  }
  if (!(engine().recovery & Recovery.RACK)) {
    if (advanced) restartRetransmitTimer(tcb, now);
  } else if (sample.flags & AckFlag.SET_TIMER) {
    setTransmitTimer(tcb, now, true);
  }
  sample.lost = tx.lost - lost;
  controlCongestion(tcb, sample);
  sendAgain(tcb, sample, now);
}

/** What recovery asks to be sent again, F-RTO's new data first. */
function sendAgain(tcb: Tcb, sample: AckSample, now: u64): void {
  const flags = sample.flags;
  if (flags & AckFlag.SEND_NEW) {
    sendNew(tcb, now);
    if (seqGt(tcb.snd_nxt, tcb.high_seq)) return;
    senderOf(tcb).frto = 0;
  } else if (!(flags & AckFlag.SEND_LOST)) {
    return;
  }
  const now_or_never = (engine().recovery & Recovery.PRR) == 0 && (flags & AckFlag.ENTERED_RECOVERY) != 0;
  const next_hole = recoversLiterally() && !(tcb.flags & TcbFlag.SACK) && (flags & AckFlag.ADVANCED) != 0;
  if (now_or_never || next_hole) fastRetransmit(tcb, now);
  retransmitQueue(tcb, now);
}

/** An ACK below SND.UNA: its SACK blocks are used all the same. */
function oldAckArrives(tcb: Tcb, segment: Segment, now: u64): void {
  const blocks = ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  if (blocks == 0 || !(tcb.flags & TcbFlag.SACK) || tcb.tx == 0) return;
  const sample = ackSample();
  beginSample(tcb, sample, now);
  if (segment.len) sample.flags = AckFlag.DATA;
  scoreboardUpdate(tcb, segment, sample);
  recoveryOnAck(tcb, segment, sample, 0);
  sendAgain(tcb, sample, now);
  sendPending(tcb, now);
}

/** Nothing is in flight, but a duplicate is reported: perhaps the last reduction, or a probe, was needless. */
function lateDuplicateArrives(tcb: Tcb, segment: Segment, updates: bool, now: u64): void {
  if (!(tcb.flags & TcbFlag.SACK)) return;
  const sample = ackSample();
  beginSample(tcb, sample, now);
  sample.flags = (bringsText(segment) ? AckFlag.DATA : 0) | (updates ? AckFlag.WINDOW_UPDATE : 0);
  scoreboardUpdate(tcb, segment, sample);
  rackUpdateWindow(tcb, sample);
  if (sample.flags & AckFlag.DSACK) recoveryOnAck(tcb, segment, sample, 0);
  if (senderOf(tcb).tlp_high_seq) probeAcked(tcb, segment.ack, sample);
}

/** An ACK outside SND.UNA..SND.NXT: RFC 5961 §5.2 lets one pass that is not older than any window offered. */
function oddAckPasses(tcb: Tcb, ack: u32): bool {
  const age = tcb.snd_una - ack;
  return seqLt(ack, tcb.snd_una) && age <= tcb.snd_wnd_max && <u64>age <= tcb.bytes_acked + 1;
}

/**
 * SND.WND, by SND.WL1 so that an old segment cannot set it: new data acknowledged, a newer segment, or one as new that
 * offers more. True when the segment speaks of the window at all.
 */
export function updateWindow(tcb: Tcb, segment: Segment): bool {
  const seq = segment.seq;
  const ack = segment.ack;
  const window = (<u32>segment.wnd) << tcb.snd_wscale;
  const newer = seqGt(ack, tcb.snd_una) || seqLt(tcb.snd_wl1, seq);
  if (!newer && (tcb.snd_wl1 != seq || (window <= tcb.snd_wnd && window != 0))) return false;
  tcb.snd_wl1 = seq;
  tcb.snd_wl2 = ack;
  tcb.snd_wnd = window;
  if (window > tcb.snd_wnd_max) {
    tcb.snd_wnd_max = window;
    syncMss(tcb);
  }
  return true;
}

/** What `Sent` says of a segment that is more than sent. */
const EVENTFUL: u32 = Sent.SACKED | Sent.LOST | Sent.RETRANS | Sent.EVER_RETRANS;

/**
 * `acknowledge` of an ACK that leaves nothing to decide: of whole segments that were sent once, not of all, by a sender
 * that doubts nothing. The window of the congestion control grows by it. False when it is not such an ACK, nothing done.
 */
export function acknowledgeCalmly(tcb: Tcb, tx: Sender, ack: u32, now: u64): bool {
  return acknowledgeCalmlyHere(tcb, tx, ack, now);
}

/** `acknowledgeCalmly`, not as a call. */
@inline
export function acknowledgeCalmlyHere(tcb: Tcb, tx: Sender, ack: u32, now: u64): bool {
  const ring = <usize>tcb.sent;
  const mask = ((<u32>1) << tcb.sent_bits) - 1;
  const head = tcb.sent_head;
  const tail = head + tcb.packets_out;
  let record = sentIn(ring, mask, head);
  const first_sent = record.sent_at;
  let last_sent: u64;
  let metas: u32 = 0;
  let index = head;
  do {
    metas |= record.meta;
    last_sent = record.sent_at;
    if (++index == tail) return false;
    record = sentIn(ring, mask, index);
  } while (seqLt(record.seq, ack));
  if (record.seq != ack || metas & EVENTFUL) return false;
  const acked = index - head;
  tcb.sent_head = index;
  tcb.packets_out = tail - index;
  tcb.bytes_acked += ack - tcb.snd_una;
  tcb.snd_una = ack;
  const rtt_us = microseconds(now - last_sent);
  // RACK.rtt, which a time-out asks for, and that it is to look; which segment it was can wait until something is in doubt
  tx.rack_rtt_us = rtt_us;
  tx.rack_advanced = 1;
  noteMinRtt(tcb, rtt_us);
  rttSampleHere(tcb, acked == 1 ? rtt_us : microseconds(now - first_sent));
  if (isCwndLimited(tcb)) {
    const sample = ackSample();
    sample.now = now;
    sample.delivered = acked;
    sample.acked = acked;
    sample.rtt_us = rtt_us;
    ccOnAck(tcb, sample);
  }
  return true;
}

/** Moves SND.UNA to `ack`, clears the queue up to it and takes the round-trip sample (RFC 6298 §3, Karn). */
function acknowledge(tcb: Tcb, segment: Segment, ack: u32, sample: AckSample): void {
  const now = sample.now;
  const head = tcb.sent_head;
  const tail = head + tcb.packets_out;
  const snd_nxt = tcb.snd_nxt;
  const rack = rackIsOn(tcb);
  let index = head;
  let sacked: u32 = 0;
  let first_sent: u64 = 0;
  let last_sent: u64 = 0;
  let first_seq: u32 = 0;
  let first_end: u32 = 0;
  let ambiguous = false;
  const ring = <usize>tcb.sent;
  const mask = ((<u32>1) << tcb.sent_bits) - 1;
  let record = sentIn(ring, mask, head);
  while (index != tail) {
    const next = sentIn(ring, mask, index + 1);
    const end = index + 1 == tail ? snd_nxt : next.seq;
    if (seqGt(end, ack)) {
      if (seqGt(ack, record.seq)) record.seq = ack;
      break;
    }
    const meta = record.meta;
    if (rack && !(meta & Sent.SACKED)) rackAdvance(tcb, meta, end, record.sent_at, now);
    if (meta & EVENTFUL) {
      sentForget(tcb, index, meta);
      if (meta & (Sent.RETRANS | Sent.EVER_RETRANS)) ambiguous = true;
      // A segment that was SACKed before was counted then, and its time says nothing of now
      if (meta & Sent.SACKED) sacked++;
      else if (!(meta & Sent.EVER_RETRANS)) {
        last_sent = record.sent_at;
        if (!first_sent) {
          first_sent = last_sent;
          first_seq = record.seq;
          first_end = end;
        }
      }
    } else {
      last_sent = record.sent_at;
      if (!first_sent) {
        first_sent = last_sent;
        first_seq = record.seq;
        first_end = end;
      }
    }
    record = next;
    index++;
  }
  const acked = index - head;
  tcb.sent_head = index;
  tcb.packets_out = tail - index;
  const una = tcb.snd_una;
  tcb.snd_una = ack;
  if (tcb.flags & TcbFlag.SEND_CARE) probeArrived(tcb, now);
  let bytes = ack - una;
  if (tcb.flags & TcbFlag.FIN_SENT && ack == tcb.snd_nxt) bytes--;
  tcb.bytes_acked += bytes;
  sample.acked = acked;
  sample.rtt_us = 0;
  if (acked != 0) {
    if (ambiguous) sample.flags |= AckFlag.RETRANS_ACKED;
    if (tcb.flags & TcbFlag.SACK) {
      if (first_sent != 0 && first_seq != first_end) {
        if (seqLt(first_seq, sample.reord)) sample.reord = first_seq;
        if (seqLeq(first_end, tcb.high_seq)) sample.flags |= AckFlag.ORIGINAL_DELIVERED;
      }
      sample.delivered += acked - sacked;
      noteReordering(tcb, sample.reord, sample.prior_fack);
    } else {
      if (first_sent != 0 && !ambiguous && seqLeq(first_end, tcb.high_seq)) {
        sample.flags |= AckFlag.ORIGINAL_DELIVERED;
      }
      forgetDuplicates(tcb, sample);
    }
  } else if (sample.first_sacked_at != 0 && tcb.packets_out != 0) {
    // A sample of what was sent after the oldest was last sent does not hold its time-out up
    if (sample.first_sacked_at < sentAt(tcb, tcb.sent_head).sent_at) sample.flags |= AckFlag.SET_TIMER;
  }
  if (!tcb.packets_out) {
    sentRelease(tcb);
    chronoStop(tcb, senderOf(tcb), Chrono.BUSY, now);
  }

  if (first_sent != 0 && !ambiguous) {
    sample.rtt_us = microseconds(now - last_sent);
    noteMinRtt(tcb, sample.rtt_us);
    rttSample(tcb, microseconds(now - first_sent));
  } else if (sample.first_sacked_at != 0) {
    sample.rtt_us = microseconds(now - sample.last_sacked_at);
    noteMinRtt(tcb, sample.rtt_us);
    rttSample(tcb, microseconds(now - sample.first_sacked_at));
  } else if (acked != 0 && (<u32>segment.opts) & Opt.TIMESTAMPS && segment.tsecr != 0) {
    // RFC 7323 §4.1: the echoed timestamp tells which transmission was answered
    const rtt_ms = timestampClock(now) - (segment.tsecr - tcb.iss);
    if (rtt_ms < 1 << 20) {
      noteMinRtt(tcb, max<u32>(rtt_ms * 1000, 1000));
      rttSample(tcb, max<u32>(rtt_ms * 1000, 1000));
    }
  }
}
