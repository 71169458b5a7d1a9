/**
 * Quantities: `"100Mbps"`, `"0.1ms"`, `"64KiB"`, `"1.5bdp"`, or a number in bit/s, seconds or bytes. All come out as
 * integers in bit/s, nanoseconds, bytes or packets (bdp alone may be a fraction), exactly where the decimal fits.
 */

import { Complaint } from "./error.ts";
import type { QueueLimit } from "./types.ts";
import { anyOf, quote } from "./words.ts";

/** What a quantity measures. */
export type Dimension = "rate" | "time" | "bytes" | "limit";

/** A unit is `factor` times ten to the `exponent` base units: a power of ten shifts the decimal and rounds nothing. */
interface Unit {
  exponent: number;
  factor: number;
}

interface Measure {
  /** The word for people, with its article. */
  noun: string;
  example: string;
  units: Record<string, Unit>;
  /** The unit of a bare number. */
  bare: string;
}

function unit(exponent: number, factor = 1): Unit {
  return { exponent, factor };
}

const BYTES: Record<string, Unit> = {
  B: unit(0),
  KB: unit(3),
  KiB: unit(0, 2 ** 10),
  MB: unit(6),
  MiB: unit(0, 2 ** 20),
  GB: unit(9),
  GiB: unit(0, 2 ** 30),
};

/** The units of each dimension, smallest first. */
export const MEASURES: Record<Dimension, Measure> = {
  rate: {
    noun: "a rate",
    example: "100Mbps",
    units: { bps: unit(0), kbps: unit(3), Mbps: unit(6), Gbps: unit(9), Tbps: unit(12) },
    bare: "bps",
  },
  time: {
    noun: "a time",
    example: "20ms",
    units: { ns: unit(0), us: unit(3), ms: unit(6), s: unit(9), min: unit(9, 60), h: unit(9, 3600) },
    bare: "s",
  },
  bytes: { noun: "a size", example: "64KiB", units: BYTES, bare: "B" },
  limit: {
    noun: "a queue limit",
    example: "100pkt",
    units: { pkt: unit(0), bdp: unit(0), ...BYTES },
    bare: "B",
  },
};

const QUANTITY = /^([+-]?)(\d+(?:\.\d+)?)(?:e([+-]?\d+))? ?([A-Za-z]*)$/;

/** What a quantity of this dimension looks like, for errors. */
export function expectedQuantity(dimension: Dimension): string {
  const { noun, example, units } = MEASURES[dimension];
  return `${noun} such as "${example}" (${anyOf(Object.keys(units), "")})`;
}

/** A rate in bit/s. */
export function parseRate(value: unknown, path = ""): number {
  return Math.round(measure(value, "rate", path));
}

/** A time in nanoseconds. */
export function parseTime(value: unknown, path = ""): number {
  return Math.round(measure(value, "time", path));
}

/** A size in bytes. */
export function parseBytes(value: unknown, path = ""): number {
  return Math.round(measure(value, "bytes", path));
}

/** The quantity in base units before it is rounded to whole ones. */
export function measure(value: unknown, dimension: Dimension, path: string): number {
  return parse(value, dimension, path).value;
}

/** A queue limit in packets, bytes or bandwidth-delay products. */
export function parseLimit(value: unknown, path = ""): QueueLimit {
  const quantity = parse(value, "limit", path);
  if (quantity.unit === "bdp") return { unit: "bdp", value: quantity.value };
  if (quantity.unit !== "pkt") return { unit: "bytes", value: Math.round(quantity.value) };
  if (!Number.isInteger(quantity.value)) throw new Complaint(path, quote(value), "a whole number of packets");
  return { unit: "packets", value: quantity.value };
}

function parse(value: unknown, dimension: Dimension, path: string): { value: number; unit: string } {
  const { units, bare } = MEASURES[dimension];
  const wrong = (): Complaint => new Complaint(path, quote(value), expectedQuantity(dimension));
  if (typeof value !== "string" && (typeof value !== "number" || !Number.isFinite(value))) throw wrong();

  // A number goes through its decimal form too: 0.1 s is 100000000 ns whichever way it is written.
  const parts = QUANTITY.exec(typeof value === "number" ? `${value}${bare}` : value.trim());
  if (parts === null || !Object.hasOwn(units, parts[4])) throw wrong();
  const [, sign, digits, power, name] = parts;
  const { exponent, factor } = units[name];
  const magnitude = Number(`${sign}${digits}e${Number(power ?? 0) + exponent}`) * factor;
  if (!Number.isFinite(magnitude)) throw wrong();
  return { value: magnitude, unit: name };
}

/** A regular expression that matches the strings of this dimension, for the JSON Schema. */
export function quantityPattern(dimension: Dimension): string {
  return `^ *\\+?\\d+(\\.\\d+)?(e[+-]?\\d+)? ?(${Object.keys(MEASURES[dimension].units).join("|")}) *$`;
}

const DAY_NS = 24 * 3600e9;

/** A number of base units in the largest unit in which it is whole: 1500000 ns are `1500us`. */
export function formatQuantity(value: number, dimension: "rate" | "time" | "bytes"): string {
  const { units } = MEASURES[dimension];
  if (dimension === "time" && value > DAY_NS && value % DAY_NS === 0) return `${value / DAY_NS} days`;
  let text = `${value}${Object.keys(units)[0]}`;
  for (const [name, { exponent, factor }] of Object.entries(units)) {
    const size = factor * 10 ** exponent;
    if (value !== 0 && value % size === 0) text = `${value / size}${name}`;
  }
  return text;
}
