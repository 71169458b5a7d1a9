/** Counts which way the core's branches go in the dumbbells that the benchmarks run, for `branch_hints.ts`. */
import { dumbbell, type DumbbellSize } from "../bench/lib/dumbbell.ts";
import { Engine } from "../src/core/engine.ts";
import { Engine as EngineLayout, RunStatus } from "../src/core/layout.gen.ts";
import { compile } from "../src/scenario/compile.ts";
import { normalize } from "../src/scenario/normalize.ts";
import { branchCount, instrument } from "./branch_hints.ts";

const SIZES: DumbbellSize[] = [
  { flows: 10, rate_bps: 1e8, duration_s: 20 },
  { flows: 100, rate_bps: 1e9, duration_s: 2 },
  { flows: 1000, rate_bps: 1e9, duration_s: 2 },
];
/** Beyond all that these runs need of memory. */
const COUNTERS = 128 * 2 ** 20;
const PAGE = 65536;
const SLICE_EVENTS = 1e6;

/** How often each branch's condition held, and how often it did not, one after the other. */
export async function profile(wasm: Uint8Array): Promise<Uint32Array> {
  const module = await WebAssembly.compile(instrument(wasm, COUNTERS));
  const length = 2 * branchCount(wasm);
  const sums = new Uint32Array(length);
  for (const size of SIZES) {
    const engine = await Engine.load(module);
    const { memory } = engine.exports;
    memory.grow(COUNTERS / PAGE + Math.ceil(4 * length / PAGE) - memory.buffer.byteLength / PAGE);
    const spec = normalize(dumbbell(size));
    compile(engine, spec, false);
    while (engine.exports.run(BigInt(spec.duration_ns), SLICE_EVENTS) !== RunStatus.DONE);
    if (engine.get(engine.root, EngineLayout.arena_top) > COUNTERS) {
      throw new Error("the profile has overrun its memory");
    }
    new Uint32Array(memory.buffer, COUNTERS, length).forEach((count, k) => sums[k] += count);
  }
  return sums;
}
