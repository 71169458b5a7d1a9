/** What no compiler or linter checks, and every file keeps to. */
import assert from "node:assert/strict";
import test from "node:test";
import { type Source, sourcesIn, withoutComments } from "./sources.ts";

const LINES_MAX = 600;

// Generated files, and the lock file, are as long as they have to be. This file spells what it forbids.
const everything = sourcesIn("", ".ts", ".js", ".mjs", ".md", ".json", ".toml", ".cc", ".html", ".css", ".ci/run")
  .filter(({ path }) => !path.endsWith(".gen.ts") && path !== "deno.lock")
  .filter(({ path }) => path !== "tests/build/source_lint_test.ts");

function linesThatMatch(sources: Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) => pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])
  );
}

test("sources: no file is longer than can be read in one sitting", () => {
  const long = everything
    .filter(({ path }) => !path.startsWith("tests/golden/"))
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX);
  assert.deepEqual(long, []);
});

test("sources: no mark of unfinished work", () => {
  assert.deepEqual(linesThatMatch(everything, /\b(TODO|FIXME|HACK|XXX)\b/), []);
});

test("sources: no path of one machine, no address of a registry", () => {
  assert.deepEqual(linesThatMatch(everything, /(^|[\s"'`(=:])\/(work|tmp|root|home)\//), []);
  assert.deepEqual(linesThatMatch(everything, /registry\.(npmjs|yarnpkg)|npm\.jsr\.io|deb\.debian\.org/), []);
});

test("sources: the host reads the core's memory at offsets of the layout, never at a number", () => {
  const readers = sourcesIn("src/core", ".ts").filter(({ path }) => !path.endsWith(".gen.ts"));
  // The upper half of a 64-bit field stands 4 bytes above it in any layout.
  const literal = /\.[gs]et(?:Uint|Int|Float|BigUint|BigInt)\d+\(\s*(?:[^,()]*\+\s*(?!4\b))?\d+\s*[,)]/;
  assert.match("view.getUint32(at + 16, true)", literal);
  assert.doesNotMatch("view.getUint32(at + Tcb.snd_una.offset, true)", literal);
  assert.deepEqual(linesThatMatch(readers, literal), []);
});

test("sources: sequence numbers are compared through seqLt and its kin only", () => {
  const core = sourcesIn("assembly", ".ts").filter(({ path }) => path !== "assembly/base/seq.ts")
    .map((source) => ({ ...source, text: withoutComments(source.text) }));
  const name = String.raw`(?:\w+\.)?(?:snd_una|snd_nxt|rcv_nxt|recover|high_rxt|seg_seq|seg_ack)\b`;
  // A difference of two is a length, and may be compared.
  const compared = new RegExp(String.raw`(?<![-+] |[\w.])${name} [<>]=? |\s[<>]=? ${name}(?! [-+])`);
  assert.match("if (tcb.snd_una < ack) {", compared);
  assert.match("if (ack >= tcb.snd_nxt) {", compared);
  assert.doesNotMatch("if (tcb.snd_nxt - tcb.snd_una > limit) {", compared);
  assert.doesNotMatch("load<u32>(tcb.snd_una)", compared);
  assert.deepEqual(linesThatMatch(core, compared), []);
});
