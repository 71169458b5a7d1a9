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
  if (random.chance(0.2)) packet.ae = true;
  if (random.chance(0.5)) packet.timestamps = { tsval: random.u32(), tsecr: random.u32() };
  if (packet.flags & SYN) {
    if (random.chance(0.7)) packet.mss = random.between(1, 65535);
    if (random.chance(0.7)) packet.windowScale = random.between(0, 14);
    if (random.chance(0.7)) packet.sackPermitted = true;
    // As much of what is rare as forty bytes hold
    const rare = random.below(5);
    if (rare === 0 && packet.timestamps) packet.fastOpen = randomFastOpen(random);
    if (rare === 1) packet.accEcn = randomAccEcn(random, 2);
    if (rare === 2) packet.altChecksum = random.between(0, 254);
  } else if (random.chance(0.5)) {
    const blocks = random.between(1, packet.timestamps ? 3 : 4);
    const room = 40 - (packet.timestamps ? 12 : 0) - 4 - 8 * blocks;
    if (random.chance(0.5)) packet.accEcn = randomAccEcn(random, room >= 12 ? 3 : room >= 8 ? 2 : room >= 4 ? 1 : 0);
    packet.sack = Array.from({ length: blocks }, () => ({ start: random.u32(), end: random.u32() }));
  }
  if (!(packet.flags & SYN) && !packet.sack && random.chance(0.3)) packet.accEcn = randomAccEcn(random, 3);
  return packet;
}

function randomFastOpen(random: Random): TcpPacket["fastOpen"] {
  const length = random.pick([0, 4, 6, 8, 10, 12, 14]);
  return {
    cookie: Array.from({ length }, () => random.below(256)),
    experimental: random.chance(0.5),
  };
}

function randomAccEcn(random: Random, most: number): TcpPacket["accEcn"] {
  const fields = Array.from({ length: random.between(0, most) }, () => random.below(1 << 24));
  return { order: random.chance(0.5) ? 1 : 0, fields };
}

function randomPayload(random: Random): Uint8Array {
  const length = random.pick([0, 0, 1, 2, 3, random.below(64), random.below(1461)]);
  return Uint8Array.from({ length }, () => random.below(256));
}
