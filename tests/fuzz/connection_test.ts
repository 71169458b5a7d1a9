/**
 * One end of a connection against a peer that sends anything and a user who calls anything, at any time. The core counts
 * its books again after every step (the harness asks it to) and asserts that nothing new leaves beyond cwnd or the peer's
 * window. What it shows to the outside is held here against what no sane TCP does. `CWND_TEST_SEED` changes the seed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine as EngineLayout, Segment, State, Tcb } from "../../src/core/layout.gen.ts";
import { type Arriving, type Leaving, lone, type Settings, type Tcp } from "../tcp/harness.ts";
import { forEachCase } from "../property/cases.ts";
import { Random } from "../wire/random.ts";

const CONVERSATIONS = 600;
const STEPS = 200;
/** Nodes are made by the batch, some multiple of this: when none is in use, all of every batch are free. */
const BATCH = 64;

type Step = (tcp: Tcp, random: Random) => void;

/** What happens, and how often. */
const STEPS_BY_WEIGHT: [number, Step][] = [
  [1, (tcp) => tcp.opens()],
  [1, (tcp) => tcp.listens()],
  [8, (tcp, random) => tcp.writes(random.pick([1, 100, 1460, 5000, 100_000]))],
  [6, (tcp, random) => tcp.reads(random.pick([1, 1000, 65535]))],
  [1, (tcp) => tcp.closes()],
  [0.2, (tcp) => tcp.aborts()],
  [12, (tcp, random) => tcp.passes(random.pick(["0s", "1us", "1ms", "40ms", "250ms", "3s", "200s"]))],
  [4, (tcp) => tcp.passesToNextDeadline()],
  [6, (tcp) => tcp.receives({ flags: "S", mss: 1460, sackPermitted: true, wscale: 7, ts: [0, 0] })],
  [30, (tcp, random) => tcp.receives(politeSegment(tcp, random))],
  [30, (tcp, random) => tcp.receives(rudeSegment(tcp, random))],
];

/** What a peer might send that follows the conversation. */
function politeSegment(tcp: Tcp, random: Random): Arriving {
  const outstanding = tcp.sndNxt - tcp.sndUna;
  const segment: Arriving = {
    ack: tcp.sndUna + (random.chance(0.5) ? outstanding : random.between(0, Math.max(0, outstanding))),
  };
  if (tcp.get(Tcb.state) === State.SYN_SENT) {
    return { ...segment, flags: "SA", ack: 1, mss: random.pick([0, 64, 536, 1460]) };
  }
  segment.len = random.chance(0.5) ? random.between(1, 1460) : 0;
  if (random.chance(0.3)) segment.seq = tcp.rcvNxt + random.between(0, 4) * 1460;
  if (random.chance(0.05)) segment.flags = "FA";
  segment.wnd = random.pick([0, 1, 100, 1460, 65535, 65535, 65535]);
  if (random.chance(0.4)) segment.sack = blocks(tcp, random, outstanding);
  return segment;
}

/** Blocks within what is outstanding, mostly where segments begin. */
function blocks(tcp: Tcp, random: Random, outstanding: number): [number, number][] {
  return Array.from({ length: random.between(1, 3) }, () => {
    const start = tcp.sndUna + 1460 * random.between(0, Math.floor(outstanding / 1460));
    return [start, start + 1460 * random.between(1, 5)];
  });
}

/** Anything that passes the parser, near enough to be dangerous. */
function rudeSegment(tcp: Tcp, random: Random): Arriving {
  const near = (center: number): number =>
    center + random.pick([0, 0, 1, -1, random.between(-3000, 3000), random.between(-70_000, 70_000), random.u32()]);
  const segment: Arriving = {
    flags: random.pick([
      "",
      "A",
      "A",
      "A",
      "A",
      "PA",
      "S",
      "SA",
      "F",
      "FA",
      "FA",
      "R",
      "RA",
      "SF",
      "SR",
      "FSRPA",
      "UA",
    ]),
    seq: near(tcp.rcvNxt),
    ack: near(random.chance(0.5) ? tcp.sndUna : tcp.sndNxt),
    len: random.pick([0, 0, 1, random.between(0, 3000), 65_000]),
    wnd: random.below(65_536),
  };
  if (random.chance(0.3)) segment.sack = [[near(tcp.sndUna), near(tcp.sndNxt)], [near(tcp.sndUna), near(tcp.sndUna)]];
  if (random.chance(0.2)) segment.ts = [near(Math.floor(tcp.now_ms)), near(0)];
  else if (random.chance(0.1)) segment.ts = null;
  if (random.chance(0.1)) {
    Object.assign(segment, { mss: random.below(65_536), wscale: random.below(256), sackPermitted: true });
  }
  return segment;
}

