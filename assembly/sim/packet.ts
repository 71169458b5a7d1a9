/**
 * Packets from outside: a real wire's, whose bytes the core carries over its links and reads only as far as a link
 * wants to know. They come in by `offerPacket` and wait for the host, where their route ends, on `Engine.packets_head`.
 */
import { EventKind, Opt } from "../layout/enums";
import { Segment, SegmentExt } from "../layout/segment";
import { takeLongSegment } from "../base/pool";
import { slabClass, takeSlab } from "../base/arena";
import { engine } from "../base/root";
import { forward, headWord } from "./link";

const IPV4_CHECKSUM_AT: u32 = 10;

/** Room for the bytes of the next packet, at the `SegmentExt`'s payload of what is returned. */
export function newPacket(bytes: u32): usize {
  const segment = takeLongSegment();
  const at = changetype<usize>(segment);
  memory.fill(at, 0, 128);
  segment.kind = <u8>EventKind.PACKET;
  segment.opts = <u8>Opt.EXT;
  segment.len = <u16>bytes;
  const ext = changetype<SegmentExt>(at + offsetof<Segment>());
  ext.payload_class = slabClass(bytes);
  ext.payload = <u32>takeSlab(ext.payload_class);
  return at;
}

/** Sends the packet, whose bytes are in place, over a route that begins with the host. */
export function offerPacket(address: u32, route: u32, now: u64): void {
  const segment = changetype<Segment>(<usize>address);
  segment.target = route;
  forward(segment, headWord(changetype<usize>(segment)), now);
}

/** Writes CE into a packet whose sender allows it, RFC 3168 §5; false when it does not. */
export function markPacket(segment: Segment): bool {
  const at = <usize>changetype<SegmentExt>(changetype<usize>(segment) + offsetof<Segment>()).payload;
  if (segment.len < 20) return false;
  if (load<u8>(at) >> 4 == 6) {
    // The traffic class lies across two bytes
    const low = <u32>load<u8>(at, 1);
    if (!(low & 0x30)) return false;
    store<u8>(at, <u8>(low | 0x30), 1);
    return true;
  }
  const tos = <u32>load<u8>(at, 1);
  if (!(tos & 3)) return false;
  store<u8>(at, <u8>(tos | 3), 1);
  // RFC 1624: the sum changes by what was added, in the low byte of its word
  const sum = ((<u32>~bswap(load<u16>(at, IPV4_CHECKSUM_AT))) & 0xffff) + (~tos & 3);
  store<u16>(at, bswap(<u16>~((sum & 0xffff) + (sum >> 16))), IPV4_CHECKSUM_AT);
  return true;
}

/** A packet has passed its last link. */
export function packetArrives(segment: Segment): void {
  const e = engine();
  const at = <u32>changetype<usize>(segment);
  segment.next = 0;
  if (e.packets_head) changetype<Segment>(<usize>e.packets_tail).next = at;
  else e.packets_head = at;
  e.packets_tail = at;
}

/** The packet that has waited longest, which the host reads and gives back; 0 when there is none. */
export function takePacket(): usize {
  const e = engine();
  const at = <usize>e.packets_head;
  if (at) e.packets_head = changetype<Segment>(at).next;
  return at;
}
