/**
 * ICMP (RFC 792) and ICMPv6 (RFC 4443): echo is answered, unreachables are sent for what nobody here speaks, and errors
 * about our own segments reach their connection when they quote it rightly (RFC 5927 §4: the 4-tuple, and a sequence
 * number that is in flight).
 *
 *       0      1      2          4        8
 *      +------+------+----------+--------+---------------------------+
 *      | type | code | checksum | rest   | the packet it is about ...|
 *      +------+------+----------+--------+---------------------------+
 */
import { Errno, State } from "../layout/enums";
import { Tcb } from "../layout/tcb";
import { SocketFlag } from "../layout/stack";
import { Packet } from "../layout/wire";
import { checksumAdd, checksumFinish } from "../base/checksum";
import { engine } from "../base/root";
import { seqGt, seqLt } from "../base/seq";
import { NS_PER_S } from "../base/time";
import { IP_PROTOCOL_TCP, ipv6PseudoHeader } from "../wire/tcp_header";
import { writeIpv4Header } from "../wire/ipv4";
import { writeIpv6Header } from "../wire/ipv6";
import { unreachable as connectionUnreachable, wayIsDown } from "./unreachable";
import { mapped } from "./address";
import { packetRoom, packetWritten } from "./output";
import { socketAt, stack, tcbOf } from "./stack";
import { tableFind } from "./table";

export const IP_PROTOCOL_ICMP4: u32 = 1;
export const IP_PROTOCOL_ICMP6: u32 = 58;
const IP_PROTOCOL_UDP: u32 = 17;

const HEADER: u32 = 8;
const IPV4_HEADER: u32 = 20;
const IPV6_HEADER: u32 = 40;
/** RFC 1812 §4.3.2.3: an error quotes as much as fits 576 bytes; RFC 4443 §3.1: the smallest IPv6 MTU. */
const ERROR4_MAX: u32 = 576;
const ERROR6_MAX: u32 = 1280;

const enum At {
  TYPE = 0,
  CODE = 1,
  CHECKSUM = 2,
  REST = 4,
}

/** RFC 792 */
const enum Icmp4 {
  ECHO_REPLY = 0,
  UNREACHABLE = 3,
  ECHO = 8,
  TIME_EXCEEDED = 11,
  PARAMETER_PROBLEM = 12,
}

/** RFC 4443 */
const enum Icmp6 {
  UNREACHABLE = 1,
  PACKET_TOO_BIG = 2,
  TIME_EXCEEDED = 3,
  PARAMETER_PROBLEM = 4,
  ECHO = 128,
  ECHO_REPLY = 129,
}

const FRAG_NEEDED: u32 = 4;

/** What an ICMP message means to a connection, apart from errnos. */
const enum Meaning {
  NOTHING = 0,
  TOO_BIG = 0x10000,
  /** The way is down: beside an errno, RFC 6069. */
  NO_WAY = 0x20000,
}

const ERRNO_MASK: u32 = 0xffff;

export function icmp4Arrives(packet: Packet, length: u32): void {
  const s = stack();
  const at = <usize>packet.payload;
  if (length < HEADER) {
    s.drops_header++;
    return;
  }
  if (checksumFinish(checksumAdd(0, at, length))) {
    s.drops_checksum++;
    return;
  }
  s.icmp_in++;
  const type = <u32>load<u8>(at, At.TYPE);
  if (type == Icmp4.ECHO) {
    if (!s.icmp_echo_ignore_all) echo(packet, at, length, Icmp4.ECHO_REPLY);
    return;
  }
  const meaning = meaning4(type, load<u8>(at, At.CODE));
  if (meaning == Meaning.NOTHING || length < HEADER + IPV4_HEADER) return;
  const quoted = at + HEADER;
  const header = (<u32>(load<u8>(quoted) & 15)) << 2;
  if (load<u8>(quoted) >> 4 != 4 || header < IPV4_HEADER || length < HEADER + header + 8) return;
  if (load<u8>(quoted, 9) != <u8>IP_PROTOCOL_TCP) return;
  const local = mapped(bswap(load<u32>(quoted, 12)));
  const remote = mapped(bswap(load<u32>(quoted, 16)));
  errorArrives(0, local, 0, remote, quoted + header, meaning, bswap(load<u16>(at, 6)));
}

