/** What `--out DIR` keeps of a run: scenario.json, summary.json, series/*.csv and figures/*.svg. */
import { join } from "node:path";
import { figuresOf } from "../report/figures.ts";
import { resultJsonChunks } from "../results/json.ts";
import type { RunResult } from "../results/types.ts";
import { writeFile } from "./files.ts";

/** Writes all files and returns their paths in the order of writing. */
export function keepResult(folder: string, scenario: unknown, result: RunResult): string[] {
  const written: string[] = [];
  const keep = (name: string, chunks: Iterable<string>): void => {
    const file = join(folder, name);
    writeFile(file, chunks);
    written.push(file);
  };
  keep("scenario.json", [JSON.stringify(scenario, null, 2) + "\n"]);
  for (const [name, columns] of quantitiesOf(result)) keep(join("series", `${name}.csv`), csv(result, columns));
  for (const { name, svg } of figuresOf(result)) keep(join("figures", `${name}.svg`), [svg]);
  // The summary comes last: where it stands, everything beside it is complete.
  keep("summary.json", resultJsonChunks(result, { series: false }));
  return written;
}

/** The columns of each quantity, by the flow or link they belong to: one table each. */
function quantitiesOf(result: RunResult): Map<string, Map<string, Float64Array>> {
  const quantities = new Map<string, Map<string, Float64Array>>();
  for (const owners of [result.series.flows, result.series.links]) {
    for (const [owner, columns] of Object.entries(owners)) {
      for (const [name, column] of Object.entries(columns as Record<string, Float64Array>)) {
        if (!quantities.has(name)) quantities.set(name, new Map());
        quantities.get(name)!.set(owner, column);
      }
    }
  }
  return quantities;
}

/** `time_s` and one column a flow or link, headed by its id; an empty field where there is no value. */
function* csv(result: RunResult, columns: Map<string, Float64Array>): Generator<string> {
  yield ["time_s", ...columns.keys()].join(",") + "\n";
  const values = [...columns.values()];
  for (let i = 0; i < result.series.time_s.length; i++) {
    let row = String(result.series.time_s[i]);
    for (const column of values) row += Number.isFinite(column[i]) ? `,${column[i]}` : ",";
    yield row + "\n";
  }
}
