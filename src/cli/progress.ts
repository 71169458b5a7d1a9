/** The progress line of long work: one line on standard error, redrawn in place, only when that is a terminal. */
import process from "node:process";
import { count, seconds } from "../report/format.ts";

/** Redrawing more often than this is flicker. */
const REDRAW_MS = 100;
/** Work shorter than this shows nothing. */
const PATIENCE_S = 0.2;
/** With this, the line fits 80 characters. */
const BAR_WIDTH = 16;

/** What is shown. */
export interface ProgressState {
  /** Simulated so far, in seconds. */
  simulated_s: number;
  /** Simulated in the end, in seconds. */
  duration_s: number;
  /** Real time so far, in seconds. */
  wall_s: number;
  /** Segments that reached a host so far. */
  segments_delivered: number;
}

/** A line to update and, at the end, to clear. */
export interface ProgressLine {
  /** Shows the state, unless it was shown a moment ago. */
  update(state: ProgressState): void;
  /** Takes the line away. */
  clear(): void;
}

/** A progress line, or one that shows nothing. */
export function progressLine(wanted: boolean): ProgressLine {
  if (!wanted || !process.stderr.isTTY) return { update: () => {}, clear: () => {} };
  let drawn_ms = -Infinity;
  let shown = false;
  return {
    update(state: ProgressState): void {
      const now_ms = performance.now();
      if (state.wall_s < PATIENCE_S || now_ms - drawn_ms < REDRAW_MS) return;
      drawn_ms = now_ms;
      shown = true;
      // Cut to the width: a line that wraps cannot be redrawn in place.
      process.stderr.write(`\r\x1b[K${progressText(state).slice(0, (process.stderr.columns || 80) - 1)}`);
    },
    clear(): void {
      if (shown) process.stderr.write("\r\x1b[K");
      shown = false;
    },
  };
}

/** `━━━━────────────  2.5 s of 10 s  25 %  2.61 M segments/s  1.2 s left` */
export function progressText({ simulated_s, duration_s, wall_s, segments_delivered }: ProgressState): string {
  const share = Math.min(1, simulated_s / duration_s);
  const full = Math.round(share * BAR_WIDTH);
  const left_s = (wall_s * (1 - share)) / share;
  return [
    "━".repeat(full) + "─".repeat(BAR_WIDTH - full),
    `${simulated_s.toFixed(1)} s of ${seconds(duration_s)}`,
    `${Math.floor(share * 100)} %`,
    `${count(Math.round(segments_delivered / wall_s))} segments/s`,
    Number.isFinite(left_s) ? `${leftText(left_s)} left` : "",
  ].join("  ").trimEnd();
}

function leftText(left_s: number): string {
  if (left_s < 60) return `${left_s.toFixed(1)} s`;
  const minutes = Math.floor(left_s / 60);
  return minutes < 60 ? `${minutes} min ${Math.floor(left_s % 60)} s` : `${(minutes / 60).toFixed(1)} h`;
}