export function icmp6Arrives(packet: Packet, length: u32): void {
  const s = stack();
  const at = <usize>packet.payload;
  if (length < HEADER) {
    s.drops_header++;
    return;
  }
  if (checksumFinish(checksumAdd(ipv6PseudoHeader(packet, IP_PROTOCOL_ICMP6, length), at, length))) {
    s.drops_checksum++;
    return;
  }
  s.icmp_in++;
  const type = <u32>load<u8>(at, At.TYPE);
  if (type == Icmp6.ECHO) {
    if (!s.icmp_echo_ignore_all) echo(packet, at, length, Icmp6.ECHO_REPLY);
    return;
  }
  const meaning = meaning6(type, load<u8>(at, At.CODE));
  if (meaning == Meaning.NOTHING || length < HEADER + IPV6_HEADER + 8) return;
  const quoted = at + HEADER;
  if (load<u8>(quoted) >> 4 != 6 || load<u8>(quoted, 6) != <u8>IP_PROTOCOL_TCP) return;
  errorArrives(
    load<u64>(quoted, 8),
    load<u64>(quoted, 16),
    load<u64>(quoted, 24),
    load<u64>(quoted, 32),
    quoted + IPV6_HEADER,
    meaning,
    bswap(load<u32>(at, At.REST)),
  );
}

/** The errno that Linux derives from type and code. */
function meaning4(type: u32, code: u32): u32 {
  if (type == Icmp4.TIME_EXCEEDED) return Errno.EHOSTUNREACH;
  if (type == Icmp4.PARAMETER_PROBLEM) return Errno.EPROTO;
  if (type != Icmp4.UNREACHABLE) return Meaning.NOTHING;
  switch (code) {
    case 0:
      return Errno.ENETUNREACH | Meaning.NO_WAY;
    case 1:
      return Errno.EHOSTUNREACH | Meaning.NO_WAY;
    case 6:
    case 9:
    case 11:
      return Errno.ENETUNREACH;
    case 2:
      return Errno.ENOPROTOOPT;
    case 3:
      return Errno.ECONNREFUSED;
    case FRAG_NEEDED:
      return Meaning.TOO_BIG;
    case 5:
      return Errno.EOPNOTSUPP;
    case 7:
      return Errno.EHOSTDOWN;
    case 8:
      return Errno.ENONET;
    default:
      return Errno.EHOSTUNREACH;
  }
}

function meaning6(type: u32, code: u32): u32 {
  switch (type) {
    case Icmp6.PACKET_TOO_BIG:
      return Meaning.TOO_BIG;
    case Icmp6.TIME_EXCEEDED:
      return Errno.EHOSTUNREACH;
    case Icmp6.PARAMETER_PROBLEM:
      return Errno.EPROTO;
    case Icmp6.UNREACHABLE:
      if (code == 0) return Errno.ENETUNREACH | Meaning.NO_WAY;
      if (code == 4) return Errno.ECONNREFUSED;
      if (code == 2 || code == 3) return Errno.EHOSTUNREACH;
      return Errno.EACCES;
    default:
      return Meaning.NOTHING;
  }
}

/** An error about a segment with these ends, whose first 8 bytes at least lie at `tcp`. */
function errorArrives(
  local_hi: u64,
  local_lo: u64,
  remote_hi: u64,
  remote_lo: u64,
  tcp: usize,
  meaning: u32,
  mtu: u32,
): void {
  const s = stack();
  const local_port = <u32>bswap(load<u16>(tcp));
  const remote_port = <u32>bswap(load<u16>(tcp, 2));
  const at = tableFind(local_hi, local_lo, remote_hi, remote_lo, local_port, remote_port);
  const seq = bswap(load<u32>(tcp, 4));
  if (!at || !isInFlight(tcbOf(socketAt(at)), seq)) {
    s.icmp_ignored++;
    return;
  }
  // What waits in TIME_WAIT has nothing on the way
  if (socketAt(at).flags & SocketFlag.SHORT) return;
  const now = engine().now;
  if (meaning & Meaning.NO_WAY) wayIsDown(socketAt(at), seq, now);
  connectionUnreachable(socketAt(at), meaning & ERRNO_MASK, mtu, now);
}

