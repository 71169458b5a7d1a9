/** The frame every figure shares: background, title, legend, grid and axes, drawn as SVG text without a DOM. */
import { linearScale, type Scale } from "../scale.ts";

/** Width of a figure, in pixels. */
export const WIDTH = 880;
/** Height of a figure, in pixels. */
export const HEIGHT = 440;
const MARGIN = { top: 84, right: 28, bottom: 52, left: 76 };
const FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif";
const X_TICKS = 10;
const Y_TICKS = 6;

/** Told apart on a light ground, also by most colour-blind readers; groups take them in order. */
export const PALETTE = [
  "#2f5fd0",
  "#d9480f",
  "#2b8a3e",
  "#9c36b5",
  "#0b7285",
  "#c2255c",
  "#b08900",
  "#495057",
] as const;

/** One entry of the legend. */
export interface LegendEntry {
  /** What it says. */
  label: string;
  /** Colour of its mark. */
  color: string;
  /** Marks a crowd of thin lines in place of one line. */
  faint?: boolean;
}

/** What stands around the plot. */
export interface Frame {
  /** First line, in bold. */
  title: string;
  /** Second line: the quantity. */
  subtitle: string;
  /** Vertical axis, with its unit. */
  yLabel: string;
  /** Horizontal axis, from and to, in seconds. */
  x: [number, number];
  /** Vertical axis, from and to; widened to round values. */
  y: [number, number];
  /** Named marks. */
  legend: LegendEntry[];
}

/** Draws the frame and, inside it, what `body` returns for its two scales. */
export function drawFrame(frame: Frame, body: (x: Scale, y: Scale) => string): string {
  const x = linearScale(frame.x, [MARGIN.left, WIDTH - MARGIN.right]);
  const y = linearScale(frame.y, [HEIGHT - MARGIN.bottom, MARGIN.top], Y_TICKS);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="${FONT}" font-size="13" fill="#495057" role="img" aria-label="${escapeXml(frame.subtitle)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="6" fill="#ffffff"/>`,
    `<text x="20" y="31" font-size="17" font-weight="600" fill="#212529">${escapeXml(frame.title)}</text>`,
    `<text x="20" y="54" font-size="14">${escapeXml(frame.subtitle)}</text>`,
    drawLegend(frame.legend),
    drawYAxis(y, frame.yLabel),
    drawXAxis(x),
    // What lies above the axis is cut off; half a line's width below it is not.
    `<clipPath id="plot"><rect x="${MARGIN.left}" y="${MARGIN.top}" width="${
      WIDTH - MARGIN.left - MARGIN.right + 2
    }" ` +
    `height="${HEIGHT - MARGIN.top - MARGIN.bottom + 2}"/></clipPath>`,
    `<g clip-path="url(#plot)" fill="none" stroke-linejoin="round" stroke-linecap="round">`,
    body(x, y),
    "</g>",
    "</svg>\n",
  ].join("\n");
}

/** Makes text safe between tags and inside quoted attributes. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

function drawYAxis(y: Scale, label: string): string {
  const format = y.tickFormat(Y_TICKS);
  const rows = y.ticks(Y_TICKS).map((tick) => {
    const at = y(tick).toFixed(1);
    // The line at zero is the axis itself, hence darker.
    const stroke = tick === 0 ? "#868e96" : "#e9ecef";
    return `<path d="M${MARGIN.left},${at}H${WIDTH - MARGIN.right}" stroke="${stroke}"/>` +
      `<text x="${MARGIN.left - 9}" y="${at}" dy="0.32em" text-anchor="end">${format(tick)}</text>`;
  });
  const middle = (MARGIN.top + HEIGHT - MARGIN.bottom) / 2;
  rows.push(`<text transform="translate(22,${middle})rotate(-90)" text-anchor="middle">${escapeXml(label)}</text>`);
  return rows.join("\n");
}

function drawXAxis(x: Scale): string {
  const format = x.tickFormat(X_TICKS);
  const bottom = HEIGHT - MARGIN.bottom;
  const marks = x.ticks(X_TICKS).map((tick) => {
    const at = x(tick).toFixed(1);
    return `<path d="M${at},${bottom}v5" stroke="#868e96"/>` +
      `<text x="${at}" y="${bottom + 20}" text-anchor="middle">${format(tick)}</text>`;
  });
  const middle = (MARGIN.left + WIDTH - MARGIN.right) / 2;
  marks.push(`<text x="${middle}" y="${HEIGHT - 12}" text-anchor="middle">Time (s)</text>`);
  return marks.join("\n");
}

/** Entries from the right edge of the second line of the heading, the last one outermost. */
function drawLegend(legend: LegendEntry[]): string {
  const parts: string[] = [];
  let right = WIDTH - MARGIN.right;
  for (const entry of [...legend].reverse()) {
    const label = entry.label;
    // Fonts differ between viewers: an estimate that is a little wide never overlaps.
    const left = right - (label.length * 7.2 + 30);
    const opacity = entry.faint ? ' stroke-opacity="0.35"' : "";
    parts.push(
      `<path d="M${left.toFixed(1)},50h20" stroke="${entry.color}" stroke-width="${
        entry.faint ? 1 : 2.5
      }"${opacity}/>` +
        `<text x="${(left + 26).toFixed(1)}" y="54">${escapeXml(label)}</text>`,
    );
    right = left - 14;
  }
  return parts.join("\n");
}
