/** Our own scripts with one expectation altered: each has to fail, or the runner does not look at what was altered. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { drill } from "../../src/packetdrill/drill.ts";
import { engineHost } from "../../src/packetdrill/engine_host.ts";

const FOLDER = fileURLToPath(new URL("../scripts/", import.meta.url));
const SCRIPTS = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".pkt"))
  .sort();
/** A packet that is expected at a time of its own. */
const OUTBOUND = /^\+?[\d.]+\s+> /;

/** What is done to an expected packet; `undefined` where it does not apply. */
const MUTATIONS: Record<string, (line: string) => string | undefined> = {
  // The number of a SYN is what all others are mapped by
  "seq": (line) =>
    / S\S* \d/.test(line)
      ? undefined
      : line.replace(/(\d+):(\d+)\(/, (_, start, end) => `${Number(start) + 1}:${Number(end) + 1}(`),
  "length": (line) => line.replace(/:(\d+)\((\d+)\)/, (_, end, length) => `:${Number(end) + 1}(${Number(length) + 1})`),
  "ack": (line) => /ack \d/.test(line) ? line.replace(/ack (\d+)/, (_, ack) => `ack ${Number(ack) + 1}`) : undefined,
  "flags": (line) =>
    line.replace(/> (\[.*?\] )?(\S+)/, (_, ip = "", flags) => `> ${ip}${flags.includes("U") ? "." : `U${flags}`}`),
  "options": (line) =>
    line.includes("<...>") ? undefined : line.includes("<") ? line.replace(/ <.*>/, "") : `${line} <nop,nop,nop,nop>`,
  "time": (line) => line.replace(/^\+([\d.]+)/, (_, time) => `+${Number(time) + 1}`),
  // Without the wait for it, a packet that comes later may not come at all
  "presence": (line) => /^\+0\s/.test(line) ? "" : undefined,
  "number": (line) => `${line}\n${line.replace(/^\+[\d.]+/, "+0")}`,
};

/** Ways that a line is altered in; they take turns from line to line. */
const WAYS = 2;

let turn = 0;
for (const name of SCRIPTS) {
  const lines = readFileSync(join(FOLDER, name), "utf8").split("\n");
  const play = (text: string) => drill(name, text, engineHost, {}, { strictEnd: true });
  test(`mutations: ${name.replace(/\.pkt$/, "")} fails when what it expects is altered`, async () => {
    assert.equal((await play(lines.join("\n"))).outcome, "passed", "the script as it is");
    for (const [index, line] of lines.entries()) {
      if (!OUTBOUND.test(line)) continue;
      const kinds = Object.entries(MUTATIONS);
      for (let way = 0; way < WAYS; way++) {
        const [kind, mutate] = kinds[turn++ % kinds.length];
        const altered = mutate(line);
        if (altered === undefined || altered === line) continue;
        const { outcome } = await play(lines.with(index, altered).join("\n"));
        assert.notEqual(outcome, "passed", `${kind} of line ${index + 1}: ${altered}`);
      }
    }
  });
}
