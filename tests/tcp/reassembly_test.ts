/** What arrives out of order, against an oracle that looks at every byte; SACK blocks (RFC 2018), DSACK (RFC 2883). */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine as Root, Receiver, Tcb } from "../../src/core/layout.gen.ts";
import { ReassemblyOracle } from "../oracles/reassembly.ts";
import { Random, testSeed } from "../wire/random.ts";
import { connected, type Settings, type Tcp } from "./harness.ts";

const SETTINGS: Settings = { sack: true, mss: 1000, delayedAck: false };

/** The SACK option of the ACK that answers bytes [start, end) of the stream, counted from 0. */
function answer(tcp: Tcp, start: number, end: number): { ack: number; sack: [number, number][] } {
  tcp.receives({ seq: 1 + start, len: end - start });
  const segments = tcp.segments();
  assert.equal(segments.length, 1);
  const [{ ack, sack = [] }] = segments;
  return { ack: ack - 1, sack: sack.map(([from, to]) => [from - 1, to - 1]) };
}

test("sack: the first block holds the segment that came last (RFC 2018 §4)", async () => {
  const tcp = await connected(SETTINGS);
  assert.deepEqual(answer(tcp, 1000, 2000).sack, [[1000, 2000]]);
  assert.deepEqual(answer(tcp, 3000, 4000).sack, [[3000, 4000], [1000, 2000]]);
  assert.deepEqual(answer(tcp, 5000, 6000).sack, [[5000, 6000], [3000, 4000], [1000, 2000]]);
  assert.deepEqual(answer(tcp, 2000, 3000).sack, [[1000, 4000], [5000, 6000]]);
});

test("sack: four blocks fit, three beside timestamps, the most recent ones", async () => {
  for (const timestamps of [false, true]) {
    const tcp = await connected({ ...SETTINGS, timestamps });
    for (const start of [1000, 3000, 5000, 7000, 9000]) answer(tcp, start, start + 1000);
    const { sack } = answer(tcp, 11_000, 12_000);
    const expected = [[11_000, 12_000], [9000, 10_000], [7000, 8000], [5000, 6000]];
    assert.deepEqual(sack, expected.slice(0, timestamps ? 3 : 4));
  }
});

test("sack: blocks that are left are reported when more recent ones are gone (RFC 2018 §4)", async () => {
  const tcp = await connected(SETTINGS);
  for (const start of [11_000, 9000, 7000, 5000, 3000, 1000]) answer(tcp, start, start + 1000);
  // The four most recent lie lowest; filling up to 8000 leaves 9000 and 11000, which had been pushed out
  for (const start of [0, 2000, 4000]) answer(tcp, start, start + 1000);
  const { ack, sack } = answer(tcp, 6000, 7000);
  assert.equal(ack, 8000);
  assert.deepEqual(sack, [[9000, 10_000], [11_000, 12_000]]);
});

test("dsack: a segment that came twice is reported once (RFC 2883 §4.1)", async () => {
  const tcp = await connected(SETTINGS);
  answer(tcp, 0, 1000);
  assert.deepEqual(answer(tcp, 0, 1000), { ack: 1000, sack: [[0, 1000]] });
  assert.deepEqual(answer(tcp, 1000, 2000), { ack: 2000, sack: [] });
});

test("dsack: a part that came twice is reported as that part (RFC 2883 §4.2)", async () => {
  const tcp = await connected(SETTINGS);
  answer(tcp, 0, 1000);
  assert.deepEqual(answer(tcp, 500, 1500), { ack: 1500, sack: [[500, 1000]] });
});

test("dsack: a duplicate beyond a hole comes before the block that holds it (RFC 2883 §4.1.1)", async () => {
  const tcp = await connected(SETTINGS);
  answer(tcp, 1000, 3000);
  assert.deepEqual(answer(tcp, 2000, 3000).sack, [[2000, 3000], [1000, 3000]]);
});

test("dsack: a segment that fills a hole and more reports what it repeated", async () => {
  const tcp = await connected(SETTINGS);
  answer(tcp, 1000, 2000);
  assert.deepEqual(answer(tcp, 0, 1500), { ack: 2000, sack: [[1000, 1500]] });
});

