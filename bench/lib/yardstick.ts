/**
 * The yardstick: a bare AssemblyScript event loop with a toy sender and no TCP, kept outside this repository in
 * `shared/yardstick` beside the checkout. It says what this machine gives an event loop of this kind.
 */
import { readFile } from "node:fs/promises";
import type { DumbbellSize } from "./dumbbell.ts";

interface Exports {
  setup(flows: number, rate_bps: number, rtt_ns: number): void;
  run(until_ns: number): void;
  delivered(): number;
}

/** Runs one dumbbell and answers the segments delivered in order per second of wall time. */
export type Yardstick = (size: DumbbellSize) => number;

/** Where the yardstick is looked for. */
export const YARDSTICK_URL: URL = new URL("../../../shared/yardstick/core.wasm", import.meta.url);

/** The yardstick, or `null` where there is none. */
export async function loadYardstick(url: URL = YARDSTICK_URL): Promise<Yardstick | null> {
  const bytes = await readFile(url).catch((error) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (bytes === null) return null;
  const module = new WebAssembly.Module(new Uint8Array(bytes));

  return ({ flows, rate_bps, duration_s, rtt_s = 0.02 }) => {
    const core = new WebAssembly.Instance(module, { env: { abort } }).exports as unknown as Exports;
    core.setup(flows, rate_bps, rtt_s * 1e9);
    const began = performance.now();
    core.run(duration_s * 1e9);
    const wall_s = (performance.now() - began) / 1e3;
    return core.delivered() / wall_s;
  };
}

function abort(): never {
  throw new Error("the yardstick aborted");
}
