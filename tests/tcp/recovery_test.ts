/** Loss recovery: RFC 5681 §3.2, RFC 3042 (limited transmit), RFC 6582 (NewReno), RFC 6675 (SACK), RFC 2883 (DSACK). */
import assert from "node:assert/strict";
import test from "node:test";
import { CaState, Tcb } from "../../src/core/layout.gen.ts";
import { connected, type Settings, type Tcp } from "./harness.ts";

const MSS = 1000;

/** A sender with `cwnd` full-sized segments in flight and no end of data behind them. */
async function sender(cwnd: number, settings: Settings = {}): Promise<Tcp> {
  const tcp = await connected({ mss: MSS, initialWindow: cwnd, ...settings });
  tcp.writes(200 * MSS);
  assert.equal(tcp.segments().length, cwnd);
  return tcp;
}

/** First byte of segment `n`, counted from 0. */
const at = (n: number) => 1 + n * MSS;

/** Segments that have left, by their number; a repeated one with an R. */
function numbers(tcp: Tcp): string {
  return tcp.segments().map(({ seq, again }) => `${again ? "R" : ""}${(seq - 1) / MSS}`).join(" ");
}

const caState = (tcp: Tcp) => Object.keys(CaState)[tcp.get(Tcb.ca_state)];

for (const sack of [false, true]) {
  const kind = sack ? "with SACK" : "without SACK";
  /** The `n`th duplicate ACK for a lost first segment. */
  const duplicate = (tcp: Tcp, n: number, una = 0) =>
    tcp.receives({ ack: at(una), ...(sack ? { sack: [[at(una + 1), at(una + 1 + n)]] as [number, number][] } : {}) });

  test(`recovery: the first two duplicate ACKs let a new segment out each, ${kind} (RFC 3042)`, async () => {
    const tcp = await sender(10, { sack });
    duplicate(tcp, 1);
    assert.equal(numbers(tcp), "10");
    duplicate(tcp, 2);
    assert.equal(numbers(tcp), "11");
    assert.equal(tcp.get(Tcb.cwnd), 10);
    assert.equal(caState(tcp), "DISORDER");
  });

  test(`recovery: the third duplicate ACK sends the lost segment at once, ${kind} (RFC 5681 §3.2 step 3)`, async () => {
    const tcp = await sender(10, { sack });
    duplicate(tcp, 1);
    duplicate(tcp, 2);
    numbers(tcp);
    duplicate(tcp, 3);
    assert.equal(numbers(tcp), "R0");
    assert.equal(caState(tcp), "RECOVERY");
    assert.equal(tcp.get(Tcb.ssthresh), 5);
  });

  test(`recovery: two duplicate ACKs are reordering, not loss, ${kind}`, async () => {
    const tcp = await sender(10, { sack });
    duplicate(tcp, 1);
    duplicate(tcp, 2);
    tcp.receives({ ack: at(3) });
    assert.equal(caState(tcp), "OPEN");
    assert.ok(tcp.segments().every(({ again }) => !again));
    assert.equal(tcp.get(Tcb.ssthresh), 0x7fffffff);
  });

  test(`recovery: one lost segment of twenty halves the window once, ${kind}`, async () => {
    const tcp = await sender(20, { sack });
    for (let n = 1; n <= 3; n++) duplicate(tcp, n);
    const recover = tcp.sndNxt;
    for (let n = 4; n <= 21; n++) duplicate(tcp, n);
    numbers(tcp);
    tcp.receives({ ack: recover });
    tcp.receives({ ack: recover + MSS });
    assert.equal(caState(tcp), "OPEN");
    assert.equal(tcp.get(Tcb.ssthresh), 10);
    assert.equal(tcp.get(Tcb.cwnd), 10);
  });

  test(`recovery: the ACK that ends it opens the window by no more than it delivered, ${kind}`, async () => {
    const tcp = await sender(20, { sack });
    for (let n = 1; n <= 19; n++) duplicate(tcp, n);
    tcp.receives({ ack: tcp.sndNxt });
    assert.equal(tcp.get(Tcb.ssthresh), 10);
    assert.ok(tcp.get(Tcb.cwnd) <= 11, `cwnd ${tcp.get(Tcb.cwnd)}`);
  });

  test(`recovery: a full acknowledgement ends it and sends nothing twice, ${kind} (RFC 6582 §3.2 step 3)`, async () => {
    const tcp = await sender(10, { sack });
    for (let n = 1; n <= 3; n++) duplicate(tcp, n);
    const recover = tcp.sndNxt;
    // The other duplicates let new segments out, beyond `recover`
    for (let n = 4; n <= 11; n++) duplicate(tcp, n);
    assert.ok(tcp.sndNxt > recover);
    numbers(tcp);
    tcp.receives({ ack: recover });
    assert.doesNotMatch(numbers(tcp), /R/);
    assert.notEqual(caState(tcp), "RECOVERY");
  });

  test(`recovery: a lost first segment and a window that stays closed wait for no time-out, ${kind}`, async () => {
    const tcp = await connected({ mss: MSS, initialWindow: 10, sack });
    tcp.writes(4 * MSS);
    tcp.sends();
    for (let n = 1; n <= 3; n++) duplicate(tcp, n);
    assert.equal(numbers(tcp), "R0");
  });

  test(`recovery: a time-out sends the first segment only and begins with a window of one, ${kind}`, async () => {
    const tcp = await sender(10, { sack });
    tcp.passesToNextDeadline();
    assert.equal(numbers(tcp), "R0");
    assert.equal(caState(tcp), "LOSS");
    assert.equal(tcp.get(Tcb.cwnd), 1);
    assert.equal(tcp.get(Tcb.ssthresh), 5);
    // Slow start over what is presumed lost
    tcp.receives({ ack: at(1) });
    assert.equal(numbers(tcp), "R1 R2");
    tcp.receives({ ack: at(2) });
    assert.equal(numbers(tcp), "R3 R4");
  });

  test(`recovery: a second time-out of the same segment leaves ssthresh alone, ${kind} (RFC 5681 §3.1)`, async () => {
    const tcp = await sender(10, { sack });
    tcp.passesToNextDeadline();
    tcp.passesToNextDeadline();
    assert.equal(numbers(tcp), "R0 R0");
    assert.equal(tcp.get(Tcb.ssthresh), 5);
    assert.equal(tcp.get(Tcb.cwnd), 1);
  });

  test(`recovery: an acknowledgement of all after a time-out sends nothing twice, ${kind}`, async () => {
    const tcp = await sender(10, { sack });
    tcp.passesToNextDeadline();
    numbers(tcp);
    tcp.receives({ ack: at(10) });
    assert.equal(caState(tcp), "OPEN");
    assert.equal(tcp.get(Tcb.lost_out), 0);
    assert.doesNotMatch(numbers(tcp), /R/);
  });
}

