/**
 * One end of a connection against a peer that sends anything and a user who calls anything, at any time. The core counts
 * its books again after every step (the harness asks it to) and asserts that nothing new leaves beyond cwnd or the peer's
 * window. What it shows to the outside is held against what no sane TCP does (`witness.ts`). When the noise stops and the
 * peer behaves, the connection goes on or says why it has ended; at the end nothing is left of it in memory.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CaState, Ecn, Receiver, Recovery, State, Tcb, TcbExt, TcbFlag } from "../../src/core/layout.gen.ts";
import { type Arriving, lone, type Settings, type Tcp } from "../tcp/harness.ts";
import { Random } from "../wire/random.ts";
import { fuzz } from "./budget.ts";
import { bytesInUse, fillPools, POOL_BYTES, segmentsInUse, slabSize } from "./memory.ts";
import { plainAck, politeSegment, rudeSegment } from "./segments.ts";
import { Witness } from "./witness.ts";

const CONVERSATIONS = 600;
const STEPS = 200;
const TIMES = ["0s", "1us", "1ms", "5ms", "40ms", "250ms", "3s", "200s"];
/** States that a segment can find, and kinds of them. */
const ENCOUNTERS_MIN = 160;

type Act = (tcp: Tcp, random: Random) => void;

/** What happens, by name. */
const ACTS: Record<string, Act> = {
  opens: (tcp) => tcp.opens(),
  listens: (tcp) => tcp.listens(),
  writes: (tcp, random) => void tcp.writes(random.pick([1, 100, 1460, 5000, 100_000])),
  writesMore: (tcp, random) => void tcp.writesMore(random.pick([1, 100, 5000])),
  corks: (tcp, random) => tcp.corks(random.chance(0.3)),
  noDelay: (tcp, random) => tcp.noDelay(random.chance(0.5)),
  reads: (tcp, random) => void tcp.reads(random.pick([1, 1000, 65535])),
  closes: (tcp) => tcp.closes(),
  leaves: (tcp) => tcp.leaves(),
  aborts: (tcp) => tcp.aborts(),
  keepsAlive: (tcp, random) => tcp.keepsAlive(random.between(1, 100), random.between(1, 10), random.between(1, 9)),
  userTimeout: (tcp, random) => tcp.userTimeout(random.pick([0, 1000, 60_000])),
  quickAcks: (tcp, random) => tcp.quickAcks(random.below(3)),
  setsReceiveBuffer: (tcp, random) => tcp.setsReceiveBuffer(random.pick([2304, 20_000, 131_072, 1_000_000])),
  pathTakes: (tcp, random) => tcp.pathTakes(random.pick([68, 552, 1000, 1499, random.below(65536)])),
  passes: (tcp, random) => tcp.passes(random.pick(TIMES)),
  passesToNextDeadline: (tcp) => void tcp.passesToNextDeadline(),
  syn: (tcp, random) => tcp.receives(syn(random)),
  polite: (tcp, random) => tcp.receives(politeSegment(tcp, random)),
  acks: (tcp, random) => tcp.receives(plainAck(tcp, random)),
  rude: (tcp, random) => tcp.receives(rudeSegment(tcp, random)),
};

/** Conversations of different tempers: how often what happens. */
const TEMPERS: Record<string, number>[] = [
  // Everything, from birth to death and again
  {
    opens: 1,
    listens: 1,
    writes: 8,
    reads: 6,
    closes: 1,
    leaves: 0.3,
    aborts: 0.2,
    passes: 12,
    passesToNextDeadline: 4,
    syn: 6,
    polite: 30,
    rude: 30,
    keepsAlive: 0.2,
    userTimeout: 0.2,
    quickAcks: 0.2,

    corks: 0.5,
    pathTakes: 0.2,
  },
  // A sender of much, on a bad path, and lies among the ACKs
  {
    writes: 4,
    writesMore: 1,
    passes: 8,
    passesToNextDeadline: 8,
    acks: 60,
    rude: 4,
    corks: 0.3,
    noDelay: 0.3,
    pathTakes: 0.3,
  },
  // A sender whose peer only lies
  { writes: 6, passes: 10, passesToNextDeadline: 10, acks: 10, rude: 60 },
  // A receiver
  { reads: 12, passes: 8, polite: 60, rude: 10, quickAcks: 1, setsReceiveBuffer: 0.2, closes: 0.2, leaves: 0.1 },
];

