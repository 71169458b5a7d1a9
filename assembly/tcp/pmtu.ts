/**
 * The effective send MSS: what the peer takes (RFC 9293 §3.7.1, RFC 6691), what the path takes (RFC 1191, RFC 8201), less
 * the options of every segment, and no more than half of the peer's window; and what a path that takes less does to what
 * is in flight.
 */
import { AltChecksum, CaState, Sent, State, TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { timestampClock } from "../base/time";
import { rememberWindow } from "../cc/cc";
import { connectionExt } from "./extension";
import { optionRoom } from "./output";
import { boundToHalfWindow } from "./push";
import { rackIsOn } from "./rack";
import { resplit } from "./resplit";
import { retransmitQueue } from "./retransmit";
import { senderOf } from "./sender";
import { sentTail } from "./sent";

/** RFC 9293 §3.1: bytes that a header has for options. */
export const OPTIONS_MAX: u32 = 40;
/** RFC 7323 §3.2: the option with its padding, on every segment. */
export const TIMESTAMPS_LENGTH: u32 = 12;
/** RFC 1146: the Alternate Checksum Data option with two bytes. */
const ALT_CHECKSUM_LENGTH: u32 = 4;

/** RFC 1191 §3: what no path of today takes less than; Linux's min_pmtu, and RFC 8200 §5 for IPv6. */
const MTU_MIN: u32 = 552;
const MTU_MIN_IPV6: u32 = 1280;
/** Value of ip_no_pmtu_disc with which ICMP's word on MTUs is dropped. */
const NO_REPORTS: u32 = 2;
/** RFC 1191 §6.3: how long a smaller MTU is believed. */
const EXPIRES_MS: u32 = 600000;

/** IP and TCP headers without options. */
export function headersLength(tcb: Tcb): u32 {
  const own: u32 = tcb.ext ? changetype<TcbExt>(<usize>tcb.ext).header_bytes : 0;
  return own ? own : 40;
}

/**
 * ICMP says that a packet of this connection was too long for the path, which takes `mtu` bytes (RFC 1191, RFC 8201). What
 * was lost by it is cut anew and leaves at once, and the congestion window is not to blame: Linux's tcp_simple_retransmit.
 */
export function pathMtuReduced(tcb: Tcb, mtu: u32, now: u64): void {
  if (<i32>tcb.state <= State.LISTEN || tcb.state == <u8>State.TIME_WAIT) return;
  const ext = connectionExt(tcb);
  if (ext.ignores_path_mtu || engine().ip_no_pmtu_disc == NO_REPORTS) return;
  const headers = headersLength(tcb);
  const path = max(mtu, headers > 40 ? MTU_MIN_IPV6 : MTU_MIN) - headers;
  if (path >= (ext.path_mss ? <u32>ext.path_mss : <u32>tcb.rcv_mss)) return;
  ext.path_mss = <u16>path;
  ext.path_until_ms = timestampClock(now) + EXPIRES_MS;
  // Before the peer has said what it takes there is nothing to cut
  if (<i32>tcb.state < State.ESTABLISHED) return;
  syncMss(tcb);
  retransmitShorter(tcb, now);
}

/** Sends what is longer than the MSS now again, in segments that fit. */
export function retransmitShorter(tcb: Tcb, now: u64): void {
  if (!tcb.packets_out) return;
  const tx = senderOf(tcb);
  tx.lost += resplit(tcb, tcb.mss - optionRoom(tcb, now), Sent.EVER_RETRANS, Sent.LOST);
  if (!tcb.lost_out) return;
  // Without SACK, what duplicate ACKs stand for can only be among the rest
  if (!(tcb.flags & TcbFlag.SACK)) tcb.sacked_out = min(tcb.sacked_out, tcb.packets_out - tcb.lost_out);
  if (tcb.ca_state != <u8>CaState.LOSS) {
    tcb.high_seq = tcb.snd_nxt;
    rememberWindow(tcb);
    tx.prior_ssthresh = 0;
    tx.undo_marker = 0;
    tcb.ca_state = <u8>CaState.LOSS;
  }
  if (!rackIsOn(tcb)) {
    // RFC 6675's frontier: what is lost below it may leave
    tcb.lost_frontier = sentTail(tcb);
    tx.sacked_beyond = 0;
  }
  retransmitQueue(tcb, now);
}

/** A path is tried anew with longer segments when what it was said to take has grown old. */
export function pathMtuExpires(tcb: Tcb, now: u64): void {
  const ext = changetype<TcbExt>(<usize>tcb.ext);
  if (ext.path_mss == 0 || <i32>(timestampClock(now) - ext.path_until_ms) < 0) return;
  ext.path_mss = 0;
  syncMss(tcb);
}

/** Works out `Tcb.mss` anew. */
export function syncMss(tcb: Tcb): void {
  const largest = largestSegment(tcb);
  // A forged MSS of a few bytes would make a sender spend its time on headers
  let mss = boundToHalfWindow(tcb, max(engine().min_snd_mss, largest) - optionsLength(tcb));
  if (tcb.ext) {
    const ext = changetype<TcbExt>(<usize>tcb.ext);
    if (ext.mtu_probing) {
      ext.search_high = <u16>min<u32>(ext.search_high, largest);
      mss = min(mss, max(engine().min_snd_mss, <u32>ext.search_low) - optionsLength(tcb));
      if (mss < <u32>tcb.mss) ext.outgrown = 1;
    }
  }
  tcb.mss = <u16>mss;
}

/** What both ends and, as far as routers have told, the path take: an MSS before options. */
export function largestSegment(tcb: Tcb): u32 {
  const mss = min<u32>(tcb.snd_mss, tcb.rcv_mss);
  if (!tcb.ext) return mss;
  const path = <u32>changetype<TcbExt>(<usize>tcb.ext).path_mss;
  return path ? min(mss, path) : mss;
}

/** Bytes of the options that every segment carries. */
export function optionsLength(tcb: Tcb): u32 {
  const stamps = tcb.flags & TcbFlag.TIMESTAMPS ? TIMESTAMPS_LENGTH : 0;
  if (!tcb.ext) return stamps;
  const checksum = changetype<TcbExt>(<usize>tcb.ext).alt_checksum == <u8>AltChecksum.FLETCHER_16;
  return checksum ? stamps + ALT_CHECKSUM_LENGTH : stamps;
}
