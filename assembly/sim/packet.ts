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
