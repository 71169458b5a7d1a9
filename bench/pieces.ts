/**
 * The pieces of the per-segment path, one by one, with the `benchmark` package. Each is a loop inside wasm
 * (`assembly/bench.ts`, the core's own sources and compiler options), so that what is timed is the piece and not the call.
 */
// @ts-types="@types/benchmark"
import Benchmark from "benchmark";
import { type BenchCore, benchCore } from "./lib/bench_core.ts";
import type { Measurement } from "./lib/measurement.ts";

const BATCH = 1000;

interface Piece {
  name: string;
  prepare: (core: BenchCore) => void;
  work: (core: BenchCore) => void;
}

const PIECES: Piece[] = [
  {
    name: "checksum of 1500 bytes",
    prepare: (core) => core.prepare(0),
    work: (core) => core.checksums(BATCH),
  },
  {
    name: "option parsing: timestamps, 3 SACK blocks",
    prepare: (core) => core.prepare(0),
    work: (core) => core.optionParses(BATCH),
  },
  ...[1000, 100_000].map((pending) => ({
    name: `event queue: pop and push, ${pending.toLocaleString("en")} pending`,
    prepare: (core: BenchCore) => core.prepare(pending),
    work: (core: BenchCore) => core.queueSteps(BATCH),
  })),
  {
    name: "segment arrival: data in order, with its ACKs",
    prepare: (core) => connect(core, true),
    work: (core) => core.dataSegments(BATCH),
  },
  {
    name: "ACK processing: 2 segments, 0 SACK blocks",
    prepare: (core) => sendFlight(core, true),
    work: (core) => core.acks(BATCH),
  },
  {
    name: "ACK processing: 1 segment, 4 SACK blocks",
    prepare: (core) => sendFlight(core, false),
    work: (core) => core.selectiveAcks(BATCH),
  },
];

function connect(core: BenchCore, timestamps: boolean): void {
  core.prepare(0);
  core.connect(timestamps);
}

function sendFlight(core: BenchCore, timestamps: boolean): void {
  connect(core, timestamps);
  core.sendFlight();
}

/** Measures every piece for about `seconds`. */
export async function measurePieces(seconds: number): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  for (const { name, prepare, work } of PIECES) {
    const core = await benchCore();
    prepare(core);
    rows.push({ name, unit: "ns", ...measure(() => work(core), seconds) });
  }
  return rows;
}

function measure(work: () => void, seconds: number): Pick<Measurement, "value" | "note"> {
  // The first calls run code that the optimizing compiler has not been at yet.
  const warmUntil = performance.now() + 100 * seconds;
  while (performance.now() < warmUntil) work();
  const benchmark = new Benchmark("piece", work, { maxTime: seconds, minSamples: 5 });
  benchmark.run();
  if (benchmark.error) throw benchmark.error;
  const { mean, rme } = benchmark.stats;
  return { value: mean * 1e9 / BATCH, note: `±${rme.toFixed(1)} %` };
}
