/** What leaves: segments become packets in a buffer that the host program fetches. */
import { AltChecksum, ExtOpt, Flag, Opt } from "../layout/enums";
import { TcbExt } from "../layout/reassembly";
import { Segment, SegmentExt } from "../layout/segment";
import { OutputRecord, Socket } from "../layout/stack";
import { Packet } from "../layout/wire";
import { giveSlab, takeSlab } from "../base/arena";
import { giveSegment } from "../base/pool";
import { engine } from "../base/root";
import { encodeIpv4Tcp, ipv4TcpLength } from "../wire/ipv4";
import { encodeIpv6Tcp } from "../wire/ipv6";
import { isIpv4, unmapped } from "./address";
import { stack, tcbOf } from "./stack";

const PACKET: usize = memory.data(64, 8);
/** A segment that becomes longer on its way out. */
const LONG: usize = memory.data(128, 8);
const RECORD_HEAD: u32 = offsetof<OutputRecord>();
/** Bytes by which an IPv6 header is longer. */
const IPV6_MORE: u32 = 20;

if (offsetof<Packet>() > 64) ERROR("Packet has outgrown its place in stack/output.ts");

/** Room for a packet of `bytes` at the end of the buffer; `packetWritten` completes it. */
export function packetRoom(bytes: u32): usize {
  const s = stack();
  const wanted = s.output_used + RECORD_HEAD + ((bytes + 7) & ~7);
  while (wanted > s.output_size) {
    const klass = <u32>ctz(s.output_size);
    const bigger = takeSlab(klass + 1);
    memory.copy(bigger, s.output, s.output_used);
    giveSlab(s.output, klass);
    s.output = <u32>bigger;
    s.output_size <<= 1;
  }
  return <usize>s.output + s.output_used + RECORD_HEAD;
}

export function packetWritten(bytes: u32): void {
  const s = stack();
  const record = changetype<OutputRecord>(<usize>s.output + s.output_used);
  record.time = engine().now;
  record.length = bytes;
  s.output_used += RECORD_HEAD + ((bytes + 7) & ~7);
  s.packets_out++;
}

/** Sends what TCP has put on its list, in the name of `socket`. */
export function transmit(socket: Socket): void {
  for (let next = nextSegment(); next; next = nextSegment()) {
    const segment = changetype<Segment>(<usize>next);
    sendSegment(socket, segment);
    giveSegment(segment);
  }
}

/** Drops what TCP has put on its list. */
export function discardOutput(): void {
  for (let next = nextSegment(); next; next = nextSegment()) giveSegment(changetype<Segment>(<usize>next));
}

/** Takes the first segment off TCP's list; 0 when there is none. */
@inline
function nextSegment(): u32 {
  const e = engine();
  const first = e.out_head;
  if (first) e.out_head = changetype<Segment>(<usize>first).next;
  return first;
}

/** `AltChecksum` that both ends of a connection have agreed on. */
export function alternateOf(socket: Socket): u8 {
  const tcb = tcbOf(socket);
  return tcb.ext ? changetype<TcbExt>(<usize>tcb.ext).alt_checksum : 0;
}

/** The segment with room for 16-bit Fletcher's second half: itself, or for a short one a copy that lasts until the next. */
function withDataOption(segment: Segment): Segment {
  if ((<u32>segment.flags) & (Flag.SYN | Flag.RST)) return segment;
  if (!((<u32>segment.opts) & Opt.EXT)) {
    memory.copy(LONG, changetype<usize>(segment), 64);
    memory.fill(LONG + 64, 0, 64);
    segment = changetype<Segment>(LONG);
    segment.opts |= <u8>Opt.EXT;
  }
  const ext = changetype<SegmentExt>(changetype<usize>(segment) + 64);
  ext.options |= <u8>ExtOpt.ALT_CHECKSUM_DATA;
  ext.alt_checksum_length = 2;
  return segment;
}

function sendSegment(socket: Socket, segment: Segment): void {
  const packet = changetype<Packet>(PACKET);
  packet.src_port = socket.local_port;
  packet.dst_port = socket.remote_port;
  packet.tos = socket.tos;
  packet.ttl = socket.ttl;
  packet.alt_checksum = alternateOf(socket);
  if (packet.alt_checksum == <u8>AltChecksum.FLETCHER_16) segment = withDataOption(segment);
  packet.payload = (<u32>segment.opts) & Opt.EXT ? changetype<SegmentExt>(changetype<usize>(segment) + 64).payload : 0;
  if (isIpv4(socket.remote_hi, socket.remote_lo)) {
    packet.id = ++socket.ip_id;
    packet.src_addr = unmapped(socket.local_lo);
    packet.dst_addr = unmapped(socket.remote_lo);
    const length = ipv4TcpLength(segment);
    encodeIpv4Tcp(segment, packet, packetRoom(length), length);
    packetWritten(length);
  } else {
    packet.src_hi = socket.local_hi;
    packet.src_lo = socket.local_lo;
    packet.dst_hi = socket.remote_hi;
    packet.dst_lo = socket.remote_lo;
    const length = ipv4TcpLength(segment) + IPV6_MORE;
    encodeIpv6Tcp(segment, packet, packetRoom(length), length);
    packetWritten(length);
  }
}
