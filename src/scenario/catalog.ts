/** What there is to name in a scenario, for `cwnd list`: each with its source and its parameters. */

import { CONGESTION_CONTROLS, FLOW_GROUP, LOSSES, QUEUES, SOURCES, TOPOLOGIES } from "./schema.ts";
import { expectation } from "./read.ts";
import type { Json, Param, Variant } from "./table.ts";

/** What `cwnd list` lists. */
export const CATALOG_NAMES = ["cc", "qdisc", "topology", "workload", "loss"] as const;

/** A list's name. */
export type CatalogName = typeof CATALOG_NAMES[number];

/** A parameter of something listed. */
export interface CatalogParameter {
  name: string;
  /** What it may be, in words. */
  expects: string;
  /** null when it has none. */
  default: Json;
  required: boolean;
  doc: string;
}

/** Something that a scenario can name. */
export interface CatalogEntry {
  name: string;
  /** RFC, paper, or what it is known from. */
  source: string;
  doc: string;
  parameters: CatalogParameter[];
}

const BULK: Variant = {
  name: "bulk",
  source: "TCP, RFC 9293",
  doc: "A connection that sends a number of bytes, or without end: every group of flows without app.",
  params: FLOW_GROUP.params.filter(({ name }) => ["count", "start", "stagger", "bytes", "stop", "read"].includes(name)),
};

const LISTS: Record<CatalogName, readonly Variant[]> = {
  cc: CONGESTION_CONTROLS,
  qdisc: QUEUES.variants,
  topology: TOPOLOGIES.variants,
  workload: [BULK, ...SOURCES.variants],
  loss: LOSSES.variants,
};

/** The entries of one list, in the order of the parameter table. */
export function catalog(name: CatalogName): CatalogEntry[] {
  return LISTS[name].map(({ name, source, doc, params }) => ({ name, source, doc, parameters: params.map(describe) }));
}

function describe({ name, type, required, default: value, doc }: Param): CatalogParameter {
  return { name, expects: expectation(type), default: value ?? null, required: required ?? false, doc };
}
