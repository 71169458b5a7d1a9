import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BenchReport } from "../../bench/main.ts";

const MAIN = fileURLToPath(new URL("../../bench/main.ts", import.meta.url));

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ["run", "-A", MAIN, ...args]);
}

test("bench: a smoke run prints every measurement and writes it as JSON, with the machine", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "cwnd-bench-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "results", "bench.json");
  const { stdout } = await bench("--smoke", "--json", file);
  const report: BenchReport = JSON.parse(await readFile(file, "utf8"));
  assert.equal(report.smoke, true);
  assert.ok(report.machine.cores >= 1);
  for (const { name } of report.measurements) assert.ok(stdout.includes(name), `${name} is not in the table`);
  const rates = report.measurements.filter(({ name }) => /^dumbbell, \d+ flows$/.test(name));
  assert.equal(rates.length, 3);
  for (const { name, value } of rates) assert.ok(value !== null && value > 0, `${name}: ${value}`);
});

test("bench: an unknown section and a wrong number of runs are one line and exit 2", async () => {
  await assert.rejects(bench("--only", "sizes"), {
    code: 2,
    stderr: '--only: unknown section "sizes", expected throughput, size or pieces\n',
  });
  await assert.rejects(bench("--runs", "0"), { code: 2, stderr: '--runs: expected a positive integer, got "0"\n' });
});
