/** Runs the command as people do: a process of its own, in an empty folder, with its output in pipes. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** A small scenario that runs in a moment and drops packets. */
export const SCENARIO = {
  name: "two flows",
  duration: "2s",
  topology: {
    kind: "dumbbell",
    bottleneck: { rate: "10Mbps", delay: "5ms", queue: { kind: "droptail", limit: "20pkt" } },
    access: { rate: "100Mbps", delay: "1ms" },
  },
  flows: [{ name: "cubic", count: 2, cc: "cubic" }],
  record: { interval: "100ms", series: ["cwnd", "srtt", "throughput", "queue"] },
};

/** How a command ended. */
export interface Outcome {
  /** Exit status; null when a signal ended it. */
  status: number | null;
  /** What it printed on standard output. */
  stdout: string;
  /** What it printed on standard error. */
  stderr: string;
}

/** A command under way. */
export interface Running {
  /** The process. */
  child: ChildProcess;
  /** Resolves when it has ended. */
  ended: Promise<Outcome>;
}

/** Starts `cwnd ...args` in a folder. */
export function start(folder: string, args: string[]): Running {
  // Named, because Deno looks for its configuration where it stands, which is an empty folder.
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const child = spawn(process.execPath, ["run", "--quiet", "-A", "--config", config, MAIN, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const outcome = { stdout: "", stderr: "" };
  child.stdout!.setEncoding("utf8").on("data", (text) => outcome.stdout += text);
  child.stderr!.setEncoding("utf8").on("data", (text) => outcome.stderr += text);
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on("error", reject);
    // Under Deno, exit status 130 arrives as the signal it stands for.
    child.on("close", (status, signal) => resolve({ ...outcome, status: signal === "SIGINT" ? 130 : status }));
  });
  return { child, ended };
}

/** Runs `cwnd ...args` in a folder to its end. */
export function cwnd(folder: string, ...args: string[]): Promise<Outcome> {
  return start(folder, args).ended;
}

/** Hands `work` a new folder that holds `scenario.json`, and takes the folder away afterwards. */
export async function inFolder(work: (folder: string) => Promise<void>, scenario: unknown = SCENARIO): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "cwnd-cli-"));
  try {
    const text = typeof scenario === "string" ? scenario : JSON.stringify(scenario);
    writeFileSync(join(folder, "scenario.json"), text);
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One line on standard error, nothing on standard output. */
export function assertComplaint(outcome: Outcome, status: number, message: RegExp): void {
  assert.equal(outcome.stdout, "");
  assert.match(outcome.stderr, message);
  assert.equal(outcome.stderr.trimEnd().split("\n").length, 1, `more than one line: ${outcome.stderr}`);
  assert.equal(outcome.status, status);
}
