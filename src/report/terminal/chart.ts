/** A line chart in characters, with ticks on both axes and, for many lines in one, a shaded band behind. */
import { linearScale, type Scale } from "../scale.ts";
import { BrailleCanvas } from "./braille.ts";

/** Text to text, in colour or not. */
export type Paint = (text: string) => string;

/** What a chart shows and how. */
export interface Chart {
  /** What is drawn, with its unit; stands above, from the left edge. */
  quantity: string;
  /** Stands behind the quantity, cut where the chart ends. */
  note: string;
  /** Instants of the samples, in seconds. */
  time_s: Float64Array;
  /** The line. */
  line: Float64Array;
  /** Lower and upper edge of the band. */
  band?: { low: Float64Array; high: Float64Array };
  /** Top of the vertical axis, at which higher values stay; the bottom is 0. */
  top: number;
  /** Characters from edge to edge. */
  width: number;
  /** Rows of the plot itself. */
  height: number;
  /** Paints the quantity. */
  paintBold: Paint;
  /** Paints the line. */
  paintLine: Paint;
  /** Paints the band, the axes and the ticks. */
  paintFaint: Paint;
}

/** The rows of a chart, top to bottom; four more than its height. */
export function drawChart(chart: Chart): string[] {
  const ticks = Math.max(2, Math.floor(chart.height / 3));
  const domain: [number, number] = [0, chart.top > 0 ? chart.top : 1];
  const labels = rowLabels(chart.height, ticks, linearScale(domain, [chart.height * 4 - 1, 0]));
  const gutter = Math.max(6, ...labels.map((label) => label.length)) + 2;
  const columns = chart.width - gutter - 1;
  const canvas = new BrailleCanvas(columns, chart.height);
  const end = chart.time_s.at(-1) ?? 1;
  const x = linearScale([0, end > 0 ? end : 1], [0, canvas.width - 1]);
  const y = linearScale(domain, [canvas.height - 1, 0]);
  if (chart.band !== undefined) {
    const { low, high } = chart.band;
    drawColumn(canvas.width, chart.time_s, x, low, high, y, (at, top, bottom) => canvas.band(at, top, bottom));
  }
  drawColumn(
    canvas.width,
    chart.time_s,
    x,
    chart.line,
    chart.line,
    y,
    (at, top, bottom) => canvas.line(at, top, bottom),
  );
  const rows = labels.map((label, row) =>
    chart.paintFaint(label.padStart(gutter - 1) + (label === "" ? " │" : " ┤")) +
    canvas.row(row, chart.paintLine, chart.paintFaint)
  );
  const room = chart.width - chart.quantity.length - 2;
  return [
    `${chart.paintBold(chart.quantity)}  ${chart.note.slice(0, room)}`,
    ...rows,
    ...timeAxis(x, columns, gutter).map(chart.paintFaint),
  ];
}

/** The label of each row, empty where no tick falls on it. */
function rowLabels(height: number, ticks: number, y: Scale): string[] {
  const labels: string[] = new Array(height).fill("");
  const format = y.tickFormat(ticks);
  for (const tick of y.ticks(ticks)) labels[Math.round(y(tick)) >> 2] = format(tick);
  return labels;
}

/**
 * Calls `dots` for every dot column with the extent of the values that fall on it: of the samples themselves, and of the
 * straight lines to the neighbouring samples, so that peaks narrower than a dot are kept and sparse samples connect.
 */
function drawColumn(
  width: number,
  time_s: Float64Array,
  x: Scale,
  low: Float64Array,
  high: Float64Array,
  y: Scale,
  dots: (at: number, top: number, bottom: number) => void,
): void {
  const min = new Float64Array(width).fill(Infinity);
  const max = new Float64Array(width).fill(-Infinity);
  const extend = (at: number, from: number, to: number): void => {
    if (!(from <= to)) return;
    min[at] = Math.min(min[at], from);
    max[at] = Math.max(max[at], to);
  };
  for (let i = 0; i < time_s.length; i++) {
    const here = Math.round(x(time_s[i]));
    extend(here, low[i], high[i]);
    if (i === 0) continue;
    const before = Math.round(x(time_s[i - 1]));
    for (let at = before + 1; at < here; at++) {
      const share = (at - before) / (here - before);
      extend(at, low[i - 1] + (low[i] - low[i - 1]) * share, high[i - 1] + (high[i] - high[i - 1]) * share);
    }
  }
  let last = { top: NaN, bottom: NaN };
  for (let at = 0; at < width; at++) {
    if (min[at] > max[at]) {
      last = { top: NaN, bottom: NaN };
      continue;
    }
    const now = { top: Math.max(0, Math.round(y(max[at]))), bottom: Math.max(0, Math.round(y(min[at]))) };
    // A steep line skips rows between two columns: close the gap, up to the row next to where the last one ended.
    dots(
      at,
      last.bottom + 1 < now.top ? last.bottom + 1 : now.top,
      last.top - 1 > now.bottom ? last.top - 1 : now.bottom,
    );
    last = now;
  }
}

/** The axis and the row of its labels. */
function timeAxis(x: Scale, columns: number, gutter: number): string[] {
  const ticks = Math.max(2, Math.floor(columns / 12));
  const format = x.tickFormat(ticks);
  const axis: string[] = new Array(columns).fill("─");
  let labels = " ".repeat(gutter + 1);
  for (const tick of x.ticks(ticks)) {
    const column = Math.min(Math.round(x(tick)) >> 1, columns - 1);
    axis[column] = "┬";
    const text = `${format(tick)} s`;
    const start = Math.min(gutter + 1 + column - (text.length >> 1), gutter + 1 + columns - text.length);
    if (start > labels.length || labels.trim() === "") labels = labels.padEnd(start).slice(0, start) + text;
  }
  return [`${" ".repeat(gutter)}└${axis.join("")}`, labels];
}
