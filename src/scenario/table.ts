/**
 * The words that `schema.ts` describes scenarios with. One description serves the validator, the defaults, the JSON
 * Schema, `--set` and `cwnd list`.
 */

import type { QueueLimit } from "./types.ts";
import type { Dimension } from "./units.ts";

/** A value in the file's own notation. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** What a field may hold. Bounds are in base units (bit/s, nanoseconds, bytes) and inclusive. */
export type Type =
  | { is: "text"; least: number; most: number }
  | { is: "flag" }
  | { is: "integer"; min: number; max?: number }
  | { is: "number"; min: number; max: number }
  | { is: "quantity"; of: "rate" | "time" | "bytes"; min: number; max: number; word?: string }
  | { is: "limit"; max: Record<QueueLimit["unit"], number>; word: string }
  | { is: "choice"; noun: string; values: readonly string[]; later: readonly string[] }
  | { is: "list"; of: Type; least: number; most: number; orOne?: boolean }
  | ObjectType
  | VariantsType;

/** An object with known fields. */
export interface ObjectType {
  is: "object";
  /** Its name among the JSON Schema's definitions. */
  name: string;
  params: readonly Param[];
}

/** An object whose field `kind` decides its other fields. */
export interface VariantsType {
  is: "variants";
  name: string;
  noun: string;
  variants: readonly Variant[];
  /** Kinds of the contract that this version does not have. */
  later: readonly string[];
  /** The kind when the field is absent. */
  kind?: string;
}

/** One kind of something: an algorithm, a topology, a source. */
export interface Variant {
  name: string;
  /** RFC or paper, or what it is known from. */
  source: string;
  doc: string;
  params: readonly Param[];
}

/** A field. One that is neither required nor has a default is null when absent. */
export interface Param {
  name: string;
  type: Type;
  doc: string;
  required?: boolean;
  /** As the file would write it. */
  default?: Json;
  /** The default under `profile: "rfc"`. */
  rfc?: Json;
  /** Fields of the enclosing object that this object has too unless it says otherwise. */
  inherits?: readonly string[];
}

const SUFFIX: Record<Dimension, string> = { rate: "_bps", time: "_ns", bytes: "_bytes", limit: "" };

/** Name of a field once it is in base units: `rate` is `rate_bps`. */
export function specName({ name, type }: Param): string {
  const item = type.is === "list" ? type.of : type;
  return item.is === "quantity" && name !== "bytes" ? name + SUFFIX[item.of] : name;
}

/** Why an object has no such field although it might be expected there: by object, then by field. */
export type Refusals = Record<string, Record<string, string>>;
