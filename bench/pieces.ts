/**
 * The pieces of the per-segment path, one by one, with the `benchmark` package. Each is a loop inside wasm
 * (`assembly/bench.ts`, the core's own sources and compiler options), so that what is timed is the piece and not the call.
 */
import { fileURLToPath } from "node:url";
// @ts-types="@types/benchmark"
import Benchmark from "benchmark";
import { compileCore } from "../build/compile.ts";
import type { Measurement } from "./lib/measurement.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BATCH = 1000;

/** Exports of `assembly/bench.ts`. Those with a `count` do their work that many times. */
interface Pieces {
  prepare(pendingEvents: number): void;
  connect(timestamps: boolean): void;
  sendFlight(): void;
  checksums(count: number): void;
  optionParses(count: number): void;
  queueSteps(count: number): void;
  dataSegments(count: number): void;
  acks(count: number): void;
  selectiveAcks(count: number): void;
}

interface Piece {
  name: string;
  prepare: (pieces: Pieces) => void;
  work: (pieces: Pieces) => void;
}

const PIECES: Piece[] = [
  {
    name: "checksum of 1500 bytes",
    prepare: (pieces) => pieces.prepare(0),
    work: (pieces) => pieces.checksums(BATCH),
  },
  {
    name: "option parsing: timestamps, 3 SACK blocks",
    prepare: (pieces) => pieces.prepare(0),
    work: (pieces) => pieces.optionParses(BATCH),
  },
  ...[1000, 100_000].map((pending) => ({
    name: `event queue: pop and push, ${pending.toLocaleString("en")} pending`,
    prepare: (pieces: Pieces) => pieces.prepare(pending),
    work: (pieces: Pieces) => pieces.queueSteps(BATCH),
  })),
  {
    name: "segment arrival: data in order, with its ACKs",
    prepare: (pieces) => connect(pieces, true),
    work: (pieces) => pieces.dataSegments(BATCH),
  },
  {
    name: "ACK processing: 2 segments, 0 SACK blocks",
    prepare: (pieces) => sendFlight(pieces, true),
    work: (pieces) => pieces.acks(BATCH),
  },
  {
    name: "ACK processing: 1 segment, 4 SACK blocks",
    prepare: (pieces) => sendFlight(pieces, false),
    work: (pieces) => pieces.selectiveAcks(BATCH),
  },
];

function connect(pieces: Pieces, timestamps: boolean): void {
  pieces.prepare(0);
  pieces.connect(timestamps);
}

function sendFlight(pieces: Pieces, timestamps: boolean): void {
  connect(pieces, timestamps);
  pieces.sendFlight();
}

/** Measures every piece for about `seconds`. */
export async function measurePieces(seconds: number): Promise<Measurement[]> {
  const { wasm } = await compileCore(ROOT, { entry: "assembly/bench.ts" });
  const module = new WebAssembly.Module(wasm);
  return PIECES.map(({ name, prepare, work }) => {
    const pieces = new WebAssembly.Instance(module).exports as unknown as Pieces;
    prepare(pieces);
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
