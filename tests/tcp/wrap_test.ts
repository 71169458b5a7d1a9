/** Sequence numbers that pass 2^32: RFC 9293 §3.4. The clock is chosen such that the ISS lies just below the wrap. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { Random, testSeed } from "../wire/random.ts";
import { connected, lone, type Settings, type Tcp } from "./harness.ts";
import { Pair } from "./pair.ts";

const MSS = 1000;

/** When to open so that the ISS is 2^32 - `before`: the ISN clock ticks every 4 microseconds (RFC 6528). */
async function openingTime(before: number, settings: Settings = {}): Promise<bigint> {
  const probe = await lone({ ...settings, start: 1_000_000_000n });
  probe.opens();
  return 1_000_000_000n + 4000n * BigInt(-before - probe.get(Tcb.iss) >>> 0);
}

async function nearWrap(before: number, settings: Settings = {}): Promise<Tcp> {
  const tcp = await connected({ mss: MSS, ...settings, start: await openingTime(before, settings) });
  assert.equal(tcp.get(Tcb.iss), 2 ** 32 - before);
  return tcp;
}

test("wrap: a stream is sent, acknowledged and repaired across it", async () => {
  const tcp = await nearWrap(2500, { sack: true });
  tcp.writes(6000);
  const sent = tcp.sends();
  assert.deepEqual(sent.slice(0, 4), [
    "A 1:1001 ack 1",
    "A 1001:2001 ack 1",
    "A 2001:3001 ack 1", // over the wrap
    "A 3001:4001 ack 1",
  ]);
  // The segment that crosses is lost
  for (const end of [4001, 5001, 6001]) tcp.receives({ ack: 2001, sack: [[3001, end]] });
  assert.deepEqual(tcp.sends(), ["A 2001:3001 ack 1"]);
  tcp.receives({ ack: 6001 });
  assert.equal(tcp.get(Tcb.snd_una), 6001 - 2500);
  assert.equal(tcp.get(Tcb.ca_state), 0);
});

test("wrap: the SYN alone may lie before it", async () => {
  const tcp = await nearWrap(1);
  tcp.writes(1000);
  assert.deepEqual(tcp.sends(), ["PA 1:1001 ack 1"]);
  assert.equal(tcp.get(Tcb.snd_una), 0);
  tcp.receives({ ack: 1 });
  tcp.receives({ ack: 1001 });
  assert.equal(tcp.get(Tcb.packets_out), 0);
});

test("wrap: a peer's window reaches over it", async () => {
  const tcp = await nearWrap(500);
  tcp.receives({ wnd: 1200 });
  tcp.writes(5000);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1"]);
  tcp.receives({ ack: 1001, wnd: 2200 });
  assert.deepEqual(tcp.sends(), ["A 1001:2001 ack 1", "A 2001:3001 ack 1"]);
});

test("wrap: a time-out repairs what lies on both sides", async () => {
  const tcp = await nearWrap(1500);
  tcp.writes(3000);
  tcp.sends();
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1"]);
  tcp.receives({ ack: 1001 });
  assert.deepEqual(tcp.sends(), ["A 1001:2001 ack 1", "PA 2001:3001 ack 1"]);
  tcp.receives({ ack: 3001 });
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("wrap: a receiver's window, holes and SACK blocks lie across it", async () => {
  const irs = 2 ** 32 - 1500;
  const tcp = await connected({ mss: MSS, sack: true, reads: false, receiveBuffer: 5000, irs });
  tcp.receives({ seq: 2001, len: 1000 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1 sack 2001-3001"]);
  tcp.receives({ seq: 1001, len: 1000 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1 sack 1001-3001"]);
  tcp.receives({ seq: 1, len: 1000 });
  const [{ ack, wnd }] = tcp.segments();
  assert.deepEqual([ack, wnd], [3001, 2000]);
  assert.equal(tcp.reads(10_000), 3000);
});

test("wrap: the FIN may be the byte that lies at 0", async () => {
  const tcp = await nearWrap(1001);
  tcp.writes(1000);
  tcp.closes();
  assert.deepEqual(tcp.sends(), ["PA 1:1001 ack 1", "FA 1001 ack 1"]);
  tcp.receives();
  assert.equal(tcp.state, "FIN_WAIT_2");
  assert.equal(tcp.get(Tcb.snd_nxt), 1);
});

const OPTIONS: Record<string, Settings> = {
  "plain": {},
  "with SACK": { sack: true },
  "with SACK, timestamps and scaled windows": {
    sack: true,
    timestamps: true,
    windowScaling: true,
    receiveBuffer: 1 << 20,
  },
};

for (const [name, settings] of Object.entries(OPTIONS)) {
  test(`wrap: both ends pass it under loss and reordering and close in order, ${name}`, async () => {
    const first = testSeed();
    for (let seed = first; seed < first + 12; seed++) await transfer(seed, settings);
  });
}

/** Both ends write across the wrap, then close; segments are lost and overtake each other on the way. */
async function transfer(seed: number, settings: Settings): Promise<void> {
  const random = new Random(seed);
  const before = random.between(1, 40_000);
  const all: Settings = { mss: MSS, msl: "1s", ...settings };
  const pair = await Pair.create({ ...all, start: await openingTime(before, all) }, 20);
  const loss = random.pick([0, 0.02, 0.1]);
  pair.fate = () => random.chance(loss) ? [] : [random.chance(0.1) ? BigInt(random.between(0, 15_000_000)) : 0n];
  pair.opens();
  const [forth, back] = [random.between(50_000, 120_000), random.between(1, 60_000)];
  let written = false;
  let steps = 0;
  for (; pair.step(); steps++) {
    assert.ok(steps < 20_000, `seed ${seed}: it does not end`);
    if (!written && pair.state(pair.a) === "ESTABLISHED" && pair.state(pair.b) === "ESTABLISHED") {
      written = true;
      pair.writes(pair.a, forth);
      pair.writes(pair.b, back);
      pair.closes(pair.a);
      pair.closes(pair.b);
    }
  }
  const what = `seed ${seed}, loss ${loss}, ISS 2^32 - ${before}`;
  assert.equal(pair.received(pair.b), forth, what);
  assert.equal(pair.received(pair.a), back, what);
  assert.deepEqual([pair.state(pair.a), pair.state(pair.b)], ["CLOSED", "CLOSED"], what);
}
