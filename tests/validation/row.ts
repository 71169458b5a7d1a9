/** A published or derived number beside what the engine shows. */

/** One line of the validation table. */
export interface Row {
  /** Number in the list of results that the engine must reproduce. */
  id: string;
  /** Where the number comes from; `(d)` when the test derives it from a closed form or a model. */
  source: string;
  what: string;
  /** The number expected, or the bounds. */
  published: string;
  measured: string;
  tolerance: string;
  ok: boolean;
}

/** What rows of one validation have in common. */
export interface Origin {
  id: string;
  source: string;
}

/** The measurement must be the number itself. */
export function exact(origin: Origin, what: string, published: number, measured: number): Row {
  return row(origin, what, format(published), format(measured), "exact", Object.is(published, measured));
}

/** The measurement may be off by a fraction of the published number. */
export function within(origin: Origin, what: string, published: number, measured: number, fraction: number): Row {
  const ok = Math.abs(measured - published) <= fraction * Math.abs(published);
  return row(origin, what, format(published), format(measured), `${format(100 * fraction)} %`, ok);
}

/** Both are percentages; the measurement may be off by so many points. */
export function withinPoints(origin: Origin, what: string, published: number, measured: number, points: number): Row {
  const ok = Math.abs(measured - published) <= points;
  return row(origin, what, `${format(published)} %`, `${format(measured)} %`, `${points} points`, ok);
}

/** The measurement must lie strictly between two bounds. */
export function between(origin: Origin, what: string, low: number, high: number, measured: number): Row {
  const ok = measured > low && measured < high;
  return row(origin, what, `${format(low)} to ${format(high)}`, format(measured), "bounds", ok);
}

/** The measurement must reach a bound. */
export function atLeast(origin: Origin, what: string, bound: number, measured: number): Row {
  return row(origin, what, `>= ${format(bound)}`, format(measured), "bound", measured >= bound);
}

function row(
  origin: Origin,
  what: string,
  published: string,
  measured: string,
  tolerance: string,
  ok: boolean,
): Row {
  return { ...origin, what, published, measured, tolerance, ok };
}

/** Four significant digits, all digits before the point. */
function format(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const decimals = Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value))));
  return String(Number(value.toFixed(Math.min(decimals, 12))));
}

/** Rows as a Markdown table whose columns also line up in a terminal. */
export function table(rows: readonly Row[]): string {
  const cells = [
    ["id", "what", "source", "published", "measured", "tolerance", "ok"],
    ...rows.map((r) => [r.id, r.what, r.source, r.published, r.measured, r.tolerance, r.ok ? "yes" : "NO"]),
  ];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  const lines = cells.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}
