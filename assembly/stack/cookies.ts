/**
 * SYN cookies, RFC 4987 §3.6, in Linux's manner: when the SYN queue is full the SYN-ACK's sequence number holds all
 * that a listener has to remember, and nothing is kept.
 *
 *      ISS = hash(ends) + SEG.SEQ + (minutes << 24) + ((hash(ends, minutes) + index of MSS) mod 2^24)
 *
 * Timestamps bring the rest home, in the low bits of TSval:  | clock | ecn | sack | window scale, 15: none |
 */
import { Flag, Opt, TcbFlag } from "../layout/enums";
import { Segment, SynOptions } from "../layout/segment";
import { Socket } from "../layout/stack";
import { Packet } from "../layout/wire";
import { giveSegment, takeLongSegment } from "../base/pool";
import { engine } from "../base/root";
import { NS_PER_S } from "../base/time";
import { openPassive } from "../tcp/calls";
import { setIss } from "../tcp/connection";
import { connectionInherits, connectionRelease } from "../tcp/extension";
import { segmentArrives } from "../tcp/segment_arrives";
import { isIpv4 } from "./address";
import { beginChild, nameEnds } from "./listen";
import { discardOutput, transmit } from "./output";
import { acceptQueueIsFull, listenerOf, synQueuePush } from "./queues";
import { settle } from "./settle";
import { socketAt, SOCKET_CLASS, stack, tcbOf } from "./stack";
import { tupleHash } from "./table";

/** A cookie counts time in these. */
const PERIOD: u64 = 64 * NS_PER_S;
/** Periods after which a cookie is stale. */
const AGE_MAX: u32 = 2;
const COUNT_SHIFT: u32 = 24;
const LOW: u32 = (1 << COUNT_SHIFT) - 1;

/** Bits of TSval that carry options. */
const STAMP_BITS: u32 = 6;
const STAMP_MASK: u32 = (1 << STAMP_BITS) - 1;
const STAMP_WSCALE: u32 = 15;
const STAMP_SACK: u32 = 16;
const STAMP_ECN: u32 = 32;

/** The MSS values that a cookie can tell: 536, and what common links leave; IPv6 has others. */
function mssOf(index: u32, ipv4: bool): u32 {
  switch (index) {
    case 0:
      return ipv4 ? 536 : 1220;
    case 1:
      return ipv4 ? 1300 : 1420;
    case 2:
      return 1440;
    default:
      return ipv4 ? 1460 : 8940;
  }
}

const MSS_COUNT: u32 = 4;

function hash(packet: Packet, salt: u32): u32 {
  return tupleHash(packet.dst_hi, packet.dst_lo, packet.src_hi, packet.src_lo, packet.dst_port, packet.src_port, salt);
}

/** Salts of the two hashes; the second takes the count of periods as well. */
const FIRST_SALT: u32 = 0x80000000;
const SECOND_SALT: u32 = 0xc0000000;

function cookieFor(packet: Packet, seq: u32, mss: u32, now: u64): u32 {
  const ipv4 = isIpv4(packet.src_hi, packet.src_lo);
  let index = MSS_COUNT - 1;
  while (index != 0 && mssOf(index, ipv4) > mss) index--;
  const count = <u32>(now / PERIOD);
  const low = (hash(packet, SECOND_SALT | (count & 0xffffff)) + index) & LOW;
  return hash(packet, FIRST_SALT) + seq + (count << COUNT_SHIFT) + low;
}

/** The MSS that the cookie tells; 0 when it is none of ours, or stale. */
function cookieMss(packet: Packet, cookie: u32, seq: u32, now: u64): u32 {
  const rest = cookie - hash(packet, FIRST_SALT) - seq;
  const count = <u32>(now / PERIOD);
  const age = (count - (rest >> COUNT_SHIFT)) & 0xff;
  if (age >= AGE_MAX) return 0;
  const index = (rest - hash(packet, SECOND_SALT | ((count - age) & 0xffffff))) & LOW;
  return index < MSS_COUNT ? mssOf(index, isIpv4(packet.src_hi, packet.src_lo)) : 0;
}