function syn(random: Random) {
  const flags = "S" + random.pick(["", "", "EW", "EWN"]);
  return { flags, mss: random.pick([0, 1, 536, 1460]), sackPermitted: true, wscale: 7, ts: [0, 0] as [number, number] };
}

function randomSettings(random: Random): Settings {
  return {
    seed: BigInt(random.u32()),
    cc: random.pick(["RENO", "CUBIC"] as const),
    recovery: random.pick([0, Recovery.LINUX, Recovery.LINUX, Recovery.LINUX, random.below(Recovery.LINUX + 1)]),
    ecn: random.pick(["off", "on", "accurate"] as const),
    ecnOption: random.below(3),
    tso: random.chance(0.5),
    pacing: random.chance(0.2),
    slowStartAfterIdle: random.chance(0.5),
    tunedBuffer: random.chance(0.5),
    quickAcks: random.pick([0, 16, 16]),
    shrinkWindow: random.chance(0.1),
    rfc1337: random.chance(0.2),
    challengeAckLimit: random.pick([0, 0, 1, 100]),
    invalidRateLimit: random.pick(["0s", "500ms"]),
    sack: random.chance(0.7),
    timestamps: random.chance(0.5),
    windowScaling: random.chance(0.7),
    delayedAck: random.chance(0.7),
    nagle: random.chance(0.5),
    reads: random.chance(0.5),
    endless: random.chance(0.3),
    mss: random.pick([64, 536, 1460, 9000]),
    receiveBuffer: random.pick([256, 5000, 65_535, 4_000_000]),
    sendBuffer: random.pick([256, 5000, 100_000, 1_000_000]),
    finWait2: random.pick(["0s", "60s"]),
    dataRetries: random.pick([1, 5, 15]),
    // Sequence numbers of the peer wrap early
    irs: random.pick([0, 1_000_000, 0xffff_f000, 0x7fff_ff00]),
  };
}

function pickAct(temper: Record<string, number>, random: Random): string {
  const names = Object.keys(temper);
  let at = random.u32() / 2 ** 32 * names.reduce((sum, name) => sum + temper[name], 0);
  return names.find((name) => (at -= temper[name]) < 0) ?? names[0];
}

function begin(tcp: Tcp, temper: Record<string, number>, random: Random, witness: Witness): void {
  if (random.chance(0.5)) tcp.opens();
  else tcp.listens();
  if (temper === TEMPERS[0]) return;
  tcp.passes("10ms");
  tcp.receives(tcp.state === "SYN_SENT" ? { ...syn(random), flags: "SA", ack: 1, mss: 1460 } : syn(random));
  witness.look(tcp);
  tcp.passes("10ms");
  tcp.receives();
  witness.look(tcp);
}

