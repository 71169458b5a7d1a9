/**
 * `deno task bench`: every benchmark, as a table and, with `--json FILE`, as JSON. `bench/README.md` says how to read it.
 *
 *     --json FILE      also write the measurements, the machine they were made on, and the date
 *     --runs N         runs of each whole scenario, 5 when absent
 *     --only SECTION   pieces, throughput or size; may be given more than once
 *     --smoke          everything once, at a size that takes seconds: says that it works, not how fast
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Machine, machine } from "./lib/machine.ts";
import type { Measurement } from "./lib/measurement.ts";
import { number, table } from "./lib/table.ts";
import { measurePieces } from "./pieces.ts";
import { measureIdleConnection, measureManyFlows, measureStart, measureWasm } from "./size.ts";
import { measureThroughput } from "./throughput.ts";

/** How much of everything. */
export interface Effort {
  /** Runs of each whole scenario. */
  runs: number;
  /** Simulated durations are multiplied by this. */
  scale: number;
  /** Seconds for each piece. */
  piece_s: number;
  /** Connections in the largest engine. */
  flows: number;
}

const FULL: Effort = { runs: 5, scale: 1, piece_s: 2, flows: 100_000 };
const SMOKE: Effort = { runs: 1, scale: 0.02, piece_s: 0.01, flows: 1000 };

// In the order of the table. The whole scenarios come first, while the machine is as quiet as it was found.
const SECTIONS: Record<string, (effort: Effort) => Promise<Measurement[]>> = {
  throughput: ({ runs, scale }) => measureThroughput(runs, scale),
  size: async ({ runs, flows }) => [
    ...await measureManyFlows(flows),
    await measureIdleConnection(),
    await measureStart(runs),
    measureWasm(),
  ],
  pieces: ({ piece_s }) => measurePieces(piece_s),
};

/** What `--json` writes. */
export interface BenchReport {
  date: string;
  machine: Machine;
  smoke: boolean;
  measurements: Measurement[];
}

/** Runs the sections named, all of them when none is. */
export async function bench(effort: Effort, only: string[] = []): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const [name, measure] of Object.entries(SECTIONS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    if (process.stderr.isTTY) console.error(`${name} ...`);
    rows.push(...await measure(effort));
  }
  return rows;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: "string" },
      runs: { type: "string" },
      only: { type: "string", multiple: true, default: [] },
      smoke: { type: "boolean", default: false },
    },
  });
  for (const name of values.only) {
    if (!(name in SECTIONS)) {
      throw new TypeError(`--only: unknown section "${name}", expected throughput, size or pieces`);
    }
  }
  const effort = { ...values.smoke ? SMOKE : FULL, ...values.runs && { runs: positive(values.runs) } };
  const here = machine();
  console.log(`${here.cpu}, ${here.cores} cores, ${here.memory_gib} GiB; ${here.runtime}, V8 ${here.v8}`);
  console.log(`load before the first run: ${number(here.load)}\n`);
  const measurements = await bench(effort, values.only);
  console.log(table(measurements));
  if (values.json) {
    const report: BenchReport = { date: new Date().toISOString(), machine: here, smoke: values.smoke, measurements };
    await mkdir(dirname(values.json), { recursive: true });
    await writeFile(values.json, JSON.stringify(report, null, 2) + "\n");
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`--runs: expected a positive integer, got "${text}"`);
  return value;
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(error.message);
    process.exitCode = 2;
  }
}
