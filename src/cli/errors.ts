/** Errors of the command line and the exit status each one means. */

/** Exit status: everything asked for is done. */
export const DONE = 0;
/** Exit status: the work failed, or a check did not hold. */
export const FAILED = 1;
/** Exit status: the command or its input was wrong. */
export const WRONG = 2;
/** Exit status: stopped by Ctrl-C, as shells number it (128 and the signal). */
export const INTERRUPTED = 130;

/** The command or its input is wrong; the message is the one line to print. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The work could not be finished for a reason outside, such as a full disk; the message is the one line to print. */
export class FailedError extends Error {
  override name = "FailedError";
}

/** What the operating system said, without the name of the call: `permission denied`. */
export function systemReason(error: unknown): string {
  const code = (error as { code?: string }).code ?? "";
  return SYSTEM_REASONS[code] ?? (error instanceof Error ? error.message : String(error));
}

const SYSTEM_REASONS: Record<string, string> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "is a folder, expected a file",
  ENOTDIR: "a part of the path is not a folder",
  ENOSPC: "no space left on the disk",
  EROFS: "the file system is read-only",
  EMFILE: "too many open files",
};
