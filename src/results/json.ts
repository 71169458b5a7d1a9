/** The JSON form of a run's result, as `cwnd run --json` prints it. */
import type { RunResult, Series } from "./types.ts";

/**
 * A result as JSON text. Keys stand in the order of the contract, columns become arrays, and what could not be measured
 * (`NaN`, infinities) becomes `null`. Without `series` when the caller keeps those elsewhere.
 */
export function resultToJson(result: RunResult, options: { series?: boolean } = {}): string {
  return [...resultJsonChunks(result, options)].join("");
}

/**
 * The same text in pieces, one a flow or a flow's columns. A run of 100,000 flows with series outgrows the longest
 * string an engine can hold, so writers pass the pieces on as they come.
 */
export function* resultJsonChunks(result: RunResult, options: { series?: boolean } = {}): Generator<string> {
  const { flows, links, aggregate, series, datagrams, ...run } = result;
  yield JSON.stringify(run).slice(0, -1);
  yield ',"flows":[';
  yield* list(flows, (flow) => JSON.stringify(flow));
  yield '],"links":[';
  yield* list(links, (link) => JSON.stringify(link));
  yield `],"aggregate":${JSON.stringify(aggregate)}`;
  if (options.series !== false) yield* seriesChunks(series);
  yield ',"datagrams":[';
  yield* list(datagrams, (source) => JSON.stringify(source));
  yield "]}\n";
}

function* seriesChunks(series: Series): Generator<string> {
  yield `,"series":{"time_s":${columnJson(series.time_s)},"flows":{`;
  yield* list(Object.entries(series.flows), columnsJson);
  yield '},"links":{';
  yield* list(Object.entries(series.links), columnsJson);
  yield "}}";
}

function* list<T>(items: Iterable<T>, text: (item: T) => string): Generator<string> {
  let separator = "";
  for (const item of items) {
    yield separator + text(item);
    separator = ",";
  }
}

function columnsJson([id, columns]: [string, object]): string {
  const entries = Object.entries(columns as Record<string, Float64Array>);
  return `${JSON.stringify(id)}:{${entries.map(([name, column]) => `"${name}":${columnJson(column)}`).join(",")}}`;
}

function columnJson(column: Float64Array): string {
  return JSON.stringify(Array.from(column));
}
