/** Closing a connection: RFC 9293 §3.6 with figures 12 and 13, TIME_WAIT (RFC 1337, RFC 6191), ABORT. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { accepted, connected, lone } from "./harness.ts";

test("close: the end that closes first passes FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT (figure 12, TCP Peer A)", async () => {
  const tcp = await connected();
  tcp.closes();
  assert.equal(tcp.state, "FIN_WAIT_1");
  assert.deepEqual(tcp.sends(), ["FA 1 ack 1"]);
  tcp.receives();
  assert.equal(tcp.state, "FIN_WAIT_2");
  tcp.receives({ flags: "FA" });
  assert.equal(tcp.state, "TIME_WAIT");
  assert.deepEqual(tcp.sends(), ["A 2 ack 2"]);
  assert.ok(tcp.notifications().includes("ENDED"));
  tcp.passes("119999ms");
  assert.equal(tcp.state, "TIME_WAIT");
  tcp.passes("1ms");
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "CLOSED");
});

test("close: the end that closes second passes CLOSE_WAIT, LAST_ACK (figure 12, TCP Peer B)", async () => {
  const tcp = await accepted();
  tcp.notifications();
  tcp.receives({ flags: "FA" });
  assert.equal(tcp.state, "CLOSE_WAIT");
  assert.deepEqual(tcp.sends(), ["A 1 ack 2"]);
  assert.deepEqual(tcp.notifications(), ["PEER_CLOSED"]);
  tcp.closes();
  assert.equal(tcp.state, "LAST_ACK");
  assert.deepEqual(tcp.sends(), ["FA 1 ack 2"]);
  tcp.receives();
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "CLOSED");
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("close: two FINs that cross pass CLOSING into TIME_WAIT (figure 13)", async () => {
  const tcp = await connected();
  tcp.closes();
  tcp.receives({ flags: "FA", ack: 1 });
  assert.equal(tcp.state, "CLOSING");
  assert.deepEqual(tcp.sends(), ["FA 1 ack 1", "A 2 ack 2"]);
  tcp.receives();
  assert.equal(tcp.state, "TIME_WAIT");
  tcp.passesToNextDeadline();
  assert.equal(tcp.state, "CLOSED");
});

test("close: data that was lost is repaired while both FINs cross", async () => {
  const tcp = await connected({ mss: 1000 });
  tcp.writes(2000);
  tcp.closes();
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1", "PA 1001:2001 ack 1", "FA 2001 ack 1"]);
  tcp.receives({ flags: "FA", ack: 1001 });
  assert.equal(tcp.state, "CLOSING");
  tcp.segments();
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["PA 1001:2001 ack 2"]);
  tcp.receives({ ack: 2001 });
  assert.deepEqual(tcp.sends(), ["FA 2001 ack 2"]);
  assert.equal(tcp.state, "CLOSING");
  tcp.receives();
  assert.equal(tcp.state, "TIME_WAIT");
});

test("close: the 2 MSL count from the FIN, whatever FIN_WAIT_2 had left of its time-out", async () => {
  const tcp = await connected({ finWait2: "10s", msl: "30s" });
  tcp.closes();
  tcp.receives();
  tcp.passes("9s");
  tcp.receives({ flags: "FA" });
  tcp.passes("59s");
  assert.equal(tcp.state, "TIME_WAIT");
  tcp.passes("1s");
  assert.equal(tcp.state, "CLOSED");
});

test("close: what was written goes before the FIN, which rides on the last of it", async () => {
  const tcp = await connected({ mss: 1000, initialWindow: 2 });
  tcp.writes(2500);
  tcp.closes();
  assert.equal(tcp.state, "FIN_WAIT_1");
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1", "A 1001:2001 ack 1"]);
  tcp.receives({ ack: 2001 });
  assert.deepEqual(tcp.sends(), ["FPA 2001:2501 ack 1"]);
  tcp.receives({ ack: 2501 });
  assert.equal(tcp.state, "FIN_WAIT_1", "the data is acknowledged, the FIN is not");
  tcp.receives({ ack: 2502 });
  assert.equal(tcp.state, "FIN_WAIT_2");
});

test("close: a FIN waits for the congestion window like the data before it", async () => {
  const tcp = await connected({ mss: 1000, initialWindow: 2 });
  tcp.writes(3000);
  tcp.closes();
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 1", "A 1001:2001 ack 1"]);
  tcp.receives({ ack: 1001 });
  assert.deepEqual(tcp.sends(), ["FPA 2001:3001 ack 1"]);
});

test("close: after its FIN this end still receives, acknowledges and gives to the application", async () => {
  const tcp = await connected({ reads: false, mss: 1000 });
  tcp.closes();
  tcp.receives();
  tcp.sends();
  for (let n = 0; n < 4; n++) tcp.receives({ flags: "PA", len: 1000 });
  assert.equal(tcp.state, "FIN_WAIT_2");
  assert.deepEqual(tcp.sends(), [1001, 2001, 3001, 4001].map((ack) => `A 2 ack ${ack}`));
  assert.equal(tcp.reads(10_000), 4000);
  tcp.receives({ flags: "FA" });
  assert.equal(tcp.state, "TIME_WAIT");
});

test("close: after the peer's FIN this end still sends, is acknowledged and repairs losses", async () => {
  const tcp = await connected({ mss: 1000 });
  tcp.receives({ flags: "FA" });
  tcp.sends();
  tcp.writes(3000);
  assert.deepEqual(tcp.sends(), ["A 1:1001 ack 2", "A 1001:2001 ack 2", "PA 2001:3001 ack 2"]);
  tcp.receives({ ack: 1001 });
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["A 1001:2001 ack 2"]);
  tcp.receives({ ack: 3001 });
  assert.equal(tcp.state, "CLOSE_WAIT");
  tcp.closes();
  assert.equal(tcp.state, "LAST_ACK");
});

test("close: text and FIN in one segment are taken in that order", async () => {
  const tcp = await connected({ reads: false });
  tcp.receives({ flags: "FPA", len: 700 });
  assert.equal(tcp.state, "CLOSE_WAIT");
  assert.deepEqual(tcp.sends(), [], "our FIN may take the ACK along");
  tcp.passes("40ms");
  assert.deepEqual(tcp.sends(), ["A 1 ack 702"]);
  assert.equal(tcp.reads(1000), 700);
  assert.equal(tcp.reads(1000), 0);
});

test("close: a FIN ahead of a hole waits until the hole is filled", async () => {
  const tcp = await connected({ sack: true });
  tcp.receives({ flags: "FPA", seq: 501, len: 500 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(tcp.sends(), ["A 1 ack 1 sack 501-1002"]);
  tcp.receives({ flags: "A", seq: 1, len: 500 });
  assert.equal(tcp.state, "CLOSE_WAIT");
  assert.deepEqual(tcp.sends(), ["A 1 ack 1002"]);
});

test("close: a bare FIN ahead of a hole is remembered too", async () => {
  const tcp = await connected();
  tcp.receives({ flags: "FA", seq: 501 });
  assert.equal(tcp.state, "ESTABLISHED");
  tcp.receives({ flags: "PA", seq: 1, len: 500 });
  assert.equal(tcp.state, "CLOSE_WAIT");
  assert.equal(tcp.sends().at(-1), "A 1 ack 502");
});

test("close: a lost FIN is sent again with backoff, and given up in the end", async () => {
  const tcp = await connected({ dataRetries: 3 });
  tcp.closes();
  while (tcp.passesToNextDeadline());
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "TIMED_OUT");
  const times = tcp.segments().map(({ at_ms }) => at_ms);
  // SRTT 100 ms and 4 RTTVAR 200 ms from the handshake: 300 ms, doubled
  assert.deepEqual(times, [100, 400, 1000, 2200]);
});

test("close: FIN_WAIT_2 waits for ever by default", async () => {
  const tcp = await connected();
  tcp.closes();
  tcp.receives();
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("close: FIN_WAIT_2 with a time-out ends, but not while the peer sends", async () => {
  const tcp = await connected({ finWait2: "60s" });
  tcp.closes();
  tcp.receives();
  tcp.passes("50s");
  tcp.receives({ flags: "PA", len: 100 });
  tcp.passes("50s");
  assert.equal(tcp.state, "FIN_WAIT_2");
  tcp.passes("10s");
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "TIMED_OUT");
});

test("close: a FIN that comes again in TIME_WAIT is acknowledged and restarts the 2 MSL", async () => {
  const tcp = await connected({ msl: "30s" });
  tcp.closes();
  tcp.receives({ flags: "FA" });
  tcp.sends();
  tcp.passes("40s");
  tcp.receives({ flags: "FA", seq: 1 });
  assert.deepEqual(tcp.sends(), ["A 2 ack 2"]);
  tcp.passes("59s");
  assert.equal(tcp.state, "TIME_WAIT");
  tcp.passes("1s");
  assert.equal(tcp.state, "CLOSED");
});

test("close: a stray ACK restarts TIME_WAIT in silence, as a FIN does aloud", async () => {
  const tcp = await connected({ msl: "30s" });
  tcp.closes();
  tcp.receives({ flags: "FA" });
  tcp.sends();
  tcp.passes("40s");
  tcp.receives();
  assert.deepEqual(tcp.sends(), []);
  tcp.passes("59s");
  assert.equal(tcp.state, "TIME_WAIT");
  tcp.passes("1s");
  assert.equal(tcp.state, "CLOSED");
});

/** A passive end that closed first. */
async function waiting(settings: Parameters<typeof accepted>[0] = {}) {
  const tcp = await accepted(settings);
  tcp.closes();
  tcp.receives({ flags: "FA" });
  assert.equal(tcp.state, "TIME_WAIT");
  tcp.segments();
  return tcp;
}

