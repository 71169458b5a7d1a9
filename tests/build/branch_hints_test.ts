import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { addHints, branchCount, instrument } from "../../build/branch_hints.ts";
import { sections } from "../../build/wasm.ts";

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** (memory (export "m") 1) (func (export "f") (param i32) (result i32) (if (result i32) (local.get 0) (then 7) (else 9))) */
const CHOICE = Uint8Array.from([
  ...HEADER,
  ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f],
  ...[3, 2, 1, 0],
  ...[5, 3, 1, 0, 1],
  ...[7, 9, 2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0],
  ...[10, 14, 1, 12, 0, 0x20, 0, 0x04, 0x7f, 0x41, 7, 0x05, 0x41, 9, 0x0b, 0x0b],
]);
const COUNTERS = 4096;

interface Choice {
  m: WebAssembly.Memory;
  f(choice: number): number;
}

test("instrument: counts which way each branch goes, and changes nothing else", async () => {
  const { instance } = await WebAssembly.instantiate(instrument(CHOICE, COUNTERS));
  const { m, f } = instance.exports as unknown as Choice;
  assert.deepEqual([f(1), f(0), f(-5), f(3)], [7, 9, 7, 7]);
  assert.deepEqual([...new Uint32Array(m.buffer, COUNTERS, 3)], [3, 1, 0]);
});

function hintsOf(counts: number[]): number[] | undefined {
  const hinted = addHints(CHOICE, Uint32Array.from(counts));
  assert.ok(WebAssembly.validate(hinted));
  const list = sections(hinted);
  const at = list.findIndex(({ name }) => name === "metadata.code.branch_hint");
  assert.equal(list[at + 1].id, 10, "the hints stand right before the code");
  return [...list[at].bytes];
}

test("addHints: hints at a branch that goes one way a hundred times as often", () => {
  // One function, number 0, with one hint: 3 bytes into its body, one byte long
  assert.deepEqual(hintsOf([100_000, 10]), [1, 0, 1, 3, 1, 1], "likely");
  assert.deepEqual(hintsOf([10, 100_000]), [1, 0, 1, 3, 1, 0], "unlikely");
  assert.deepEqual(hintsOf([2000, 100_000]), [0], "now and then");
  assert.deepEqual(hintsOf([99, 0]), [0], "too seldom to tell");
});

test("branch hints: the core's branches are all found, and counting them leaves it valid", () => {
  const core = new Uint8Array(readFileSync(new URL("../../build/out/cwnd.wasm", import.meta.url)));
  assert.ok(branchCount(core) > 1000);
  assert.ok(WebAssembly.validate(instrument(core, COUNTERS)));
  const [hints] = sections(core).filter(({ name }) => name === "metadata.code.branch_hint");
  assert.ok(hints.bytes.length > 1000, "the core has hints");
});