/** The noise is over, the peer takes what comes and says so: all that was written arrives, or the reason is known. */
function assertProgress(tcp: Tcp): void {
  if (tcp.get(Tcb.state) < State.ESTABLISHED || tcp.has(TcbFlag.WRITES_FOR_EVER)) return;
  let una = tcp.sndUna;
  for (let turn = 0, stuck = 0; stuck < 300 && isBusy(tcp); turn++) {
    stuck = tcp.sndUna === una ? stuck + 1 : 0;
    una = tcp.sndUna;
    // The peer has all that was sent: it acknowledges, with a window, by numbers no older than those of the noise:
    // SND.WL1 and TS.Recent have no way back. Corked data waits for silence
    const told = Math.min(tcp.get(Tcb.snd_wl1) - tcp.irs >>> 0, tcp.get(Tcb.rcv_adv) - tcp.irs >>> 0);
    const seq = (told - tcp.rcvNxt | 0) > 0 ? told : tcp.rcvNxt;
    const ts: Arriving["ts"] = tcp.has(TcbFlag.TIMESTAMPS) ? [tcp.get(Tcb.ts_recent), 0] : null;
    if (turn === 0 || tcp.sndNxt !== tcp.sndUna) tcp.receives({ seq, ack: tcp.sndNxt, wnd: 65535, ts });
    if (isBusy(tcp) && tcp.sndNxt === tcp.sndUna) tcp.passesToNextDeadline();
    else tcp.passes("10ms");
  }
  assert.ok(!isBusy(tcp), `${tcp.get(Tcb.write_seq) - tcp.get(Tcb.snd_una)} bytes never left in ${tcp.state}`);
}

function isBusy(tcp: Tcp): boolean {
  return tcp.get(Tcb.state) >= State.ESTABLISHED && tcp.get(Tcb.state) !== State.TIME_WAIT &&
    tcp.get(Tcb.snd_una) !== tcp.get(Tcb.write_seq) + (tcp.has(TcbFlag.FIN_SENT) ? 1 : 0);
}

/** Ends whatever there is: nothing may be left behind. */
function assertNothingKept(tcp: Tcp): void {
  tcp.aborts();
  assert.deepEqual([tcp.state, tcp.get(Tcb.sent), tcp.get(Tcb.tx)], ["CLOSED", 0, 0]);
  assert.equal(tcp.passesToNextDeadline(), false, "a deadline of a closed connection");
  assert.equal(segmentsInUse(tcp.engine), 0, "segments are lost");
}

test("a connection under fire: never traps, contradicts itself, or takes back what it said", async () => {
  const encounters = new Set<string>();
  const congested = new Set<number>();
  const count = await fuzz(import.meta, { share: 0.4, least: CONVERSATIONS }, async (seed) => {
    const random = new Random(seed);
    const tcp = await lone(randomSettings(random));
    fillPools(tcp.engine);
    const before = bytesInUse(tcp.engine);
    const witness = new Witness();
    const temper = random.pick(TEMPERS);
    begin(tcp, temper, random, witness);
    let step = 0;
    try {
      for (; step < STEPS; step++) {
        const act = pickAct(temper, random);
        encounters.add(`${tcp.state} ${act}`);
        ACTS[act](tcp, random);
        witness.look(tcp);
        congested.add(tcp.get(Tcb.ca_state));
      }
      assertProgress(tcp);
      assertNothingKept(tcp);
    } catch (error) {
      throw new Error(`step ${step}: ${(error as Error).message}`, { cause: error });
    }
    assertReturned(tcp, before);
  });
  if (count < CONVERSATIONS) return;
  for (const state of Object.keys(State)) {
    for (const act of ["polite", "rude", "syn"]) assert.ok(encounters.has(`${state} ${act}`), `${state} met no ${act}`);
  }
  assert.ok(encounters.size > ENCOUNTERS_MIN, `only ${encounters.size} pairs of state and act`);
  assert.equal(congested.size, Object.keys(CaState).length, `congestion states: ${[...congested]}`);
});

/** All memory has come back but the connection's settings, and pools of segments that have grown. */
function assertReturned(tcp: Tcp, before: number): void {
  const ext = tcp.get(Tcb.ext);
  const ecn = ext !== 0 && tcp.engine.get(ext, TcbExt.ecn) !== 0;
  const settings = [ext && TcbExt.size, ecn && Ecn.size, tcp.get(Tcb.rx) && Receiver.size];
  const size = settings.reduce<number>((sum, bytes) => sum + (bytes ? slabSize(bytes) : 0), 0);
  const kept = bytesInUse(tcp.engine) - before - size;
  assert.ok(kept === 0 || kept >= POOL_BYTES, `${kept} bytes are lost`);
}
