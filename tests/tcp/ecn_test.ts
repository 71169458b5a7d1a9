/** Explicit congestion notification, RFC 3168, with Linux's rules; E is ECE, W is CWR, N is AE. */
import assert from "node:assert/strict";
import test from "node:test";
import { CaState, CcOption, Recovery, Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import { accepted, type Arriving, connected, lone, type Settings, type Tcp } from "./harness.ts";
import { MSS } from "./bulk.ts";

const ON: Settings = { ecn: "on", mss: MSS, sack: true };

/** Flags and marks of what leaves, one line a segment. */
function marks(tcp: Tcp): string[] {
  return tcp.segments().map(({ flags, ecn = "-", len, again }) => `${flags} ${ecn} ${len}${again ? " again" : ""}`);
}

/** An active end that has agreed on ECN. */
function sender(settings: Settings = {}, peer: Arriving = {}): Promise<Tcp> {
  return connected({ ...ON, ...settings }, { flags: "SAE", ...peer });
}

/** A passive end that has. */
function receiver(settings: Settings = {}): Promise<Tcp> {
  return accepted({ ...ON, ...settings }, { flags: "SEW" });
}

test("ecn: a SYN asks by ECE and CWR, a SYN-ACK agrees by ECE (RFC 3168 §6.1.1)", async () => {
  const active = await lone(ON);
  active.opens();
  assert.deepEqual(marks(active), ["SEW - 0"]);
  active.receives({ flags: "SAE", mss: MSS });
  assert.ok(active.has(TcbFlag.ECN));
  const passive = await lone(ON);
  passive.listens();
  passive.receives({ flags: "SEW", mss: MSS });
  assert.deepEqual(marks(passive), ["SAE - 0"]);
});

test("ecn: who was not asked does not agree, who does not want to neither", async () => {
  for (
    const [ecn, flags, answer] of [["on", "S", "SA - 0"], ["on", "SE", "SA - 0"], ["off", "SEW", "SA - 0"]] as const
  ) {
    const tcp = await lone({ ...ON, ecn });
    tcp.listens();
    tcp.receives({ flags, mss: MSS });
    assert.deepEqual(marks(tcp), [answer]);
    assert.ok(!tcp.has(TcbFlag.ECN));
  }
});

test("ecn: a SYN-ACK with both bits, or none, agrees to nothing", async () => {
  for (const flags of ["SA", "SAEW", "SAW"]) assert.ok(!(await sender({}, { flags })).has(TcbFlag.ECN), flags);
});

test("ecn: a SYN that is marked itself is answered without ECN (Linux)", async () => {
  const tcp = await lone(ON);
  tcp.listens();
  tcp.receives({ flags: "SEW", ecn: "ect0", mss: MSS });
  assert.deepEqual(marks(tcp), ["SA - 0"]);
});

test("ecn: an unanswered SYN is sent again without its bits (RFC 3168 §6.1.1.1), and a late answer still counts", async () => {
  const tcp = await lone(ON);
  tcp.opens();
  tcp.segments();
  tcp.passes("1s");
  assert.deepEqual(marks(tcp), ["S - 0 again"]);
  tcp.receives({ flags: "SAE", mss: MSS });
  assert.ok(tcp.has(TcbFlag.ECN));
});

test("ecn: a SYN-ACK keeps its bit when it is sent again", async () => {
  const tcp = await lone(ON);
  tcp.listens();
  tcp.receives({ flags: "SEW", mss: MSS });
  tcp.segments();
  tcp.passes("1s");
  assert.deepEqual(marks(tcp), ["SAE - 0 again"]);
});

test("ecn: data leaves with ECT(0), pure ACKs and a FIN alone without (§6.1.4)", async () => {
  const tcp = await sender();
  tcp.writes(2 * MSS);
  assert.deepEqual(marks(tcp), ["A ect0 1000", "PA ect0 1000"]);
  tcp.receives({ len: 10 });
  tcp.passes("300ms");
  assert.ok(marks(tcp).filter((line) => line.endsWith(" 0")).every((line) => line === "A - 0"));
  tcp.receives();
  tcp.closes();
  assert.deepEqual(marks(tcp), ["FA - 0"]);
});

test("ecn: a retransmission is not marked (§6.1.5)", async () => {
  const tcp = await sender();
  tcp.writes(MSS);
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.deepEqual(marks(tcp), ["PA - 1000 again"]);
});

test("ecn: from a CE on every ACK has ECE, until the peer says CWR (§6.1.3)", async () => {
  const tcp = await receiver();
  tcp.receives({ len: MSS, ecn: "ect0" });
  tcp.segments();
  tcp.receives({ len: MSS, ecn: "ce" });
  assert.deepEqual(marks(tcp), ["AE - 0"], "at once");
  for (let n = 0; n < 4; n++) tcp.receives({ len: MSS, ecn: "ect0" });
  tcp.passes("300ms");
  assert.ok(marks(tcp).every((line) => line === "AE - 0"));
  tcp.receives({ flags: "AW", len: MSS, ecn: "ect0" });
  assert.deepEqual(marks(tcp), ["A - 0"], "at once as well");
});

test("ecn: a segment with CWR that is marked itself begins the echo again", async () => {
  const tcp = await receiver();
  tcp.receives({ len: MSS, ecn: "ce" });
  tcp.receives({ flags: "AW", len: MSS, ecn: "ce" });
  tcp.segments();
  tcp.receives({ len: MSS, ecn: "ect0" });
  tcp.passes("300ms");
  assert.ok(marks(tcp).every((line) => line === "AE - 0"));
});

test("ecn: ECE reduces the window once, by PRR, and CWR tells the peer on the next new data (§6.1.2)", async () => {
  const tcp = await sender({ initialWindow: 10 });
  tcp.writes(100 * MSS);
  tcp.segments();
  tcp.passes("100ms");
  tcp.receives({ flags: "AE", ack: 1 + MSS });
  assert.equal(tcp.get(Tcb.ca_state), CaState.CWR);
  assert.equal(tcp.get(Tcb.ssthresh), 5);
  const sent = marks(tcp);
  for (let n = 2; n <= 10; n++) {
    tcp.receives({ flags: "AE", ack: 1 + n * MSS });
    sent.push(...marks(tcp));
  }
  assert.equal(tcp.get(Tcb.ssthresh), 5, "once a window");
  assert.deepEqual(sent.slice(0, 2), ["AW ect0 1000", "A ect0 1000"], "CWR once");
  assert.ok(sent.slice(1).every((line) => !line.includes("W")));
  assert.equal(sent.length, 5, "five leave for ten delivered");
  tcp.receives({ ack: 1 + 11 * MSS });
  assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN, "CWR ends above its high_seq");
  assert.ok(tcp.get(Tcb.cwnd) <= 6);
});