test("dsack: the examples of RFC 2883 §4.1, a full duplicate below and above the ACK", async () => {
  const tcp = await connected(SETTINGS);
  // §4.1.1: an ACK was lost, 3000-3500 comes again
  for (const start of [0, 500, 1000, 1500, 2000, 2500, 3000, 3500]) answer(tcp, start, start + 500);
  assert.deepEqual(answer(tcp, 3000, 3500), { ack: 4000, sack: [[3000, 3500]] });
  // §4.1.2: 4000-4500 is missing, and 3000-3500 comes again
  assert.deepEqual(answer(tcp, 4500, 5000).sack, [[4500, 5000]]);
  assert.deepEqual(answer(tcp, 3000, 3500), { ack: 4000, sack: [[3000, 3500], [4500, 5000]] });
  // §4.1.3: what is held out of order comes again
  assert.deepEqual(answer(tcp, 5000, 5500).sack, [[4500, 5500]]);
  assert.deepEqual(answer(tcp, 5000, 5500), { ack: 4000, sack: [[5000, 5500], [4500, 5500]] });
});

test("dsack: a segment that repeats two separate parts reports the first (RFC 2883 §4.2.3)", async () => {
  const tcp = await connected(SETTINGS);
  answer(tcp, 1000, 1500);
  answer(tcp, 2000, 2500);
  assert.deepEqual(answer(tcp, 1000, 2500).sack, [[1000, 1500], [1000, 2500]]);
  assert.deepEqual(answer(tcp, 0, 2500), { ack: 2500, sack: [[1000, 2500]] });
});

test("dsack: it is followed by as many blocks as fit, the holder of the duplicate in front", async () => {
  const tcp = await connected({ ...SETTINGS, timestamps: true });
  for (const start of [1000, 3000, 5000, 7000]) answer(tcp, start, start + 1000);
  assert.deepEqual(answer(tcp, 3000, 4000).sack, [[3000, 4000], [3000, 4000], [7000, 8000]]);
  assert.deepEqual(answer(tcp, 9000, 10_000).sack, [[9000, 10_000], [3000, 4000], [7000, 8000]]);
});

