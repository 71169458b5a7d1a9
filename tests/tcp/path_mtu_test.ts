/** Paths that take less than both ends announce: RFC 1191, RFC 8201, Linux's tcp_simple_retransmit. */
import assert from "node:assert/strict";
import test from "node:test";
import { Recovery, Tcb, TcbExt } from "../../src/core/layout.gen.ts";
import { readTcpInfo } from "../../src/core/tcp_info.ts";
import { connected, type Settings, type Tcp } from "./harness.ts";

const LINUX: Settings = { mss: 1460, sack: true, recovery: Recovery.LINUX };

function ranges(tcp: Tcp): [number, number][] {
  return tcp.segments().map(({ seq, len }) => [seq, seq + len]);
}

for (const recovery of [0, Recovery.LINUX]) {
  test(`path mtu: what was too long leaves again at once in shorter segments, recovery ${recovery}`, async () => {
    const tcp = await connected({ ...LINUX, recovery });
    tcp.writes(2 * 1460 + 300);
    tcp.segments();
    const cwnd = tcp.get(Tcb.cwnd);
    tcp.pathTakes(1200);
    assert.deepEqual(ranges(tcp), [[1, 1161], [1161, 1461], [1461, 2621], [2621, 2921]]);
    assert.equal(tcp.get(Tcb.cwnd), cwnd, "no congestion");
    assert.equal(tcp.get(Tcb.mss), 1160);
    tcp.receives({ ack: 3221 });
    assert.equal(tcp.get(Tcb.packets_out), 0);
    tcp.writes(2320);
    assert.deepEqual(ranges(tcp), [[3221, 4381], [4381, 5541]]);
  });
}

test("path mtu: a burst is cut as one", async () => {
  const tcp = await connected({ ...LINUX, tso: true });
  tcp.writes(2 * 1460);
  tcp.segments();
  tcp.pathTakes(1200);
  assert.deepEqual(ranges(tcp), [[1, 1161], [1161, 2321], [2321, 2921]]);
});

test("path mtu: as much leaves as cwnd allows, the rest with the ACKs", async () => {
  const tcp = await connected({ ...LINUX, initialWindow: 2 });
  tcp.writes(2 * 1460);
  tcp.segments();
  tcp.pathTakes(640);
  assert.deepEqual(ranges(tcp), [[1, 601], [601, 1201]]);
  tcp.receives({ ack: 1201 });
  assert.ok(ranges(tcp).some(([seq]) => seq === 1201));
});

test("path mtu: options count, PSH stays at its place", async () => {
  const tcp = await connected({ ...LINUX, timestamps: true });
  tcp.writes(1448);
  tcp.closes();
  tcp.segments();
  tcp.pathTakes(1000);
  assert.deepEqual(tcp.sends(), ["A 1:949 ack 1", "PA 949:1449 ack 1"], "the FIN that left by itself is not lost");
});

test("path mtu: what was SACKed is not cut, what was short stays", async () => {
  const tcp = await connected(LINUX);
  tcp.writes(4 * 1460);
  tcp.writes(500);
  tcp.passes("100ms");
  tcp.receives({ ack: 1, sack: [[2921, 4381]] });
  tcp.segments();
  tcp.pathTakes(1300);
  assert.deepEqual(ranges(tcp), [[1, 1261], [1261, 1461], [1461, 2721], [2721, 2921], [4381, 5641], [5641, 5841]]);
  assert.equal(tcp.get(Tcb.sacked_out), 1);
  tcp.receives({ ack: 6341 });
  assert.equal(tcp.get(Tcb.packets_out), 0);
});

test("path mtu: no less than 552 bytes are believed, and no more than before", async () => {
  const tcp = await connected(LINUX);
  tcp.pathTakes(68);
  assert.equal(tcp.get(Tcb.mss), 512);
  tcp.pathTakes(1400);
  assert.equal(tcp.get(Tcb.mss), 512);
});

test("path mtu: after ten minutes the path is tried with long segments again", async () => {
  const tcp = await connected(LINUX);
  tcp.pathTakes(1000);
  tcp.writes(2000);
  tcp.receives({ ack: 2001 });
  assert.equal(tcp.get(Tcb.mss), 960);
  tcp.passes("601s");
  tcp.segments();
  tcp.writes(1460);
  assert.deepEqual(ranges(tcp), [[2001, 2961], [2961, 3461]], "cut before it was known");
  tcp.receives({ ack: 3461 });
  tcp.writes(1460);
  assert.deepEqual(ranges(tcp), [[3461, 4921]]);
});

test("path mtu: reports are not believed by who has turned discovery off", async () => {
  const tcp = await connected(LINUX);
  tcp.userTimeout(0);
  tcp.engine.set(tcp.get(Tcb.ext), TcbExt.ignores_path_mtu, 1);
  tcp.pathTakes(1000);
  assert.equal(tcp.get(Tcb.mss), 1460);
});

test("path mtu: TCP_INFO tells it", async () => {
  const tcp = await connected(LINUX);
  const mtu = (): number => readTcpInfo(tcp.engine, tcp.tcb, tcp.now).tcpi_pmtu;
  assert.equal(mtu(), 1500);
  tcp.pathTakes(1300);
  assert.equal(mtu(), 1300);
});