test("close: a SYN beyond the old sequence numbers opens anew over TIME_WAIT (RFC 9293 §3.6.1)", async () => {
  const tcp = await waiting();
  tcp.receives({ flags: "S", seq: 3, mss: 1460 });
  assert.equal(tcp.state, "SYN_RECEIVED");
  assert.deepEqual(tcp.sends(), ["SA 0 ack 4"]);
  tcp.receives();
  assert.equal(tcp.state, "ESTABLISHED");
});

test("close: a SYN among the old sequence numbers is an old one, and acknowledged in TIME_WAIT", async () => {
  const tcp = await waiting();
  for (const seq of [-100, 0, 1]) {
    tcp.tries(() => {
      tcp.receives({ flags: "S", seq, mss: 1460 });
      assert.equal(tcp.state, "TIME_WAIT");
      assert.deepEqual(tcp.sends(), ["A 2 ack 2"]);
    });
  }
});

test("close: with timestamps a newer one opens anew whatever the sequence number (RFC 6191 §2)", async () => {
  const tcp = await waiting({ timestamps: true });
  const syn = (seq: number, tsval: number) =>
    tcp.tries(() => {
      tcp.receives({ flags: "S", seq, mss: 1460, ts: [tsval, 0] });
      return tcp.state;
    });
  const recent = tcp.get(Tcb.ts_recent);
  assert.equal(syn(-5000, recent + 1), "SYN_RECEIVED");
  assert.equal(syn(5000, recent + 1), "SYN_RECEIVED");
  assert.equal(syn(5000, recent), "SYN_RECEIVED");
  assert.equal(syn(-5000, recent), "TIME_WAIT");
  assert.equal(syn(5000, recent - 1), "TIME_WAIT");
});

