/** The first check of a segment, RFC 9293 §3.10.7.4 table 6, held against the table itself. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb, TcbFlag } from "../../src/core/layout.gen.ts";
import { connected, type Tcp } from "./harness.ts";

/**
 * Table 6 on numbers that do not wrap, as Linux applies it: what ends at RCV.NXT, begins at the right edge, or lies
 * around the window passes as well (docs/rfc_exceptions.toml). All that table 6 lets in is let in.
 */
function acceptable(seq: number, len: number, nxt: number, wnd: number): boolean {
  const passes = seq + len >= nxt && seq <= nxt + wnd;
  assert.ok(passes || !tableSix(seq, len, nxt, wnd));
  return passes;
}

/** Word by word. */
function tableSix(seq: number, len: number, nxt: number, wnd: number): boolean {
  if (len === 0 && wnd === 0) return seq === nxt;
  if (len === 0) return nxt <= seq && seq < nxt + wnd;
  if (wnd === 0) return false;
  return nxt <= seq && seq < nxt + wnd || nxt <= seq + len - 1 && seq + len - 1 < nxt + wnd;
}

/** A connection with one byte in flight and a receive window of exactly `wnd`. */
async function withWindow(wnd: number, irs: number): Promise<Tcp> {
  const tcp = await connected({ reads: false, receiveBuffer: wnd === 0 ? 1 : wnd, irs });
  if (wnd === 0) {
    tcp.receives({ flags: "PA", len: 1 });
    tcp.passes("1s");
  }
  tcp.writes(1);
  tcp.segments();
  assert.equal(tcp.get(Tcb.rcv_adv) - tcp.get(Tcb.rcv_nxt) >>> 0, wnd);
  return tcp;
}

for (const irs of [1_000_000, 0xffff_fffb]) {
  for (const wnd of [0, 1, 2, 5]) {
    test(`acceptance: a window of ${wnd} behind an ISN of ${irs} takes what table 6 lets in`, async () => {
      const tcp = await withWindow(wnd, irs);
      const nxt = tcp.rcvNxt;
      for (let len = 0; len <= 8; len++) {
        for (let seq = nxt - 10; seq <= nxt + 10; seq++) {
          const what = `seq ${seq - nxt} from RCV.NXT, len ${len}`;
          const { taken, sent } = tcp.tries(() => {
            // Only an acceptable segment's ACK field is looked at
            tcp.receives({ flags: "A", seq, len, ack: tcp.sndNxt });
            return { taken: tcp.sndUna === tcp.sndNxt, sent: tcp.sends().length };
          });
          assert.equal(taken, acceptable(seq, len, nxt, wnd), what);
          // Delayed ACKs aside, what is not acceptable is answered at once
          if (!taken) assert.equal(sent, 1, what);
        }
      }
    });

    test(`acceptance: a reset meets the same table with a window of ${wnd} behind an ISN of ${irs}`, async () => {
      const tcp = await withWindow(wnd, irs);
      const nxt = tcp.rcvNxt;
      for (let seq = nxt - 10; seq <= nxt + 10; seq++) {
        const { state, sent } = tcp.tries(() => {
          tcp.receives({ flags: "R", seq });
          return { state: tcp.state, sent: tcp.sends().length };
        });
        const what = `seq ${seq - nxt} from RCV.NXT`;
        assert.equal(state, seq === nxt ? "CLOSED" : "ESTABLISHED", what);
        // RFC 5961 §3.2: challenged inside the window, dropped in silence outside it
        assert.equal(sent, seq !== nxt && acceptable(seq, 0, nxt, wnd) ? 1 : 0, what);
      }
    });

    test(`acceptance: text is taken whole or not at all by a window of ${wnd} behind an ISN of ${irs}`, async () => {
      const tcp = await withWindow(wnd, irs);
      const nxt = tcp.rcvNxt;
      for (let len = 1; len <= 8; len++) {
        for (let seq = nxt - 4; seq <= nxt; seq++) {
          const got = tcp.tries(() => {
            tcp.receives({ flags: "A", seq, len });
            return tcp.rcvNxt - nxt;
          });
          // Nothing waits to be read, so what begins in an open window may pass its right edge
          assert.equal(got, wnd === 0 ? 0 : Math.max(0, seq + len - nxt), `seq ${seq - nxt} len ${len}`);
        }
      }
    });
  }
}

test("acceptance: text beyond the window is dropped whole, its FIN with it, while other text waits to be read", async () => {
  const tcp = await connected({ reads: false, receiveBuffer: 8 });
  tcp.receives({ len: 3 });
  tcp.segments();
  tcp.receives({ flags: "FA", len: 6 });
  assert.deepEqual(tcp.sends(), ["A 1 ack 4"]);
  assert.equal(tcp.state, "ESTABLISHED");
  assert.equal(tcp.has(TcbFlag.FIN_RECEIVED), false);
  tcp.reads(3);
  tcp.receives({ flags: "FA", len: 6 });
  assert.equal(tcp.state, "CLOSE_WAIT");
});

test("acceptance: a FIN alone is taken at a zero window", async () => {
  const tcp = await withWindow(0, 1_000_000);
  tcp.receives({ flags: "FA" });
  assert.equal(tcp.state, "CLOSE_WAIT");
});

test("acceptance: a FIN just behind a full window is taken", async () => {
  const tcp = await withWindow(5, 1_000_000);
  tcp.receives({ flags: "FA", len: 5 });
  assert.equal(tcp.state, "CLOSE_WAIT");
  tcp.passes("40ms");
  assert.equal(tcp.sends().at(-1), "A 2 ack 7");
});

test("acceptance: an ACK from before all windows ever offered is challenged (RFC 5961 §5.2)", async () => {
  const tcp = await connected({ mss: 1000, quickAcks: 0, invalidRateLimit: "0s" }, { wnd: 8000 });
  for (let n = 0; n < 20; n++) {
    tcp.writes(1000);
    tcp.receives({ wnd: 8000 });
  }
  tcp.writes(1000);
  tcp.segments();
  const una = tcp.sndUna;
  const answered = (ack: number) =>
    tcp.tries(() => {
      tcp.receives({ ack, flags: "PA", len: 10, wnd: 8000 });
      return [tcp.rcvNxt, tcp.sends().length];
    });
  assert.deepEqual(answered(una - 8000), [11, 1], "its text is taken");
  assert.deepEqual(answered(una - 8001), [1, 1], "it is dropped and challenged");
  assert.deepEqual(answered(una + 1000), [11, 1]);
  assert.deepEqual(answered(una + 1001), [1, 1], "what was never sent is challenged too (RFC 9293 §3.10.7.4)");
});
