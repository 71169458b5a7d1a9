import assert from "node:assert/strict";
import { test } from "node:test";
import { anyOf, editDistance, nearest, quote } from "../../src/scenario/words.ts";

test("editDistance: counts insertions, deletions, replacements and swaps", () => {
  assert.equal(editDistance("cubic", "cubic"), 0);
  assert.equal(editDistance("cubik", "cubic"), 1);
  assert.equal(editDistance("cbic", "cubic"), 1);
  assert.equal(editDistance("cubicc", "cubic"), 1);
  assert.equal(editDistance("cuibc", "cubic"), 1);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("", "abc"), 3);
});

test("nearest: finds a slip, and nothing where there is none", () => {
  const names = ["rate", "delay", "queue", "loss"];
  assert.equal(nearest("ratte", names), "rate");
  assert.equal(nearest("Delay", names), "delay");
  assert.equal(nearest("qeueu", names), "queue");
  assert.equal(nearest("bandwidth", names), undefined);
  assert.equal(nearest("x", []), undefined);
});

test("nearest: of two candidates the closer wins", () => {
  assert.equal(nearest("initialRt", ["initialWindow", "initialRto"]), "initialRto");
});

test("quote: any value fits on one short line", () => {
  for (const value of ["a\nb", "x".repeat(1000), { a: 1 }, [1, 2], [], null, undefined, NaN, true, "\u2028"]) {
    const text = quote(value);
    assert.ok(text.length > 0 && text.length <= 50, text);
    assert.ok(!text.includes("\n"), text);
  }
});

test("anyOf: joins as a sentence does", () => {
  assert.equal(anyOf([]), "");
  assert.equal(anyOf(["a"]), `"a"`);
  assert.equal(anyOf(["a", "b"]), `"a" or "b"`);
  assert.equal(anyOf(["a", "b", "c"], ""), "a, b or c");
});
