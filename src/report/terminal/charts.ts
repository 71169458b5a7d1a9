/** The charts `cwnd run` ends with: cwnd, throughput and queue over time, a panel for each flow group or link. */
import type { RunResult } from "../../results/types.ts";
import {
  byGroup,
  type Columns,
  envelope,
  flowColumns,
  largest,
  type Line,
  quantiles,
  queueColumns,
} from "../columns.ts";
import { prefixFor } from "../format.ts";
import { type Chart, drawChart, type Paint } from "./chart.ts";

const GROUPS_MAX = 4;
/** From here on, quantiles say more than extremes. */
const CROWD_MIN = 10;
const HEIGHT = 10;
/** When groups stand one above the other, each gets less. */
const HEIGHT_SHARED = 6;

/** How charts are drawn. */
export interface Style {
  /** Characters from edge to edge. */
  width: number;
  /** Paints headings. */
  bold: Paint;
  /** Paints what is behind. */
  faint: Paint;
  /** Paints lines, a colour a group, used in turn. */
  lines: Paint[];
}

/** All charts of a run as text; empty when nothing was recorded. */
export function chartsText(result: RunResult, style: Style): string {
  const throughput = flowColumns(result, "throughput_bps");
  const { factor, prefix } = prefixFor(largest(throughput.lines.map((line) => line.values)));
  const charts = [
    ...panels(flowColumns(result, "cwnd"), "cwnd (segments)", style),
    ...panels(scaled(throughput, factor), `throughput (${prefix}bit/s)`, style),
    ...panels(queueColumns(result), "queue (packets)", style),
  ];
  return charts.map((rows) => rows.join("\n") + "\n").join("\n");
}

/** One chart a group, all on the same axes, so that heights compare. */
function panels(columns: Columns, quantity: string, style: Style): string[][] {
  if (columns.time_s.length < 2) return [];
  const groups = [...byGroup(columns.lines)];
  const drawn = groups.slice(0, GROUPS_MAX).map(([group, lines]) => summarize(group, lines));
  const top = largest(drawn.flatMap(({ line, band }) => band === undefined ? [line] : [line, band.high]));
  const charts = drawn.map((summary, i) =>
    drawChart({
      ...summary,
      quantity,
      time_s: columns.time_s,
      top,
      width: style.width,
      height: drawn.length > 1 ? HEIGHT_SHARED : HEIGHT,
      paintBold: style.bold,
      paintLine: style.lines[i % style.lines.length],
      paintFaint: style.faint,
    })
  );
  if (groups.length > GROUPS_MAX) charts.push([style.faint(`and ${groups.length - GROUPS_MAX} more`)]);
  return charts;
}

/**
 * A group as one line and a band. The band of a crowd leaves the outermost tenths out: a single flow that starts alone
 * would otherwise set the scale for all.
 */
function summarize(group: string, lines: Line[]): Pick<Chart, "note" | "line" | "band"> {
  const columns = lines.map((line) => line.values);
  const { mean, min, max } = envelope(columns);
  if (columns.length === 1) return { note: group, line: mean };
  const note = `${group}, mean of ${columns.length} flows`;
  if (columns.length < CROWD_MIN) {
    return { note: `${note}, least to most shaded`, line: mean, band: { low: min, high: max } };
  }
  return { note: `${note}, middle 80 % shaded`, line: mean, band: quantiles(columns, 10, 90) };
}

function scaled(columns: Columns, divisor: number): Columns {
  return {
    ...columns,
    lines: columns.lines.map((line) => ({ ...line, values: line.values.map((value) => value / divisor) })),
  };
}
