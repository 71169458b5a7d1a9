import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";
import { compileCore } from "../../build/compile.ts";
import { project, SOURCES } from "./small_core.ts";

/** The generated module, imported as the host would. */
async function compileAndImport(root: string) {
  const { layout, wasm } = await compileCore(root);
  writeFileSync(join(root, "layout.gen.ts"), layout);
  return { wasm, layout: await import(pathToFileURL(join(root, "layout.gen.ts")).href) };
}

test("compileCore: lays structs out with offsets, types and size", async (t) => {
  const { layout } = await compileAndImport(project(t));
  assert.deepEqual(layout.Mixed, {
    size: 32,
    a: { offset: 0, type: "u8" },
    b: { offset: 8, type: "u64" },
    c: { offset: 16, type: "f64" },
    d: { offset: 24, type: "u16" },
    e: { offset: 28, type: "u32" },
  });
  assert.deepEqual(layout.Longer, { ...layout.Mixed, size: 36, g: { offset: 32, type: "u32" } });
});

test("compileCore: emits enums that no code uses, with their names by value", async (t) => {
  const { layout } = await compileAndImport(project(t));
  assert.deepEqual(layout.Color, { RED: 0, GREEN: 1, BLUE: 2 });
  assert.deepEqual(layout.COLOR_NAMES, ["RED", "GREEN", "BLUE"]);
  assert.deepEqual(layout.Bit, { LOW: 1, HIGH: 0x100000 });
  assert.deepEqual([...layout.BIT_NAMES], [[1, "LOW"], [0x100000, "HIGH"]]);
});

test("compileCore: keeps assertions, and records where one failed", async (t) => {
  const { wasm } = await compileAndImport(project(t));
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(wasm));
  const checked = exports.checked as (x: number) => number;
  assert.equal(checked(9), 9);
  assert.throws(() => checked(10), WebAssembly.RuntimeError);
  const line = new DataView((exports.memory as WebAssembly.Memory).buffer).getUint32(0, true);
  assert.equal(line, 3);
});

test("compileCore: gives another hash when a field moves", async (t) => {
  const before = await compileCore(project(t));
  const things = SOURCES["assembly/layout/things.ts"].replace("a: u8; b: u64;", "b: u64; a: u8;");
  const after = await compileCore(project(t, { "assembly/layout/things.ts": things }));
  assert.notEqual(hashIn(after.layout), hashIn(before.layout));
  assert.match(hashIn(after.layout), /^[0-9a-f]{16}$/);
});

test("compileCore: compiles to the same bytes wherever the sources stand", async (t) => {
  assert.deepEqual((await compileCore(project(t))).wasm, (await compileCore(project(t))).wasm);
});

test("compileCore: fails with the compiler's message, file and line", async (t) => {
  const root = project(t, { "assembly/index.ts": "export function f(): u32 {\n  return missing;\n}" });
  await assert.rejects(compileCore(root), /Cannot find name 'missing'[^]*assembly\/index\.ts\(2,10\)/);
});

test("compileCore: refuses a field that the generated object has no room for", async (t) => {
  const root = project(t, { "assembly/layout/more.ts": "@unmanaged export class Bad { size: u32; }" });
  await assert.rejects(compileCore(root), /assembly\/layout\/more\/Bad#size: a field cannot be called "size"/);
});

test("compileCore: refuses one name for two declarations", async (t) => {
  const root = project(t, { "assembly/layout/more.ts": "export const enum Color { BLACK }" });
  await assert.rejects(compileCore(root), /assembly\/layout\/: "Color" is declared twice/);
});

function hashIn(layout: string): string {
  return /LAYOUT_HASH: string = "(.*)"/.exec(layout)![1];
}
