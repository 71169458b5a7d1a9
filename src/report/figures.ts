/** Every figure a result has the columns for. */
import type { RunResult } from "../results/types.ts";
import { type Columns, flowColumns, queueColumns } from "./columns.ts";
import { cwndFigure } from "./figures/cwnd.ts";
import { queueFigure } from "./figures/queue.ts";
import { rttFigure } from "./figures/rtt.ts";
import { throughputFigure } from "./figures/throughput.ts";

/** A figure and the name of its file, without the ending. */
export interface Figure {
  /** `"cwnd"`, `"throughput"`, `"rtt"` or `"queue"`. */
  name: string;
  /** The figure, as SVG text. */
  svg: string;
}

/** Draws the figures of a run; a quantity that `record.series` left out has none. */
export function figuresOf(result: RunResult): Figure[] {
  const figures: Figure[] = [];
  const add = (name: string, draw: (columns: Columns) => string, columns: Columns): void => {
    if (columns.lines.length > 0 && columns.time_s.length > 0) figures.push({ name, svg: draw(columns) });
  };
  add("cwnd", cwndFigure, flowColumns(result, "cwnd"));
  add("throughput", throughputFigure, flowColumns(result, "throughput_bps"));
  add("rtt", rttFigure, flowColumns(result, "srtt_ms"));
  add("queue", queueFigure, queueColumns(result));
  return figures;
}
