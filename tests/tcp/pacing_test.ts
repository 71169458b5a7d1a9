/** Pacing on a timer of the core: twice cwnd / SRTT in slow start, 1.2 times after (Linux's internal pacing). */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { connected, type Tcp } from "./harness.ts";

const MSS = 1000;

/** Lets `count` deadlines pass; when what left did, in milliseconds from now. */
function leaves(tcp: Tcp, count: number): number[] {
  const began = tcp.now_ms;
  for (let n = 0; n < count; n++) tcp.passesToNextDeadline();
  return tcp.segments().map(({ at_ms }) => at_ms - began);
}

test("pacing: after the first ten segments each waits for its turn, half a round trip for a window in slow start", async () => {
  const tcp = await connected({ mss: MSS, pacing: true, initialWindow: 20 });
  tcp.writes(20 * MSS);
  // 20 segments in 100 ms, twice: one in 2.5 ms. The SYN and the ACK count as sent already
  const first = tcp.segments().length;
  assert.ok(first >= 8 && first <= 10, `${first}`);
  const times = leaves(tcp, 4);
  assert.deepEqual(times, [2.5, 5, 7.5, 10]);
});

test("pacing: bursts when the host sends in bursts", async () => {
  const tcp = await connected({ mss: MSS, pacing: true, tso: true, initialWindow: 20 });
  tcp.writes(20 * MSS);
  tcp.segments();
  assert.deepEqual(leaves(tcp, 2), [5, 5, 10, 10]);
});

test("pacing: 1.2 times cwnd / SRTT once slow start nears its end", async () => {
  const tcp = await connected({ mss: MSS, pacing: true, initialWindow: 20 });
  tcp.set(Tcb.ssthresh, 20);
  tcp.writes(20 * MSS);
  tcp.segments();
  const [at] = leaves(tcp, 1);
  assert.ok(Math.abs(at - 100 / 20 / 1.2) < 0.001, `${at}`);
});

test("pacing: off, a window leaves at once", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 20 });
  tcp.writes(20 * MSS);
  assert.equal(tcp.segments().length, 20);
});
