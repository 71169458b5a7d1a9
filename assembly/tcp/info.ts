/** TCP_INFO: a snapshot of a connection as Linux would report it. */
import { Ecn } from "../layout/ecn";
import { Chrono, EcnBit, EcnMode, InfoOption, State, TcbFlag } from "../layout/enums";
import { TcpInfo } from "../layout/info";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { timestampClock } from "../base/time";
import { guessSegment } from "./delayed_ack";
import { ecnOf } from "./ecn";
import { fastOpenWasAcked } from "./fast_open";
import { pacingRate } from "./pacing";
import { headersLength } from "./pmtu";
import { advmss, startingSpace, startingThreshold } from "./receive_tuning";
import { offeredWindow } from "./receive_window";
import { receiverOf } from "./receiver";
import { backedOffRto, minRtt } from "./rtt";
import { senderOf } from "./sender";

const INFO: usize = memory.data(320, 8);

if (offsetof<TcpInfo>() > 320) ERROR("TcpInfo is larger than its place");

/** What is known of the connection at `now`: the address of a `TcpInfo` that holds until the next call. */
export function tcpInfo(address: u32, now: u64): usize {
  const tcb = changetype<Tcb>(<usize>address);
  const info = changetype<TcpInfo>(INFO);
  memory.fill(INFO, 0, offsetof<TcpInfo>());
  fill(tcb, info, now);
  return INFO;
}

function fill(tcb: Tcb, info: TcpInfo, now: u64): void {
  const synchronised = <i32>tcb.state >= State.ESTABLISHED;
  const now_ms = timestampClock(now);
  info.tcpi_state = linuxState(tcb.state);
  info.tcpi_ca_state = tcb.ca_state;
  info.tcpi_options = options(tcb);
  info.tcpi_snd_wscale = tcb.snd_wscale;
  info.tcpi_rcv_wscale = tcb.rcv_wscale;
  // One count serves both: what goes unanswered is sent again, or probes when nothing is out
  const out = tcb.packets_out != 0 || !synchronised;
  info.tcpi_retransmits = out ? tcb.unanswered : 0;
  info.tcpi_probes = out ? 0 : tcb.unanswered;
  info.tcpi_backoff = max(tcb.backoff, tcb.persist_backoff);
  // Linux keeps the RTO in whole milliseconds
  info.tcpi_rto = ((<u32>(backedOffRto(tcb, tcb.backoff) / 1000) + 999) / 1000) * 1000;
  info.tcpi_snd_mss = tcb.mss;
  info.tcpi_advmss = advmss(tcb);
  info.tcpi_pmtu = pathMtu(tcb);
  info.tcpi_unacked = tcb.packets_out;
  info.tcpi_sacked = tcb.sacked_out;
  info.tcpi_lost = tcb.lost_out;
  info.tcpi_retrans = tcb.retrans_out;
  info.tcpi_last_data_sent = now_ms - tcb.last_sent_ms;
  info.tcpi_rtt = tcb.srtt_us8 >> 3;
  info.tcpi_rttvar = tcb.rttvar_us4 >> 2;
  info.tcpi_min_rtt = minRtt(tcb);
  info.tcpi_snd_cwnd = tcb.cwnd;
  info.tcpi_snd_ssthresh = tcb.ssthresh;
  info.tcpi_reordering = engine().reordering;
  info.tcpi_total_retrans = tcb.retransmits;
  info.tcpi_total_rto = tcb.rtos;
  info.tcpi_segs_out = tcb.segments_sent;
  info.tcpi_snd_wnd = tcb.snd_wnd;
  if (fastOpenWasAcked(tcb)) info.tcpi_options |= <u8>InfoOption.SYN_DATA;
  info.tcpi_max_pacing_rate = maxPacingRate(tcb);
  if (!synchronised) return;
  info.tcpi_rcv_wnd = offeredWindow(tcb);
  info.tcpi_pacing_rate = pacingRate(tcb);
  const notSent = tcb.write_seq - tcb.snd_nxt;
  info.tcpi_notsent_bytes = tcb.flags & TcbFlag.FIN_SENT ? 0 : notSent;
  // Of an active OPEN the SYN counts as well, and so does a FIN either way, as in Linux
  const fin = tcb.flags & TcbFlag.FIN_SENT && tcb.snd_una == tcb.snd_nxt ? 1 : 0;
  info.tcpi_bytes_acked = tcb.bytes_acked + (tcb.flags & TcbFlag.PASSIVE ? 0 : 1) + fin;
  info.tcpi_bytes_received = tcb.bytes_received + (tcb.flags & TcbFlag.FIN_RECEIVED ? 1 : 0);
  // The handshake delivered one, the SYN
  info.tcpi_delivered = 1 + tcb.sent_head + tcb.sacked_out;
  info.tcpi_data_segs_out = tcb.sent_head + tcb.packets_out + tcb.retransmits;
  if (tcb.flags & TcbFlag.ECN) ofMarks(ecnOf(tcb), info);
  ofSender(tcb, info, now_ms);
  ofReceiver(tcb, info, now_ms);
  ofSilence(tcb, info, now_ms);
}

/** Since when nothing has come: from the handshake on, and whatever comes acknowledges. */
function ofSilence(tcb: Tcb, info: TcpInfo, now_ms: u32): void {
  const since = now_ms - (tcb.tx ? senderOf(tcb).established_ms : tcb.last_sent_ms);
  const text = tcb.rx != 0 && receiverOf(tcb).rcv_mss != 0;
  if (!text) info.tcpi_last_data_recv = since;
  info.tcpi_last_ack_recv = min(info.tcpi_last_data_recv, tcb.tx ? now_ms - senderOf(tcb).heard_ms : since);
}