test("close: a connection over TIME_WAIT begins beyond all that the old one sent (RFC 9293 §3.6.1)", async () => {
  const tcp = await accepted({ mss: 1460, initialWindow: 1000, sendBuffer: 1 << 24 }, { wnd: 65535 });
  // 40 MB in 200 ms: faster than the ISN clock of 250,000 a second
  for (let n = 0; n < 1000; n++) {
    tcp.writes(40_000);
    tcp.receives();
  }
  tcp.passes("100ms");
  tcp.closes();
  while (tcp.state !== "FIN_WAIT_2") tcp.receives();
  tcp.receives({ flags: "FA" });
  const last = tcp.get(Tcb.snd_nxt);
  tcp.receives({ flags: "S", seq: 5000, mss: 1460 });
  assert.equal(tcp.state, "SYN_RECEIVED");
  const ahead = tcp.get(Tcb.iss) - last | 0;
  assert.ok(ahead > 0, `the new ISS lies ${-ahead} behind the old SND.NXT`);
});

test("close: ABORT resets with the next sequence number and leaves nothing behind", async () => {
  const tcp = await connected({ mss: 1000, initialWindow: 2 });
  tcp.writes(5000);
  tcp.sends();
  tcp.aborts();
  assert.deepEqual(tcp.sends(), ["RA 2001 ack 1"]);
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "ABORTED");
  assert.equal(tcp.passesToNextDeadline(), false);
});

test("close: CLOSE before any SYN was answered sends nothing", async () => {
  const tcp = await lone();
  tcp.opens();
  tcp.sends();
  tcp.closes();
  assert.equal(tcp.state, "CLOSED");
  assert.deepEqual(tcp.sends(), []);
  tcp.receives({ flags: "SA", ack: 1 });
  assert.match(tcp.sends()[0], /^R /);
});

test("close: CLOSE while data waits for the handshake lets it go first (§3.10.4)", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.receives({ flags: "S" });
  tcp.writes(300);
  tcp.closes();
  assert.equal(tcp.state, "SYN_RECEIVED");
  assert.deepEqual(tcp.sends(), ["SA 0 ack 1"]);
  tcp.receives();
  assert.equal(tcp.state, "FIN_WAIT_1");
  assert.deepEqual(tcp.sends(), ["FPA 1:301 ack 1"]);
});

