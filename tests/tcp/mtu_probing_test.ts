/** Searching for the path MTU: RFC 4821 as Linux does it. */
import assert from "node:assert/strict";
import test from "node:test";
import { CaState, Engine as Root, MtuProbing, Recovery, Tcb, TcbExt } from "../../src/core/layout.gen.ts";
import { accepted, connected, type Settings, type Tcp } from "./harness.ts";

const ALWAYS: Settings = {
  mss: 1460,
  sack: true,
  recovery: Recovery.LINUX,
  mtuProbing: MtuProbing.ALWAYS,
  initialWindow: 20,
};
const BLACK_HOLE: Settings = { ...ALWAYS, mtuProbing: MtuProbing.BLACK_HOLE, initialWindow: 10 };

/** Half way between 1024 and 1460. */
const PROBE = 1242;

const lengths = (tcp: Tcp): number[] => tcp.segments().map(({ len }) => len);
const searched = (tcp: Tcp): [number, number] => {
  const ext = tcp.get(Tcb.ext);
  return [tcp.engine.get(ext, TcbExt.search_low), tcp.engine.get(ext, TcbExt.search_high)];
};

test("mtu probing: an active open begins with tcp_base_mss, a probe half way leaves first", async () => {
  const tcp = await connected(ALWAYS);
  assert.equal(tcp.get(Tcb.mss), 1024);
  tcp.writes(PROBE + 4 * 1024);
  assert.deepEqual(lengths(tcp), [PROBE, 1024, 1024, 1024, 1024]);
  assert.equal(tcp.get(Tcb.cwnd), 19, "the probe takes two places");
});

test("mtu probing: a passive open keeps its MSS until the peer's window grows, as Linux does", async () => {
  const tcp = await accepted({ ...ALWAYS, windowScaling: true }, { wnd: 1000 });
  assert.equal(tcp.get(Tcb.mss), 1460);
  tcp.writes(100);
  tcp.passes("50ms");
  tcp.receives({ ack: 101, wnd: 65535 });
  assert.equal(tcp.get(Tcb.mss), 1460, "no larger than on the handshake's ACK");
});

test("mtu probing: a probe that arrives raises the MSS, cwnd shrinks in proportion", async () => {
  const tcp = await connected(ALWAYS);
  tcp.writes(PROBE + 4 * 1024);
  tcp.passes("100ms");
  tcp.receives({ ack: 1 + PROBE });
  assert.equal(tcp.get(Tcb.mss), PROBE);
  assert.equal(tcp.get(Tcb.cwnd), Math.floor(19 * (1024 + 40) / (PROBE + 40)));
  assert.deepEqual(searched(tcp), [PROBE, 1460]);
});

test("mtu probing: the search ends when it is within tcp_probe_threshold", async () => {
  const tcp = await connected(ALWAYS);
  const probes: number[] = [];
  for (let round = 0; round < 30; round++) {
    tcp.writes(12 * 1460);
    tcp.passes("100ms");
    const mss = tcp.get(Tcb.mss);
    probes.push(...lengths(tcp).filter((length) => length > mss));
    tcp.receives();
  }
  assert.deepEqual(probes, [1242, 1351, 1405, 1432, 1446, 1453]);
  assert.deepEqual(searched(tcp), [1453, 1460]);
});

test("mtu probing: a search that has ended begins anew after tcp_probe_interval", async () => {
  const tcp = await connected(ALWAYS);
  for (let round = 0; round < 30; round++) {
    tcp.writes(12 * 1460);
    tcp.passes("100ms");
    tcp.receives();
  }
  tcp.engine.set(tcp.get(Tcb.ext), TcbExt.search_high, 1454);
  tcp.passes("601s");
  tcp.writes(1000);
  tcp.receives();
  assert.deepEqual(searched(tcp), [1453, 1460]);
});

test("mtu probing: a probe that is lost alone costs no window and is sent again in pieces", async () => {
  const tcp = await connected(ALWAYS);
  tcp.writes(PROBE + 6 * 1024);
  tcp.segments();
  tcp.passes("100ms");
  const first = 1 + PROBE;
  tcp.receives({ ack: 1, sack: [[first, first + 1024]] });
  tcp.receives({ ack: 1, sack: [[first, first + 2048]] });
  tcp.receives({ ack: 1, sack: [[first, first + 3072]] });
  assert.deepEqual(tcp.segments().map(({ seq, len }) => [seq, len]), [[1, 1024], [1025, PROBE - 1024]]);
  assert.equal(tcp.get(Tcb.cwnd), 20);
  assert.equal(tcp.get(Tcb.ssthresh), 0x7fffffff);
  assert.equal(tcp.get(Tcb.ca_state), CaState.LOSS);
  assert.deepEqual(searched(tcp), [1024, PROBE - 1]);
  tcp.receives();
  assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN);
  assert.equal(tcp.get(Tcb.mss), 1024);
  tcp.writes(8 * 1024);
  assert.equal(lengths(tcp)[0], (1024 + PROBE - 1) >> 1, "the next probe is shorter");
});

