/** When the runner does what: bases of relative times, and how far off things may be. */
import assert from "node:assert/strict";
import test from "node:test";
import { drill, type ScriptReport } from "../../src/packetdrill/drill.ts";
import { type RecordedPacket, ReplayHost } from "./replay.ts";

const LISTEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 listen(3, 1) = 0
+1 < S 0:0(0) win 9
`;

async function play(script: string, times: number[]): Promise<{ report: ScriptReport; at: number[] }> {
  const packets = times.map((at, index): RecordedPacket => {
    return { at, flags: "S.", seq: 0, length: 0, ack: 1, win: index, options: [] };
  });
  const host = new ReplayHost({
    packets,
    calls: [{ call: "socket", result: 3 }, { call: "listen", result: 0 }],
    infos: [],
  });
  const report = await drill("a.pkt", LISTEN + script, () => Promise.resolve(host));
  return { report, at: host.injected.map(({ at }) => at) };
}

const OUT = "> S. 0:0(0) ack 1";

test("relative time counts from when the packet before it came", async () => {
  const { report, at } = await play(`+.1 ${OUT}\n+.1 < . 1:1(0) ack 1 win 9`, [1.104]);
  assert.equal(report.message, undefined);
  assert.deepEqual(at, [1, 1.204]);
});

test("relative time of injected packets in a row counts from the schedule", async () => {
  const { at } = await play("+.1 < . 1:1(0) ack 1 win 9\n+.1 < . 1:1(0) ack 1 win 9", []);
  assert.deepEqual(at, [1, 1.1, 1.2]);
});

test("absolute time stands by itself", async () => {
  const { report, at } = await play(`1.1 ${OUT}\n1.2 < . 1:1(0) ack 1 win 9`, [1.104]);
  assert.equal(report.message, undefined);
  assert.deepEqual(at, [1, 1.2]);
});

test("tolerance grows with the time since the event before", async () => {
  assert.equal((await play(`+1 ${OUT}`, [2.124])).report.outcome, "passed");
  assert.match((await play(`+1 ${OUT}`, [2.126])).report.message!, /expected time 2.000000 \+\/- 0.125000, got 2.126/);
  assert.equal((await play(`+1 ${OUT}`, [1.876])).report.outcome, "passed");
  assert.match((await play(`+1 ${OUT}`, [1.874])).report.message!, /got 1.874000/);
});

test("tolerance is 4 ms at least, or what the script says", async () => {
  assert.equal((await play(`+.01 ${OUT}`, [1.014])).report.outcome, "passed");
  assert.equal((await play(`+.01 ${OUT}`, [1.0141])).report.outcome, "failed");
  const wide = "--tolerance_usecs=9000\n" + LISTEN;
  const host = new ReplayHost({
    packets: [{ at: 1.018, flags: "S.", seq: 0, length: 0, ack: 1, win: 0, options: [] }],
    calls: [{ call: "socket", result: 3 }, { call: "listen", result: 0 }],
    infos: [],
  });
  assert.equal((await drill("a.pkt", `${wide}+.01 ${OUT}`, () => Promise.resolve(host))).outcome, "passed");
});

test("a range takes a packet anywhere in it", async () => {
  for (const at of [1.096, 1.25, 1.404]) {
    assert.equal((await play(`+.1~+.4 ${OUT}`, [at])).report.message, undefined);
  }
  assert.equal((await play(`+.1~+.4 ${OUT}`, [1.45])).report.outcome, "failed");
});

test("a packet is waited for two seconds, at any time for longer", async () => {
  assert.match((await play(`+.1 ${OUT}`, [3.2])).report.message!, /expected > S\. .*, got no packet$/);
  assert.equal((await play(`* ${OUT}`, [33])).report.outcome, "passed");
});

test("packets that left while other events were under way wait in order", async () => {
  const { report } = await play(`+.2 < . 1:1(0) ack 1 win 9\n1.0 ${OUT} win 0\n1.1 ${OUT} win 1`, [1, 1.1]);
  assert.equal(report.message, undefined);
});