test("close: CLOSE in SYN_RECEIVED sends the FIN; the ACK of SYN and FIN together is taken", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.receives({ flags: "S" });
  tcp.closes();
  tcp.receives();
  assert.equal(tcp.state, "FIN_WAIT_2");
});

test("close: a peer that missed the SYN-ACK gets it again although the FIN has left", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.receives({ flags: "S" });
  tcp.closes();
  tcp.sends();
  tcp.receives({ flags: "S", seq: 0 });
  assert.deepEqual(tcp.sends(), ["SA 0 ack 1"]);
});

test("close: SEND after CLOSE takes nothing", async () => {
  const tcp = await connected();
  tcp.closes();
  assert.equal(tcp.writes(100), 0);
  tcp.receives();
  assert.equal(tcp.writes(100), 0);
});

test("close: text for an application that has closed for good is answered by a reset (RFC 9293 §3.6.1)", async () => {
  const tcp = await connected({ mss: 1000, reads: false });
  tcp.leaves();
  tcp.receives();
  assert.equal(tcp.state, "FIN_WAIT_2");
  tcp.segments();
  tcp.receives({ flags: "PA", len: 500 });
  assert.deepEqual(tcp.sends(), ["R 2"]);
  assert.equal(tcp.state, "CLOSED");
});

test("close: old text and the FIN are no reason for that reset", async () => {
  const tcp = await connected({ mss: 1000, reads: false });
  tcp.receives({ len: 500 });
  tcp.leaves();
  tcp.receives();
  tcp.segments();
  tcp.receives({ seq: 1, len: 500 });
  assert.deepEqual(tcp.sends(), ["A 2 ack 501"]);
  tcp.receives({ flags: "FA" });
  assert.equal(tcp.state, "TIME_WAIT");
});

test("close: FIN_WAIT_2 of a closed socket ends after its time-out, of a half-closed one never", async () => {
  for (const gone of [true, false]) {
    const tcp = await connected({ finTimeout: "60s" });
    if (gone) tcp.leaves();
    else tcp.closes();
    tcp.receives();
    tcp.passes("59s");
    assert.equal(tcp.state, "FIN_WAIT_2");
    tcp.passes("1s");
    assert.equal(tcp.state, gone ? "CLOSED" : "FIN_WAIT_2");
  }
});

test("close: text that reaches from before the peer's FIN to behind it is reset, text behind it ignored", async () => {
  const tcp = await connected({ mss: 1000 });
  tcp.receives({ flags: "FA", len: 100 });
  tcp.passes("40ms");
  tcp.segments();
  tcp.receives({ seq: 102, len: 10 });
  assert.deepEqual([tcp.state, ...tcp.sends()], ["CLOSE_WAIT"]);
  tcp.receives({ seq: 50, len: 100 });
  assert.deepEqual([tcp.state, ...tcp.sends()], ["CLOSED", "R 1"]);
});

test("time-wait: a reset ends it unless RFC 1337 is heeded", async () => {
  for (const rfc1337 of [false, true]) {
    const tcp = await connected({ rfc1337 });
    tcp.closes();
    tcp.receives({ flags: "FA" });
    tcp.segments();
    tcp.receives({ flags: "R", seq: 3 });
    assert.equal(tcp.state, "TIME_WAIT", "elsewhere it does nothing");
    tcp.receives({ flags: "R", seq: 2 });
    assert.equal(tcp.state, rfc1337 ? "TIME_WAIT" : "CLOSED");
    assert.deepEqual(tcp.sends(), []);
  }
});

test("time-wait: what carries nothing is answered once in 500 ms, FINs and text always", async () => {
  const tcp = await connected();
  tcp.closes();
  tcp.receives({ flags: "FA" });
  tcp.segments();
  for (let n = 0; n < 5; n++) tcp.receives({ seq: 100 });
  assert.deepEqual(tcp.sends(), ["A 2 ack 2"]);
  for (let n = 0; n < 3; n++) tcp.receives({ flags: "FA", seq: 1 });
  assert.equal(tcp.segments().length, 3);
  tcp.receives({ seq: 2, len: 10 });
  assert.deepEqual(tcp.sends(), ["A 2 ack 2"]);
  tcp.passes("119s");
  assert.equal(tcp.state, "TIME_WAIT");
  tcp.passes("1s");
  assert.equal(tcp.state, "CLOSED");
});

test("time-wait: old timestamps are answered and open nothing anew", async () => {
  const tcp = await waiting({ timestamps: true });
  tcp.set(Tcb.ts_recent, 5000);
  tcp.receives({ flags: "S", seq: 5000, mss: 1460, ts: [4000, 0] });
  assert.deepEqual([tcp.state, ...tcp.sends()], ["TIME_WAIT", "A 2 ack 2"]);
});