/** Answers a SYN by a SYN-ACK whose sequence number is a cookie; nothing is remembered. */
export function sendCookie(parent: Socket, segment: Segment, packet: Packet, now: u64): void {
  const s = stack();
  const seq = segment.seq;
  const mss = (<u32>segment.opts) & Opt.SYN ? <u32>changetype<SynOptions>(changetype<usize>(segment)).mss : 0;
  const cookie = cookieFor(packet, seq, mss, now);
  // A handshake like any other, in a block that nobody keeps
  const nobody = socketAt(s.nobody);
  const tcb = tcbOf(nobody);
  connectionRelease(tcb);
  memory.copy(s.nobody, <u32>changetype<usize>(parent), (<usize>1) << SOCKET_CLASS);
  connectionInherits(tcb);
  nobody.flags = 0;
  nameEnds(nobody, packet);
  tcb.state = 0;
  tcb.owner = s.nobody;
  tcb.timer_event = 0;
  tcb.flags &= ~TcbFlag.REAL_BYTES;
  if (!((<u32>segment.opts) & Opt.TIMESTAMPS && tcb.flags & TcbFlag.OFFER_TIMESTAMPS)) {
    // Nothing to keep the rest in: it is not agreed on
    tcb.flags &= ~(TcbFlag.OFFER_SACK | TcbFlag.OFFER_WINDOW_SCALING);
    segment.flags &= <u8>~(Flag.ECE | Flag.CWR);
  }
  openPassive(tcb);
  segmentArrives(tcb, segment, now);
  tcb.state = 0;
  tcb.timer_mask = 0;
  tcb.timer_moved = 0;
  tcb.notify = 0;
  connectionRelease(tcb);
  const answer = changetype<Segment>(<usize>engine().out_head);
  answer.seq = cookie;
  if ((<u32>answer.opts) & Opt.TIMESTAMPS) answer.tsval = stamped(answer, answer.tsval - tcb.iss + cookie);
  s.cookies_sent++;
  listenerOf(parent).cookies_until = now + AGE_MAX * PERIOD;
  transmit(nobody);
}

/** The latest timestamp not after `tsval` whose low bits say what the SYN-ACK agrees to. */
function stamped(answer: Segment, tsval: u32): u32 {
  const syn = changetype<SynOptions>(changetype<usize>(answer));
  let bits = syn.wscale_plus_one ? peerScale() : STAMP_WSCALE;
  if (syn.sack_permitted) bits |= STAMP_SACK;
  if ((<u32>answer.flags) & Flag.ECE) bits |= STAMP_ECN;
  const stamp = (tsval & ~STAMP_MASK) | bits;
  return <i32>(stamp - tsval) > 0 ? stamp - (1 << STAMP_BITS) : stamp;
}

/** The window scale that the peer's SYN offered, as the handshake has noted it. */
function peerScale(): u32 {
  return tcbOf(socketAt(stack().nobody)).snd_wscale;
}

/**
 * An ACK that no connection knows: perhaps it brings a cookie back. True when it is dealt with: the connection is made
 * anew out of what the cookie tells, as if it had waited in the SYN queue.
 */
export function cookieArrives(parent: Socket, segment: Segment, packet: Packet, now: u64): bool {
  const s = stack();
  const listener = listenerOf(parent);
  if (!s.tcp_syncookies) return false;
  // Nobody was sent a cookie lately: it cannot be one
  if (now >= listener.cookies_until) return false;
  const cookie = segment.ack - 1;
  const mss = cookieMss(packet, cookie, segment.seq - 1, now);
  if (!mss) {
    s.cookies_failed++;
    return false;
  }
  s.cookies_received++;
  if (acceptQueueIsFull(listener)) {
    s.drops_accept_queue++;
    return true;
  }
  const child = beginChild(parent, packet);
  const tcb = tcbOf(child);
  openPassive(tcb);
  const syn = originalSyn(segment, mss);
  segmentArrives(tcb, syn, now);
  giveSegment(syn);
  // Its answer left long ago
  discardOutput();
  setIss(tcb, cookie);
  // When the SYN-ACK left is not known: no round-trip time from the handshake
  tcb.flags |= TcbFlag.SYN_SENT_AGAIN;
  synQueuePush(parent, child);
  segmentArrives(tcb, segment, now);
  settle(child, now);
  return true;
}

/** The SYN that the cookie and the echoed timestamp stand for. */
function originalSyn(segment: Segment, mss: u32): Segment {
  const original = takeLongSegment();
  memory.fill(changetype<usize>(original), 0, 128);
  const syn = changetype<SynOptions>(changetype<usize>(original));
  original.seq = segment.seq - 1;
  original.flags = <u8>Flag.SYN;
  original.wnd = segment.wnd;
  let opts: u32 = Opt.SYN | Opt.EXT;
  syn.mss = <u16>mss;
  if ((<u32>segment.opts) & Opt.TIMESTAMPS) {
    opts |= Opt.TIMESTAMPS;
    original.tsval = segment.tsval;
    const bits = segment.tsecr & STAMP_MASK;
    if ((bits & STAMP_WSCALE) != STAMP_WSCALE) syn.wscale_plus_one = <u8>((bits & STAMP_WSCALE) + 1);
    if (bits & STAMP_SACK) syn.sack_permitted = 1;
    if (bits & STAMP_ECN) original.flags |= <u8>(Flag.ECE | Flag.CWR);
  }
  original.opts = <u8>opts;
  return original;
}