test("mtu probing: a loss before the probe is congestion, and the probe says nothing", async () => {
  const tcp = await connected(ALWAYS);
  tcp.engine.set(tcp.get(Tcb.ext), TcbExt.mtu_probing, 0);
  tcp.writes(1024);
  tcp.engine.set(tcp.get(Tcb.ext), TcbExt.mtu_probing, 1);
  tcp.writes(PROBE + 6 * 1024);
  assert.deepEqual(lengths(tcp).slice(0, 3), [1024, PROBE, 1024]);
  tcp.passes("100ms");
  const behind = 1025 + PROBE;
  tcp.receives({ ack: 1, sack: [[behind, behind + 3072]] });
  assert.equal(tcp.get(Tcb.ca_state), CaState.RECOVERY);
  assert.deepEqual(lengths(tcp).every((length) => length <= 1024), true);
  assert.deepEqual(searched(tcp), [1024, 1460]);
  tcp.receives();
  assert.equal(tcp.get(Tcb.packets_out), 0);
});

test("mtu probing: a time-out sends the probe again in pieces of today's MSS", async () => {
  const tcp = await connected({ ...ALWAYS, recovery: Recovery.LINUX & ~Recovery.TLP });
  tcp.writes(PROBE + 4 * 1024);
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["A 1:1025 ack 1"]);
  tcp.receives({ ack: 1025 });
  assert.equal(tcp.get(Tcb.mss), 1024, "inconclusive");
});

test("mtu probing: without data, cwnd or window enough no probe leaves", async () => {
  const short = await connected(ALWAYS);
  short.writes(PROBE + 4 * 1024 - 1);
  assert.ok(!lengths(short).includes(PROBE));
  const narrow = await connected({ ...ALWAYS, initialWindow: 10 });
  narrow.writes(20000);
  assert.ok(!lengths(narrow).includes(PROBE));
  const closed = await connected(ALWAYS, { wnd: 4000 });
  closed.writes(20000);
  assert.ok(!lengths(closed).includes(PROBE));
});

test("mtu probing: a black hole is suspected after tcp_retries1 time-outs, and the MSS searched for from tcp_base_mss", async () => {
  const tcp = await connected({ ...BLACK_HOLE, timestamps: true });
  assert.equal(tcp.get(Tcb.mss), 1448);
  tcp.writes(3 * 1448);
  tcp.segments();
  const sent: number[] = [];
  while (tcp.now_ms < 8_000) {
    tcp.passesToNextDeadline();
    sent.push(...lengths(tcp));
  }
  assert.deepEqual(sent, [1448, 1448, 1448, 1448, 1024, 512], "a loss probe, three time-outs, a black hole");
  assert.equal(tcp.get(Tcb.mss), 512, "the time-out after it halves what is sent");
  tcp.receives({ ack: 1025 });
  assert.equal(tcp.get(Tcb.lost_out) > 0, true);
  for (let i = 0; i < 20 && tcp.get(Tcb.packets_out) > 0; i++) {
    assert.ok(lengths(tcp).every((length) => length <= 1024));
    tcp.receives({ ack: tcp.sndUna + 512 > tcp.sndNxt ? tcp.sndNxt : tcp.sndUna + 512 });
  }
  assert.equal(tcp.get(Tcb.packets_out), 0, "through");
});

test("mtu probing: with it off time-outs change no MSS", async () => {
  const tcp = await connected({ ...BLACK_HOLE, mtuProbing: MtuProbing.OFF });
  tcp.writes(3000);
  while (tcp.now_ms < 30_000) tcp.passesToNextDeadline();
  assert.equal(tcp.get(Tcb.mss), 1460);
});

test("mtu probing: no less than tcp_mtu_probe_floor", async () => {
  const tcp = await connected({ ...BLACK_HOLE, dataRetries: 30 });
  tcp.engine.set(tcp.engine.root, Root.mtu_probe_floor, 300);
  tcp.writes(3000);
  while (tcp.now_ms < 900_000) tcp.passesToNextDeadline();
  assert.equal(tcp.get(Tcb.mss), 300);
});

test("acknowledgements on a connection with ECN put the time-out off", async () => {
  const tcp = await connected({ ...ALWAYS, mtuProbing: 0, ecn: "on" }, { flags: "SAE" });
  tcp.writes(4 * 1460);
  const before = tcp.engine.getBig(tcp.tcb, Tcb.t_retransmit);
  tcp.passes("100ms");
  tcp.receives({ ack: 1461 });
  assert.ok(tcp.engine.getBig(tcp.tcb, Tcb.t_retransmit) > before);
});
