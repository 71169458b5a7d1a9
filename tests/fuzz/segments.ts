/**
 * What a peer, or somebody else, may send to a connection in whatever state: segments that follow the conversation, and
 * segments of which one thing or another is a lie. Sequence numbers are relative, as in `tests/tcp/harness.ts`.
 */
import { State, Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import type { Arriving, Tcp } from "../tcp/harness.ts";
import type { Random } from "../wire/random.ts";

const FLAGS = ["", "A", "A", "A", "A", "A", "PA", "S", "SA", "F", "FA", "FA", "R", "RA", "SF", "SR", "FSRPA", "UA"];
const MARKS = ["", "", "", "E", "W", "EW", "N", "EN", "WN", "EWN"];
const ECN = [undefined, undefined, "ect0", "ect1", "ce"] as const;

/** What a peer might send that follows the conversation. */
export function politeSegment(tcp: Tcp, random: Random): Arriving {
  const outstanding = tcp.sndNxt - tcp.sndUna;
  const segment: Arriving = {
    ack: tcp.sndUna + (random.chance(0.5) ? outstanding : random.between(0, Math.max(0, outstanding))),
  };
  if (tcp.get(Tcb.state) === State.SYN_SENT) {
    return { ...segment, flags: "SA" + random.pick(MARKS), ack: 1, mss: random.pick([0, 64, 536, 1460]) };
  }
  segment.len = random.chance(0.5) ? random.between(1, 1460) : 0;
  if (random.chance(0.3)) segment.seq = tcp.rcvNxt + random.between(0, 4) * 1460;
  if (random.chance(0.05)) segment.flags = "FA";
  segment.wnd = random.pick([0, 1, 100, 1460, 65535, 65535, 65535]);
  if (random.chance(0.4)) segment.sack = blocks(tcp, random, outstanding);
  congestionMarks(tcp, segment, random);
  return segment;
}

/** An ACK as a receiver of data sends it whose path loses, doubles and reorders: what matters to recovery. */
export function plainAck(tcp: Tcp, random: Random): Arriving {
  const outstanding = tcp.sndNxt - tcp.sndUna;
  const mss = tcp.get(Tcb.mss);
  const segments = Math.ceil(outstanding / mss);
  const advance = random.pick([0, 0, 0, 1, 2, random.between(0, segments), segments]);
  const ack = tcp.sndUna + Math.min(advance * mss, outstanding);
  const segment: Arriving = { ack, wnd: 65535 };
  const sack: [number, number][] = [];
  // A DSACK: of what was acknowledged, or of what the next block holds
  if (random.chance(0.15)) sack.push([ack - mss, ack]);
  for (let n = random.below(3); n >= 0 && outstanding > mss; n--) {
    const start = ack + mss * random.between(1, segments);
    sack.push([start, start + mss * random.pick([1, 1, 2, 5])]);
  }
  if (sack.length > 0 && random.chance(0.1)) sack.unshift([sack[0][0], sack[0][0] + mss]);
  segment.sack = sack.slice(0, 3);
  congestionMarks(tcp, segment, random);
  return segment;
}

/** Blocks within what is outstanding, mostly where segments begin. */
function blocks(tcp: Tcp, random: Random, outstanding: number): [number, number][] {
  return Array.from({ length: random.between(1, 3) }, () => {
    const start = tcp.sndUna + 1460 * random.between(0, Math.floor(outstanding / 1460));
    return [start, start + 1460 * random.between(1, 5)];
  });
}

function congestionMarks(tcp: Tcp, segment: Arriving, random: Random): void {
  if (!tcp.has(TcbFlag.ECN) || random.chance(0.5)) return;
  segment.flags = (segment.flags ?? "A") + random.pick(MARKS);
  segment.ecn = random.pick(ECN);
  if (random.chance(0.5)) segment.accEcn = Array.from({ length: random.below(4) }, () => random.below(1 << 24));
}

/** Near enough to be dangerous. */
function near(center: number, random: Random): number {
  const off = [0, 0, 1, -1, random.between(-3000, 3000), random.between(-70_000, 70_000), random.u32()];
  return center + random.pick(off);
}

/** Anything that passes the parser. */
export function rudeSegment(tcp: Tcp, random: Random): Arriving {
  const segment: Arriving = {
    flags: random.pick(FLAGS) + random.pick(MARKS),
    seq: near(tcp.rcvNxt, random),
    ack: near(random.chance(0.5) ? tcp.sndUna : tcp.sndNxt, random),
    len: random.pick([0, 0, 1, random.between(0, 3000), 65_000]),
    wnd: random.pick([0, 0, 1, random.below(65_536), 65_535]),
    ecn: random.pick(ECN),
  };
  const stamps = random.u32() % 10;
  if (stamps < 2) segment.ts = [near(Math.floor(tcp.now_ms), random), near(0, random)];
  else if (stamps === 2) segment.ts = null;
  if (random.chance(0.5)) segment.sack = lies(tcp, random);
  if (random.chance(0.15)) segment.accEcn = Array.from({ length: random.below(4) }, () => random.below(1 << 24));
  if (random.chance(0.1)) {
    delete segment.sack;
    const cookie = random.pick([undefined, "", "0123456789abcdef", "00"]);
    Object.assign(segment, { mss: random.below(65_536), wscale: random.below(255), sackPermitted: true });
    if (cookie !== undefined) segment.fastOpen = cookie;
  }
  return segment;
}

/** SACK blocks of all kinds that RFC 2018 and RFC 2883 do not allow, among some that they do. */
function lies(tcp: Tcp, random: Random): [number, number][] {
  const [una, nxt] = [tcp.sndUna, tcp.sndNxt];
  const mss = tcp.get(Tcb.mss) || 536;
  const kinds: (() => [number, number])[] = [
    () => [near(una, random), near(nxt, random)],
    () => [near(una, random), near(una, random)],
    // Everything, all but the first, beyond what was sent
    () => [una, nxt],
    () => [una + mss, nxt],
    () => [nxt, nxt + mss],
    () => [una + mss, nxt + 1],
    // Backwards, empty, half the sequence space, all of it
    () => [nxt, una],
    () => [una + mss, una + mss],
    () => [una, una + 0x7fff_ffff],
    () => [una - 0x8000_0000, una],
    // Below SND.UNA: a duplicate, real or not
    () => [una - mss, una],
    () => [una - random.below(1 << 20), una + random.below(1 << 20)],
    // Pieces of segments
    () => [una + random.below(Math.max(1, nxt - una)), una + random.below(Math.max(1, nxt - una))],
  ];
  return Array.from({ length: random.between(1, 3) }, () => random.pick(kinds)());
}
