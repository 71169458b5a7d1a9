/** How two ends agree on a checksum of RFC 1146. */
import assert from "node:assert/strict";
import test from "node:test";
import { AltChecksum, Tcb, TcbExt } from "../../src/core/layout.gen.ts";
import { lone, type Settings, type Tcp } from "./harness.ts";

const { FLETCHER_8, FLETCHER_16 } = AltChecksum;

async function wishing(algorithm: number, settings: Settings = {}): Promise<Tcp> {
  const tcp = await lone({ mss: 1460, ...settings });
  // What hangs off the block is there once something is kept in it
  tcp.engine.exports.keepRttHistogram(tcp.tcb);
  tcp.engine.set(tcp.get(Tcb.ext), TcbExt.alt_checksum_wish, algorithm);
  return tcp;
}

const agreed = (tcp: Tcp) => tcp.engine.get(tcp.get(Tcb.ext), TcbExt.alt_checksum);

test("alternate checksum: both SYNs name the same, and it holds (RFC 1146)", async () => {
  for (const algorithm of [FLETCHER_8, FLETCHER_16]) {
    const active = await wishing(algorithm);
    active.opens();
    assert.equal(active.segments()[0].altChecksum, algorithm);
    active.receives({ flags: "SA", mss: 1460, altChecksum: algorithm });
    assert.equal(agreed(active), algorithm);
    assert.equal(active.get(Tcb.mss), algorithm === FLETCHER_16 ? 1456 : 1460, "the data option takes four bytes");
    const passive = await wishing(algorithm);
    passive.listens();
    passive.receives({ flags: "S", mss: 1460, altChecksum: algorithm });
    assert.equal(passive.segments()[0].altChecksum, algorithm);
    assert.equal(agreed(passive), algorithm);
  }
});

test("alternate checksum: with another, or none, TCP's own stays", async () => {
  for (const altChecksum of [undefined, 0, FLETCHER_16, 7]) {
    const active = await wishing(FLETCHER_8);
    active.opens();
    active.segments();
    active.receives({ flags: "SA", mss: 1460, altChecksum });
    assert.equal(agreed(active), 0);
    const passive = await wishing(FLETCHER_8);
    passive.listens();
    passive.receives({ flags: "S", mss: 1460, altChecksum });
    assert.equal(passive.segments()[0].altChecksum, undefined);
  }
});

test("alternate checksum: nobody asks for one unless told to", async () => {
  const tcp = await lone({ mss: 1460 });
  tcp.opens();
  assert.equal(tcp.segments()[0].altChecksum, undefined);
});

test("alternate checksum: 16-bit Fletcher's option leaves two SACK blocks room beside timestamps, 40 bytes in all", async () => {
  const tcp = await wishing(FLETCHER_16, { sack: true, timestamps: true });
  tcp.opens();
  tcp.segments();
  tcp.receives({ flags: "SA", mss: 1460, altChecksum: FLETCHER_16, sackPermitted: true, ts: [0, 0] });
  tcp.segments();
  for (const seq of [1001, 3001, 5001]) tcp.receives({ seq, len: 1000 });
  assert.deepEqual(tcp.segments().map(({ sack }) => sack?.length), [1, 2, 2]);
});