test("ecn: a loss within the reduction does not reduce again", async () => {
  const tcp = await sender({ initialWindow: 10 });
  tcp.writes(100 * MSS);
  tcp.segments();
  tcp.passes("100ms");
  tcp.receives({ flags: "AE", ack: 1 + MSS });
  const una = 1 + MSS;
  for (let n = 1; n <= 4; n++) tcp.receives({ ack: una, sack: [[una + MSS, una + (1 + n) * MSS]] });
  assert.equal(tcp.get(Tcb.ca_state), CaState.RECOVERY);
  assert.equal(tcp.get(Tcb.ssthresh), 5);
});

test("ecn: after a time-out the next new data has CWR too", async () => {
  const tcp = await sender();
  tcp.writes(MSS);
  while (tcp.get(Tcb.rtos) === 0) tcp.passesToNextDeadline();
  tcp.segments();
  tcp.receives();
  tcp.writes(MSS);
  assert.deepEqual(marks(tcp), ["PAW ect0 1000"]);
});

for (const recovery of [0, Recovery.LINUX]) {
  test(`ecn: a time-out during a reduction tells of itself by CWR once more, recovery ${recovery}`, async () => {
    const tcp = await sender({ initialWindow: 10, recovery });
    tcp.writes(40 * MSS);
    tcp.segments();
    tcp.passes("100ms");
    tcp.receives({ flags: "AE", ack: 1 + 6 * MSS });
    assert.equal(tcp.get(Tcb.ca_state), CaState.CWR);
    assert.match(marks(tcp)[0], /^AW ect0/);
    while (tcp.get(Tcb.ca_state) !== CaState.LOSS) assert.ok(tcp.passesToNextDeadline());
    tcp.segments();
    tcp.receives({ ack: tcp.sndNxt });
    tcp.writes(40 * MSS);
    assert.match(marks(tcp)[0], /^AW ect0/);
  });
}

test("ecn: ECE without agreement means nothing", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(10 * MSS);
  tcp.receives({ flags: "AE", ack: 1 + MSS });
  assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN);
});

for (const [cc, plain, kept] of [["RENO", 50, 80], ["CUBIC", 70, 84]] as const) {
  test(`abe: a mark leaves ${cc} ${kept} of 100 segments instead of ${plain} (RFC 8511 §3.1)`, async () => {
    for (const [ccOptions, left] of [[0, plain], [CcOption.ABE, kept]]) {
      const tcp = await sender({ cc, ccOptions, initialWindow: 100, endless: true, windowScaling: true }, {
        wscale: 14,
      });
      tcp.passes("100ms");
      tcp.receives({ flags: "AE", ack: 1 + MSS });
      assert.equal(tcp.get(Tcb.ssthresh), left);
    }
  });
}
