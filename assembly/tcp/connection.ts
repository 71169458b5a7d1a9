/**
 * A connection's life outside the segments: how it begins, becomes established, and ends.
 */
import { CaState, EndReason, Notify, Opt, State, TcbFlag, Timer } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Segment } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { NEVER, NS_PER_MS, microseconds, timestampClock } from "../base/time";
import { ccInit } from "../cc/cc";
import { SSTHRESH_INFINITE, setCwnd } from "../cc/window";
import { ecnRelease } from "./ecn";
import { fastOpenConfirmed, fastOpenIsEarly } from "./fast_open";
import { initialSequenceNumber } from "./isn";
import { mtuProbingBegins } from "./mtu_probing";
import { keepaliveChanged } from "./probes";
import { reassemblyRelease } from "./reassembly";
import { releaseSender } from "./sender";
import { scaleOffered } from "./receive_tuning";
import { releaseReceiver } from "./receiver";
import { sentRelease } from "./sent";
import { noteMinRtt, restartRetransmitTimer, rttSample } from "./rtt";
import { expandSendBuffer } from "./send_tuning";
import { timerAt, timerClear, timerSet } from "./timers";

/** RFC 6298 (5.7) */
const SYN_LOST_RTO_US: u32 = 3000000;

/** Forgets what an earlier connection in this block left; what the user set, and the account, stay. */
export function connectionReset(tcb: Tcb): void {
  sentRelease(tcb);
  tcb.sent_head = 0;
  tcb.rtx_hint = 0;
  tcb.lost_frontier = 0;
  releaseSender(tcb);
  reassemblyRelease(tcb);
  releaseReceiver(tcb);
  ecnRelease(tcb);
  tcb.flags &=
    TcbFlag.OFFER_TIMESTAMPS |
    TcbFlag.OFFER_SACK |
    TcbFlag.OFFER_WINDOW_SCALING |
    TcbFlag.OFFER_ECN |
    TcbFlag.OFFER_ACCECN |
    TcbFlag.NODELAY |
    TcbFlag.CORK |
    TcbFlag.SEND_CARE |
    TcbFlag.DELAYED_ACK |
    TcbFlag.PASSIVE |
    TcbFlag.TUNED_BUFFER |
    TcbFlag.READS_AT_ONCE |
    TcbFlag.WRITES_FOR_EVER |
    TcbFlag.REAL_BYTES;
  tcb.timer_mask = 0;
  tcb.timer_min = NEVER;
  tcb.ca_state = <u8>CaState.OPEN;
  tcb.sacked_out = 0;
  tcb.cwnd_cnt = 0;
  tcb.snd_wnd = 0;
  tcb.snd_wnd_max = 0;
  tcb.copied_seq = tcb.rcv_nxt;
  tcb.rcv_adv = tcb.rcv_nxt;
  tcb.rcv_wscale = scaleOffered(tcb);
  tcb.rto_us = engine().rto_initial_us;
  tcb.srtt_us8 = 0;
  tcb.rttvar_us4 = 0;
  tcb.backoff = 0;
  tcb.unanswered = 0;
  tcb.persist_backoff = 0;
  tcb.end_reason = <u8>EndReason.NONE;
  tcb.last_sent_ms = 0;
}

/** Chooses ISS for a SYN that is about to leave. */
export function chooseIss(tcb: Tcb, now: u64): void {
  setIss(tcb, initialSequenceNumber(tcb, now));
}

export function setIss(tcb: Tcb, iss: u32): void {
  tcb.iss = iss;
  tcb.snd_una = iss;
  tcb.snd_nxt = iss + 1;
  tcb.write_seq = iss + 1;
}

/** Takes IRS from the peer's SYN. */
export function takeIrs(tcb: Tcb, irs: u32): void {
  tcb.irs = irs;
  tcb.rcv_nxt = irs + 1;
  tcb.copied_seq = irs + 1;
  tcb.last_ack_sent = irs + 1;
  // A window the peer has not been told of yet: the SYN-ACK or ACK that follows sets the edge
  tcb.rcv_adv = irs + 1;
}

/** The SYN is acknowledged: the connection is synchronised, its congestion state begins. */
export function enterEstablished(tcb: Tcb, segment: Segment, now: u64): void {
  tcb.state = <u8>State.ESTABLISHED;
  timerClear(tcb, Timer.RETRANSMIT);
  // RFC 6298 (2.1) from the handshake, unless a retransmission makes the sample ambiguous (Karn)
  if (tcb.flags & TcbFlag.FIN_SENT) {
    // Closed early (RFC 7413): Linux takes no sample then, and waits as if a SYN had been lost
    tcb.rto_us = max<u32>(tcb.rto_us, SYN_LOST_RTO_US);
  } else if (!(tcb.flags & TcbFlag.SYN_SENT_AGAIN)) {
    const sent = timerAt(tcb, Timer.RETRANSMIT) - <u64>tcb.rto_us * 1000;
    noteMinRtt(tcb, microseconds(now - sent));
    rttSample(tcb, microseconds(now - sent));
  } else if (tcb.unanswered) {
    synTimedOut(tcb, segment, now);
  }
  if (fastOpenIsEarly(tcb)) {
    // The application has it already, and may have sent
    fastOpenConfirmed(tcb);
    tcb.unanswered = 0;
    tcb.backoff = 0;
    restartRetransmitTimer(tcb, now);
    keepaliveChanged(tcb, now);
    return;
  }
  beginCongestionControl(tcb, now);
  tcb.last_sent_ms = timestampClock(now);
  if (tcb.flags & TcbFlag.WRITES_FOR_EVER) tcb.write_seq = tcb.snd_una + tcb.snd_buf;
  keepaliveChanged(tcb, now);
  tcb.notify |= <u8>(Notify.ESTABLISHED | Notify.WRITABLE);
}