/** SO_MAX_PACING_RATE: all ones when there is none. */
function maxPacingRate(tcb: Tcb): u64 {
  const rate = tcb.ext ? changetype<TcbExt>(<usize>tcb.ext).max_pacing_rate : 0;
  return rate ? rate : u64.MAX_VALUE;
}

/** What ECN and Accurate ECN have counted. */
function ofMarks(ecn: Ecn, info: TcpInfo): void {
  info.tcpi_options |= <u8>(InfoOption.ECN | (ecn.bits & (<u8>EcnBit.SEEN) ? InfoOption.ECN_SEEN : 0));
  info.tcpi_delivered_ce = ecn.delivered_ce;
  if (ecn.mode != <u8>EcnMode.ACCURATE) return;
  info.tcpi_received_ce = ecn.received_ce;
  info.tcpi_delivered_e1_bytes = ecn.delivered_e1b;
  info.tcpi_delivered_e0_bytes = ecn.delivered_e0b;
  info.tcpi_delivered_ce_bytes = ecn.delivered_ceb;
  info.tcpi_received_e1_bytes = ecn.received_e1b;
  info.tcpi_received_e0_bytes = ecn.received_e0b;
  info.tcpi_received_ce_bytes = ecn.received_ceb;
}

/** What only an end that has sent data knows. */
function ofSender(tcb: Tcb, info: TcpInfo, now_ms: u32): void {
  if (!tcb.tx) return;
  const sender = senderOf(tcb);
  info.tcpi_rttvar = sender.mdev_us4 >> 2;
  info.tcpi_reordering = sender.reordering;
  info.tcpi_reord_seen = sender.reord_seen;
  info.tcpi_dsack_dups = sender.dsack_dups;
  info.tcpi_delivered += sender.delivered_again;
  info.tcpi_bytes_retrans = sender.bytes_retrans;
  info.tcpi_bytes_sent = tcb.bytes_acked + (tcb.snd_nxt - tcb.snd_una) + sender.bytes_retrans;
  const running = now_ms - sender.chrono_start_ms;
  const chrono = <u32>sender.chrono;
  const rwnd = sender.rwnd_limited_ms + (chrono == Chrono.RWND_LIMITED ? running : 0);
  const sndbuf = sender.sndbuf_limited_ms + (chrono == Chrono.SNDBUF_LIMITED ? running : 0);
  const busy = sender.busy_ms + (chrono == Chrono.BUSY ? running : 0);
  info.tcpi_rwnd_limited = <u64>rwnd * 1000;
  info.tcpi_sndbuf_limited = <u64>sndbuf * 1000;
  // Busy is all the time that something waited or was in flight, whatever held it up
  info.tcpi_busy_time = (<u64>busy + rwnd + sndbuf) * 1000;
}

/** What only an end that has received text knows. */
function ofReceiver(tcb: Tcb, info: TcpInfo, now_ms: u32): void {
  if (!tcb.rx || receiverOf(tcb).rcv_mss == 0) {
    // No text yet: what the connection would begin with
    info.tcpi_rcv_mss = guessSegment(tcb);
    if (tcb.flags & TcbFlag.TUNED_BUFFER) {
      info.tcpi_rcv_ssthresh = startingThreshold(tcb);
      info.tcpi_rcv_space = startingSpace(tcb);
    }
    return;
  }
  const receiver = receiverOf(tcb);
  info.tcpi_rcv_mss = receiver.rcv_mss;
  info.tcpi_ato = receiver.ato_ms * 1000;
  info.tcpi_last_data_recv = now_ms - receiver.lrcvtime_ms;
  info.tcpi_rcv_ssthresh = receiver.rcv_ssthresh;
  info.tcpi_rcv_rtt = receiver.rcv_rtt_us8 >> 3;
  info.tcpi_rcv_space = receiver.rcvq_space;
  info.tcpi_rcv_ooopack = receiver.rcv_ooopack;
}

function options(tcb: Tcb): u8 {
  const flags = tcb.flags;
  let bits: u32 = 0;
  if (flags & TcbFlag.TIMESTAMPS) bits |= InfoOption.TIMESTAMPS;
  if (flags & TcbFlag.SACK) bits |= InfoOption.SACK;
  if (flags & TcbFlag.WINDOW_SCALING) bits |= InfoOption.WSCALE;
  return <u8>bits;
}

/** The largest packet that the connection sends. */
function pathMtu(tcb: Tcb): u32 {
  if (tcb.ext) {
    const path = <u32>changetype<TcbExt>(<usize>tcb.ext).path_mss;
    if (path) return path + headersLength(tcb);
  }
  return <u32>tcb.rcv_mss + headersLength(tcb);
}

/** Linux's numbering of the states (net/tcp_states.h). */
function linuxState(state: u8): u8 {
  switch (<i32>state) {
    case State.ESTABLISHED:
      return 1;
    case State.SYN_SENT:
      return 2;
    case State.SYN_RECEIVED:
      return 3;
    case State.FIN_WAIT_1:
      return 4;
    case State.FIN_WAIT_2:
      return 5;
    case State.TIME_WAIT:
      return 6;
    case State.CLOSE_WAIT:
      return 8;
    case State.LAST_ACK:
      return 9;
    case State.LISTEN:
      return 10;
    case State.CLOSING:
      return 11;
    default:
      return 7;
  }
}
