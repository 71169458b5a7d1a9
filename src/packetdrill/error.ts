/** Why a script cannot be run, as one line that names the file and the line. */

/** The script holds something that is not understood or not supported: it is refused as a whole, before it runs. */
export class ScriptError extends Error {
  override name = "ScriptError";
  /** Line of the script, from 1. */
  readonly line: number;
  /** The complaint without the place. */
  readonly reason: string;

  /** A complaint about one line of a script. */
  constructor(file: string, line: number, reason: string) {
    super(`${file}:${line}: ${reason}`);
    this.line = line;
    this.reason = reason;
  }
}
