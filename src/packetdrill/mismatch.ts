/** What a script expected and what came in its place. */

/** The first thing that is not as the script says. */
export interface Difference {
  readonly expected: string;
  readonly got: string;
}

/** A run ends with this when the host does something else than its script says. */
export class MismatchError extends Error {
  override name = "MismatchError";
  /** Line of the script, from 1. */
  readonly line: number;
  readonly difference: Difference;

  /** A difference at a line of a script. */
  constructor(line: number, difference: Difference) {
    super(`expected ${difference.expected}, got ${difference.got}`);
    this.line = line;
    this.difference = difference;
  }
}
