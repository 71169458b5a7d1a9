/** Our own scripts against the engine, one test each. Nothing may be left over at a script's end. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { drill } from "../../src/packetdrill/drill.ts";
import { engineHost } from "../../src/packetdrill/engine_host.ts";

const FOLDER = fileURLToPath(new URL("../scripts/", import.meta.url));
const SCRIPTS = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".pkt"))
  .sort();

test("scripts: there are some", () => assert.ok(SCRIPTS.length > 0));

for (const name of SCRIPTS) {
  const text = readFileSync(join(FOLDER, name), "utf8");
  test(`script: ${name.replace(/\.pkt$/, "")}: ${text.split("\n", 1)[0].replace(/^\/\/ /, "")}`, async () => {
    assert.match(text, /^\/\/ \S.{20,}\n/, "the first line says what and which rule");
    const file = relative(".", join(FOLDER, name));
    const report = await drill(file, text, engineHost, {}, { strictEnd: true });
    assert.equal(report.outcome, "passed", [report.message, ...report.packets].join("\n    "));
  });
}
