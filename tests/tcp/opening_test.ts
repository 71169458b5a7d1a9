/** Opening a connection: RFC 9293 §3.5 and its figures 6 to 12, RFC 5961 for what a stranger may try. */
import assert from "node:assert/strict";
import test from "node:test";
import { Recovery, Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import { accepted, connected, lone } from "./harness.ts";

test("open: an active OPEN sends a SYN and the third segment completes the handshake", async () => {
  const tcp = await lone();
  tcp.opens();
  assert.equal(tcp.state, "SYN_SENT");
  assert.deepEqual(tcp.sends(), ["S 0"]);
  tcp.receives({ flags: "SA", mss: 1460 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(tcp.sends(), ["A 1 ack 1"]);
  assert.deepEqual(tcp.notifications(), ["ESTABLISHED", "WRITABLE"]);
});

test("open: a passive OPEN answers a SYN and is established by the ACK of its own", async () => {
  const tcp = await lone();
  tcp.listens();
  assert.equal(tcp.state, "LISTEN");
  assert.deepEqual(tcp.sends(), []);
  tcp.receives({ flags: "S", mss: 1460 });
  assert.equal(tcp.state, "SYN_RECEIVED");
  assert.deepEqual(tcp.sends(), ["SA 0 ack 1"]);
  tcp.receives();
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(tcp.sends(), []);
  assert.deepEqual(tcp.notifications(), ["ESTABLISHED", "WRITABLE"]);
});

test("open: data on the third segment reaches the application", async () => {
  const tcp = await lone({ reads: false });
  tcp.listens();
  tcp.receives({ flags: "S" });
  tcp.receives({ flags: "PA", len: 100 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.reads(1000), 100);
});

test("open: data written before the handshake is complete follows it", async () => {
  const tcp = await lone();
  tcp.opens();
  assert.equal(tcp.writes(500), 500);
  assert.deepEqual(tcp.sends(), ["S 0"]);
  tcp.receives({ flags: "SA", mss: 1460 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1", "PA 1:501 ack 1"]);
});

test("open: LISTEN turns into an active OPEN", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.opens();
  assert.equal(tcp.state, "SYN_SENT");
  assert.deepEqual(tcp.sends(), ["S 0"]);
});

test("open: two SYNs that cross open one connection (figure 7)", async () => {
  const tcp = await lone();
  tcp.opens();
  tcp.receives({ flags: "S", mss: 1460 });
  assert.equal(tcp.state, "SYN_RECEIVED");
  assert.deepEqual(tcp.sends(), ["S 0", "SA 0 ack 1"]);
  // Line 6 of the figure: the peer's SYN-ACK repeats its SYN
  tcp.receives({ flags: "SA", seq: 0, mss: 1460 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(tcp.sends(), ["A 1 ack 1"]);
});

test("open: a SYN-ACK after two SYNs have crossed is acknowledged, and its SYN told as a duplicate (Linux)", async () => {
  const tcp = await lone({ sack: true, recovery: Recovery.LINUX });
  tcp.opens();
  tcp.receives({ flags: "S", mss: 1460, sackPermitted: true });
  tcp.sends();
  tcp.receives({ flags: "SA", seq: 0, mss: 1460, sackPermitted: true });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1 sack 0-1"]);
  tcp.receives({ flags: "SA", seq: 0, mss: 1460, sackPermitted: true });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1"]);
});

test("open: the SYN-ACK after two SYNs have crossed offers what the SYN did (Linux)", async () => {
  const tcp = await lone({ sack: true, timestamps: true, windowScaling: true, receiveBuffer: 1 << 20 });
  tcp.opens();
  const [syn] = tcp.segments();
  tcp.receives({ flags: "S", mss: 1460 });
  const [answer] = tcp.segments();
  assert.equal(answer.flags, "SA");
  for (const option of ["mss", "sackPermitted", "wscale"] as const) assert.equal(answer[option], syn[option], option);
  assert.equal(answer.ts?.[1], 0);
  // What the peer has not offered holds for neither
  tcp.receives({ ts: null });
  assert.equal(tcp.has(TcbFlag.SACK | TcbFlag.TIMESTAMPS | TcbFlag.WINDOW_SCALING), false);
});

test("open: text and FIN on the SYN-ACK are taken at once (§3.10.7.3)", async () => {
  const tcp = await lone({ reads: false });
  tcp.opens();
  tcp.sends();
  tcp.receives({ flags: "SA", ack: 1, len: 200 });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(tcp.sends(), ["A 1 ack 201"]);
  assert.equal(tcp.reads(1000), 200);

  const brief = await lone({ reads: false });
  brief.opens();
  brief.sends();
  brief.receives({ flags: "FSA", ack: 1, len: 200 });
  assert.equal(brief.state, "CLOSE_WAIT");
  assert.deepEqual(brief.sends(), ["A 1 ack 202"]);
});

test("open: after two SYNs that crossed, a time-out repeats the SYN-ACK", async () => {
  const tcp = await lone({ synRetries: 2 });
  tcp.opens();
  tcp.receives({ flags: "S" });
  tcp.sends();
  tcp.passesToNextDeadline();
  assert.deepEqual(tcp.sends(), ["SA 0 ack 1"]);
  while (tcp.passesToNextDeadline());
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "TIMED_OUT");
});

test("open: a connection opened by SYNs that cross agrees on options as any other", async () => {
  const tcp = await lone({ sack: true, timestamps: true, windowScaling: true });
  tcp.opens();
  tcp.receives({ flags: "S", mss: 1400, sackPermitted: true, wscale: 3, ts: [9, 0] });
  const [, answer] = tcp.segments();
  assert.deepEqual(
    { sack: answer.sackPermitted, wscale: answer.wscale, tsecr: answer.ts?.[1] },
    { sack: true, wscale: 0, tsecr: 9 },
  );
  tcp.receives({ wnd: 1000, ts: [9, 0] });
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.get(Tcb.snd_wnd), 8000);
});

test("open: two SYNs that cross are settled by a plain ACK as well", async () => {
  const tcp = await lone();
  tcp.opens();
  tcp.receives({ flags: "S" });
  tcp.receives();
  assert.equal(tcp.state, "ESTABLISHED");
});

test("open: an old duplicate SYN is reset by the one who never sent it (figure 8)", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.receives({ flags: "S", seq: 0 });
  assert.deepEqual(tcp.sends(), ["SA 0 ack 1"]);
  // Line 5: the peer resets what its old SYN began
  tcp.receives({ flags: "R", seq: 1 });
  assert.equal(tcp.state, "LISTEN");
  assert.deepEqual(tcp.sends(), []);
  // Line 6: its new SYN
  tcp.receives({ flags: "S", seq: 300 });
  assert.equal(tcp.state, "SYN_RECEIVED");
  assert.deepEqual(tcp.sends(), ["SA 0 ack 301"]);
});

test("open: a SYN that meets a half-open connection finds it out and resets it (figure 9)", async () => {
  // The end that stayed up answers the SYN of the end that crashed by a challenge ACK (RFC 5961 §4.2) ...
  const stayed = await accepted();
  stayed.receives({ flags: "S", seq: 400_000 });
  assert.equal(stayed.state, "ESTABLISHED");
  assert.deepEqual(stayed.sends(), ["A 1 ack 1"]);
  // ... which the end that crashed cannot accept, and resets
  const crashed = await lone();
  crashed.opens();
  crashed.sends();
  crashed.receives({ flags: "A", ack: 100_000 });
  assert.equal(crashed.state, "SYN_SENT");
  assert.deepEqual(crashed.sends(), ["R 100000"]);
  stayed.receives({ flags: "R", seq: 1 });
  assert.equal(stayed.state, "CLOSED");
  assert.equal(stayed.endReason, "RESET");
});

test("open: data for a half-open connection is reset by the end that forgot it (figure 10)", async () => {
  const tcp = await lone();
  tcp.receives({ flags: "PA", seq: 100, len: 20, ack: 300 });
  assert.deepEqual(tcp.sends(), ["R 300"]);
});

test("open: an old SYN that reaches a passive end twice ends in LISTEN (figure 11)", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.receives({ flags: "S" });
  tcp.receives({ flags: "R", seq: 1 });
  assert.equal(tcp.state, "LISTEN");
});

test("open: a reset with an ACK of the SYN refuses", async () => {
  const tcp = await lone();
  tcp.opens();
  tcp.receives({ flags: "RA", ack: 1 });
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "REFUSED");
  assert.deepEqual(tcp.notifications(), ["ENDED"]);
});

test("open: a reset that does not acknowledge the SYN is no answer to it", async () => {
  for (const [flags, ack] of [["R", 0], ["RA", 0], ["RA", 2]] as const) {
    const tcp = await lone();
    tcp.opens();
    tcp.sends();
    tcp.receives({ flags, ack });
    assert.equal(tcp.state, "SYN_SENT", `${flags} ack ${ack}`);
    assert.deepEqual(tcp.sends(), [], `${flags} ack ${ack}`);
  }
});

test("open: a reset ends a connection that opened actively in SYN_RECEIVED, a passive one listens again", async () => {
  const active = await lone();
  active.opens();
  active.receives({ flags: "S" });
  active.receives({ flags: "R", seq: 1 });
  assert.equal(active.state, "CLOSED");
  assert.equal(active.endReason, "RESET");

  const passive = await lone();
  passive.listens();
  passive.receives({ flags: "S" });
  passive.receives({ flags: "R", seq: 1 });
  assert.equal(passive.state, "LISTEN");
  assert.deepEqual(passive.notifications(), []);
  assert.equal(passive.passesToNextDeadline(), false, "a listening end waits for nothing");
});

test("open: CLOSED answers everything but a reset by a reset", async () => {
  const answers: [Parameters<Awaited<ReturnType<typeof lone>>["receives"]>[0], string[]][] = [
    [{ flags: "S", seq: 7 }, ["RA 0 ack 8"]],
    [{ flags: "FP", seq: 7, len: 10 }, ["RA 0 ack 18"]],
    [{ flags: "A", seq: 7, ack: 55 }, ["R 55"]],
    [{ flags: "SA", seq: 7, ack: 55 }, ["R 55"]],
    [{ flags: "R", seq: 7 }, []],
    [{ flags: "RA", seq: 7, ack: 55 }, []],
  ];
  const tcp = await lone();
  for (const [segment, expected] of answers) {
    tcp.receives(segment);
    assert.deepEqual(tcp.sends(), expected, JSON.stringify(segment));
    assert.equal(tcp.state, "CLOSED");
  }
});

test("open: a lost SYN is sent again after 1 s, each time after twice as long, then given up", async () => {
  const tcp = await lone({ synRetries: 4 });
  tcp.opens();
  while (tcp.passesToNextDeadline());
  assert.equal(tcp.state, "CLOSED");
  assert.equal(tcp.endReason, "TIMED_OUT");
  const sent = tcp.segments();
  assert.deepEqual(sent.map(({ at_ms }) => at_ms), [0, 1000, 3000, 7000, 15000]);
  assert.ok(sent.every(({ flags, seq }) => flags === "S" && seq === 0));
  assert.equal(tcp.now_ms, 31000);
});

test("open: a lost SYN-ACK is sent again with backoff; then a passive end listens again", async () => {
  const tcp = await lone({ synRetries: 3 });
  tcp.listens();
  tcp.receives({ flags: "S" });
  while (tcp.passesToNextDeadline());
  assert.equal(tcp.state, "LISTEN");
  assert.deepEqual(tcp.segments().map(({ at_ms, flags }) => `${flags} at ${at_ms}`), [
    "SA at 0",
    "SA at 1000",
    "SA at 3000",
    "SA at 7000",
  ]);
  tcp.receives({ flags: "S", seq: 900 });
  assert.deepEqual(tcp.sends(), ["SA 0 ack 901"]);
});

test("open: a SYN that comes again is answered by the same SYN-ACK", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.receives({ flags: "S", mss: 1460 });
  tcp.receives({ flags: "S", seq: 0, mss: 1460 });
  assert.deepEqual(tcp.sends(), ["SA 0 ack 1", "SA 0 ack 1"]);
  assert.equal(tcp.state, "SYN_RECEIVED");
});

test("open: a SYN-ACK that comes again is acknowledged again", async () => {
  const tcp = await connected();
  tcp.receives({ flags: "SA", seq: 0, mss: 1460 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 1"]);
  assert.equal(tcp.state, "ESTABLISHED");
});

test("open: an ACK that is not for the SYN-ACK is reset and changes nothing", async () => {
  for (const ack of [0, 2, 70_000]) {
    const tcp = await lone();
    tcp.listens();
    tcp.receives({ flags: "S" });
    tcp.sends();
    tcp.receives({ flags: "A", ack });
    assert.deepEqual(tcp.sends(), [`R ${ack}`]);
    assert.equal(tcp.state, "SYN_RECEIVED");
  }
});

test("open: only the exact next sequence number resets (RFC 5961 §3.2)", async () => {
  const tcp = await accepted();
  const challenged = (seq: number) =>
    tcp.tries(() => {
      tcp.receives({ flags: "R", seq });
      return [tcp.state, ...tcp.sends()];
    });
  assert.deepEqual(challenged(2), ["ESTABLISHED", "A 1 ack 1"]);
  assert.deepEqual(challenged(65_535), ["ESTABLISHED", "A 1 ack 1"]);
  assert.deepEqual(challenged(65_536), ["ESTABLISHED", "A 1 ack 1"], "at the right edge");
  assert.deepEqual(challenged(65_537), ["ESTABLISHED"], "beyond the window");
  assert.deepEqual(challenged(0), ["ESTABLISHED"], "before the window");
  assert.deepEqual(challenged(1), ["CLOSED"]);
});

test("open: a SYN in an open connection is challenged wherever it falls (RFC 5961 §4.2)", async () => {
  const tcp = await accepted();
  for (const seq of [1, 2, 65_000, 100_000, -5000]) {
    tcp.passes("500ms");
    tcp.receives({ flags: "S", seq });
    assert.deepEqual(tcp.sends(), ["A 1 ack 1"], `SYN at ${seq}`);
    assert.equal(tcp.state, "ESTABLISHED");
  }
});

test("open: a reset tells the application how it ended, once", async () => {
  const tcp = await connected();
  tcp.notifications();
  tcp.receives({ flags: "R" });
  assert.deepEqual(tcp.notifications(), ["ENDED"]);
  assert.equal(tcp.endReason, "RESET");
  assert.deepEqual(tcp.sends(), []);
});

test("open: a second OPEN of a connection that exists leaves it as it is (§3.10.1)", async () => {
  const tcp = await connected();
  tcp.writes(100);
  tcp.sends();
  tcp.opens();
  assert.equal(tcp.state, "ESTABLISHED");
  assert.deepEqual(tcp.sends(), []);
});

test("open: a block that is opened again remembers nothing of its earlier connection", async () => {
  const fresh = await lone({ sack: true, reads: false });
  const used = await connected({ sack: true, reads: false }, { wnd: 60_000 });
  used.writes(10 * 1460);
  used.receives({ flags: "PA", len: 5000, ack: 1 });
  for (const edge of [2, 3, 4]) used.receives({ flags: "A", ack: 1, sack: [[1461, 1 + edge * 1460]] });
  assert.equal(used.get(Tcb.ca_state), 3, "in recovery");
  used.aborts();
  used.segments();
  for (const tcp of [fresh, used]) {
    tcp.opens();
    tcp.receives({ flags: "SA", ack: 1, seq: 0, mss: 1460, sackPermitted: true, wnd: 8000 });
    tcp.writes(4 * 1460);
    tcp.receives({ ack: 1461 });
  }
  const lines = (tcp: typeof used) =>
    tcp.segments().map(({ seq, ack, flags, wnd, len }) => ({ seq, ack, flags, wnd, len }));
  assert.deepEqual(lines(used), lines(fresh));
  for (const name of ["ca_state", "cwnd", "ssthresh", "snd_wnd_max", "cwnd_cnt", "high_seq"] as const) {
    const relative = name === "high_seq" ? (tcp: typeof used) => tcp.get(Tcb.iss) : () => 0;
    assert.equal(used.get(Tcb[name]) - relative(used), fresh.get(Tcb[name]) - relative(fresh), name);
  }
});
