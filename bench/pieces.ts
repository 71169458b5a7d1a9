/**
 * The pieces of the per-segment path, one by one, with the `benchmark` package. Each is a loop inside wasm
 * (`assembly/bench.ts`, the core's own sources and compiler options), so that what is timed is the piece and not the call.
 */
import { fileURLToPath } from "node:url";
// @ts-types="@types/benchmark"
import Benchmark from "benchmark";
import { compileCore } from "../build/compile.ts";
import type { Measurement } from "./lib/measurement.ts";

/** Exports of `assembly/bench.ts`; each but `prepare` does its work `count` times. */
interface Pieces {
  prepare(pendingEvents: number): void;
  checksums(count: number): void;
  optionParses(count: number): void;
  queueSteps(count: number): void;
  dataSegments(count: number): void;
  acks(count: number, sackBlocks: number): void;
}

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BATCH = 1000;

// [name, events in the queue, the work]
const PIECES: [string, number, (pieces: Pieces) => void][] = [
  ["checksum of 1500 bytes", 0, (pieces) => pieces.checksums(BATCH)],
  ["option parsing: timestamps, 3 SACK blocks", 0, (pieces) => pieces.optionParses(BATCH)],
  ["event queue: pop and push, 1000 pending", 1000, (pieces) => pieces.queueSteps(BATCH)],
  ["event queue: pop and push, 100,000 pending", 100_000, (pieces) => pieces.queueSteps(BATCH)],
  //["segment arrival: data in order", 0, (pieces) => pieces.dataSegments(BATCH)],
  //["ACK processing: 0 SACK blocks", 0, (pieces) => pieces.acks(BATCH, 0)],
  //["ACK processing: 4 SACK blocks", 0, (pieces) => pieces.acks(BATCH, 4)],
];

/** Measures every piece for about `seconds`. */
export async function measurePieces(seconds: number): Promise<Measurement[]> {
  const { wasm } = await compileCore(ROOT, { entry: "assembly/bench.ts" });
  const module = new WebAssembly.Module(wasm);
  return PIECES.map(([name, pendingEvents, work]) => {
    const pieces = new WebAssembly.Instance(module).exports as unknown as Pieces;
    pieces.prepare(pendingEvents);
    return { name, unit: "ns", ...measure(() => work(pieces), seconds) };
  });
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
