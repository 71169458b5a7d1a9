/** The SACK scoreboard against RFC 6675 word by word: what is lost, pipe, and every segment that leaves. */
import assert from "node:assert/strict";
import test from "node:test";
import { CaState, Sent, SentSegment, Tcb } from "../../src/core/layout.gen.ts";
import { ReassemblyOracle } from "../oracles/reassembly.ts";
import { Rfc6675 } from "../oracles/rfc6675.ts";
import { Random, testSeed } from "../wire/random.ts";
import { connected, type Tcp } from "./harness.ts";

const MSS = 100;

/** Numbers of the segments in flight that are marked lost. */
function markedLost(tcp: Tcp): number[] {
  const [ring, bits, head, count] = [Tcb.sent, Tcb.sent_bits, Tcb.sent_head, Tcb.packets_out].map((f) => tcp.get(f));
  const lost: number[] = [];
  for (let index = head; index < head + count; index++) {
    const record = ring + (index & (1 << bits) - 1) * SentSegment.size;
    const seq = tcp.engine.get(record, SentSegment.seq) - tcp.get(Tcb.iss) >>> 0;
    if (tcp.engine.get(record, SentSegment.meta) & Sent.LOST) lost.push((seq - 1) / MSS);
  }
  return lost;
}

function pipe(tcp: Tcp): number {
  return tcp.get(Tcb.packets_out) - tcp.get(Tcb.sacked_out) - tcp.get(Tcb.lost_out) + tcp.get(Tcb.retrans_out);
}

/** Numbers of the segments that have left. */
function sent(tcp: Tcp): number[] {
  return tcp.segments().map(({ seq, len }) => {
    assert.equal(len, MSS);
    return (seq - 1) / MSS;
  });
}

interface Path {
  /** Probability that a data segment, or an ACK, is lost. */
  loss: number;
  ackLoss: number;
  /** How far a segment may be overtaken. */
  reorder: number;
}

/** Segments and ACKs cross a random network until nothing is left on the way. How many were retransmitted. */
async function run(seed: number, written: number, path: Path, irs: number): Promise<number> {
  const random = new Random(seed);
  const tcp = await connected({ sack: true, mss: MSS, initialWindow: random.between(2, 40), irs });
  const oracle = new Rfc6675(written);
  const receiver = new ReassemblyOracle(written);
  const flying: number[] = [];
  const flies = (segments: number[]) => flying.push(...segments.filter(() => !random.chance(path.loss)));

  tcp.writes(written * MSS);
  const first = sent(tcp);
  assert.deepEqual(first, oracle.send(tcp.get(Tcb.cwnd)));
  flies(first);
  let again = 0;
  for (let step = 0; flying.length > 0; step++) {
    const [segment] = flying.splice(random.below(Math.min(flying.length, path.reorder)), 1);
    receiver.arrives(segment, segment + 1);
    if (random.chance(path.ackLoss)) continue;

    const blocks = receiver.blocks().slice(0, 4);
    tcp.receives({
      ack: 1 + receiver.nxt * MSS,
      sack: blocks.map(([start, end]) => [1 + start * MSS, 1 + end * MSS]),
      wnd: 65535,
    });
    const left = sent(tcp);
    const highData = oracle.highData;
    const expected = oracle.ack(receiver.nxt, blocks, tcp.get(Tcb.cwnd));
    const what = `seed ${seed}, step ${step}, ACK ${receiver.nxt} SACK ${JSON.stringify(blocks)}`;
    assert.deepEqual(left, expected, what);
    assert.equal(tcp.get(Tcb.ca_state) === CaState.RECOVERY, oracle.recoveryPoint !== null, what);
    assert.deepEqual(markedLost(tcp), oracle.lost(), what);
    assert.equal(pipe(tcp), oracle.pipe(), what);
    again += left.filter((number) => number < highData).length;
    flies(left);
  }
  return again;
}

const PATHS: Record<string, Path> = {
  "losses in order": { loss: 0.05, ackLoss: 0, reorder: 1 },
  "heavy losses": { loss: 0.3, ackLoss: 0, reorder: 1 },
  "lost ACKs": { loss: 0.1, ackLoss: 0.3, reorder: 1 },
  "reordering": { loss: 0, ackLoss: 0, reorder: 8 },
  "all of it": { loss: 0.1, ackLoss: 0.2, reorder: 4 },
};

for (const [name, path] of Object.entries(PATHS)) {
  test(`scoreboard: ${name}, with new data to send: lost set, pipe and NextSeg are RFC 6675's`, async () => {
    const seed = testSeed();
    let again = 0;
    for (let n = 0; n < 30; n++) again += await run(seed * 1000 + n, 640, path, 1_000_000);
    assert.ok(again > 100, `only ${again} retransmissions`);
  });

  test(`scoreboard: ${name}, with short streams: rules 3 and 4 of NextSeg`, async () => {
    const seed = testSeed();
    let again = 0;
    for (let n = 0; n < 100; n++) again += await run(seed * 1000 + n, 5 + n % 30, path, 1_000_000);
    assert.ok(again > 20, `only ${again} retransmissions`);
  });
}
