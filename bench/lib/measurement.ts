/** What a benchmark hands over: a number, what it is, and what was asked of it. */
import { percentile } from "../../src/results/stats.ts";

/** One row of the table and of the JSON document. */
export interface Measurement {
  /** What was measured, in words. */
  name: string;
  /** Median of the samples; `null` when it could not be measured, `note` then says why. */
  value: number | null;
  unit: string;
  /** Every run's value, in the order of the runs. */
  samples?: number[];
  /** The worst value that is good enough. */
  must?: number;
  /** The value hoped for. */
  aim?: number;
  /** Which side of `must` and `aim` is the good one; `"higher"` when absent. */
  better?: "higher" | "lower";
  note?: string;
}

/** The measurement whose value is the median of its samples. */
export function ofSamples(samples: number[], rest: Omit<Measurement, "value" | "samples">): Measurement {
  return { ...rest, value: median(samples), samples };
}

/** The middle one; the mean of the middle two when there is none. */
export function median(samples: number[]): number {
  return percentile([...samples].sort((a, b) => a - b), 50);
}

/** From the smallest to the largest sample, as a fraction of the median. */
export function spread(samples: number[]): number {
  return (Math.max(...samples) - Math.min(...samples)) / median(samples);
}

/** How the value stands to what was asked: `"-"` when nothing was. */
export function verdict({ value, must, aim, better = "higher" }: Measurement): "aim" | "must" | "missed" | "-" {
  const reaches = (target: number): boolean =>
    value !== null && (better === "higher" ? value >= target : value <= target);
  if (aim !== undefined && reaches(aim)) return "aim";
  if (must !== undefined) return reaches(must) ? "must" : "missed";
  return aim !== undefined ? "missed" : "-";
}
