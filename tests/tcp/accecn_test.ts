/** Accurate ECN, RFC 9768: N is AE, W is CWR, E is ECE; the three together are the ACE field. */
import assert from "node:assert/strict";
import test from "node:test";
import { CaState, Ecn, EcnMode, Tcb, TcbExt, TcbFlag } from "../../src/core/layout.gen.ts";
import { MSS } from "./bulk.ts";
import { type Arriving, connected, lone, type Settings, type Tcp } from "./harness.ts";

const ACCURATE: Settings = { ecn: "accurate", ecnOption: 0, mss: MSS, sack: true };

/** The value of a segment's ACE field. */
function ace(flags: string): number {
  return (flags.includes("N") ? 4 : 0) + (flags.includes("W") ? 2 : 0) + (flags.includes("E") ? 1 : 0);
}

/** Letters for an ACE field, beside an ACK's. */
function letters(value: number): string {
  return (value & 1 ? "E" : "") + (value & 2 ? "W" : "") + (value & 4 ? "N" : "");
}

function mode(tcp: Tcp): number {
  if (!tcp.has(TcbFlag.ECN)) return 0;
  return state(tcp, Ecn.mode);
}

function state(tcp: Tcp, field: typeof Ecn[keyof typeof Ecn]): number {
  const ecn = tcp.engine.get(tcp.get(Tcb.ext), TcbExt.ecn);
  return tcp.engine.get(ecn, field as typeof Ecn.mode);
}

/** A client that has agreed on accurate feedback; the server's answer tells that its SYN came without a mark. */
async function client(settings: Settings = {}, peer: Arriving = {}): Promise<Tcp> {
  return await connected({ ...ACCURATE, ...settings }, { flags: "SAW", ...peer });
}

/** A server that has. */
async function server(settings: Settings = {}, last: Arriving = {}): Promise<Tcp> {
  const tcp = await lone({ ...ACCURATE, ...settings });
  tcp.listens();
  tcp.receives({ flags: "SEWN", mss: MSS, ...(settings.sack === false ? {} : { sackPermitted: true }) });
  tcp.passes("100ms");
  tcp.receives({ flags: "AW", ...last });
  tcp.segments();
  return tcp;
}

test("accecn: a SYN asks by all three bits, twice, then without (§3.1.1, §3.1.4.1)", async () => {
  const tcp = await lone(ACCURATE);
  tcp.opens();
  assert.deepEqual(tcp.segments().map(({ flags }) => flags), ["SEWN"]);
  tcp.passes("1s");
  assert.deepEqual(tcp.segments().map(({ flags }) => flags), ["SEWN"]);
  tcp.passes("2s");
  assert.deepEqual(tcp.segments().map(({ flags }) => flags), ["S"]);
});

for (const [ecn, bits] of [[undefined, "W"], ["ect1", "EW"], ["ect0", "N"], ["ce", "WN"]] as const) {
  test(`accecn: the SYN-ACK tells that the SYN came with ${ecn ?? "no mark"}, the last ACK of the SYN-ACK (table 2, 3)`, async () => {
    const passive = await lone(ACCURATE);
    passive.listens();
    passive.receives({ flags: "SEWN", mss: MSS, ecn });
    assert.deepEqual(passive.segments().map(({ flags }) => flags), [`SA${bits}`]);
    const active = await lone(ACCURATE);
    active.opens();
    active.segments();
    active.receives({ flags: "SAW", mss: MSS, ecn });
    assert.deepEqual(active.segments().map(({ flags }) => flags), [`A${bits}`]);
  });
}

test("accecn: what the client makes of each answer (table 2)", async () => {
  const expected = [
    0,
    EcnMode.CLASSIC,
    EcnMode.ACCURATE,
    EcnMode.ACCURATE,
    EcnMode.ACCURATE,
    EcnMode.CLASSIC,
    EcnMode.ACCURATE,
    0,
  ];
  for (let value = 0; value < 8; value++) {
    const tcp = await client({}, { flags: `SA${letters(value)}` });
    assert.equal(mode(tcp), expected[value], `answer ${value}`);
  }
});

test("accecn: a server answers an older client in its own way", async () => {
  for (const [flags, answer, agreed] of [["SEW", "SAE", EcnMode.CLASSIC], ["S", "SA", 0]] as const) {
    const tcp = await lone(ACCURATE);
    tcp.listens();
    tcp.receives({ flags, mss: MSS });
    assert.deepEqual(tcp.segments().map((segment) => segment.flags), [answer]);
    assert.equal(mode(tcp), agreed);
  }
});

