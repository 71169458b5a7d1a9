/**
 * TCP Fast Open, RFC 7413, as Linux has it (net.ipv4.tcp_fastopen): data on the SYN, taken before the handshake is over
 * when its cookie is right. Leaves out the detection of paths that swallow such SYNs (§4.1.3.1), which Linux has switched
 * off by default.
 *
 *      client   SYN, cookie?      ---->   SYN-ACK, cookie                      asks for a cookie, and keeps it
 *               SYN, cookie, data ---->   SYN-ACK acknowledges the data        or only the SYN: the data is sent again
 */
import { CaState, FastOpenBit, FastOpenSysctl, Pending, Sent, State, TcbFlag, Timer } from "../layout/enums";
import { Engine } from "../layout/engine";
import { FastOpen, FastOpenCache, FastOpenKeys } from "../layout/fast_open";
import { TcbExt } from "../layout/reassembly";
import { Segment, SynOptions } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { giveSlab, reserve, slabClass, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { siphashWords } from "../base/siphash";
import { seqLt } from "../base/seq";
import { connectionExt } from "./extension";
import { sendPending } from "./output";
import { OPTIONS_MAX, TIMESTAMPS_LENGTH } from "./pmtu";
import { rackIsOn } from "./rack";
import { retransmitQueue } from "./retransmit";
import { markLost } from "./scoreboard";
import { senderOf, takeSender } from "./sender";
import { sentPush, sentTail } from "./sent";
import { timerAt, timerSet } from "./timers";

/** A cookie of ours: one word of SipHash. */
const COOKIE_LENGTH: u8 = 8;
const CACHE_BITS: u32 = 6;
/** The golden ratio in 32 bits: spreads what is close (Knuth, 6.4). */
const SPREAD: u32 = 0x9e3779b1;
const SCRATCH: usize = memory.data(32, 8);

@inline
function fastOpenOf(tcb: Tcb): FastOpen | null {
  if (!tcb.ext) return null;
  const at = changetype<TcbExt>(<usize>tcb.ext).fast_open;
  return at ? changetype<FastOpen>(<usize>at) : null;
}

function makeFastOpen(tcb: Tcb): FastOpen {
  const ext = connectionExt(tcb);
  if (!ext.fast_open) ext.fast_open = <u32>takeSlab(slabClass(offsetof<FastOpen>()));
  memory.fill(ext.fast_open, 0, offsetof<FastOpen>());
  return changetype<FastOpen>(<usize>ext.fast_open);
}

export function fastOpenRelease(tcb: Tcb): void {
  if (!fastOpenOf(tcb)) return;
  const ext = changetype<TcbExt>(<usize>tcb.ext);
  giveSlab(ext.fast_open, slabClass(offsetof<FastOpen>()));
  ext.fast_open = 0;
}

@inline
function hasBit(tcb: Tcb, bit: FastOpenBit): bool {
  const state = fastOpenOf(tcb);
  return state ? ((<u32>state.bits) & bit) != 0 : false;
}

// ---- The cookie

/** §4.1.2, as Linux makes it: SipHash of the client's and the server's address in network order, `words` at `at`. */
function cookieOf(keys: FastOpenKeys, at: usize, words: u32): u64 {
  return siphashWords(keys.key0, keys.key1, at, words);
}

/** The host's own. */
export function fastOpenHostKeys(): FastOpenKeys {
  return changetype<FastOpenKeys>(changetype<usize>(engine()) + offsetof<Engine>("fastopen_key0"));
}

if (offsetof<Engine>("fastopen_backup1") - offsetof<Engine>("fastopen_key0") != offsetof<FastOpenKeys>("backup1")) {
  ERROR("the host's keys are not FastOpenKeys");
}

/** The same by the key before, of the ends that the last cookie was made of; 0 without such a key. */
export function fastOpenBackupCookie(keys: FastOpenKeys, ipv4: bool): u64 {
  if ((keys.backup0 | keys.backup1) == 0) return 0;
  return siphashWords(keys.backup0, keys.backup1, SCRATCH, ipv4 ? 1 : 4);
}

/** For IPv4 addresses in host order. */
export function fastOpenCookie4(keys: FastOpenKeys, client: u32, server: u32): u64 {
  store<u32>(SCRATCH, bswap(client));
  store<u32>(SCRATCH, bswap(server), 4);
  return cookieOf(keys, SCRATCH, 1);
}

/** For IPv6 addresses, as two words each as they lie in memory. */
export function fastOpenCookie6(
  keys: FastOpenKeys,
  client_hi: u64,
  client_lo: u64,
  server_hi: u64,
  server_lo: u64,
): u64 {
  store<u64>(SCRATCH, client_hi);
  store<u64>(SCRATCH, client_lo, 8);
  store<u64>(SCRATCH, server_hi, 16);
  store<u64>(SCRATCH, server_lo, 24);
  return cookieOf(keys, SCRATCH, 4);
}

/** Whether the host by `bit`, or the user by TCP_FASTOPEN_NO_COOKIE, does without cookies. */
function needsNoCookie(tcb: Tcb, bit: FastOpenSysctl): bool {
  if (engine().fastopen & bit) return true;
  return tcb.ext != 0 && changetype<TcbExt>(<usize>tcb.ext).fast_open_no_cookie != 0;
}

// ---- The server

/**
 * What a listener that offers Fast Open makes of a SYN, before the SYN is handed to `tcb`, a child of it: `cookie` is the
 * right one for its addresses, `room` says that one more early connection may be. True when the connection begins early.
 */
export function fastOpenSyn(tcb: Tcb, segment: Segment, cookie: u64, room: bool): bool {
  fastOpenRelease(tcb);
  const syn = changetype<SynOptions>(changetype<usize>(segment));
  const asked = syn.fast_open != 0;
  if (!room || (segment.len == 0 && !asked)) return false;
  const length = <u32>syn.fast_open - 1;
  const right = asked && length == <u32>COOKIE_LENGTH && syn.cookie0 == cookie;
  if (!right && !needsNoCookie(tcb, FastOpenSysctl.SERVER_NO_COOKIE)) {
    if (!asked) return false;
    // Asked for, or wrong: the SYN-ACK brings the right one, in the option that was used
    const answer = makeFastOpen(tcb);
    answer.bits = <u8>(FastOpenBit.OPTION | (syn.fast_open_experimental ? FastOpenBit.EXPERIMENTAL : 0));
    answer.cookie_length = COOKIE_LENGTH;
    answer.cookie0 = cookie;
    return false;
  }
  makeFastOpen(tcb).bits = <u8>(FastOpenBit.EARLY | (segment.len ? FastOpenBit.DATA_ACKED : 0));
  return true;
}

/** A cookie by the key before was right: the SYN-ACK of the early connection brings the one to use from now on. */
export function fastOpenRenews(tcb: Tcb, segment: Segment, cookie: u64): void {
  const state = fastOpenOf(tcb);
  if (!state) return;
  const syn = changetype<SynOptions>(changetype<usize>(segment));
  state.bits |= <u8>(FastOpenBit.OPTION | (syn.fast_open_experimental ? FastOpenBit.EXPERIMENTAL : 0));
  state.cookie_length = COOKIE_LENGTH;
  state.cookie0 = cookie;
}

/** Whether the connection takes and sends data though its handshake is not over. */
export function fastOpenIsEarly(tcb: Tcb): bool {
  return hasBit(tcb, FastOpenBit.EARLY);
}

/** The handshake's last ACK has come: the connection is like any other. */
export function fastOpenConfirmed(tcb: Tcb): void {
  const state = fastOpenOf(tcb);
  if (state) state.bits &= <u8>~FastOpenBit.EARLY;
}

/**
 * Sends what the windows allow before the handshake is over. Until its last ACK the timer is the SYN-ACK's and so is the
 * count of what goes unanswered: no data is sent again, and nothing probes for it (Linux's tcp_rearm_rto, "stay put").
 */
export function sendEarly(tcb: Tcb, now: u64): void {
  takeSender(tcb);
  const due = timerAt(tcb, Timer.RETRANSMIT);
  const unanswered = tcb.unanswered;
  sendPending(tcb, now);
  tcb.unanswered = unanswered;
  senderOf(tcb).pending = <u8>Pending.RETRANSMISSION;
  timerSet(tcb, Timer.RETRANSMIT, due);
}

// ---- The client

@inline
function cacheEntry(tcb: Tcb): FastOpenCache {
  const e = engine();
  const size = <u32>offsetof<FastOpenCache>();
  if (!e.fastopen_cache) e.fastopen_cache = <u32>reserve(size << CACHE_BITS);
  const slot = ((tcb.remote_addr ^ rotl(tcb.local_addr, 16)) * SPREAD) >> (32 - CACHE_BITS);
  return changetype<FastOpenCache>(<usize>(e.fastopen_cache + slot * size));
}

/** What is remembered of the peer; null when nothing is. */
function remembered(tcb: Tcb): FastOpenCache | null {
  const entry = cacheEntry(tcb);
  const same = entry.remote_addr == tcb.remote_addr && entry.local_addr == tcb.local_addr;
  return same && entry.cookie_length != 0 ? entry : null;
}

/** Whether an active OPEN of this connection may have data on its SYN. */
export function fastOpenKnows(tcb: Tcb): bool {
  const settings = engine().fastopen;
  if (!(settings & FastOpenSysctl.CLIENT)) return false;
  return needsNoCookie(tcb, FastOpenSysctl.CLIENT_NO_COOKIE) || remembered(tcb) != null;
}

/** The SYN of an active OPEN that wants Fast Open: with the cookie that is known, or a request for one. */
export function fastOpenAsk(tcb: Tcb): void {
  const settings = engine().fastopen;
  if (!(settings & FastOpenSysctl.CLIENT)) return;
  const state = makeFastOpen(tcb);
  if (needsNoCookie(tcb, FastOpenSysctl.CLIENT_NO_COOKIE)) {
    state.bits = <u8>FastOpenBit.DATA_ALLOWED;
    return;
  }
  state.bits = <u8>FastOpenBit.OPTION;
  const entry = remembered(tcb);
  if (!entry) return;
  if (!cookieFits(tcb, entry.cookie_length)) {
    // It opens as ever
    state.bits = 0;
    return;
  }
  state.bits |= <u8>FastOpenBit.DATA_ALLOWED;
  state.cookie_length = entry.cookie_length;
  state.cookie0 = entry.cookie0;
  state.cookie1 = entry.cookie1;
}

/** Whether the SYN has room for a cookie: beside timestamps the longest leaves none for a checksum (RFC 1146). */
function cookieFits(tcb: Tcb, length: u32): bool {
  const flags = tcb.flags;
  let used: u32 = 4 + ((2 + length + 3) & ~3);
  if (flags & TcbFlag.OFFER_TIMESTAMPS) used += TIMESTAMPS_LENGTH;
  else if (flags & TcbFlag.OFFER_SACK) used += 4;
  if (flags & TcbFlag.OFFER_WINDOW_SCALING) used += 4;
  if (changetype<TcbExt>(<usize>tcb.ext).alt_checksum_wish) used += 4;
  return used <= OPTIONS_MAX;
}

/** Bytes of text that the SYN takes: only the first SYN, only behind a cookie (§4.2.1). */
export function fastOpenSynData(tcb: Tcb): u32 {
  const room = fastOpenRoom(tcb);
  if (!room) return 0;
  const data = min(tcb.write_seq - tcb.iss - 1, room);
  (<FastOpen>fastOpenOf(tcb)).syn_data = <u16>data;
  return data;
}

/** Bytes of text that the SYN could take. */
export function fastOpenRoom(tcb: Tcb): u32 {
  const state = fastOpenOf(tcb);
  if (!state || tcb.state != <u8>State.SYN_SENT || !((<u32>state.bits) & FastOpenBit.DATA_ALLOWED)) return 0;
  const entry = remembered(tcb);
  const mss = min<u32>(entry && entry.mss ? entry.mss : 536, tcb.rcv_mss);
  // Options take what they will, those of middleboxes too
  return mss > OPTIONS_MAX ? mss - OPTIONS_MAX : 0;
}

/**
 * The option of a SYN or SYN-ACK that leaves for the first time; those that are sent again go without on a SYN. A client
 * whose SYN has crossed the peer's grants nothing.
 */
export function fastOpenStamp(tcb: Tcb, syn: SynOptions, again: bool): void {
  const state = fastOpenOf(tcb);
  if (!state || !((<u32>state.bits) & FastOpenBit.OPTION)) return;
  const client = state.cookie_length == 0 || ((<u32>state.bits) & FastOpenBit.DATA_ALLOWED) != 0;
  if (client && (again || tcb.state != <u8>State.SYN_SENT)) return;
  syn.fast_open = state.cookie_length + 1;
  syn.fast_open_experimental = <u8>(((<u32>state.bits) & FastOpenBit.EXPERIMENTAL) != 0);
  syn.cookie0 = state.cookie0;
  syn.cookie1 = state.cookie1;
}

/** How far beyond the SYN an acknowledgment of it may reach. */
export function fastOpenInFlight(tcb: Tcb): u32 {
  const state = fastOpenOf(tcb);
  return state ? state.syn_data : 0;
}

/**
 * The SYN-ACK of a connection that is now established: keeps the cookie, and finds out what became of the SYN's text. True
 * when some of it is sent again, which acknowledges the SYN-ACK.
 */
export function fastOpenSynAckArrives(tcb: Tcb, segment: Segment, now: u64): bool {
  const state = fastOpenOf(tcb);
  if (!state) return false;
  if ((<u32>state.bits) & FastOpenBit.OPTION) keepCookie(tcb, changetype<SynOptions>(changetype<usize>(segment)));
  return state.syn_data != 0 && fastOpenTextAnswered(tcb, segment.ack, now);
}

/** What `ack`, the first acknowledgment of our SYN, says of the text on it. True when some of that is sent again. */
export function fastOpenTextAnswered(tcb: Tcb, ack: u32, now: u64): bool {
  const state = <FastOpen>fastOpenOf(tcb);
  const data = <u32>state.syn_data;
  takeSender(tcb);
  const first = tcb.iss + 1;
  const end = first + data;
  tcb.snd_una = ack;
  tcb.snd_nxt = end;
  tcb.bytes_acked += ack - first;
  if (ack == end) {
    state.bits |= <u8>FastOpenBit.DATA_ACKED;
    // TCP_INFO counts what was delivered by it: the text of a SYN is one segment
    tcb.sent_head++;
    tcb.rtx_hint = tcb.sent_head;
    tcb.lost_frontier = tcb.sent_head;
    return false;
  }
  // Sent again at once, cut for what the peer turns out to take; and no sign of congestion: cwnd stays
  const mss = <u32>tcb.mss;
  for (let seq = ack; seqLt(seq, end); seq += mss) {
    const joins: u32 = seq == ack ? 0 : Sent.CONTINUES;
    sentPush(tcb, seq, joins | (seqLt(seq + mss, end) ? 0 : <u32>Sent.PUSH), now);
    markLost(tcb, sentTail(tcb) - 1);
  }
  if (!rackIsOn(tcb)) tcb.lost_frontier = sentTail(tcb);
  tcb.high_seq = tcb.snd_nxt;
  tcb.ca_state = <u8>CaState.LOSS;
  retransmitQueue(tcb, now);
  return true;
}

function keepCookie(tcb: Tcb, syn: SynOptions): void {
  const length = <u32>syn.fast_open;
  const entry = cacheEntry(tcb);
  const same = entry.remote_addr == tcb.remote_addr && entry.local_addr == tcb.local_addr;
  if (same) entry.mss = tcb.snd_mss;
  if (length < 2) return;
  entry.local_addr = tcb.local_addr;
  entry.remote_addr = tcb.remote_addr;
  entry.mss = tcb.snd_mss;
  entry.cookie_length = <u8>(length - 1);
  entry.cookie0 = syn.cookie0;
  entry.cookie1 = syn.cookie1;
}

/** Whether text of our SYN was acknowledged by the SYN-ACK (TCPI_OPT_SYN_DATA). */
export function fastOpenWasAcked(tcb: Tcb): bool {
  return hasBit(tcb, FastOpenBit.DATA_ACKED);
}
