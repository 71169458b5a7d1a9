/** Lines over time, the body of every figure: few lines in a colour each, or many faint ones under their group's mean. */
import { line } from "d3-shape";
import { axisTop, byGroup, type Columns, envelope, evenly, type Line, thin } from "../columns.ts";
import { digits } from "../format.ts";
import type { Scale } from "../scale.ts";
import { drawFrame, type LegendEntry, PALETTE } from "./frame.ts";

/** Up to here every line has its own colour and its name in the legend. */
const FEW = 6;
/** No figure draws more faint lines: more are ink, not information. */
const FAINT_LINES_MAX = 200;
/** Points of all faint lines together, which bounds the size of the file. */
const FAINT_POINTS_MAX = 30_000;
/** Points of a strong line: two a pixel. */
const STRONG_POINTS_MAX = 1600;

/** What one quantity says about its axis. */
export interface Quantity {
  /** Second line of the heading. */
  subtitle: string;
  /** Vertical axis, with its unit. */
  yLabel: string;
  /** Values are divided by this before drawing, to match the unit. */
  divisor?: number;
}

interface Drawn {
  values: Float64Array;
  color: string;
  faint: boolean;
}

/** The figure of one quantity over time, as SVG text. */
export function linesFigure(columns: Columns, quantity: Quantity): string {
  const { drawn, legend } = columns.lines.length <= FEW ? fewLines(columns.lines) : manyLines(columns.lines);
  const faintCount = drawn.filter((each) => each.faint).length;
  const faintPoints = Math.max(50, Math.floor(FAINT_POINTS_MAX / Math.max(1, faintCount)));
  const divisor = quantity.divisor ?? 1;
  const { top, peak } = axisTop(columns.lines.map((each) => each.values));
  const end = columns.time_s.at(-1) ?? 1;
  const beyond = peak > top ? ` (the highest, ${digits(peak / divisor)}, is above the axis)` : "";
  return drawFrame(
    {
      title: columns.title,
      subtitle: quantity.subtitle + beyond,
      yLabel: quantity.yLabel,
      x: [0, end > 0 ? end : 1],
      y: [0, top > 0 ? top / divisor : 1],
      legend,
    },
    (x, y) =>
      drawn.map((each) => {
        const points = thin(each.values, each.faint ? faintPoints : STRONG_POINTS_MAX);
        const path = pathOf(points, columns.time_s, each.values, x, (value) => y(value / divisor));
        if (each.faint) {
          return `<path d="${path}" stroke="${each.color}" stroke-opacity="${faintOpacity(faintCount)}"/>`;
        }
        // A light edge lifts a mean off the crowd of its own colour.
        const edge = faintCount > 0 ? `<path d="${path}" stroke="#ffffff" stroke-width="5" stroke-opacity="0.8"/>` : "";
        return `${edge}<path d="${path}" stroke="${each.color}" stroke-width="2"/>`;
      }).join("\n"),
  );
}

function fewLines(lines: Line[]): { drawn: Drawn[]; legend: LegendEntry[] } {
  const sizes = byGroup(lines);
  const drawn = lines.map((each, i) => ({ values: each.values, color: PALETTE[i % PALETTE.length], faint: false }));
  const legend = lines.map((each, i) => ({
    label: sizes.get(each.group)!.length === 1 ? each.group : each.name,
    color: drawn[i].color,
  }));
  return { drawn, legend: fitted(legend) };
}

/** Every group's flows first and the means last, so that no crowd covers a mean. */
function manyLines(lines: Line[]): { drawn: Drawn[]; legend: LegendEntry[] } {
  const crowd: Drawn[] = [];
  const means: Drawn[] = [];
  const legend: LegendEntry[] = [];
  const share = Math.min(1, FAINT_LINES_MAX / lines.length);
  let next = 0;
  for (const [group, members] of byGroup(lines)) {
    const color = PALETTE[next++ % PALETTE.length];
    means.push({ values: envelope(members.map((each) => each.values)).mean, color, faint: false });
    legend.push({ label: members.length === 1 ? group : `${group}, mean of ${members.length}`, color });
    if (members.length === 1) continue;
    for (const each of evenly(members, Math.max(1, Math.floor(members.length * share)))) {
      crowd.push({ values: each.values, color, faint: true });
    }
  }
  const label = share < 1 ? `${crowd.length} of ${lines.length} flows` : "each flow";
  return { drawn: [...crowd, ...means], legend: [...fitted(legend), { label, color: PALETTE[0], faint: true }] };
}

/** A crowd of ten stays visible and a crowd of two hundred does not turn into a solid block. */
function faintOpacity(lines: number): string {
  return Math.min(0.5, Math.max(0.12, 4 / Math.sqrt(lines * 10))).toFixed(2);
}

/** Legends longer than the heading is wide end with the number left out. */
function fitted(legend: LegendEntry[]): LegendEntry[] {
  let room = 56;
  const fits = legend.findIndex((entry) => (room -= entry.label.length + 6) < 0);
  if (fits < 0) return legend;
  return [...legend.slice(0, fits), { label: `and ${legend.length - fits} more`, color: "none" }];
}

function pathOf(
  points: Uint32Array,
  time_s: Float64Array,
  values: Float64Array,
  x: Scale,
  y: (value: number) => number,
): string {
  const path = line()
    .defined((i: number) => Number.isFinite(values[i]))
    .x((i: number) => x(time_s[i]))
    .y((i: number) => y(values[i]))
    .digits(1);
  return path(points) ?? "";
}
