/**
 * `deno task fuzz [MINUTES] [SEED]`: all fuzz tests, round after round, each with seeds that no round before had. Prints
 * the seeds, and for a failure the command that replays it; stops at the first.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";

const MINUTES = 10;
/** A round's time for all tests together. */
const ROUND_S = 120;
/** Far more than a round's seeds. */
const SEEDS_APART = 1_000_000;

const minutes = Number(process.argv[2] ?? MINUTES);
const first = Number(process.argv[3] ?? Math.floor(Date.now() / 1000) % 1000 * SEEDS_APART);
if (!(minutes > 0) || !Number.isSafeInteger(first)) {
  console.error("Usage: deno task fuzz [MINUTES] [SEED]");
  process.exit(2);
}
const end = performance.now() + minutes * 60_000;
for (let seed = first; performance.now() < end; seed += SEEDS_APART) {
  const seconds = Math.max(5, Math.min(ROUND_S, Math.round((end - performance.now()) / 1000)));
  console.log(`Seeds from ${seed}, ${seconds} s`);
  const env = { ...process.env, CWND_TEST_SEED: `${seed}`, CWND_FUZZ_SECONDS: `${seconds}` };
  const tests = ["test", "-A", "--no-check", "tests/fuzz/", "tests/hostile/rough_path_test.ts"];
  const { status } = spawnSync(process.execPath, tests, { env, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}