/** RFC 5927 §4.1: only what was sent and not acknowledged can be reported lost. */
function isInFlight(tcb: Tcb, seq: u32): bool {
  if (<i32>tcb.state <= State.LISTEN) return false;
  return !seqLt(seq, tcb.snd_una) && !seqGt(seq, tcb.snd_nxt);
}

/** The echo goes back with its identifier, number and data. */
function echo(packet: Packet, at: usize, length: u32, type: u32): void {
  const start = begin(packet, length);
  memory.copy(start, at, length);
  finish(packet, start, length, type, 0);
}

/** Nobody here speaks the packet's protocol, or nobody listens at its UDP port. */
export function tellUnreachable(packet: Packet, at: usize, length: u32): void {
  if (!mayComplain()) return;
  const ipv6 = packet.version == 6;
  const udp = <u32>packet.protocol == IP_PROTOCOL_UDP;
  const room = ipv6 ? ERROR6_MAX - IPV6_HEADER - HEADER : ERROR4_MAX - IPV4_HEADER - HEADER;
  const quote = min(length, room);
  const start = begin(packet, HEADER + quote);
  store<u32>(start, 0, At.REST);
  memory.copy(start + HEADER, at, quote);
  if (ipv6) {
    // RFC 4443 §3.4: an unknown next header is a parameter problem, and this is where it stands
    if (!udp) store<u32>(start, bswap<u32>(6), At.REST);
    finish(packet, start, HEADER + quote, udp ? Icmp6.UNREACHABLE : Icmp6.PARAMETER_PROBLEM, udp ? 4 : 1);
  } else {
    finish(packet, start, HEADER + quote, Icmp4.UNREACHABLE, udp ? 3 : 2);
  }
}

/** Linux's bucket: so many errors a second, and so many at once; of a silence a second counts. */
function mayComplain(): bool {
  const s = stack();
  const now = engine().now;
  const earned = (min<u64>(now - s.icmp_credit_at, NS_PER_S) * s.icmp_msgs_per_sec) / NS_PER_S;
  if (earned) {
    s.icmp_credit = <u32>min<u64>(<u64>s.icmp_credit + earned, s.icmp_msgs_burst);
    s.icmp_credit_at = now;
  }
  if (!s.icmp_credit) return false;
  s.icmp_credit--;
  return true;
}

/** Turns the packet round and writes its IP header; where `length` bytes of ICMP go. */
function begin(packet: Packet, length: u32): usize {
  packet.ttl = 0;
  const hi = packet.src_hi;
  const lo = packet.src_lo;
  packet.src_hi = packet.dst_hi;
  packet.src_lo = packet.dst_lo;
  packet.dst_hi = hi;
  packet.dst_lo = lo;
  if (packet.version == 6) {
    const start = packetRoom(IPV6_HEADER + length);
    return start + writeIpv6Header(packet, start, IP_PROTOCOL_ICMP6, length);
  }
  const address = packet.src_addr;
  packet.src_addr = packet.dst_addr;
  packet.dst_addr = address;
  const start = packetRoom(IPV4_HEADER + length);
  return start + writeIpv4Header(packet, start, IP_PROTOCOL_ICMP4, length);
}

function finish(packet: Packet, start: usize, length: u32, type: u32, code: u32): void {
  const ipv6 = packet.version == 6;
  store<u8>(start, <u8>type, At.TYPE);
  store<u8>(start, <u8>code, At.CODE);
  store<u16>(start, 0, At.CHECKSUM);
  const sum = ipv6 ? ipv6PseudoHeader(packet, IP_PROTOCOL_ICMP6, length) : 0;
  store<u16>(start, checksumFinish(checksumAdd(sum, start, length)), At.CHECKSUM);
  packetWritten(length + (ipv6 ? IPV6_HEADER : IPV4_HEADER));
  stack().icmp_out++;
}
