/** How many random cases a test draws, and what it says when one fails. */
import process from "node:process";
import { testSeed } from "../wire/random.ts";

/**
 * Runs `check` on case after case: seeds from `CWND_TEST_SEED`, `CWND_TEST_CASES` of them when that is given. `test` is
 * the `import.meta` of the test's file. Returns how many there were.
 */
export async function forEachCase(
  test: ImportMeta,
  cases: number,
  check: (seed: number) => Promise<void>,
): Promise<number> {
  const count = Number(process.env.CWND_TEST_CASES ?? cases);
  for (let seed = testSeed(); seed < testSeed() + count; seed++) {
    try {
      await check(seed);
    } catch (error) {
      const file = test.url.slice(test.url.lastIndexOf("/tests/") + 1);
      const replay = `CWND_TEST_SEED=${seed} CWND_TEST_CASES=1 deno test -A ${file}`;
      throw new Error(`seed ${seed}: ${(error as Error).message}\nReplay with ${replay}`, { cause: error });
    }
  }
  return count;
}
