/** Broken scripts: whatever is in a file, it passes, fails or is refused with a line; the runner itself never gives up. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { drill } from "../../src/packetdrill/drill.ts";
import { engineHost } from "../../src/packetdrill/engine_host.ts";

const FOLDER = fileURLToPath(new URL("../scripts/", import.meta.url));
const TEXTS = readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".pkt")).sort()
  .map((name) => readFileSync(join(FOLDER, name), "utf8"));
const RUNS = 600;

/** xorshift32 */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const DAMAGES: ((text: string, random: (below: number) => number) => string)[] = [
  (text, random) => text.slice(0, random(text.length)),
  (text, random) => {
    const at = random(text.length);
    return text.slice(0, at) + text.slice(at + 1 + random(8));
  },
  (text, random) => {
    const at = random(text.length);
    return text.slice(0, at) + "<>[](){}`%|~.*+-0\"',;:="[random(23)] + text.slice(at);
  },
  (text, random) => {
    const lines = text.split("\n");
    const [from, to] = [random(lines.length), random(lines.length)];
    return lines.with(from, lines[to]).with(to, lines[from]).join("\n");
  },
  (text, random) => {
    const numbers = [...text.matchAll(/\d+/g)];
    const { index, 0: number } = numbers[random(numbers.length)];
    return text.slice(0, index) + [0, 1, 65536, 4294967295, 99999999999][random(5)] + text.slice(index + number.length);
  },
];

test("damaged scripts: each comes to an end with an outcome", async () => {
  const seed = (Date.now() >>> 0) || 1;
  const random = randomFrom(seed);
  const outcomes = { passed: 0, failed: 0, refused: 0 };
  for (let run = 0; run < RUNS; run++) {
    const text = DAMAGES[run % DAMAGES.length](TEXTS[random(TEXTS.length)], random);
    const report = await drill("a.pkt", text, engineHost).catch((error) => {
      throw new Error(`seed ${seed}, run ${run}: ${error.stack}\n${text}`);
    });
    outcomes[report.outcome]++;
    assert.equal(report.outcome === "passed", report.message === undefined);
    if (report.message !== undefined) assert.match(report.message, /^a\.pkt:\d+: \S/);
    // A trap is a defect of the engine, whatever it was fed
    assert.notEqual(report.expected, "an engine that goes on", `seed ${seed}, run ${run}: ${report.message}\n${text}`);
  }
  assert.ok(outcomes.passed > 0 && outcomes.failed > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
});
