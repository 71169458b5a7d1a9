/** Initial sequence numbers, RFC 6528 §3: a clock of 4 microseconds plus a keyed hash of the four-tuple. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tcb } from "../../src/core/layout.gen.ts";
import { lone, type Settings } from "./harness.ts";

async function iss(settings: Settings = {}): Promise<number> {
  const tcp = await lone(settings);
  tcp.opens();
  return tcp.get(Tcb.iss);
}

const OTHERS: Record<string, Settings> = {
  "local address": { local: [0x0a000002, 49152] },
  "local port": { local: [0x0a000001, 49153] },
  "remote address": { remote: [0x0a800002, 80] },
  "remote port": { remote: [0x0a800001, 81] },
  "seed": { seed: 2n },
};

for (const [what, settings] of Object.entries(OTHERS)) {
  test(`isn: another ${what} gives an unrelated number`, async () => {
    const [one, other] = [await iss(), await iss(settings)];
    // Numbers that differ by a small step could be guessed from each other
    assert.ok(Math.abs(one - other | 0) > 1_000_000, `${one} and ${other}`);
  });
}

test("isn: the same connection at the same time has the same number", async () => {
  assert.equal(await iss(), await iss());
});

test("isn: one more every 4 microseconds", async () => {
  const first = await iss({ start: 1_000_000_000n });
  assert.equal(await iss({ start: 1_000_003_999n }), first);
  assert.equal(await iss({ start: 1_000_004_000n }), first + 1 >>> 0);
  assert.equal(await iss({ start: 2_000_000_000n }), first + 250_000 >>> 0);
});

test("isn: the clock goes around 2^32", async () => {
  const turn = 4000n << 32n;
  assert.equal(await iss({ start: 1_000_000_000n + turn }), await iss({ start: 1_000_000_000n }));
});

test("isn: a passive OPEN chooses its number when the SYN comes", async () => {
  const tcp = await lone();
  tcp.listens();
  tcp.passes("1s");
  tcp.receives({ flags: "S" });
  assert.equal(tcp.get(Tcb.iss), await iss({ start: 2_000_000_000n }));
});
