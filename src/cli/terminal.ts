/** What the terminal can show: its width, and colours unless they are not wanted (https://no-color.org). */
import process from "node:process";
import type { WriteStream } from "node:tty";
import picocolors from "picocolors";
import type { Style } from "../report/terminal/charts.ts";

/** Width where the output is not a terminal. */
const WIDTH_ELSEWHERE = 100;
const WIDTH_MIN = 60;
const WIDTH_MAX = 140;

/** How to draw on standard output. */
export function outputStyle(): Style {
  const stream = process.stdout as WriteStream;
  const width = stream.isTTY ? stream.columns : WIDTH_ELSEWHERE;
  const wanted = stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";
  const colors = picocolors.createColors(wanted);
  return {
    width: Math.min(Math.max(width || WIDTH_ELSEWHERE, WIDTH_MIN), WIDTH_MAX),
    bold: colors.bold,
    faint: colors.dim,
    lines: [colors.cyan, colors.yellow, colors.green, colors.magenta],
  };
}

/**
 * Writes to standard output and waits until it is taken, so that a long document into a slow pipe does not pile up in
 * memory. A reader that has left, as in `cwnd ... | head`, ends the writing without an error.
 */
export async function print(chunks: Iterable<string>): Promise<void> {
  // Each failed write also raises an event, which without a listener would end the process.
  process.stdout.on("error", () => {});
  for (const chunk of chunks) {
    if (!(await write(chunk))) return;
  }
}

function write(chunk: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(chunk, (error) => {
      if (!error) resolve(true);
      else if ((error as { code?: string }).code === "EPIPE") resolve(false);
      else reject(error);
    });
  });
}
