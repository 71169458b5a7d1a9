/** One script from its text to a report: read, run, and what came of it as lines for people and fields for programs. */
import { ScriptError } from "./error.ts";
import { engineHost } from "./engine_host.ts";
import type { MakeHost } from "./host.ts";
import { type Overrides, prepareScript } from "./prepare.ts";
import { type RunOptions, type RunOutcome, runScript } from "./runner.ts";

/** What came of one script. */
export interface ScriptReport {
  /** Its name, as given. */
  readonly file: string;
  /** `refused`: the script holds something that is not understood or not supported; it says nothing about the engine. */
  readonly outcome: "passed" | "failed" | "refused";
  /** Where, unless it passed. */
  readonly line?: number;
  /** What the script says, unless it passed. */
  readonly expected?: string;
  /** What the host did instead. */
  readonly got?: string;
  /** One line, `file:line: expected ..., got ...`. */
  readonly message?: string;
  /** All packets up to the end, in the notation of scripts. */
  readonly packets: readonly string[];
  /** What its code printed, and what went wrong but does not count. */
  readonly notes: readonly string[];
  /** Virtual seconds that it took. */
  readonly simulated_s: number;
}

const NOTHING = { packets: [], notes: [], simulated_s: 0 };

/**
 * Runs one script, `file` being its name in messages. An `OptionError` is thrown where the overrides are wrong, which is
 * not the script's fault.
 */
export async function drill(
  file: string,
  text: string,
  makeHost: MakeHost = engineHost,
  overrides: Overrides = {},
  options: RunOptions = {},
): Promise<ScriptReport> {
  try {
    const script = prepareScript(file, text, overrides);
    const host = await makeHost([script.config.localIp]);
    return reportOf(file, runScript(script, host, options));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { file, outcome: "refused", line: error.line, message: error.message, ...NOTHING };
  }
}

function reportOf(file: string, { mismatch, packets, notes, simulated_s }: RunOutcome): ScriptReport {
  const rest = { packets, notes, simulated_s };
  if (mismatch === undefined) return { file, outcome: "passed", ...rest };
  const { line, difference: { expected, got } } = mismatch;
  return { file, outcome: "failed", line, expected, got, message: `${file}:${line}: ${mismatch.message}`, ...rest };
}
