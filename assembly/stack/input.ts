/** What arrives: a packet finds its connection, else its listener, else a refusal. */
import { EndReason, Flag, Mark, State } from "../layout/enums";
import { Segment, SegmentExt } from "../layout/segment";
import { Socket, SocketFlag } from "../layout/stack";
import { Packet, WireStatus } from "../layout/wire";
import { engine } from "../base/root";
import { segmentArrives } from "../tcp/segment_arrives";
import { enterClosed } from "../tcp/connection";
import { timeWaitGivesWay } from "../tcp/synchronized";
import { ipv4PayloadLength, parseIpv4 } from "../wire/ipv4";
import { ipv6PayloadLength, parseIpv6 } from "../wire/ipv6";
import { IP_PROTOCOL_TCP, parseTcp } from "../wire/tcp_header";
import { isIpv4, isLocal, isMartian, mapAddresses } from "./address";
import { handshakeMayHear, listenerHears, refuseFor } from "./listen";
import { icmp4Arrives, icmp6Arrives, IP_PROTOCOL_ICMP4, IP_PROTOCOL_ICMP6, tellUnreachable } from "./icmp";
import { alternateOf } from "./output";
import { findListener } from "./ports";
import { settle } from "./settle";
import { socketAt, stack, tcbOf } from "./stack";
import { tableFind } from "./table";
import { whole } from "./time_wait";

const PACKET: usize = memory.data(64, 8);

/** A packet of `length` bytes, which lie at `Stack.input`, arrives now. */
export function stackInput(length: u32): void {
  const s = stack();
  s.packets_in++;
  s.stirred = 0;
  const at = <usize>s.input;
  const packet = changetype<Packet>(PACKET);
  const ipv6 = length != 0 && load<u8>(at) >> 4 == 6;
  const status = ipv6 ? parseIpv6(at, length, packet) : parseIpv4(at, length, packet);
  if (status != WireStatus.OK) {
    countRefused(status);
    return;
  }
  mapAddresses(packet);
  // Nobody sends from there: an answer would go to many, or to nobody
  if (!isLocal(packet.dst_hi, packet.dst_lo) || isMartian(packet.src_hi, packet.src_lo)) {
    s.drops_address++;
    return;
  }
  const payload = ipv6 ? ipv6PayloadLength(at, packet) : ipv4PayloadLength(at);
  const protocol = <u32>packet.protocol;
  if (protocol == IP_PROTOCOL_TCP) tcpArrives(packet, payload);
  else if (!ipv6 && protocol == IP_PROTOCOL_ICMP4) icmp4Arrives(packet, payload);
  else if (ipv6 && protocol == IP_PROTOCOL_ICMP6) icmp6Arrives(packet, payload);
  else tellUnreachable(packet, at, length);
}

function countRefused(status: WireStatus): void {
  const s = stack();
  if (status == WireStatus.FRAGMENT) s.drops_fragment++;
  else if (status == WireStatus.BAD_CHECKSUM || status == WireStatus.BAD_IP_CHECKSUM) s.drops_checksum++;
  else s.drops_header++;
}

function tcpArrives(packet: Packet, length: u32): void {
  const s = stack();
  const segment = changetype<Segment>(<usize>s.segment);
  segment.kind = <u8>((<u32>(packet.tos & 3)) << Mark.ECN_SHIFT);
  const bytes = packet.payload;
  packet.alt_checksum = 0;
  let status = parseTcp(bytes, length, segment, packet);
  if (status == WireStatus.BAD_CHECKSUM && alternateFor(packet, length)) {
    status = parseTcp(bytes, length, segment, packet);
  }
  if (status != WireStatus.OK) {
    countRefused(status);
    return;
  }
  // The payload stays where it arrived
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + offsetof<Segment>());
  ext.payload = packet.payload;
  const now = engine().now;
  let at = tableFind(packet.dst_hi, packet.dst_lo, packet.src_hi, packet.src_lo, packet.dst_port, packet.src_port);
  if (at) at = whole(at);
  if (at && lacksAlternate(socketAt(at), segment, packet)) countRefused(WireStatus.BAD_CHECKSUM);
  else if (at) connectionHears(socketAt(at), segment, packet, length, now);
  else portHears(segment, packet, 0, false, now);
  ext.payload = 0;
}

/** RFC 1146: the segment may be right by what its connection has agreed on. Sets the packet's algorithm. */
function alternateFor(packet: Packet, length: u32): bool {
  if (length < 20) return false;
  const src = <u32>bswap(load<u16>(packet.payload));
  const dst = <u32>bswap(load<u16>(packet.payload, 2));
  const at = tableFind(packet.dst_hi, packet.dst_lo, packet.src_hi, packet.src_lo, dst, src);
  if (!at || socketAt(at).flags & SocketFlag.SHORT) return false;
  packet.alt_checksum = alternateOf(socketAt(at));
  return packet.alt_checksum != 0;
}

/** TCP's own checksum was right where another was agreed on. */
function lacksAlternate(socket: Socket, segment: Segment, packet: Packet): bool {
  if (packet.alt_checksum != 0 || (<u32>segment.flags) & (Flag.SYN | Flag.RST)) return false;
  return alternateOf(socket) != 0;
}

/** A segment for no connection. */
function portHears(segment: Segment, packet: Packet, old_nxt: u32, reuse: bool, now: u64): void {
  // LAND: a port that talks to itself would never stop
  if (packet.src_port == packet.dst_port && packet.src_lo == packet.dst_lo && packet.src_hi == packet.dst_hi) {
    stack().drops_address++;
    return;
  }
  const listener = findListener(
    packet.dst_hi,
    packet.dst_lo,
    packet.dst_port,
    packet.src_hi,
    packet.src_lo,
    packet.src_port,
    packet.version == 6,
  );
  if (listener) listenerHears(socketAt(listener), segment, packet, old_nxt, reuse, now);
  else refuseFor(packet, segment);
}

function connectionHears(socket: Socket, segment: Segment, packet: Packet, length: u32, now: u64): void {
  const tcb = tcbOf(socket);
  if (socket.flags & SocketFlag.IN_SYN_QUEUE && !handshakeMayHear(socket, segment, now)) return;
  if (tcb.state == State.TIME_WAIT && givesWay(socket, segment, now)) {
    const old_nxt = tcb.snd_nxt;
    enterClosed(tcb, EndReason.CLOSED, now);
    settle(socket, now);
    portHears(segment, packet, old_nxt, true, now);
    return;
  }
  tcb.ip_bytes_received += <u64>length + (packet.version == 6 ? 40 : 20);
  socket.segs_in++;
  if (segment.len) {
    socket.data_segs_in++;
    engine().segments_delivered++;
  }
  segmentArrives(tcb, segment, now);
  settle(socket, now);
}

/** A new connection may take the place of one in TIME_WAIT, when somebody listens for it. */
function givesWay(socket: Socket, segment: Segment, now: u64): bool {
  if (!timeWaitGivesWay(tcbOf(socket), segment, now)) return false;
  const ipv6 = !isIpv4(socket.local_hi, socket.local_lo);
  const listener = findListener(
    socket.local_hi,
    socket.local_lo,
    socket.local_port,
    socket.remote_hi,
    socket.remote_lo,
    socket.remote_port,
    ipv6,
  );
  return listener != 0;
}
