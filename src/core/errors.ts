/** What can go wrong below the scenario: a broken invariant in the core, or a core that is not ours. */

/**
 * A broken invariant in the core: a defect of cwnd, never of the scenario. The message names the AssemblyScript
 * source line, and the scenario and seed that replay it.
 *
 * @example
 * ```ts
 * import { CoreTrapError } from "@cwnd/cwnd";
 *
 * const error = new CoreTrapError("more SACKed than sent", "assembly/tcp/sent.ts:12:3");
 * console.log(error.source); // assembly/tcp/sent.ts:12:3
 * ```
 */
export class CoreTrapError extends Error {
  /** Always `"CoreTrapError"`. */
  override name = "CoreTrapError";
  /** `file:line:column` in the core's sources; empty when the trap was not an assertion. */
  readonly source: string;
  /** Name of the scenario that was running. */
  readonly scenario: string;
  /** Seed of the run. */
  readonly seed: string;

  /** A trap with `reason` at `source`, in the run of `scenario` with `seed`. */
  constructor(reason: string, source: string, scenario = "", seed = "") {
    const where = source === "" ? "the core trapped" : `the core trapped at ${source}`;
    const run = scenario === "" && seed === ""
      ? ""
      : ` (scenario ${JSON.stringify(scenario)}, seed ${JSON.stringify(seed)})`;
    super(`${where}: ${reason}${run}`);
    this.source = source;
    this.scenario = scenario;
    this.seed = seed;
  }
}
