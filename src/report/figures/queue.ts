/** Queue length over time. */
import type { Columns } from "../columns.ts";
import { linesFigure } from "./lines.ts";

/** Links drawn at most: the fullest ones. */
const LINKS_MAX = 6;

/** Columns in packets, the fullest link first, as SVG text. */
export function queueFigure(columns: Columns): string {
  const lines = columns.lines.slice(0, LINKS_MAX);
  return linesFigure({ ...columns, lines }, { subtitle: "Queue", yLabel: "Queue (packets)" });
}