/** The SYN had been sent again: the echoed timestamp may tell which of them is answered, RFC 7323 §4.1. */
function synTimedOut(tcb: Tcb, segment: Segment, now: u64): void {
  const stamped = tcb.flags & TcbFlag.TIMESTAMPS && (<u32>segment.opts) & Opt.TIMESTAMPS && segment.tsecr != 0;
  const sent_ms = segment.tsecr - tcb.iss;
  const rtt_ms = timestampClock(now) - sent_ms;
  if (!stamped || rtt_ms >= 1 << 20) {
    // RFC 6298 (5.7): a SYN that timed out means data starts with 3 s at least
    tcb.rto_us = max<u32>(tcb.rto_us, SYN_LOST_RTO_US);
    return;
  }
  noteMinRtt(tcb, max<u32>(rtt_ms * 1000, 1000));
  rttSample(tcb, max<u32>(rtt_ms * 1000, 1000));
  // Eifel, RFC 3522: the first of them, so no time-out was called for
  if (sent_ms == tcb.last_sent_ms) tcb.unanswered = 0;
}

/** The SYN counts as acknowledged: data, or a FIN, may follow. */
export function beginCongestionControl(tcb: Tcb, now: u64): void {
  tcb.snd_una = tcb.iss + 1;
  tcb.cwnd_since = now;
  // RFC 5681 §3.1: after a lost SYN the initial window is one segment; Linux allows one loss
  setCwnd(tcb, tcb.unanswered > 1 ? 1 : tcb.initial_cwnd, now);
  tcb.backoff = 0;
  tcb.unanswered = 0;
  tcb.ssthresh = SSTHRESH_INFINITE;
  tcb.high_seq = tcb.iss;
  tcb.cwnd_usage_seq = tcb.snd_nxt;
  tcb.max_packets_out = 0;
  ccInit(tcb);
  mtuProbingBegins(tcb, now);
  expandSendBuffer(tcb);
}

/** Both directions are closed and this end closed first: waits 2 MSL for stragglers, RFC 9293 §3.10.7.4. */
export function enterTimeWait(tcb: Tcb, now: u64): void {
  tcb.state = <u8>State.TIME_WAIT;
  sentRelease(tcb);
  releaseSender(tcb);
  reassemblyRelease(tcb);
  releaseReceiver(tcb);
  timerClear(tcb, Timer.RETRANSMIT);
  timerClear(tcb, Timer.PERSIST);
  timerClear(tcb, Timer.DELAYED_ACK);
  timerClear(tcb, Timer.KEEPALIVE);
  startTimeWaitTimer(tcb, now);
  setCwnd(tcb, 0, now);
  tcb.end_reason = <u8>EndReason.CLOSED;
  tcb.notify |= <u8>Notify.ENDED;
}

export function startTimeWaitTimer(tcb: Tcb, now: u64): void {
  timerSet(tcb, Timer.TIME_WAIT, now + <u64>engine().msl_ms * 2 * NS_PER_MS);
}

/** FIN_WAIT_2 need not last for ever: when asked so, and when no application is left to read (tcp_fin_timeout). */
export function startFinWait2Timer(tcb: Tcb, now: u64): void {
  const e = engine();
  let timeout_ms = e.fin_wait_2_ms;
  if (tcb.flags & TcbFlag.ORPHAN) {
    const own = tcb.ext ? <u32>changetype<TcbExt>(<usize>tcb.ext).linger2_ms : 0;
    // Linux's tcp_fin_time: time for the peer's FIN to be lost and come again
    timeout_ms = max(max(timeout_ms, own ? own : e.fin_timeout_ms), ((tcb.rto_us / 1000) * 7) / 2);
  }
  if (timeout_ms) timerSet(tcb, Timer.TIME_WAIT, now + <u64>timeout_ms * NS_PER_MS);
}

/** TCP_LINGER2 below zero: without an application FIN_WAIT_2 does not last at all. */
export function lingersNot(tcb: Tcb): bool {
  return tcb.ext != 0 && changetype<TcbExt>(<usize>tcb.ext).linger2_ms < 0;
}

/** A passive OPEN whose handshake fails listens again, unless it began early and is the user's already. */
export function mayListenOn(tcb: Tcb): bool {
  return (tcb.flags & TcbFlag.PASSIVE) != 0 && !fastOpenIsEarly(tcb);
}

/** A handshake that a passive OPEN had begun failed: it waits for another, and the user hears nothing. */
export function listenOn(tcb: Tcb): void {
  tcb.state = <u8>State.LISTEN;
  tcb.timer_mask = 0;
  reassemblyRelease(tcb);
  releaseReceiver(tcb);
}

/** The connection is over: CLOSED, nothing in flight, no timer. */
export function enterClosed(tcb: Tcb, reason: u32, now: u64): void {
  tcb.state = <u8>State.CLOSED;
  sentRelease(tcb);
  releaseSender(tcb);
  reassemblyRelease(tcb);
  releaseReceiver(tcb);
  setCwnd(tcb, 0, now);
  tcb.timer_mask = 0;
  if (tcb.end_reason == EndReason.NONE) tcb.end_reason = <u8>reason;
  tcb.notify |= <u8>Notify.ENDED;
}
