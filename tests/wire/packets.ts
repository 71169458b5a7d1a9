/** Random packets that a TCP may send. */
import { SYN, type TcpPacket } from "./oracle.ts";
import type { Random } from "./random.ts";

export function randomPacket(random: Random): TcpPacket {
  const packet: TcpPacket = {
    srcAddr: random.u32(),
    dstAddr: random.u32(),
    tos: random.below(256),
    id: random.below(65536),
    srcPort: random.below(65536),
    dstPort: random.below(65536),
    seq: random.u32(),
    ack: random.u32(),
    flags: random.below(256),
    wnd: random.below(65536),
    urgent: random.below(65536),
    payload: randomPayload(random),
  };
  if (random.chance(0.5)) packet.timestamps = { tsval: random.u32(), tsecr: random.u32() };
  if (packet.flags & SYN) {
    if (random.chance(0.7)) packet.mss = random.between(1, 65535);
    if (random.chance(0.7)) packet.windowScale = random.between(0, 14);
    if (random.chance(0.7)) packet.sackPermitted = true;
  } else if (random.chance(0.5)) {
    const blocks = random.between(1, packet.timestamps ? 3 : 4);
    packet.sack = Array.from({ length: blocks }, () => ({ start: random.u32(), end: random.u32() }));
  }
  return packet;
}

function randomPayload(random: Random): Uint8Array {
  const length = random.pick([0, 0, 1, 2, 3, random.below(64), random.below(1461)]);
  return Uint8Array.from({ length }, () => random.below(256));
}
