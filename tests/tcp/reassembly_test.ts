/** What arrives out of order, against an oracle that looks at every byte; SACK blocks (RFC 2018), DSACK (RFC 2883). */
import assert from "node:assert/strict";
import test from "node:test";
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