test("accecn: a server that knows RFC 3168 only takes the three bits for its own", async () => {
  const tcp = await lone({ ...ACCURATE, ecn: "on" });
  tcp.listens();
  tcp.receives({ flags: "SEWN", mss: MSS });
  assert.deepEqual(tcp.segments().map(({ flags }) => flags), ["SAE"]);
});

test("accecn: a SYN-ACK that is sent a third time goes without the bits (§3.1.4.2)", async () => {
  const tcp = await lone(ACCURATE);
  tcp.listens();
  tcp.receives({ flags: "SEWN", mss: MSS });
  tcp.passes("1s");
  tcp.passes("2s");
  assert.deepEqual(tcp.segments().map(({ flags }) => flags), ["SAW", "SAW", "SA"]);
  tcp.receives({ flags: "AW" });
  assert.equal(mode(tcp), EcnMode.ACCURATE);
});

test("accecn: the ACE field begins at 5 and counts segments with CE modulo 8, pure ACKs too (§3.2.2)", async () => {
  const tcp = await server();
  tcp.writes(MSS);
  assert.deepEqual(tcp.segments().map(({ flags, ecn }) => [ace(flags), ecn]), [[5, "ect0"]]);
  tcp.receives({ flags: "AEN", ecn: "ce" });
  for (let n = 1; n <= 9; n++) {
    tcp.receives({ flags: "AEN", len: MSS, ecn: "ce" });
    tcp.passes("300ms");
    const sent = tcp.segments();
    assert.equal(ace(sent[sent.length - 1].flags), (5 + 1 + n) & 7);
  }
});

test("accecn: a change of the mark on data is acknowledged at once (§3.2.2.5.1)", async () => {
  const tcp = await server();
  for (let n = 0; n < 20; n++) tcp.receives({ flags: "AEN", len: MSS, ecn: "ect0" });
  tcp.passes("300ms");
  tcp.receives({ flags: "AEN", len: MSS, ecn: "ect0" });
  tcp.passes("300ms");
  tcp.segments();
  for (const ecn of ["ce", "ect0", "ce", "ect1"] as const) {
    tcp.receives({ flags: "AEN", len: MSS, ecn });
    assert.equal(tcp.segments().length, 1, ecn);
  }
});

test("accecn: marks that the peer counts reduce the window once a window", async () => {
  const tcp = await client({ initialWindow: 10 });
  tcp.writes(100 * MSS);
  tcp.segments();
  tcp.passes("100ms");
  tcp.receives({ flags: `A${letters(5)}`, ack: 1 + MSS });
  assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN);
  const before = tcp.get(Tcb.cwnd);
  tcp.receives({ flags: `A${letters(6)}`, ack: 1 + 2 * MSS });
  assert.equal(tcp.get(Tcb.ca_state), CaState.CWR);
  assert.equal(state(tcp, Ecn.delivered_ce), 1);
  assert.equal(tcp.get(Tcb.ssthresh), before >> 1);
  tcp.receives({ flags: `A${letters(0)}`, ack: 1 + 3 * MSS });
  assert.equal(state(tcp, Ecn.delivered_ce), 3, "6 to 0 are two more");
  assert.equal(tcp.get(Tcb.ssthresh), before >> 1);
  assert.ok(tcp.segments().every(({ flags }) => !flags.includes("W") || ace(flags) !== 2), "no CWR of RFC 3168");
});

test("accecn: where an ACK tells of many segments the field may have gone round: the worst is assumed (appendix A.2)", async () => {
  const tcp = await client({ initialWindow: 20 });
  tcp.writes(20 * MSS);
  tcp.segments();
  tcp.passes("100ms");
  tcp.receives({ flags: `A${letters(7)}`, ack: 1 + 20 * MSS });
  // 2, 10 or 18 of 20 were marked
  assert.equal(state(tcp, Ecn.delivered_ce), 18);
});

