import assert from "node:assert/strict";
import test from "node:test";
import { config } from "../../build/package.ts";
import { VERSION } from "../../src/version.ts";

test("VERSION: is the one that deno.json publishes", () => {
  assert.equal(VERSION, config.version);
});
