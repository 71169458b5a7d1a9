/** Published results, each with its tolerance. `deno task validate` prints them as a table. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { VALIDATIONS } from "./all.ts";
import { table } from "./row.ts";

for (const { name, run } of VALIDATIONS) {
  test(name, async () => {
    const missed = (await run()).filter(({ ok }) => !ok);
    assert.equal(missed.length, 0, `\n${table(missed)}`);
  });
}
