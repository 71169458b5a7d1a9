/** How a wrong scenario is reported: one line that names file, field, what was found and what was expected. */

/**
 * A scenario that cannot be run.
 *
 * @example
 * ```ts
 * import { ScenarioError, simulate } from "@cwnd/cwnd";
 *
 * try {
 *   await simulate({
 *     topology: { kind: "path", links: [{ rate: "10Mb", delay: "1ms" }] },
 *     flows: [{}],
 *   });
 * } catch (error) {
 *   if (!(error instanceof ScenarioError)) throw error;
 *   error.message; // scenario: topology.links[0].rate: found "10Mb", expected a rate such as "100Mbps" (...)
 *   error.path; // topology.links[0].rate
 * }
 * ```
 */
export class ScenarioError extends Error {
  /** The scenario's file, or `scenario`. */
  readonly file: string;
  /** The field, as `--set` spells it; empty for the scenario itself. */
  readonly path: string;
  /** What stands there, or `nothing`. */
  readonly found: string;
  /** What should stand there. */
  readonly expected: string;

  /** Makes an error from a `Complaint`'s parts. */
  constructor(file: string, path: string, found: string, expected: string, problem?: string) {
    super([file, path, problem ?? `found ${found}, expected ${expected}`].filter((part) => part !== "").join(": "));
    this.name = "ScenarioError";
    this.file = file;
    this.path = path;
    this.found = found;
    this.expected = expected;
  }
}

/** A `ScenarioError` that does not know its file yet. */
export class Complaint extends Error {
  readonly path: string;
  readonly found: string;
  readonly expected: string;
  readonly problem: string | undefined;

  /** `problem` replaces the sentence "found ..., expected ...". */
  constructor(path: string, found: string, expected: string, problem?: string) {
    super(problem ?? `found ${found}, expected ${expected}`);
    this.path = path;
    this.found = found;
    this.expected = expected;
    this.problem = problem;
  }
}

/** Runs `work` and tells the file in whatever it complains about. */
export function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new ScenarioError(file, error.path, error.found, error.expected, error.problem);
  }
}