function randomSettings(random: Random): Settings {
  return {
    seed: BigInt(random.u32()),
    cc: random.pick(["RENO", "CUBIC"] as const),
    sack: random.chance(0.7),
    timestamps: random.chance(0.5),
    windowScaling: random.chance(0.7),
    delayedAck: random.chance(0.7),
    nagle: random.chance(0.5),
    reads: random.chance(0.5),
    endless: random.chance(0.3),
    mss: random.pick([64, 536, 1460, 9000]),
    receiveBuffer: random.pick([256, 5000, 65_535, 4_000_000]),
    tunedBuffer: random.chance(0.4),
    quickAcks: random.pick([0, 16]),
    invalidRateLimit: random.pick(["0s", "500ms"]),
    sendBuffer: random.pick([256, 5000, 100_000]),
    finWait2: random.pick(["0s", "60s"]),
    dataRetries: random.pick([1, 5, 15]),
    // Sequence numbers of the peer wrap early
    irs: random.pick([0, 1_000_000, 0xffff_f000, 0x7fff_ff00]),
  };
}

/** What left before, as far as it binds what may leave now. */
class Witness {
  /** Whether a connection was synchronised after the last step, and which one. */
  #live = false;
  #iss = 0;
  #acked = 0;
  #edge = 0;
  #offered = 0;
  #una = 0;

  /** After each step: what left during it is in order, and nothing went back. */
  look(tcp: Tcp): void {
    const sent = tcp.segments();
    const wasLive = this.#live;
    this.#live = tcp.get(Tcb.state) >= State.ESTABLISHED;
    if (!this.#live) return;
    if (!wasLive || tcp.get(Tcb.iss) !== this.#iss) return this.#begin(tcp);
    assert.ok(seqLeq(this.#una, tcp.sndUna), `SND.UNA fell from ${this.#una} to ${tcp.sndUna}`);
    this.#una = tcp.sndUna;
    const edge = tcp.sndUna + tcp.get(Tcb.snd_wnd);
    if (seqLeq(this.#edge, edge)) this.#edge = edge;
    for (const segment of sent) this.#judge(tcp, segment);
  }

  #begin(tcp: Tcp): void {
    this.#iss = tcp.get(Tcb.iss);
    this.#acked = tcp.rcvNxt;
    this.#offered = tcp.rcvNxt;
    this.#una = tcp.sndUna;
    this.#edge = tcp.sndUna + tcp.get(Tcb.snd_wnd);
  }

  #judge(tcp: Tcp, { flags, seq, ack, len, wnd }: Leaving): void {
    // A refusal speaks with the numbers of what it refuses, and a SYN's window is not scaled
    if (flags.includes("R") || flags.includes("S")) return;
    assert.ok(flags.includes("A"), "a segment of a synchronised connection without ACK");
    assert.ok(seqLeq(this.#acked, ack) && seqLeq(ack, tcp.rcvNxt), `ACK ${ack} after ${this.#acked}`);
    this.#acked = ack;
    const scale = tcp.get(Tcb.rcv_wscale);
    const offered = ack + (wnd << scale);
    // Once rounding up has strained the buffer enough, an edge may be said as less, by what the scale hides
    const slack = (1 << scale) - 1;
    assert.ok(seqLeq(this.#offered, offered + slack), `the offered edge fell from ${this.#offered} to ${offered}`);
    if (seqLeq(this.#offered, offered)) this.#offered = offered;
    const written = tcp.get(Tcb.write_seq) - tcp.get(Tcb.iss) + 1;
    assert.ok(seqLeq(seq + len, written), `${seq + len} of ${written} bytes`);
    if (len > 0) assert.ok(seqLeq(seq + len, this.#edge), `${seq + len} beyond the largest edge of ${this.#edge}`);
  }
}

function seqLeq(a: number, b: number): boolean {
  return (b - a | 0) >= 0;
}

function pickStep(random: Random): Step {
  let at = random.u32() / 2 ** 32 * STEPS_BY_WEIGHT.reduce((sum, [weight]) => sum + weight, 0);
  return (STEPS_BY_WEIGHT.find(([weight]) => (at -= weight) < 0) ?? STEPS_BY_WEIGHT[0])[1];
}

/** Ends whatever there is: nothing may be left behind. */
function assertNothingKept(tcp: Tcp): void {
  tcp.aborts();
  assert.deepEqual([tcp.state, tcp.get(Tcb.sent), tcp.get(Tcb.rx)], ["CLOSED", 0, 0]);
  assert.equal(tcp.passesToNextDeadline(), false, "a deadline of a closed connection");
  for (const list of [EngineLayout.segment_free, EngineLayout.segment_ext_free]) {
    let free = 0;
    for (let at = tcp.engine.get(tcp.engine.root, list); at !== 0; at = tcp.engine.get(at, Segment.next)) free++;
    assert.equal(free % BATCH, 0, `${BATCH - free % BATCH} segments are lost`);
  }
}

test("a connection under fire: never traps, contradicts itself, or takes back what it said", async () => {
  const reached = new Set<string>();
  const count = await forEachCase(import.meta, CONVERSATIONS, async (seed) => {
    const random = new Random(seed);
    const tcp = await lone(randomSettings(random));
    const witness = new Witness();
    if (random.chance(0.5)) tcp.opens();
    else tcp.listens();
    let step = 0;
    try {
      for (; step < STEPS; step++) {
        pickStep(random)(tcp, random);
        witness.look(tcp);
        reached.add(tcp.state);
      }
      assertNothingKept(tcp);
    } catch (error) {
      throw new Error(`step ${step}: ${(error as Error).message}`, { cause: error });
    }
  });
  if (count >= CONVERSATIONS) assert.equal(reached.size, Object.keys(State).length, `states reached: ${[...reached]}`);
});