test("recovery: without SACK a partial acknowledgement sends the next hole (RFC 6582 §3.2 step 3)", async () => {
  const tcp = await sender(10);
  for (let n = 1; n <= 3; n++) tcp.receives({ ack: at(0) });
  numbers(tcp);
  // Segments 0 and 4 are lost: the retransmission of 0 uncovers 4
  tcp.receives({ ack: at(4) });
  assert.match(numbers(tcp), /^R4/);
  assert.equal(caState(tcp), "RECOVERY");
  assert.equal(tcp.get(Tcb.ssthresh), 5);
});

test("recovery: without SACK three losses of one window take a round trip each and one reduction", async () => {
  const tcp = await sender(12);
  // 0, 3 and 6 are lost: nine duplicates come back
  for (let n = 1; n <= 9; n++) tcp.receives({ ack: at(0) });
  assert.match(numbers(tcp), /^12 13 R0( \d+)*$/);
  const flight = tcp.get(Tcb.ssthresh);
  for (const [ack, expected] of [[3, /^R3/], [6, /^R6/]] as const) {
    tcp.receives({ ack: at(ack) });
    assert.match(numbers(tcp), expected);
    assert.equal(caState(tcp), "RECOVERY");
  }
  tcp.receives({ ack: tcp.sndNxt });
  assert.equal(caState(tcp), "OPEN");
  assert.equal(tcp.get(Tcb.ssthresh), flight);
});

test("recovery: without SACK duplicate ACKs of old retransmissions start no second recovery (RFC 6582 §4.1)", async () => {
  const tcp = await sender(10);
  for (let n = 1; n <= 3; n++) tcp.receives({ ack: at(0) });
  tcp.passesToNextDeadline();
  const recover = tcp.sndNxt;
  const ssthresh = tcp.get(Tcb.ssthresh);
  tcp.receives({ ack: recover });
  numbers(tcp);
  for (let n = 1; n <= 4; n++) tcp.receives({ ack: recover });
  assert.doesNotMatch(numbers(tcp), /R/);
  assert.equal(tcp.get(Tcb.ssthresh), ssthresh);
});

