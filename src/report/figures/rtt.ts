/** Smoothed round-trip time over time. */
import type { Columns } from "../columns.ts";
import { linesFigure } from "./lines.ts";

/** Columns in milliseconds, as SVG text. */
export function rttFigure(columns: Columns): string {
  return linesFigure(columns, { subtitle: "Smoothed round-trip time", yLabel: "Round-trip time (ms)" });
}
