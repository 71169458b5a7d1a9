import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { LAYOUT_SECTION } from "../../build/layout.ts";
import { LAYOUT_HASH } from "../../src/core/layout.gen.ts";
import { coreWasm } from "../../src/core/wasm.gen.ts";
import { sections } from "../../build/wasm.ts";
import { globalsAreMutable } from "./wasm.ts";

const built = new Uint8Array(readFileSync(new URL("../../build/out/cwnd.wasm", import.meta.url)));
const core = new WebAssembly.Module(built);

test("core wasm: imports nothing", () => {
  assert.deepEqual(WebAssembly.Module.imports(core), []);
});

test("core wasm: has no mutable global, so that a copy of its memory is a snapshot of the run", () => {
  assert.deepEqual(globalsAreMutable(built).filter((mutable) => mutable), []);
});

test("core wasm: exports its memory", () => {
  const memory = WebAssembly.Module.exports(core).find(({ kind }) => kind === "memory");
  assert.equal(memory?.name, "memory");
});

test("core wasm: carries the hash of the layout that the host was generated from", () => {
  const [section] = WebAssembly.Module.customSections(core, LAYOUT_SECTION);
  assert.equal(new TextDecoder().decode(section), LAYOUT_HASH);
});

test("core wasm: fits in 128 KiB", () => {
  assert.ok(built.length <= 128 * 1024, `${built.length} bytes`);
});

test("core wasm: carries no custom section but the layout's and the branch hints", () => {
  const custom = sections(built).filter(({ id }) => id === 0).map(({ name }) => name);
  assert.deepEqual(custom.sort(), [LAYOUT_SECTION, "metadata.code.branch_hint"]);
});

test("core wasm: is inlined for the host byte for byte", () => {
  assert.deepEqual(coreWasm(), built);
});

test("globalsAreMutable: tells a mutable global from a constant one", () => {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const constant = [0x7f, 0, 0x41, 0x80, 0x01, 0x0b]; // (global i32 (i32.const 128))
  const mutable = [0x7c, 1, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x0b]; // (global (mut f64) (f64.const 1))
  const wasm = Uint8Array.from([...header, 6, 1 + constant.length + mutable.length, 2, ...constant, ...mutable]);
  assert.ok(WebAssembly.validate(wasm));
  assert.deepEqual(globalsAreMutable(wasm), [false, true]);
});
