/** Tail loss probe, RFC 8985 §7, with Linux's times: two round trips of silence bring a probe instead of a time-out. */
import { AckSample } from "../layout/engine";
import { AckFlag, CaState, Pending, Recovery, Sent, TcbFlag, Timer } from "../layout/enums";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGt, seqLt } from "../base/seq";
import { NS_PER_US } from "../base/time";
import { cutOutgrown } from "./mtu_probing";
import { probeWithNewData } from "./new_data";
import { beginReduction, endReduction } from "./prr";
import { TIMEOUT_MIN_US } from "./rack";
import { retransmitProbe } from "./retransmit";
import { backedOffRto } from "./rtt";
import { senderOf } from "./sender";
import { sentAt, sentLowerBound, sentTail } from "./sent";
import { tryKeepOpen } from "./recovery";
import { timerClear, timerSet } from "./timers";

/**
 * The timer of an end with data in flight: a probe when that may help, else the retransmission time-out.
 * `fresh`: the time-out counts from now, because an ACK has moved things, and not from the oldest transmission.
 */
export function setTransmitTimer(tcb: Tcb, now: u64, fresh: bool): void {
  if (!scheduleProbe(tcb, now, fresh)) rearmRto(tcb, now);
}

/** RFC 8985 §7.2: SACK, no recovery, something in flight. */
export function scheduleProbe(tcb: Tcb, now: u64, fresh: bool): bool {
  if (!(engine().recovery & Recovery.TLP) || !(tcb.flags & TcbFlag.SACK) || tcb.packets_out == 0) return false;
  if (tcb.ca_state != <u8>CaState.OPEN && tcb.ca_state != <u8>CaState.CWR) return false;
  armProbe(tcb, senderOf(tcb), now, fresh);
  return true;
}

/** The probe's time, RFC 8985 §7.2, or the time-out's when that is earlier. Only with data in flight. */
@inline
export function armProbe(tcb: Tcb, tx: Sender, now: u64, fresh: bool): void {
  let timeout_us: u32;
  if (tcb.srtt_us8) {
    // A lone segment's ACK may be delayed
    timeout_us = (tcb.srtt_us8 >> 2) + (tcb.packets_out == 1 ? tcb.rto_min_us : TIMEOUT_MIN_US);
  } else {
    timeout_us = engine().rto_initial_us;
  }
  let deadline = now + <u64>timeout_us * NS_PER_US;
  const rto = (fresh ? now : sentAt(tcb, tcb.sent_head).sent_at) + backedOffRto(tcb, tcb.backoff);
  if (rto > now) deadline = min(deadline, rto);
  tx.pending = <u8>Pending.PROBE;
  timerSet(tcb, Timer.RETRANSMIT, deadline);
}

/** New data has left, behind `prior_packets` in flight: one probe for each silence, else the time-out. */
export function watchNewData(tcb: Tcb, prior_packets: u32, now: u64): void {
  if (scheduleProbe(tcb, now, false)) return;
  if (prior_packets == 0 || senderOf(tcb).pending == <u8>Pending.PROBE) rearmRto(tcb, now);
}

/** Nanoseconds until the time-out of the oldest segment in flight. */
function rtoLeft(tcb: Tcb, now: u64): i64 {
  return <i64>(sentAt(tcb, tcb.sent_head).sent_at + backedOffRto(tcb, tcb.backoff) - now);
}

/** The retransmission time-out; after another timer's turn, what that has taken counts. */
export function rearmRto(tcb: Tcb, now: u64): void {
  if (!tcb.packets_out) {
    timerClear(tcb, Timer.RETRANSMIT);
    return;
  }
  const tx = senderOf(tcb);
  let timeout = backedOffRto(tcb, tcb.backoff);
  if (tx.pending != <u8>Pending.RETRANSMISSION) {
    const left = rtoLeft(tcb, now);
    timeout = left > 0 ? <u64>left : 1000;
  }
  tx.pending = <u8>Pending.RETRANSMISSION;
  timerSet(tcb, Timer.RETRANSMIT, now + timeout);
}

/** RFC 8985 §7.3: new data if there is any, else the last segment again; one probe at a time. */
export function probeTimeout(tcb: Tcb, now: u64): void {
  const tx = senderOf(tcb);
  if (tx.tlp_high_seq == 0) {
    tx.tlp_retrans = 0;
    if (probeWithNewData(tcb, now)) {
      probeSent(tcb);
    } else if (tcb.packets_out) {
      tx.tlp_retrans = 1;
      let last = sentTail(tcb) - 1;
      while (last != tcb.sent_head && sentAt(tcb, last).meta & Sent.SACKED) last--;
      if (tcb.flags & TcbFlag.SEND_CARE) {
        const seq = sentAt(tcb, last).seq;
        cutOutgrown(tcb, now);
        last = min(sentLowerBound(tcb, seq), sentTail(tcb) - 1);
      }
      retransmitProbe(tcb, last, now);
      probeSent(tcb);
    }
  }
  rearmRto(tcb, now);
}

function probeSent(tcb: Tcb): void {
  const tx = senderOf(tcb);
  if (tcb.tlps < u16.MAX_VALUE) tcb.tlps++;
  tx.tlp_high_seq = tcb.snd_nxt;
  // The time-out runs from now
  tx.pending = <u8>Pending.RETRANSMISSION;
}

/** RFC 8985 §7.4: what the ACK of a probe tells. A loss that the probe itself repaired still asks for a reduction. */
export function probeAcked(tcb: Tcb, ack: u32, sample: AckSample): void {
  const tx = senderOf(tcb);
  if (seqLt(ack, tx.tlp_high_seq)) return;
  if (tx.tlp_retrans == 0 || sample.flags & AckFlag.DSACK_PROBE) {
    tx.tlp_high_seq = 0;
  } else if (seqGt(ack, tx.tlp_high_seq)) {
    beginReduction(tcb, sample.now, false);
    tcb.ca_state = <u8>CaState.CWR;
    endReduction(tcb, sample.now);
    tryKeepOpen(tcb);
  } else if (!(sample.flags & (AckFlag.ADVANCED | AckFlag.DATA | AckFlag.WINDOW_UPDATE | AckFlag.SACKED))) {
    // A duplicate ACK: the original and the probe have both arrived
    tx.tlp_high_seq = 0;
  }
}
