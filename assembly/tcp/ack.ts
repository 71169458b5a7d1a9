/**
 * The ACK field, RFC 9293 §3.10.7.4 fifth check: what it acknowledges, what it says of the window, and what the
 * sender makes of it.
 */
import { AckSample } from "../layout/engine";
import { Chrono, Flag, Opt, Sent, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { ackSample } from "../base/root";
import { seqGt, seqLeq, seqLt } from "../base/seq";
import { microseconds, timestampClock } from "../base/time";
import { noteWritable } from "./calls";
import { chronoStop } from "./chrono";
import { fastRetransmit, sendAck, sendPending } from "./output";
import { syncMss } from "./pmtu";
import { recoveryOnAck, recoveryOnCalmAck, recoveryOnDuplicateAck } from "./recovery";
import { backedOffRto, restartRetransmitTimer, rttSample } from "./rtt";
import { scoreboardUpdate } from "./scoreboard";
import { senderOf } from "./sender";
import { sentForget, sentIn, sentRelease } from "./sent";
import { timerClear, timerIsSet, timerSet } from "./timers";

/** What a receiver of one-way data sees on every segment: an ACK that says nothing that is not known. */
@inline
export function ackIsOldNews(tcb: Tcb, segment: Segment): bool {
  return (
    segment.ack == tcb.snd_una &&
    tcb.packets_out == 0 &&
    segment.ack == tcb.snd_wl2 &&
    (<u32>segment.wnd) << tcb.snd_wscale == tcb.snd_wnd &&
    tcb.unanswered == 0
  );
}

/** False when the segment is to be dropped: it acknowledges what was never sent. */
export function ackArrives(tcb: Tcb, segment: Segment, now: u64): bool {
  const ack = segment.ack;
  const una = tcb.snd_una;
  // One comparison tells SND.UNA <= SEG.ACK <= SND.NXT
  if (ack - una > tcb.snd_nxt - una && !oddAckPasses(tcb, ack)) {
    sendAck(tcb, now);
    return false;
  }
  const advanced = seqLt(una, ack);
  const windowChanged = updateWindow(tcb, segment);
  // RFC 9293 §3.8.3: R2 counts for one segment; only a closed window lets a peer live on answers alone (§3.8.6.1)
  if (advanced || tcb.snd_wnd == 0) tcb.unanswered = 0;
  if (!advanced && tcb.packets_out == 0) {
    if (windowChanged) windowOpened(tcb, now);
    return true;
  }

  const sample = ackSample();
  sample.now = now;
  sample.prior_sacked = tcb.sacked_out;
  sample.retransmit_now = 0;
  if (advanced) {
    acknowledge(tcb, segment, ack, sample, now);
  } else {
    sample.delivered = 0;
    sample.acked = 0;
    sample.rtt_us = 0;
  }
  const blocks = ((<u32>segment.opts) >> Opt.SACK_SHIFT) & Opt.SACK_MASK;
  if ((blocks | tcb.sacked_out | tcb.lost_out | tcb.ca_state) == 0 && advanced) {
    // Nothing is wrong and nothing was: no more to decide
    recoveryOnCalmAck(tcb, sample);
  } else {
    if (blocks != 0 && tcb.flags & TcbFlag.SACK) {
      sample.delivered += scoreboardUpdate(tcb, segment);
    } else if (!advanced && !windowChanged && isDuplicate(tcb, segment)) {
      recoveryOnDuplicateAck(tcb, sample);
    }
    recoveryOnAck(tcb, sample, advanced);
    if (sample.retransmit_now) fastRetransmit(tcb, now);
  }
  if (advanced) {
    restartRetransmitTimer(tcb, now);
    if (tcb.flags & TcbFlag.WRITES_FOR_EVER) tcb.write_seq = tcb.snd_una + tcb.snd_buf;
    else if (tcb.flags & TcbFlag.WRITE_BLOCKED) noteWritable(tcb, now);
  }
  sendPending(tcb, now);
  return true;
}

/** An ACK outside SND.UNA..SND.NXT: RFC 5961 §5.2 lets one pass that is not older than any window offered. */
function oddAckPasses(tcb: Tcb, ack: u32): bool {
  return seqLt(ack, tcb.snd_una) && !seqLt(ack, tcb.snd_una - tcb.snd_wnd_max);
}

function isDuplicate(tcb: Tcb, segment: Segment): bool {
  return segment.len == 0 && segment.ack == tcb.snd_una && !((<u32>segment.flags) & (Flag.SYN | Flag.FIN));
}

/** SND.WND, by SND.WL1 and SND.WL2 so that an old segment cannot set it. True when it changed. */
export function updateWindow(tcb: Tcb, segment: Segment): bool {
  const seq = segment.seq;
  const ack = segment.ack;
  const newer = seqLt(tcb.snd_wl1, seq) || (tcb.snd_wl1 == seq && seqLeq(tcb.snd_wl2, ack));
  if (!newer || seqLt(ack, tcb.snd_una)) return false;
  const window = (<u32>segment.wnd) << tcb.snd_wscale;
  tcb.snd_wl1 = seq;
  tcb.snd_wl2 = ack;
  if (window == tcb.snd_wnd) return false;
  tcb.snd_wnd = window;
  if (window > tcb.snd_wnd_max) {
    tcb.snd_wnd_max = window;
    syncMss(tcb);
  }
  return true;
}

/** The window moved while nothing was in flight: send, or go on probing. */
function windowOpened(tcb: Tcb, now: u64): void {
  if (tcb.snd_wnd) {
    tcb.persist_backoff = 0;
    if (timerIsSet(tcb, Timer.PERSIST)) timerSet(tcb, Timer.PERSIST, now + backedOffRto(tcb, 0));
  }
  sendPending(tcb, now);
}

/** Moves SND.UNA to `ack`, clears the queue up to it and takes the round-trip sample (RFC 6298 §3, Karn). */
function acknowledge(tcb: Tcb, segment: Segment, ack: u32, sample: AckSample, now: u64): void {
  const head = tcb.sent_head;
  const tail = head + tcb.packets_out;
  const snd_nxt = tcb.snd_nxt;
  let index = head;
  let sacked: u32 = 0;
  let first_sent: u64 = 0;
  let last_sent: u64 = 0;
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
    if (meta & (Sent.SACKED | Sent.LOST | Sent.RETRANS | Sent.EVER_RETRANS)) {
      sentForget(tcb, index, meta);
      if (meta & Sent.EVER_RETRANS) ambiguous = true;
      // A segment that was SACKed before was counted then, and its time says nothing of now
      if (meta & Sent.SACKED) sacked++;
    } else {
      last_sent = record.sent_at;
      if (!first_sent) first_sent = last_sent;
    }
    record = next;
    index++;
  }
  const acked = index - head;
  tcb.sent_head = index;
  tcb.packets_out = tail - index;
  const una = tcb.snd_una;
  tcb.snd_una = ack;
  let bytes = ack - una;
  if (tcb.flags & TcbFlag.FIN_SENT && ack == tcb.snd_nxt) bytes--;
  tcb.bytes_acked += bytes;
  if (!tcb.packets_out) {
    sentRelease(tcb);
    chronoStop(tcb, senderOf(tcb), Chrono.BUSY, now);
  }
  sample.acked = acked;
  sample.delivered = acked - sacked;
  sample.rtt_us = 0;

  if (first_sent != 0 && !ambiguous) {
    rttSample(tcb, microseconds(now - first_sent));
    sample.rtt_us = microseconds(now - last_sent);
  } else if (acked != 0 && (<u32>segment.opts) & Opt.TIMESTAMPS && segment.tsecr != 0) {
    // RFC 7323 §4.1: the echoed timestamp tells which transmission was answered
    const rtt_ms = timestampClock(now) - (segment.tsecr - tcb.iss);
    if (rtt_ms < 1 << 20) rttSample(tcb, max<u32>(rtt_ms * 1000, 1));
  }
}
