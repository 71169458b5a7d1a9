/** Numbers as people read them: a few significant digits, a prefix, a unit. */

const PREFIXES = ["", "k", "M", "G", "T"] as const;
/** Stands for what was not measured. */
const NOTHING = "-";

/** A factor and its prefix: `{ factor: 1e6, prefix: "M" }`. */
export interface Prefix {
  /** What a value is divided by. */
  factor: number;
  /** What stands before the unit. */
  prefix: string;
}

/** The prefix that leaves a value of this size with one to three digits before the point. */
export function prefixFor(value: number): Prefix {
  // Rounded as it will be shown: 999.9 million reads as 1.00 G.
  const thousands = value > 0 ? Math.floor(Math.log10(rounded(value)) / 3) : 0;
  const step = Math.min(Math.max(thousands, 0), PREFIXES.length - 1);
  return { factor: 1000 ** step, prefix: PREFIXES[step] };
}

/** Three significant digits, never an exponent: `0.00123`, `12.3`, `1235`. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  if (value === 0 || Math.abs(value) >= 1000) return Math.round(value).toString();
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded(value)))));
  return value.toFixed(Math.min(decimals, 6));
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** A count: exact below 10,000, with a prefix above: `812 k`, `12.3 M`. */
export function count(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  if (Math.abs(value) < 10_000) return Number.isInteger(value) ? value.toString() : digits(value);
  const { factor, prefix } = prefixFor(value);
  return `${digits(value / factor)} ${prefix}`;
}

/** A rate: `9.86 Mbit/s`. */
export function rate(bps: number): string {
  if (!Number.isFinite(bps)) return NOTHING;
  const { factor, prefix } = prefixFor(bps);
  return `${digits(bps / factor)} ${prefix}bit/s`;
}

/** A span of time: `25.3 ms`, `1.20 s`. */
export function milliseconds(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return NOTHING;
  return ms >= 1000 ? seconds(ms / 1000) : `${digits(ms)} ms`;
}

/** A span of time in seconds, without needless zeros: `10 s`, `0.312 s`. */
export function seconds(s: number): string {
  if (!Number.isFinite(s)) return NOTHING;
  return `${Number(digits(s))} s`;
}

/** A share: `98.2 %`. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${digits(share * 100)} %` : NOTHING;
}

/** An amount of memory: `11.8 MiB`. */
export function mebibytes(bytes: number): string {
  return `${digits(bytes / 2 ** 20)} MiB`;
}
