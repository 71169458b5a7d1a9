/** Congestion window over time. */
import type { Columns } from "../columns.ts";
import { linesFigure } from "./lines.ts";

/** Columns in segments, as SVG text. */
export function cwndFigure(columns: Columns): string {
  return linesFigure(columns, { subtitle: "Congestion window", yLabel: "Window (segments)" });
}
