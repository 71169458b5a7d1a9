/** Runs a file of tests in a network namespace of its own, which goes away with it. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const TOOLS = ["unshare", "ip", "ss", "ping", "socat", "curl", "tshark"];

/** For `test`'s options: says why when the machine does not let us. CI must, so there the tests run and fail. */
export function needsKernel(): { skip: boolean } {
  const reason = whyNot();
  if (reason === undefined || process.env.CI) return { skip: false };
  console.warn(`skipped: ${reason}`);
  return { skip: true };
}

function whyNot(): string | undefined {
  if (process.platform !== "linux") return "the kernel is not Linux";
  const missing = TOOLS.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0);
  if (missing.length > 0) {
    return `not installed: ${missing.join(", ")} (Debian: iproute2 iputils-ping socat curl tshark util-linux)`;
  }
  try {
    closeSync(openSync("/dev/net/tun", "r+"));
  } catch (error) {
    return `/dev/net/tun cannot be opened: ${(error as Error).message}`;
  }
  const { status, stderr } = spawnSync("unshare", ["--net", "true"], { encoding: "utf8" });
  return status === 0 ? undefined : `no network namespace can be made: ${stderr.trim()}`;
}

/** Runs the tests of `file`, beside this one, in a fresh namespace, and fails when one of them does. */
export async function testInNamespace(file: string): Promise<void> {
  const inside = ["deno", "test", "-A", "--no-check", `${ROOT}tests/kernel/${file}`];
  const command = [`ip link set lo up && exec "$0" "$@"`, process.execPath, ...inside.slice(1)];
  const child = spawn("unshare", ["--net", "sh", "-c", ...command], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = [child.stdout, child.stderr].map((stream) => createInterface({ input: stream }));
  // Indented: these lines are not those of the run that counts
  lines.forEach((from) => from.on("line", (line) => console.log(`  ${line}`)));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  assert.equal(status, 0, `${file} failed, see above`);
}
