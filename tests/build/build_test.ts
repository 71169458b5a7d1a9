import assert from "node:assert/strict";
import { appendFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { build } from "../../build/build.ts";
import { project } from "./small_core.ts";

test("build: compiles once, and again when a source or an output is not what it was", async (t) => {
  const root = project(t, { "build/build.ts": "// The build is a source of its outputs too.\n" });
  assert.equal(await build(root), true);
  assert.equal(await build(root), false);

  const changes: [string, () => void][] = [
    ["a source changed", () => appendFileSync(join(root, "assembly/index.ts"), "\n// more\n")],
    ["a source came", () => writeFileSync(join(root, "assembly/layout/more.ts"), "export const enum More { A }\n")],
    ["the build changed", () => appendFileSync(join(root, "build/build.ts"), "// more\n")],
    ["an output was edited", () => appendFileSync(join(root, "src/core/layout.gen.ts"), "// more\n")],
    ["an output is gone", () => rmSync(join(root, "src/core/wasm.gen.ts"))],
  ];
  for (const [what, change] of changes) {
    change();
    assert.equal(await build(root), true, what);
    assert.equal(await build(root), false, `after ${what}`);
  }
});

test("build: a core that does not compile leaves no output behind", async (t) => {
  const root = project(t, {
    "assembly/index.ts": "export function f(): u32 { return missing; }",
    "build/build.ts": "",
  });
  await assert.rejects(build(root), /missing/);
  assert.equal(existsSync(join(root, "src/core/wasm.gen.ts")), false);
});

test("build: names of functions are kept only on request", async (t) => {
  const root = project(t, { "build/build.ts": "" });
  assert.equal(await build(root, true), true);
  assert.equal(await build(root, true), false);
  assert.equal(await build(root), true);
});
