/** `cwnd list`: what a scenario can name, each with its source and its parameters. */
import type { Style } from "../report/terminal/charts.ts";
import {
  catalog,
  CATALOG_NAMES,
  type CatalogEntry,
  type CatalogName,
  type CatalogParameter,
} from "../scenario/catalog.ts";
import { anyOf, nearest } from "../scenario/words.ts";
import { DONE, UsageError } from "./errors.ts";
import { outputStyle, print } from "./terminal.ts";

/** What may follow `cwnd list WHAT`. */
export interface ListOptions {
  /** Print the list as one JSON document. */
  json?: boolean;
}

/** Runs the verb and returns the exit status. */
export async function list(what: string, options: ListOptions): Promise<number> {
  if (!isCatalogName(what)) {
    const near = nearest(what, CATALOG_NAMES);
    const hint = near === undefined ? `expected ${anyOf(CATALOG_NAMES)}` : `did you mean "${near}"?`;
    throw new UsageError(`cwnd list: unknown list "${what}", ${hint}`);
  }
  const entries = catalog(what);
  await print([options.json ? JSON.stringify(entries, null, 2) + "\n" : listText(entries)]);
  return DONE;
}

function isCatalogName(name: string): name is CatalogName {
  return (CATALOG_NAMES as readonly string[]).includes(name);
}

function listText(entries: CatalogEntry[]): string {
  const style = outputStyle();
  return entries.map((entry) => entryText(entry, style)).join("\n");
}

function entryText(entry: CatalogEntry, style: Style): string {
  const heading = `${style.bold(entry.name)}  ${style.faint(entry.source)}\n  ${entry.doc}\n`;
  const width = Math.max(0, ...entry.parameters.map((parameter) => parameter.name.length));
  return heading + entry.parameters.map((parameter) => {
    return `  ${parameter.name.padEnd(width)}  ${parameter.doc} ${style.faint(`(${expectationText(parameter)})`)}\n`;
  }).join("");
}

function expectationText(parameter: CatalogParameter): string {
  if (parameter.required) return `${parameter.expects}; required`;
  if (parameter.default === null) return parameter.expects;
  return `${parameter.expects}; default ${JSON.stringify(parameter.default)}`;
}
