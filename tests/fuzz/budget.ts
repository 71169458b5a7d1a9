/**
 * How long a fuzz test goes on: random case after random case, each replayed by its seed, for its share of the time that
 * `CWND_FUZZ_SECONDS` grants to all of them, but never fewer cases than its floor.
 */
import process from "node:process";
import { testSeed } from "../wire/random.ts";

/** What all fuzz tests together take of `deno task test`. */
const SECONDS = 60;

export interface Share {
  /** The test's part of the time, of 1. */
  share: number;
  /** Cases at least, whatever the time. */
  least: number;
}

/** When the time of a test that begins now is over, on the clock of `performance.now()`. */
export function timeIsOver(share: number): number {
  return performance.now() + Number(process.env.CWND_FUZZ_SECONDS ?? SECONDS) * share * 1000;
}

/**
 * Runs `check` on seeds from `CWND_TEST_SEED` on; on one alone when `CWND_TEST_CASES` says 1, and so on. `test` is the
 * `import.meta` of the test's file. Returns how many there were, and prints so when `CWND_FUZZ_SECONDS` is set.
 */
export async function fuzz(
  test: ImportMeta,
  { share, least }: Share,
  check: (seed: number) => void | Promise<void>,
): Promise<number> {
  const fixed = process.env.CWND_TEST_CASES;
  const begin = performance.now();
  const end = timeIsOver(share);
  const first = testSeed();
  let seed = first;
  for (; fixed ? seed < first + Number(fixed) : seed < first + least || performance.now() < end; seed++) {
    try {
      await check(seed);
    } catch (error) {
      const file = test.url.slice(test.url.lastIndexOf("/tests/") + 1);
      const replay = `CWND_TEST_SEED=${seed} CWND_TEST_CASES=1 deno test -A ${file}`;
      throw new Error(`seed ${seed}: ${(error as Error).message}\nReplay with ${replay}`, { cause: error });
    }
  }
  if (process.env.CWND_FUZZ_SECONDS) {
    console.log(`  seeds ${first} to ${seed - 1} in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  }
  return seed - first;
}
