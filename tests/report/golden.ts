/**
 * Golden files: what a renderer drew the last time somebody looked at it. Rewritten only on purpose, with
 * `UPDATE_GOLDEN=1 deno test -A tests/`; the difference is then reviewed like code.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("../golden/", import.meta.url);

/** Compares text with a file of tests/golden, or rewrites the file. */
export function matchGolden(name: string, text: string): void {
  const file = fileURLToPath(new URL(name, FOLDER));
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, text);
    return;
  }
  // Split into lines, so that a failure shows the lines that differ.
  assert.deepEqual(text.split("\n"), readFileSync(file, "utf8").split("\n"), `differs from tests/golden/${name}`);
}