test("dsack: a FIN that comes again is reported with its place", async () => {
  const tcp = await connected(SETTINGS);
  tcp.receives({ flags: "FA", len: 500 });
  tcp.segments();
  tcp.receives({ flags: "FA", seq: 501 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 502 sack 501-502"]);
  tcp.receives({ flags: "FA", seq: 1, len: 500 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 502 sack 1-502"]);
});

test("dsack: on data that leaves there is room for it only where the segment is not full", async () => {
  const tcp = await connected({ ...SETTINGS, nagle: false, reads: false });
  tcp.receives({ len: 500 });
  tcp.segments();
  tcp.receives({ seq: 1001, len: 500 });
  assert.equal(tcp.segments().length, 1);
  tcp.writes(100);
  assert.deepEqual(tcp.sends(), ["PA 1:101 ack 501 sack 1001-1501"]);
});

test("sack: a FIN ahead of order waits, and no text is taken behind it", async () => {
  const tcp = await connected(SETTINGS);
  tcp.receives({ flags: "FA", seq: 1001, len: 500 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1 sack 1001-1502"]);
  tcp.receives({ seq: 1, len: 1000 });
  tcp.passes("40ms");
  assert.equal(tcp.sends().at(-1), "A 1 ack 1502");
  assert.equal(tcp.state, "CLOSE_WAIT");
});

test("sack: of two FINs ahead of order the first ends the stream", async () => {
  for (const order of [[1001, 2001], [2001, 1001]]) {
    const tcp = await connected(SETTINGS);
    for (const seq of order) tcp.receives({ flags: "FA", seq, len: 500 });
    tcp.receives({ seq: 1, len: 1000 });
    tcp.passes("40ms");
    assert.equal(tcp.sends().at(-1), "A 1 ack 1502");
    assert.equal(tcp.state, "CLOSE_WAIT");
  }
});

test("reassembly: the queue is bounded; what is farthest ahead goes first, and is counted", async () => {
  const tcp = await connected({ ...SETTINGS, receiveBuffer: 65_535 });
  // Every other byte: as many ranges as bytes allow, bounded at one for each KiB of buffer, or 64
  for (let n = 0; n < 100; n++) tcp.receives({ seq: 3 + 2 * n, len: 1 });
  tcp.segments();
  assert.equal(tcp.root(Root.ofo_dropped), 36);
  assert.equal(tcp.rx(Receiver.ofo_bytes), 64);
  // One nearer by takes the place of the farthest, which no block shows any more
  tcp.receives({ seq: 60_000, len: 1 });
  tcp.receives({ seq: 2, len: 1 });
  assert.equal(tcp.root(Root.ofo_dropped), 37);
  const [{ sack = [] }] = tcp.segments().slice(-1);
  assert.deepEqual(sack[0], [2, 4]);
  for (const [, end] of sack) assert.ok(end <= 3 + 2 * 64);
  // Filled up, all is as if nothing had been dropped
  tcp.receives({ seq: 1, len: 1400 });
  assert.equal(tcp.rcvNxt, 1401);
  assert.equal(tcp.get(Tcb.rx) === 0 ? 0 : tcp.rx(Receiver.ofo_bytes), 0);
});

test("dsack: nothing is reported to a peer that did not agree to SACK", async () => {
  const tcp = await connected({ ...SETTINGS, sack: false });
  answer(tcp, 0, 1000);
  assert.deepEqual(answer(tcp, 0, 1000).sack, []);
  assert.deepEqual(answer(tcp, 2000, 3000).sack, []);
});

for (const timestamps of [false, true]) {
  test(`reassembly: random overlapping segments end up as the oracle says, timestamps ${timestamps}`, async () => {
    const first = testSeed();
    for (let seed = first; seed < first + 40; seed++) await runAgainstOracle(seed, timestamps);
  });
}

async function runAgainstOracle(seed: number, timestamps: boolean): Promise<void> {
  const size = 3000;
  const random = new Random(seed);
  const tcp = await connected({ ...SETTINGS, timestamps, irs: random.pick([5000, 0xffff_fa00]) });
  const oracle = new ReassemblyOracle(size);
  const room = timestamps ? 3 : 4;
  for (let step = 0; step < 200 && oracle.nxt < size; step++) {
    // Near RCV.NXT rather than anywhere, and aligned at times, so that ranges meet, touch and swallow each other
    const grain = random.pick([1, 50]);
    const start = Math.max(0, oracle.nxt + (random.between(-200, 800) / grain | 0) * grain);
    const end = Math.min(size, start + random.between(1, random.pick([50, 300])));
    if (start >= end) continue;
    const again = oracle.arrives(start, end);
    const { ack, sack } = answer(tcp, start, end);
    const what = `seed ${seed}, step ${step}: [${start}, ${end}) answered ${ack} ${JSON.stringify(sack)}`;
    assert.equal(ack, oracle.nxt, what);

    const blocks = [...sack];
    if (again.size > 0) {
      const [from, to] = blocks.shift() ?? assert.fail(`${what}: no DSACK`);
      assert.ok(from < to, what);
      for (let byte = from; byte < to; byte++) assert.ok(again.has(byte), `${what}: ${byte} was new`);
      assert.ok(!again.has(from - 1) || from === start, `${what}: the duplicate begins before ${from}`);
      assert.ok(!again.has(to), `${what}: the duplicate goes on behind ${to}`);
    }
    // As many as fit, each a run that is held and none twice, the one that was just touched in front
    const held = oracle.blocks().map(String);
    assert.equal(blocks.length, Math.min(held.length, room - (again.size > 0 ? 1 : 0)), what);
    assert.equal(new Set(blocks.map(String)).size, blocks.length, what);
    for (const block of blocks) assert.ok(held.includes(String(block)), `${what}: ${block} is not held`);
    if (blocks.length > 0 && end > oracle.nxt) assert.equal(String(blocks[0]), held[0], what);
  }
}
