/**
 * Searching for the path MTU without a word from routers, RFC 4821 as Linux does it: now and then one segment of new data is
 * made longer than the rest. When it arrives, segments may be as long; when it alone is lost, they may not, and that says
 * nothing of congestion.
 *
 *      search_low          probe_size           search_high       MSS before options
 *          |---------------------|---------------------|
 *          `- fits                `- half the way       `- more than this is not known to fit
 */
import { CaState, MtuProbe, MtuProbing, Sent, State, TcbFlag } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Sender } from "../layout/sender";
import { Tcb } from "../layout/tcb";
import { engine } from "../base/root";
import { seqGeq } from "../base/seq";
import { timestampClock } from "../base/time";
import { setCwnd } from "../cc/window";
import { connectionExt } from "./extension";
import { unansweredFor } from "./give_up";
import { optionRoom } from "./output";
import { isPaced } from "./pacing";
import { headersLength, largestSegment, optionsLength, retransmitShorter, syncMss } from "./pmtu";
import { resplit } from "./resplit";
import { senderOf } from "./sender";
import { inFlight, sentAt, sentEnd, sentTail } from "./sent";
import { rememberThreshold } from "./undo";

/** Fewer segments in the window could not tell a probe that was lost from congestion. */
const CWND_MIN: u32 = 11;

@inline
function extOf(tcb: Tcb): TcbExt {
  return changetype<TcbExt>(<usize>tcb.ext);
}

/** Whether the connection searches. */
@inline
function searches(tcb: Tcb): bool {
  return tcb.ext != 0 && extOf(tcb).mtu_probing != 0;
}

/** Whether new data leaves by more rules than the windows': pacing, probes. */
export function sendsWithCare(tcb: Tcb): bool {
  return isPaced(tcb) || searches(tcb);
}

/** The handshake is over. As in Linux the MSS follows when it is worked out next: at once for who opened actively. */
export function mtuProbingBegins(tcb: Tcb, now: u64): void {
  if (tcb.ext) extOf(tcb).mtu_probing = 0;
  if (engine().mtu_probing == <u32>MtuProbing.ALWAYS) beginSearch(tcb, now);
}

function beginSearch(tcb: Tcb, now: u64): void {
  const ext = connectionExt(tcb);
  ext.mtu_probing = 1;
  ext.outgrown = 0;
  ext.probe_size = 0;
  ext.search_low = <u16>(engine().base_mss + optionsLength(tcb));
  ext.search_high = <u16>largestSegment(tcb);
  ext.searched_ms = timestampClock(now);
  tcb.flags |= TcbFlag.SEND_CARE;
}

/**
 * A time-out goes off. RFC 4821 §7.7: long segments may vanish on this path when the silence lasts for as long as
 * tcp_retries1 retransmissions take; then what is sent gets short, and shorter with every further time-out.
 */
export function suspectBlackHole(tcb: Tcb, now: u64): void {
  const e = engine();
  if (e.mtu_probing == <u32>MtuProbing.OFF || !unansweredFor(tcb, e.path_retries, 0, now)) return;
  if (searches(tcb)) {
    const ext = extOf(tcb);
    const fits = min(e.base_mss, (<u32>ext.search_low - optionsLength(tcb)) >> 1);
    ext.search_low = <u16>(max(max(fits, e.mtu_probe_floor), e.min_snd_mss) + optionsLength(tcb));
  } else {
    beginSearch(tcb, now);
  }
  syncMss(tcb);
  extOf(tcb).outgrown = 1;
}

/** Length of the probe that would leave next. */
function probeLength(tcb: Tcb): u32 {
  const ext = extOf(tcb);
  const middle = (<u32>ext.search_low + ext.search_high) >> 1;
  return max(min<u32>(middle, tcb.snd_mss), engine().min_snd_mss) - optionsLength(tcb);
}