test("accecn: the option tells how often it went round", async () => {
  const tcp = await client({ initialWindow: 20, ecnOption: 2 }, { accEcn: [1, 0, 1] });
  tcp.writes(20 * MSS);
  tcp.segments();
  tcp.passes("100ms");
  // The option takes twelve bytes of each
  const len = MSS - 12;
  tcp.receives({ flags: `A${letters(7)}`, ack: 1 + 20 * len, accEcn: [1, 2 * len, 1 + 18 * len] });
  assert.equal(state(tcp, Ecn.delivered_ce), 2);
  assert.equal(state(tcp, Ecn.delivered_ceb), 2 * len);
  assert.equal(state(tcp, Ecn.delivered_e0b), 18 * len);
});

test("accecn: a first ACK with a wiped field stops ECT, and the field is no longer read (§3.2.2.1)", async () => {
  const tcp = await server({}, { flags: "A" });
  tcp.writes(2 * MSS);
  assert.ok(tcp.segments().every(({ ecn }) => ecn === undefined));
  tcp.receives({ flags: "A", ack: 1 + MSS });
  assert.equal(tcp.get(Tcb.ca_state), CaState.OPEN);
});

test("accecn: a SYN-ACK has the option, what follows has it when the peer has shown one (§3.2.3.2)", async () => {
  const tcp = await lone({ ...ACCURATE, ecnOption: 2 });
  tcp.listens();
  tcp.receives({ flags: "SEWN", mss: MSS });
  assert.deepEqual(tcp.segments()[0].accEcn, [1, 0, 1]);
  tcp.receives({ flags: "AW" });
  tcp.writes(MSS);
  assert.equal(tcp.segments()[0].accEcn, undefined);
  tcp.receives({ flags: "AEN", accEcn: [1, 0, 1] });
  tcp.writes(100);
  assert.deepEqual(tcp.segments()[0].accEcn, [1, 0, 1]);
});

test("accecn: the option of the handshake's last ACK shows that options pass", async () => {
  const tcp = await server({ ecnOption: 2 }, { accEcn: [1, 0, 1] });
  tcp.receives({ flags: "AEN", len: MSS, ecn: "ce" });
  assert.deepEqual(tcp.segments().map(({ accEcn }) => accEcn), [[1, MSS, 1]]);
});

test("accecn: with ecn_option 0 no option is sent at all", async () => {
  const tcp = await lone(ACCURATE);
  tcp.listens();
  tcp.receives({ flags: "SEWN", mss: MSS });
  tcp.receives({ flags: "AW", accEcn: [1, 0, 1] });
  tcp.writes(MSS);
  assert.ok(tcp.segments().every(({ accEcn }) => accEcn === undefined));
});

test("accecn: the option counts bytes by their mark, and takes room from the data (§3.2.3)", async () => {
  const tcp = await client({ ecnOption: 2 }, { accEcn: [1, 0, 1] });
  tcp.receives({ flags: "AEN", len: 100, ecn: "ect0" });
  tcp.receives({ flags: "AEN", len: 10, ecn: "ce" });
  tcp.receives({ flags: "AEN", len: 1, ecn: "ect1" });
  tcp.passes("300ms");
  const sent = tcp.segments();
  assert.deepEqual(sent[sent.length - 1].accEcn, [2, 10, 101]);
  tcp.writes(3 * MSS);
  const data = tcp.segments();
  assert.deepEqual(data.map(({ len }) => len).slice(0, 2), [MSS - 12, MSS - 12]);
});

test("accecn: with ecn_option 1 it is sent when something changed, and as a beacon, no more", async () => {
  const tcp = await client({ ecnOption: 1, nagle: false }, { accEcn: [1, 0, 1] });
  const optioned = (): boolean => {
    tcp.writes(10);
    return tcp.segments().at(-1)?.accEcn !== undefined;
  };
  // The two that follow the SYN-ACK have gone, or go now
  optioned();
  assert.equal(optioned(), false);
  tcp.receives({ flags: "AEN", len: 100, ecn: "ce" });
  assert.ok(tcp.segments().at(-1)?.accEcn, "a change");
  assert.equal(optioned(), true, "twice");
  assert.equal(optioned(), false);
  tcp.passes("40ms");
  assert.equal(optioned(), true, "three times in a round trip of 100 ms");
});

test("accecn: counters that come wiped end the options of this end (§3.2.3.2.4)", async () => {
  const tcp = await client({ ecnOption: 2 }, { accEcn: [0, 0, 0] });
  tcp.writes(MSS);
  assert.ok(tcp.segments().every(({ accEcn }) => accEcn === undefined));
});
