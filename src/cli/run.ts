/** `cwnd run`: one scenario through the engine; tables and charts for people, `--json` for programs. */
import process from "node:process";
import { chartsText } from "../report/terminal/charts.ts";
import { tablesText } from "../report/terminal/tables.ts";
import { resultJsonChunks } from "../results/json.ts";
import type { RunResult } from "../results/types.ts";
import { ScenarioError } from "../scenario/error.ts";
import { normalize } from "../scenario/normalize.ts";
import { applySet } from "../scenario/set.ts";
import type { Scenario } from "../scenario/types.ts";
import { simulate } from "../simulation.ts";
import { DONE, INTERRUPTED, UsageError } from "./errors.ts";
import { checkFile, checkFolder, openWriter } from "./files.ts";
import { keepResult } from "./keep.ts";
import { progressLine } from "./progress.ts";
import { readScenarioFile } from "./scenario_file.ts";
import { outputStyle, print } from "./terminal.ts";

/** What may follow `cwnd run FILE`. */
export interface RunOptions {
  /** `path=value`, each applied in turn. */
  set: string[];
  /** In place of the scenario's seed. */
  seed?: string;
  /** In place of the scenario's duration. */
  duration?: string;
  /** Print the result as one JSON document. */
  json?: boolean;
  /** Folder to keep summary, series and figures in. */
  out?: string;
  /** File to capture packets to. */
  pcap?: string;
  /** Print nothing but errors and what `json` asks for. */
  quiet?: boolean;
}

/** Runs the verb and returns the exit status. */
export async function run(file: string, options: RunOptions): Promise<number> {
  const scenario = readScenario(file, options);
  if (options.out !== undefined) checkFolder(options.out, "--out");
  if (options.pcap !== undefined) checkFile(options.pcap, "--pcap");

  const result = await simulateWatched(file, scenario, options);
  const written = options.out === undefined ? [] : keepResult(options.out, scenario, result);
  if (options.pcap !== undefined) written.push(options.pcap);

  if (options.json) await print(resultJsonChunks(result));
  else if (!options.quiet) await print(resultText(result, written));
  if (!result.partial) return DONE;
  if (options.quiet && !options.json) process.stderr.write("Stopped: what was measured so far is partial\n");
  return INTERRUPTED;
}

/** The scenario in the file with the overrides of the command line, checked. */
function readScenario(file: string, options: RunOptions): Scenario {
  let scenario = readScenarioFile(file);
  for (const assignment of options.set) scenario = applySet(scenario, assignment);
  const overrides: Partial<Scenario> = {};
  if (options.seed !== undefined) overrides.seed = options.seed;
  // A bare number is seconds, as in the file
  if (options.duration !== undefined) overrides.duration = asQuantity(options.duration);
  if (typeof scenario === "object" && scenario !== null && !Array.isArray(scenario)) {
    scenario = { ...scenario, ...overrides };
  }
  try {
    normalize(scenario, file);
  } catch (error) {
    throw blameOption(error, file, overrides);
  }
  return scenario as Scenario;
}

/** A number stays one; what is none keeps its unit. */
function asQuantity(text: string): string | number {
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}

/** A wrong value that came from an option is reported as that option's, not the file's. */
function blameOption(error: unknown, file: string, overrides: Partial<Scenario>): unknown {
  if (!(error instanceof ScenarioError) || !(error.path in overrides)) return error;
  return new UsageError(error.message.replace(`${file}: ${error.path}:`, `--${error.path}:`));
}

/** Runs the scenario with a progress line and a capture, until its end or Ctrl-C. */
async function simulateWatched(file: string, scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const controller = new AbortController();
  // Only the first Ctrl-C is ours: after it, the signal ends the process as usual.
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop);
  const progress = progressLine(!options.quiet);
  const capture = options.pcap === undefined ? undefined : openWriter(options.pcap);
  try {
    const result = await simulate(scenario, {
      signal: controller.signal,
      onProgress: (state) => progress.update(state),
      capture: capture === undefined ? undefined : (bytes) => capture.write(bytes),
    });
    capture?.commit();
    return result;
  } catch (error) {
    // The engine knows no file: what only it can refuse is reported under the name people gave.
    if (error instanceof ScenarioError) throw new UsageError(error.message.replace(/^scenario:/, `${file}:`));
    throw error;
  } finally {
    progress.clear();
    capture?.discard();
    process.removeListener("SIGINT", stop);
  }
}

/** What people read: tables, charts and where the files are. */
function resultText(result: RunResult, written: string[]): string[] {
  const style = outputStyle();
  const blocks = [tablesText(result, style), chartsText(result, style)];
  if (written.length > 0) blocks.push(written.map((path) => `${style.faint("wrote")} ${path}\n`).join(""));
  return [blocks.filter((block) => block !== "").join("\n")];
}
