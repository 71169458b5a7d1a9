/** HyStart as Linux's CUBIC has it: delays that grow, or a long train of ACKs, end slow start; no loss is needed. */
import assert from "node:assert/strict";
import test from "node:test";
import { CcOption, Tcb } from "../../src/core/layout.gen.ts";
import { bulk, MSS, round } from "./bulk.ts";
import type { Settings, Tcp } from "./harness.ts";

const INFINITE = 0x7fffffff;
const cwnd = (tcp: Tcp) => tcp.get(Tcb.cwnd);
const ssthresh = (tcp: Tcp) => tcp.get(Tcb.ssthresh);

function cubic(settings: Settings = {}): Promise<Tcp> {
  return bulk({ cc: "CUBIC", ...settings });
}

/** A round trip of `rtt_ms`, then an ACK a segment, `gap_us` apart, until slow start has ended; ACKs it took, 0: never. */
function roundUntilFound(tcp: Tcp, rtt_ms: number, gap_us: number): number {
  const until = tcp.sndNxt;
  tcp.passes(`${rtt_ms}ms`);
  for (let acks = 1; tcp.sndUna !== until; acks++) {
    tcp.receives({ ack: tcp.sndUna + MSS });
    if (ssthresh(tcp) !== INFINITE) return acks;
    tcp.passes(`${gap_us}us`);
  }
  tcp.segments();
  return 0;
}

test("hystart: a round whose smallest delay has grown by an eighth ends slow start at its ninth sample", async () => {
  const tcp = await cubic({ initialWindow: 20 });
  assert.equal(roundUntilFound(tcp, 80, 0), 0);
  const before = cwnd(tcp);
  assert.equal(roundUntilFound(tcp, 91, 0), 9);
  assert.equal(ssthresh(tcp), before + 8, "ssthresh is the window of that moment");
});

test("hystart: a delay within an eighth is none", async () => {
  const tcp = await cubic({ initialWindow: 20 });
  assert.equal(roundUntilFound(tcp, 80, 0), 0);
  assert.equal(roundUntilFound(tcp, 89, 0), 0);
  assert.equal(cwnd(tcp), 80);
});

for (const [rtt, least] of [[8, 4], [200, 16]]) {
  test(`hystart: at ${rtt} ms the delay has to grow by more than ${least} ms: the threshold lies within 4 and 16 ms`, async () => {
    const within = await cubic({ initialWindow: 20 });
    roundUntilFound(within, rtt, 0);
    assert.equal(roundUntilFound(within, rtt + least, 0), 0);
    const beyond = await cubic({ initialWindow: 20 });
    roundUntilFound(beyond, rtt, 0);
    assert.equal(roundUntilFound(beyond, rtt + least + 1, 0), 9);
  });
}

test("hystart: below a window of 16 nothing is looked at", async () => {
  const tcp = await cubic({ initialWindow: 2 });
  assert.equal(roundUntilFound(tcp, 80, 0), 0);
  assert.equal(roundUntilFound(tcp, 120, 0), 0);
  assert.equal(roundUntilFound(tcp, 120, 0), 0);
  // 16 are reached at the last ACK of this round
  assert.equal(cwnd(tcp), 16);
  assert.ok(roundUntilFound(tcp, 120, 0) > 0);
});

test("hystart: a train of ACKs longer than half the smallest round trip ends slow start", async () => {
  const tcp = await cubic({ initialWindow: 60 });
  // Half of 80 ms and of the 1 ms that a sender's burst may take is over after 41 gaps
  assert.equal(roundUntilFound(tcp, 80, 1000), 42);
});

test("hystart: ACKs more than 2 ms apart are no train", async () => {
  const tcp = await cubic({ initialWindow: 30 });
  assert.equal(roundUntilFound(tcp, 80, 2100), 0);
});

test("hystart: after it the window grows by a twentieth a round trip, as long as no loss has told of a limit", async () => {
  const tcp = await cubic({ initialWindow: 20 });
  roundUntilFound(tcp, 80, 0);
  roundUntilFound(tcp, 100, 0);
  const found = ssthresh(tcp);
  for (let n = 0; n < 5; n++) round(tcp);
  const expected = found * 1.05 ** 5;
  assert.ok(Math.abs(cwnd(tcp) - expected) <= 3, `${found} to ${cwnd(tcp)}, expected ${expected}`);
});

test("hystart: it can be switched off", async () => {
  const tcp = await cubic({ initialWindow: 20, ccOptions: CcOption.NO_HYSTART });
  assert.equal(roundUntilFound(tcp, 80, 0), 0);
  assert.equal(roundUntilFound(tcp, 200, 1000), 0);
});

test("hystart: Reno has none", async () => {
  const tcp = await bulk({ cc: "RENO", initialWindow: 20 });
  assert.equal(roundUntilFound(tcp, 80, 0), 0);
  assert.equal(roundUntilFound(tcp, 200, 0), 0);
});
