/** Measurements as a table for people. */
import { type Measurement, spread, verdict } from "./measurement.ts";

const HEADINGS = ["what", "value", "unit", "spread", "must", "aim", "reached", "note"];
const RIGHT_ALIGNED = new Set(["value", "spread", "must", "aim"]);

/** A Markdown table whose columns also line up in a terminal. */
export function table(measurements: Measurement[]): string {
  const rows = [HEADINGS, ...measurements.map(row)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  const rule = HEADINGS.map((heading, column) => {
    const dashes = "-".repeat(widths[column]);
    return RIGHT_ALIGNED.has(heading) ? dashes.slice(1) + ":" : dashes;
  });
  const line = (cells: string[]): string => `| ${cells.map((cell, column) => pad(cell, column)).join(" | ")} |`;
  const pad = (cell: string, column: number): string =>
    RIGHT_ALIGNED.has(HEADINGS[column]) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
  return [line(rows[0]), line(rule), ...rows.slice(1).map(line)].join("\n");
}

function row(measurement: Measurement): string[] {
  const { name, value, unit, samples, must, aim, note } = measurement;
  return [
    name,
    value === null ? "absent" : number(value),
    unit,
    samples && samples.length > 1 ? `${(100 * spread(samples)).toFixed(0)} %` : "",
    must === undefined ? "" : number(must),
    aim === undefined ? "" : number(aim),
    verdict(measurement),
    note ?? "",
  ];
}

/** Three significant digits, but all digits before the point: `2,345,678`, `12.3`, `0.512`. */
export function number(value: number): string {
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(Math.max(2 - magnitude, 0), 6);
  const [whole, fraction] = value.toFixed(decimals).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const rest = fraction?.replace(/0+$/, "");
  return rest ? `${grouped}.${rest}` : grouped;
}
