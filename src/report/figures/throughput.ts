/** Throughput over time. */
import { type Columns, largest } from "../columns.ts";
import { prefixFor } from "../format.ts";
import { linesFigure } from "./lines.ts";

/** Columns in bits per second, as SVG text; the axis takes the prefix that suits the largest. */
export function throughputFigure(columns: Columns): string {
  const { factor, prefix } = prefixFor(largest(columns.lines.map((line) => line.values)));
  return linesFigure(columns, { subtitle: "Throughput", yLabel: `Throughput (${prefix}bit/s)`, divisor: factor });
}
