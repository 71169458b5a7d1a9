/** The charts `cwnd run` ends with: cwnd, throughput and queue over time, a panel for each flow group. */
import type { RunResult } from "../../results/types.ts";
import { byGroup, type Columns, envelope, flowColumns, largest, linkColumns } from "../columns.ts";
import { prefixFor } from "../format.ts";
import { drawChart, type Paint } from "./chart.ts";

const GROUPS_MAX = 4;
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
  const queue = linkColumns(result, "queue_packets");
  const charts = [
    ...panels(flowColumns(result, "cwnd"), "cwnd (segments)", style),
    ...panels(scaled(throughput, factor), `throughput (${prefix}bit/s)`, style),
    ...panels({ ...queue, lines: queue.lines.slice(0, 1) }, "queue (packets)", style),
  ];
  return charts.map((rows) => rows.join("\n") + "\n").join("\n");
}

/** One chart a group, all on the same axes, so that heights compare. */
function panels(columns: Columns, quantity: string, style: Style): string[][] {
  if (columns.time_s.length < 2) return [];
  const groups = [...byGroup(columns.lines)];
  const top = largest(columns.lines.map((line) => line.values));
  const height = groups.length > 1 ? HEIGHT_SHARED : HEIGHT;
  const charts = groups.slice(0, GROUPS_MAX).map(([group, lines], i) => {
    const { mean, min, max } = envelope(lines.map((line) => line.values));
    const crowd = lines.length > 1 ? `, mean of ${lines.length} flows, their range shaded` : "";
    return drawChart({
      quantity,
      note: group + crowd,
      time_s: columns.time_s,
      line: mean,
      band: lines.length > 1 ? { min, max } : undefined,
      top,
      width: style.width,
      height,
      paintBold: style.bold,
      paintLine: style.lines[i % style.lines.length],
      paintFaint: style.faint,
    });
  });
  if (groups.length > GROUPS_MAX) charts.push([style.faint(`and ${groups.length - GROUPS_MAX} more groups`)]);
  return charts;
}

function scaled(columns: Columns, divisor: number): Columns {
  return {
    ...columns,
    lines: columns.lines.map((line) => ({ ...line, values: line.values.map((value) => value / divisor) })),
  };
}
