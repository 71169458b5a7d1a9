/**
 * VALIDATION.md V1: the figures of RFC 6937 §3.1, as printed, under the three ways to let cwnd fall.
 *
 * The figures begin with 20 segments in flight, the window's worth. Limited transmit (RFC 3042) adds two; recovery begins
 * with FlightSize 22, and that is what the RFC halves: ssthresh is 11, RecoverFS is 22 (SND.NXT - SND.UNA). Here as in
 * Linux ssthresh and RecoverFS are taken from cwnd and not from FlightSize (docs/rfc_exceptions.toml), so cwnd is 22 from
 * the beginning and the peer's window holds the flight at 20, 21 and 22. With RFC 9937's RecoverFS, which leaves out what
 * was SACKed before recovery, it would be 20, and the row another.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { Recovery, Tcb } from "../../src/core/layout.gen.ts";
import { connected, type Tcp } from "./harness.ts";

const MSS = 1000;
const at = (n: number) => 1 + n * MSS;

/** What leaves on each ACK when segments below `first` of the 20 are lost: N new, R again, `.` nothing. */
async function row(recovery: number, first: number): Promise<[string, Tcp]> {
  const tcp = await connected({ mss: MSS, initialWindow: 22, sack: true, recovery }, { wnd: 20 * MSS });
  tcp.writes(200 * MSS);
  assert.equal(tcp.segments().length, 20);
  tcp.passes("100ms");
  const answers: string[] = [];
  let [sentNew, sentAgain] = [20, 0];
  for (let n = 1; n <= 20 - first; n++) {
    tcp.receives({ ack: at(0), wnd: n < 3 ? (20 + n) * MSS : 65_000, sack: [[at(first), at(first + n)]] });
    const sent = tcp.segments();
    for (const { seq, again } of sent) assert.equal(seq, at(again ? sentAgain++ : sentNew++));
    const kinds = new Set(sent.map(({ again }) => again ? "R" : "N"));
    assert.ok(kinds.size <= 1, "the figures mix none");
    answers.push(sent.length === 0 ? "." : `${sent.length > 1 ? sent.length : ""}${[...kinds][0]}`);
  }
  assert.equal(tcp.get(Tcb.ssthresh), 11);
  return [answers.join(" "), tcp];
}

test("V1: RFC 6675, one loss: nothing until half of the flight has left, then one for one", async () => {
  const [sent] = await row(0, 1);
  assert.equal(sent, "N N R . . . . . . . . N N N N N N N N");
});

test("V1: PRR, one loss: one for every two delivered, down to ssthresh and held there", async () => {
  const [sent] = await row(Recovery.LINUX, 1);
  assert.equal(sent, "N N R . N . N . N . N . N . N . . N N");
});

test("V1: RFC 6675, segments 0 to 14 lost: a burst", async () => {
  const [sent] = await row(0, 15);
  assert.equal(sent, "N N 7R R R");
});

test("V1: PRR-CRB, segments 0 to 14 lost: one for one, as RFC 9937 does while no ACK is safe", async () => {
  const [sent, tcp] = await row(Recovery.LINUX, 15);
  assert.equal(sent, "N N R R R");
  // SND.UNA moves and nothing more is lost: two for one, the slow-start reduction bound
  tcp.passes("50ms");
  tcp.receives({ ack: at(1), sack: [[at(15), at(20)]] });
  assert.equal(tcp.segments().map(({ seq, again }) => `${again} ${seq}`).join(", "), `true ${at(3)}, true ${at(4)}`);
});

test("V1: PRR-SSRB, segments 0 to 14 lost: two for one on any ACK, as RFC 6937 has it", async () => {
  const [sent] = await row(Recovery.LINUX | Recovery.SSRB, 15);
  assert.equal(sent, "N N 2R 2R 2R");
});

test("V1: PRR, one loss: the bound does not matter while the flight is above ssthresh", async () => {
  const [sent] = await row(Recovery.LINUX | Recovery.SSRB, 1);
  assert.equal(sent, "N N R . N . N . N . N . N . N . . N N");
});
