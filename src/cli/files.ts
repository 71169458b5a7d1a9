/**
 * Files that are either whole or not there: written under a temporary name and renamed when complete. Where they are to
 * go is checked before the work begins, so that a wrong path does not cost a run, and nothing is made until there is
 * something to keep, so that a refused run leaves no trace.
 */
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { FailedError, systemReason, UsageError } from "./errors.ts";

/** Refuses a folder that is a file, or that cannot be made. `option` names the part of the command that asked for it. */
export function checkFolder(folder: string, option: string): void {
  const stats = statOf(folder);
  if (stats === undefined) {
    const parent = dirname(folder);
    if (parent !== folder) checkFolder(parent, option);
    return;
  }
  if (!stats.isDirectory()) throw new UsageError(`${option}: ${folder} is a file, expected a folder`);
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(`${option}: ${folder} cannot be written: ${systemReason(error)}`);
  }
}

/** Refuses a file that is a folder, or whose folder cannot be made. */
export function checkFile(file: string, option: string): void {
  if (statOf(file)?.isDirectory()) throw new UsageError(`${option}: ${file} is a folder, expected a file`);
  checkFolder(dirname(file), option);
}

/** A file being written. */
export interface Writer {
  /** Appends. */
  write(chunk: string | Uint8Array): void;
  /** Gives the file its name. Without a byte written, there is an empty file. */
  commit(): void;
  /** Takes away what was written; harmless after `commit`. */
  discard(): void;
}

/** Opens a file on its first byte; a pipe or device, which has no content to protect, is written directly. */
export function openWriter(file: string): Writer {
  const stats = statOf(file);
  const direct = stats !== undefined && !stats.isFile();
  const temporary = direct ? file : `${file}.${process.pid}.tmp`;
  let descriptor: number | undefined;
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw new FailedError(`${file}: cannot be written: ${systemReason(error)}`);
    }
  };
  const open = (): number =>
    descriptor ??= guarded(() => {
      if (!direct) mkdirSync(dirname(file), { recursive: true });
      return openSync(temporary, "w");
    });
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  let kept = false;
  return {
    write(chunk: string | Uint8Array): void {
      const to = open();
      const bytes = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
      for (let done = 0; done < bytes.length;) done += guarded(() => writeSync(to, bytes, done));
    },
    commit(): void {
      open();
      guarded(close);
      if (!direct) guarded(() => renameSync(temporary, file));
      kept = true;
    },
    discard(): void {
      if (kept || descriptor === undefined) return;
      close();
      if (!direct) rmSync(temporary, { force: true });
    },
  };
}

/** Writes a whole file from pieces. */
export function writeFile(file: string, chunks: Iterable<string>): void {
  const writer = openWriter(file);
  try {
    for (const chunk of chunks) writer.write(chunk);
    writer.commit();
  } finally {
    writer.discard();
  }
}

/** What stands at a path; nothing also when a part of the path is a file, which the check of the folder above reports. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
