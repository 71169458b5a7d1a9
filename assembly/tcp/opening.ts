/** SEGMENT ARRIVES in CLOSED, LISTEN and SYN_SENT, RFC 9293 §3.10.7.1 to §3.10.7.3. */
import { EndReason, Flag, Notify, State, TcbFlag, Timer } from "../layout/enums";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { seqGt, seqLeq } from "../base/seq";
import {
  beginCongestionControl,
  chooseIss,
  connectionReset,
  enterClosed,
  enterEstablished,
  setIss,
  takeIrs,
} from "./connection";
import { ecnSynAckArrives, ecnSynArrives } from "./ecn";
import { fastOpenInFlight, fastOpenIsEarly, fastOpenSynAckArrives } from "./fast_open";
import { negotiate } from "./options";
import { syncMss } from "./pmtu";
import { refuse, sendAck, sendPending, sendSyn } from "./output";
import { takeFin, textArrives } from "./receive";
import { startingWindow } from "./receive_tuning";
import { backedOffRto } from "./rtt";
import { timerClear, timerSet } from "./timers";

/** §3.10.7.1: nobody is here. */
export function closed(tcb: Tcb, segment: Segment): void {
  refuse(tcb, segment);
}

/** §3.10.7.2 */
export function listen(tcb: Tcb, segment: Segment, now: u64): void {
  const flags = <u32>segment.flags;
  // First, RST: nothing of ours can be meant
  if (flags & Flag.RST) return;
  // Second, ACK: of something never sent
  if (flags & Flag.ACK) {
    refuse(tcb, segment);
    return;
  }
  // Third, SYN
  if (!(flags & Flag.SYN)) return;
  connectionReset(tcb);
  chooseIss(tcb, now);
  acceptSyn(tcb, segment, now);
}

/** A SYN over TIME_WAIT: the new sequence space begins beyond all that the old connection sent, RFC 9293 §3.6.1. */
export function listenAgain(tcb: Tcb, segment: Segment, now: u64): void {
  const old_nxt = tcb.snd_nxt;
  connectionReset(tcb);
  chooseIss(tcb, now);
  if (seqLeq(tcb.iss, old_nxt)) setIss(tcb, old_nxt + 0x10000);
  acceptSyn(tcb, segment, now);
}

function acceptSyn(tcb: Tcb, segment: Segment, now: u64): void {
  takeIrs(tcb, segment.seq);
  negotiate(tcb, segment);
  ecnSynArrives(tcb, segment);
  takeSynWindow(tcb, segment);
  tcb.state = <u8>State.SYN_RECEIVED;
  if (fastOpenIsEarly(tcb)) beginEarly(tcb, segment, now);
  sendSyn(tcb, now, 0);
  timerSet(tcb, Timer.RETRANSMIT, now + backedOffRto(tcb, 0));
}

/** RFC 7413 §4.2.2: the cookie was right. The connection is the application's, and the SYN's text with it. */
function beginEarly(tcb: Tcb, segment: Segment, now: u64): void {
  beginCongestionControl(tcb, now);
  if (segment.len) {
    tcb.rcv_adv = tcb.rcv_nxt + min<u32>(tcb.flags & TcbFlag.TUNED_BUFFER ? startingWindow(tcb) : tcb.rcv_buf, 0xffff);
    segment.seq++;
    segment.flags &= <u8>~(Flag.SYN | Flag.FIN);
    textArrives(tcb, segment, now);
    // The SYN-ACK acknowledges it
    tcb.flags &= ~(TcbFlag.ACK_NOW | TcbFlag.ACK_DELAYED);
    timerClear(tcb, Timer.DELAYED_ACK);
  }
  tcb.notify |= <u8>(Notify.ESTABLISHED | Notify.WRITABLE);
}

/** The window of a SYN is never scaled, RFC 7323 §2.2. */
function takeSynWindow(tcb: Tcb, segment: Segment): void {
  tcb.snd_wnd = segment.wnd;
  tcb.snd_wnd_max = max<u32>(tcb.snd_wnd_max, segment.wnd);
  syncMss(tcb);
  tcb.snd_wl1 = segment.seq;
  tcb.snd_wl2 = segment.ack;
}

/** §3.10.7.3 */
export function synSent(tcb: Tcb, segment: Segment, now: u64): void {
  const flags = <u32>segment.flags;
  // First, ACK: it can only be for our SYN
  if (flags & Flag.ACK && (seqLeq(segment.ack, tcb.iss) || seqGt(segment.ack, tcb.snd_nxt + fastOpenInFlight(tcb)))) {
    refuse(tcb, segment);
    return;
  }
  // Second, RST: believed only with an ACK of our SYN
  if (flags & Flag.RST) {
    if (flags & Flag.ACK) enterClosed(tcb, EndReason.REFUSED, now);
    return;
  }
  // Fourth, SYN
  if (!(flags & Flag.SYN)) return;
  takeIrs(tcb, segment.seq);
  // What our SYN offered
  if (tcb.flags & TcbFlag.TUNED_BUFFER) tcb.rcv_adv = tcb.rcv_nxt + min<u32>(startingWindow(tcb), 0xffff);
  negotiate(tcb, segment);
  takeSynWindow(tcb, segment);
  if (flags & Flag.ACK) ecnSynAckArrives(tcb, segment);
  else ecnSynArrives(tcb, segment);
  if (!(flags & Flag.ACK)) {
    // Simultaneous open: answer with a SYN-ACK, RFC 9293 figure 7
    tcb.state = <u8>State.SYN_RECEIVED;
    tcb.flags |= TcbFlag.SYN_SENT_AGAIN;
    sendSyn(tcb, now, 0);
    return;
  }
  enterEstablished(tcb, segment, now);
  syncMss(tcb);
  const sentAgain = tcb.ext != 0 && fastOpenSynAckArrives(tcb, segment, now);
  if (segment.len != 0 || flags & Flag.FIN) {
    // Text on the SYN-ACK begins behind its SYN
    segment.seq++;
    if (!(tcb.flags & TcbFlag.TUNED_BUFFER)) tcb.rcv_adv = tcb.rcv_nxt + tcb.rcv_buf;
    if (textArrives(tcb, segment, now)) {
      takeFin(tcb);
      tcb.state = <u8>State.CLOSE_WAIT;
    }
  }
  if (!sentAgain || tcb.flags & TcbFlag.ACK_NOW) sendAck(tcb, now);
  sendPending(tcb, now);
}
