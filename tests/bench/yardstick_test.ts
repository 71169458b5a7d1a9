import assert from "node:assert/strict";
import { test } from "node:test";
import { loadYardstick } from "../../bench/lib/yardstick.ts";

test("yardstick: absent where there is none", async () => {
  assert.equal(await loadYardstick(new URL("no/such/core.wasm", import.meta.url)), null);
});

test("yardstick: delivers, when it is there", async (t) => {
  const yardstick = await loadYardstick();
  if (yardstick === null) return t.skip("no ../shared/yardstick beside this checkout");
  assert.ok(yardstick({ flows: 10, rate_bps: 100e6, duration_s: 1 }) > 1000);
});
