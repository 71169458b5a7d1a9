/** What a host's send buffer takes: memory as Linux counts it, whole bursts as long as it is not full, TCP_NOTSENT_LOWAT. */
import assert from "node:assert/strict";
import test from "node:test";
import { Engine as Root } from "../../src/core/layout.gen.ts";
import { connected } from "./harness.ts";

const MSS = 1000;

test("send buffer: a host takes whole bursts until the memory of what is queued fills it", async () => {
  // Bursts of half the window: 16 segments; two of them with their overhead are more than 20,000 bytes
  const tcp = await connected({ mss: MSS, tso: true, sendBuffer: 20_000 }, { wnd: 32_896 });
  assert.equal(tcp.writes(100_000), 32_000);
  assert.equal(tcp.writes(100_000), 0);
});

test("send buffer: small writes join the last burst although the buffer is full", async () => {
  const tcp = await connected({ mss: MSS, tso: true, sendBuffer: 5000, initialWindow: 1 }, { wnd: 32_896 });
  assert.equal(tcp.writes(2000), 2000);
  assert.equal(tcp.writes(4000), 4000);
  assert.equal(tcp.writes(100_000), 11_000, "the last burst is filled up, no new one begun");
  assert.equal(tcp.writes(1), 0);
});

test("send buffer: the application hears when a third of the memory is free", async () => {
  const tcp = await connected({ mss: MSS, tso: true, sendBuffer: 20_000, initialWindow: 40 }, { wnd: 32_896 });
  assert.equal(tcp.writes(100_000), 32_000);
  tcp.notifications();
  for (const [acked, hears] of [[10_000, false], [22_000, false], [26_000, true]] as const) {
    tcp.receives({ ack: acked + 1, wnd: 32_896 });
    assert.equal(tcp.notifications().includes("WRITABLE"), hears, `${acked}`);
  }
});

test("send buffer: TCP_NOTSENT_LOWAT lets no more wait than it says, beside what can leave", async () => {
  const tcp = await connected({ mss: MSS, tso: true, initialWindow: 2 }, { wnd: 8000 });
  tcp.engine.set(tcp.engine.root, Root.notsent_lowat, 3000);
  // Two segments leave; bursts of four are queued until 3000 bytes wait
  assert.equal(tcp.writes(100_000), 8000);
  assert.equal(tcp.writes(100_000), 0);
});
