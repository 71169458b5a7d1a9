/** Captured packets: real IPv4 and TCP bytes in a buffer that the host drains between slices. */
import { EventKind, Opt, RunStatus } from "../layout/enums";
import { Route } from "../layout/link";
import { Segment, SegmentExt } from "../layout/segment";
import { Tcb } from "../layout/tcb";
import { CaptureRecord, Packet } from "../layout/wire";
import { engine } from "../base/root";
import { reserve } from "../base/arena";
import { encodeIpv4Tcp, ipv4TcpLength } from "../wire/ipv4";

const PACKET: usize = memory.data(64, 8);
const RECORD_HEAD: u32 = 24;
/** Bytes that wait for the host before the run returns to it; what one event adds beyond them makes the buffer grow. */
const FULL: u32 = 1 << 19;
const FIRST_BUFFER: u32 = 1 << 20;
/** The largest packet with its record. */
const ROOM_MIN: u32 = 65536 + 64;

if (offsetof<CaptureRecord>() != RECORD_HEAD) ERROR("CaptureRecord is not 24 bytes");

/** Makes room for captured packets, of each `snaplen` bytes at most. */
export function captureInit(snaplen: u32): void {
  const e = engine();
  if (!e.capture) {
    e.capture = <u32>reserve(FIRST_BUFFER);
    e.capture_size = FIRST_BUFFER;
  }
  e.capture_used = 0;
  e.capture_snaplen = snaplen;
}

/** Writes a segment down as the bytes it would be, seen at `time` on interface `number`. */
export function capture(number: u32, segment: Segment, time: u64): void {
  if (segment.kind == EventKind.DATAGRAM) return;
  const e = engine();
  if (e.capture_size - e.capture_used < ROOM_MIN) growBuffer();
  const route = changetype<Route>(<usize>segment.target);
  const origin = changetype<Tcb>(<usize>route.origin);
  const packet = changetype<Packet>(PACKET);
  packet.src_addr = origin.local_addr;
  packet.dst_addr = origin.remote_addr;
  packet.src_port = origin.local_port;
  packet.dst_port = origin.remote_port;
  packet.id = <u16>(segment.seq >> 3);
  packet.payload = (<u32>segment.opts) & Opt.EXT ? changetype<SegmentExt>(changetype<usize>(segment) + 64).payload : 0;
  const at = <usize>e.capture + e.capture_used;
  const record = changetype<CaptureRecord>(at);
  record.time = time;
  record.interface = number;
  record.caplen = encodeIpv4Tcp(segment, packet, at + RECORD_HEAD, e.capture_snaplen);
  record.origlen = ipv4TcpLength(segment);
  e.capture_used += RECORD_HEAD + ((record.caplen + 7) & ~7);
  if (e.capture_used > FULL) e.pause = RunStatus.CAPTURE_FULL;
}

/** Between two pauses a gate may let a whole slot of packets pass. */
function growBuffer(): void {
  const e = engine();
  const bigger = reserve((<u64>e.capture_size) << 1);
  memory.copy(bigger, e.capture, e.capture_used);
  e.capture = <u32>bigger;
  e.capture_size <<= 1;
}