test("recovery: an ACK that brings data, or moves the window, is no duplicate (RFC 5681 §2)", async () => {
  const tcp = await sender(10);
  for (let n = 1; n <= 4; n++) tcp.receives({ flags: "PA", ack: at(0), len: 10 });
  for (let n = 1; n <= 4; n++) tcp.receives({ ack: at(0), wnd: 60_000 + n });
  assert.equal(caState(tcp), "OPEN");
  assert.ok(tcp.segments().every(({ again }) => !again));
});

test("recovery: a peer that takes back what it SACKed is sent all of it again after a time-out (RFC 2018 §8)", async () => {
  const tcp = await sender(5, { sack: true });
  for (let n = 1; n <= 4; n++) tcp.receives({ ack: at(0), sack: [[at(1), at(1 + n)]] });
  tcp.segments();
  // Segment 0 arrives, 1 to 4 were SACKed but are asked for again
  tcp.receives({ ack: at(1) });
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.equal(numbers(tcp), "R1");
  tcp.receives({ ack: at(2) });
  assert.equal(numbers(tcp), "R2 R3");
});

test("recovery: after a time-out what was SACKed is not sent again (RFC 6675 §5.1)", async () => {
  const tcp = await sender(10, { sack: true });
  tcp.receives({ ack: at(0), sack: [[at(5), at(7)]] });
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.equal(numbers(tcp), "R0");
  for (let n = 1; n <= 4; n++) tcp.receives({ ack: at(n), sack: [[at(5), at(7)]] });
  assert.equal(numbers(tcp), "R1 R2 R3 R4 R7 R8 R9 R10");
});

test("recovery: a retransmission that is lost again waits for the timer, not for ever", async () => {
  const tcp = await sender(10, { sack: true });
  for (let n = 1; n <= 9; n++) tcp.receives({ ack: at(0), sack: [[at(1), at(1 + n)]] });
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.equal(numbers(tcp), "R0");
  tcp.receives({ ack: tcp.sndNxt });
  assert.equal(caState(tcp), "OPEN");
});

test("recovery: SACK blocks beyond what was sent, empty or upside down change nothing", async () => {
  const tcp = await sender(5, { sack: true });
  tcp.receives({ ack: at(0), sack: [[at(3), at(9)], [at(2), at(2)], [at(4), at(2)], [at(40), at(50)]] });
  assert.equal(tcp.get(Tcb.sacked_out), 0);
  assert.deepEqual(tcp.sends(), []);
});

test("recovery: a block that covers part of a segment only does not acknowledge it", async () => {
  const tcp = await sender(5, { sack: true });
  tcp.receives({ ack: at(0), sack: [[at(1) + 1, at(3) - 1]] });
  assert.equal(tcp.get(Tcb.sacked_out), 0);
  tcp.receives({ ack: at(0), sack: [[at(1) + 1, at(3)]] });
  assert.equal(tcp.get(Tcb.sacked_out), 1);
});

test("recovery: a DSACK is not taken for a SACK (RFC 2883 §4)", async () => {
  const tcp = await sender(10, { sack: true });
  tcp.receives({ ack: at(4), sack: [[at(1), at(2)]] });
  assert.equal(tcp.get(Tcb.sacked_out), 0);
  tcp.receives({ ack: at(4), sack: [[at(6), at(7)], [at(5), at(8)]] });
  assert.equal(tcp.get(Tcb.sacked_out), 3);
});

test("recovery: a lost tail is rescued once, without a time-out (RFC 6675 NextSeg rule 4)", async () => {
  const tcp = await connected({ mss: MSS, initialWindow: 10, sack: true });
  tcp.writes(10 * MSS);
  tcp.segments();
  // 0 and 9 are lost
  for (let n = 1; n <= 8; n++) tcp.receives({ ack: at(0), sack: [[at(1), at(1 + n)]] });
  assert.equal(numbers(tcp), "R0", "the first retransmission has to be heard of before (§5 step 4.3)");
  tcp.receives({ ack: at(9) });
  assert.equal(numbers(tcp), "R9");
  tcp.receives({ ack: at(9) });
  assert.equal(numbers(tcp), "");
});

test("recovery: an ACK in the middle of a segment leaves its rest to be sent again", async () => {
  const tcp = await connected({ mss: MSS });
  tcp.writes(2 * MSS);
  tcp.segments();
  tcp.receives({ ack: 401 });
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["A 401:1001 ack 1"]);
});
