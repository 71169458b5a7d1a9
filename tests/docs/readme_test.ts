/** Every block of README.md that can run does, as a reader would run it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cwnd, inFolder } from "../cli/command.ts";
import { blocksOf, readDocument, ROOT } from "./markdown.ts";

const README = readDocument("README.md");
const [SCENARIO] = blocksOf(README, "jsonc");
const [SCRIPT] = blocksOf(README, "packetdrill");

/** The command lines of all shell blocks. */
const commands = blocksOf(README, "sh").flatMap((block) => block.split("\n")).filter((line) => line !== "");

/** A command line as words; quotes hold one together. */
function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}

test("README.md: has commands, a scenario and programs", () => {
  assert.ok(commands.length >= 11 && SCENARIO !== undefined && SCRIPT !== undefined);
  assert.ok(blocksOf(README, "ts").length === 2);
});

for (const line of commands.filter((line) => line.startsWith("cwnd "))) {
  test(`README.md: ${line}`, () =>
    inFolder(async (folder) => {
      const [, ...args] = words(line);
      writeFileSync(join(folder, "script.pkt"), SCRIPT);
      // It would serve until Ctrl-C, and says on standard error how to reach it
      const attaches = args[0] === "attach";
      const { status, stdout, stderr } = await cwnd(folder, ...args, ...(attaches ? ["--duration", "200ms"] : []));
      assert.deepEqual([status, attaches && /^ {2}socat .*\n.*^then: curl http:/ms.test(stderr) ? "" : stderr], [
        0,
        "",
      ]);
      assert.equal(stdout === "", args.includes("--quiet"));
      if (args.includes("--json") || args[0] === "schema") assert.equal(typeof JSON.parse(stdout), "object");
      for (const option of ["--out", "--pcap"]) {
        if (args.includes(option)) assert.ok(existsSync(join(folder, args[args.indexOf(option) + 1])), option);
      }
    }, SCENARIO));
}

test("README.md: shell blocks hold nothing that these tests do not run", () => {
  // The two tasks: one is tested below, the other is this very run.
  const others = commands.filter((line) => !line.startsWith("cwnd "));
  assert.deepEqual(others, ["npx -y deno@2.9.6 task demo", "npx -y deno@2.9.6 task test"]);
});

test("README.md: the demo writes figures, series, a summary and a capture to out/demo", () =>
  inFolder(async (folder) => {
    const [verb, file, ...options] = JSON.parse(readDocument("deno.json")).tasks.demo.command
      .replace("deno run -A src/cli/main.ts ", "").split(" ");
    assert.equal(verb, "run");
    const { status, stderr } = await cwnd(folder, verb, join(ROOT, file), ...options, "--duration", "2500ms");
    assert.deepEqual([status, stderr], [0, ""]);
    for (const name of ["figures/cwnd.svg", "series/cwnd.csv", "summary.json", "bottleneck.pcapng"]) {
      assert.ok(existsSync(join(folder, "out/demo", name)), name);
    }
  }));

for (const [i, program] of blocksOf(README, "ts").entries()) {
  test(`README.md: program ${i + 1} runs, and prints what its comments say`, () =>
    inFolder((folder) => {
      const file = join(folder, "program.ts");
      writeFileSync(file, program);
      const config = join(ROOT, "deno.json");
      const printed = execFileSync(process.execPath, ["run", "-A", "--check", "--config", config, file], {
        encoding: "utf8",
        env: { ...process.env, NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"],
      }).trimEnd().split("\n");
      assert.ok(printed.length > 3, `printed ${printed.length} lines`);
      const said = [...program.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, comment]) => comment);
      for (const comment of said) assert.ok(printed.includes(comment), `${comment} was not printed`);
      return Promise.resolve();
    }));
}