/** RFC 4821 §7.4: a probe needs a calm connection, and data, window and cwnd enough that its loss shows as such. */
export function probeIsDue(tcb: Tcb, sender: Sender, now: u64): MtuProbe {
  if (!searches(tcb)) return MtuProbe.NONE;
  const ext = extOf(tcb);
  if (ext.probe_size != 0 || tcb.ca_state != <u8>CaState.OPEN || tcb.cwnd < CWND_MIN) return MtuProbe.NONE;
  if (tcb.flags & TcbFlag.OUT_OF_ORDER || <i32>tcb.state < State.ESTABLISHED) return MtuProbe.NONE;
  const length = probeLength(tcb);
  const interval = <i32>ext.search_high - <i32>ext.search_low;
  if (length + optionsLength(tcb) > <u32>ext.search_high || interval < max(1, <i32>engine().probe_threshold)) {
    searchAgain(tcb, ext, now);
    return MtuProbe.NONE;
  }
  const needed = length + (sender.reordering + 1) * tcb.mss;
  const unsent = tcb.write_seq - tcb.snd_nxt + (tcb.flags & TcbFlag.FIN_QUEUED ? 1 : 0);
  if (unsent < needed || tcb.snd_wnd < needed) return MtuProbe.NONE;
  if (<i32>(tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt) < <i32>needed) return MtuProbe.WAITS;
  const flight = inFlight(tcb);
  if (flight + 2 > tcb.cwnd) return flight ? MtuProbe.WAITS : MtuProbe.NONE;
  return MtuProbe.SEND;
}

/** The search has ended: after a while the path may have become another. */
function searchAgain(tcb: Tcb, ext: TcbExt, now: u64): void {
  const now_ms = timestampClock(now);
  if (<i32>(now_ms - ext.searched_ms - engine().probe_interval_s * 1000) < 0) return;
  ext.search_high = <u16>largestSegment(tcb);
  ext.search_low = <u16>(<u32>tcb.mss + optionsLength(tcb));
  ext.searched_ms = now_ms;
}

/** Writes the probe that is about to leave down and returns its length. It takes two segments' place in cwnd. */
export function beginProbe(tcb: Tcb, now: u64): u32 {
  const ext = extOf(tcb);
  const length = probeLength(tcb);
  ext.probe_size = <u16>(length + optionsLength(tcb));
  ext.probe_seq_start = tcb.snd_nxt;
  ext.probe_seq_end = tcb.snd_nxt + length;
  ext.outgrown = 1;
  setCwnd(tcb, tcb.cwnd - 1, now);
  return length;
}

/** SND.UNA has moved: perhaps beyond the probe. cwnd counts segments, and these are longer from now on. */
export function probeArrived(tcb: Tcb, now: u64): void {
  if (!searches(tcb)) return;
  const ext = extOf(tcb);
  if (ext.probe_size == 0 || !seqGeq(tcb.snd_una, ext.probe_seq_end)) return;
  const headers = headersLength(tcb);
  const before = <u32>tcb.mss + optionsLength(tcb) + headers;
  rememberThreshold(tcb);
  setCwnd(tcb, max<u32>(<u32>((<u64>tcb.cwnd * before) / (<u32>ext.probe_size + headers)), 1), now);
  tcb.cwnd_cnt = 0;
  // Linux's tcp_current_ssthresh, with the window as it is now
  tcb.ssthresh = max(tcb.ssthresh, (tcb.cwnd >> 1) + (tcb.cwnd >> 2));
  ext.search_low = ext.probe_size;
  ext.probe_size = 0;
  syncMss(tcb);
}

/** Something counts as lost. RFC 4821 §7.6.2: when it is the probe alone, cwnd is not to blame. True when it was. */
export function probeFailed(tcb: Tcb, now: u64): bool {
  if (!(tcb.flags & TcbFlag.SEND_CARE) || !searches(tcb)) return false;
  const ext = extOf(tcb);
  if (ext.probe_size == 0 || tcb.snd_una != ext.probe_seq_start || tcb.ca_state >= <u8>CaState.CWR) return false;
  ext.search_high = ext.probe_size - 1;
  ext.probe_size = 0;
  setCwnd(tcb, tcb.cwnd + 1, now);
  retransmitShorter(tcb, now);
  return true;
}

/** Something is about to be sent again: in segments of today's MSS, and the probe in flight says nothing any more. */
export function cutOutgrown(tcb: Tcb, now: u64): void {
  if (!searches(tcb) || !extOf(tcb).outgrown) return;
  const ext = extOf(tcb);
  const mss = <u32>tcb.mss - optionRoom(tcb, now);
  ext.probe_size = 0;
  resplit(tcb, mss, Sent.LOST | Sent.EVER_RETRANS, 0);
  ext.outgrown = anyLonger(tcb, mss);
}

function anyLonger(tcb: Tcb, mss: u32): u8 {
  const tail = sentTail(tcb);
  for (let index = tcb.sent_head; index != tail; index++) {
    // The FIN is no text
    if (sentEnd(tcb, index) - sentAt(tcb, index).seq > mss + 1) return 1;
  }
  return 0;
}
