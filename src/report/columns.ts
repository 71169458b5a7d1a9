/** Columns of a result, gathered for drawing: which lines there are, their mean and extremes, and fewer points of each. */
import { percentile } from "../results/stats.ts";
import type { FlowSeries, RunResult } from "../results/types.ts";

/** One line of a plot. */
export interface Line {
  /** What the legend calls it. */
  name: string;
  /** Lines of one group are drawn alike. */
  group: string;
  /** One value a sample; `NaN` where there is none. */
  values: Float64Array;
}

/** What every figure takes: columns over one time axis. */
export interface Columns {
  /** Stands above the plot, before the quantity. */
  title: string;
  /** Instants of the samples, in seconds. */
  time_s: Float64Array;
  /** The columns. */
  lines: Line[];
}

/** The columns of one quantity of every flow, grouped as the scenario groups flows. */
export function flowColumns(result: RunResult, quantity: keyof FlowSeries): Columns {
  const lines: Line[] = [];
  for (const flow of result.flows) {
    const values = result.series.flows[flow.id]?.[quantity];
    if (values !== undefined) lines.push({ name: `${flow.group} ${flow.id}`, group: flow.group, values });
  }
  return { title: result.name, time_s: result.series.time_s, lines };
}

/** A link is left out when its longest queue is less than this share of the fullest link's. */
const QUEUE_SHARE_MIN = 0.01;

/** Packets that wait at each link with a queue worth looking at, a group each, the fullest link first. */
export function queueColumns(result: RunResult): Columns {
  const queues: { line: Line; longest: number }[] = [];
  for (const [id, { queue_packets }] of Object.entries(result.series.links)) {
    if (queue_packets === undefined) continue;
    queues.push({ line: { name: id, group: id, values: queue_packets }, longest: largest([queue_packets]) });
  }
  queues.sort((a, b) => b.longest - a.longest);
  const least = (queues[0]?.longest ?? 0) * QUEUE_SHARE_MIN;
  const lines = queues.filter(({ longest }) => longest >= least).map(({ line }) => line);
  return { title: result.name, time_s: result.series.time_s, lines };
}

/** The lines, or flows, of each group, groups in order of appearance. */
export function byGroup<Member extends { group: string }>(members: Member[]): Map<string, Member[]> {
  const groups = new Map<string, Member[]>();
  for (const member of members) {
    const group = groups.get(member.group);
    if (group === undefined) groups.set(member.group, [member]);
    else group.push(member);
  }
  return groups;
}

/** Mean, smallest and largest of several columns at each sample. */
export interface Envelope {
  /** Mean of the columns that have a value there. */
  mean: Float64Array;
  /** Smallest value. */
  min: Float64Array;
  /** Largest value. */
  max: Float64Array;
}

/** Folds columns of equal length into one; samples at which no column has a value become `NaN`. */
export function envelope(columns: Float64Array[]): Envelope {
  const length = columns[0]?.length ?? 0;
  const mean = new Float64Array(length);
  const min = new Float64Array(length).fill(NaN);
  const max = new Float64Array(length).fill(NaN);
  const present = new Uint32Array(length);
  for (const column of columns) {
    for (let i = 0; i < length; i++) {
      const value = column[i];
      if (Number.isNaN(value)) continue;
      mean[i] += value;
      present[i]++;
      // Written so that the first value replaces the NaN, which no comparison would.
      if (!(min[i] <= value)) min[i] = value;
      if (!(max[i] >= value)) max[i] = value;
    }
  }
  for (let i = 0; i < length; i++) mean[i] /= present[i];
  return { mean, min, max };
}

/** Flows looked at, spread evenly over all, to find quantiles. */
const QUANTILE_COLUMNS_MAX = 1000;

/** Two percentiles of several columns at each sample; `NaN` where no column has a value. */
export function quantiles(
  columns: Float64Array[],
  low: number,
  high: number,
): { low: Float64Array; high: Float64Array } {
  const length = columns[0]?.length ?? 0;
  const result = { low: new Float64Array(length), high: new Float64Array(length) };
  const looked = evenly(columns, Math.min(columns.length, QUANTILE_COLUMNS_MAX));
  for (let i = 0; i < length; i++) {
    const values = Float64Array.from(looked, (column) => column[i]).filter((value) => !Number.isNaN(value)).sort();
    result.low[i] = percentile(values, low);
    result.high[i] = percentile(values, high);
  }
  return result;
}

/** So many of the items, spread evenly over all. */
export function evenly<T>(items: T[], wanted: number): T[] {
  return Array.from({ length: wanted }, (_, i) => items[Math.floor((i * items.length) / wanted)]);
}

/** The largest value of all, 0 when there is none. */
export function largest(columns: Iterable<Float64Array>): number {
  let result = 0;
  for (const column of columns) {
    for (const value of column) if (value > result) result = value;
  }
  return result;
}

/** Up to so many lines an axis shows every value. */
const CROWD_MIN = 7;
/** Values looked at to find where the crowd is. */
const CROWD_SAMPLES = 20_000;

/**
 * Where the vertical axis should end, and the largest value. The two differ when few values of a crowd stand far above
 * all others, such as the window of the one flow that starts alone: the axis then serves the other 99 percent.
 */
export function axisTop(columns: Float64Array[]): { top: number; peak: number } {
  const peak = largest(columns);
  if (columns.length < CROWD_MIN) return { top: peak, peak };
  const values = columns.reduce((sum, column) => sum + column.length, 0);
  const stride = Math.max(1, Math.floor(values / CROWD_SAMPLES));
  const sample: number[] = [];
  let skipped = 0;
  for (const column of columns) {
    for (const value of column) {
      if (++skipped % stride === 0 && Number.isFinite(value)) sample.push(value);
    }
  }
  const most = percentile(sample.sort((a, b) => a - b), 99);
  if (!(peak > 2 * most) || most <= 0) return { top: peak, peak };
  return { top: Math.max(1.25 * most, largest([envelope(columns).mean])), peak };
}

/**
 * Positions of at most about `limit` samples that draw like the whole column: the smallest and the largest of each of
 * `limit / 2` stretches, so that no peak and no collapse of the window is lost.
 */
export function thin(column: Float64Array, limit: number): Uint32Array {
  if (column.length <= limit) return Uint32Array.from(column.keys());
  const kept: number[] = [];
  const stretches = Math.max(1, Math.floor(limit / 2));
  for (let s = 0; s < stretches; s++) {
    const end = Math.floor(((s + 1) * column.length) / stretches);
    let low = Math.floor((s * column.length) / stretches);
    let high = low;
    for (let i = low + 1; i < end; i++) {
      if (column[i] < column[low] || Number.isNaN(column[low])) low = i;
      if (column[i] > column[high] || Number.isNaN(column[high])) high = i;
    }
    kept.push(Math.min(low, high));
    if (low !== high) kept.push(Math.max(low, high));
  }
  return Uint32Array.from(kept);
}
