/** Queue length over time. */
import { type Columns, largest } from "../columns.ts";
import { linesFigure } from "./lines.ts";

/** Links drawn at most: the fullest ones. */
const LINKS_MAX = 6;
/** A link is left out when its longest queue is less than this share of the fullest link's. */
const SHARE_MIN = 0.01;

/** Columns in packets, the fullest link first, as SVG text. */
export function queueFigure(columns: Columns): string {
  const least = largest(columns.lines.map((line) => line.values)) * SHARE_MIN;
  const lines = columns.lines.filter((line) => largest([line.values]) >= least).slice(0, LINKS_MAX);
  return linesFigure({ ...columns, lines }, { subtitle: "Queue", yLabel: "Queue (packets)" });
}
