/** The wasm of `assembly/bench.ts`: the core's sources, and loops around them. */
import { fileURLToPath } from "node:url";
import { compileCore } from "../../build/compile.ts";

/** Its exports. Those with a `count` do their work that many times. */
export interface BenchCore {
  /** Must come first, except before `idleConnectionBytes`; leaves `pendingEvents` in the event queue. */
  prepare(pendingEvents: number): void;
  connect(timestamps: boolean): void;
  sendFlight(): void;
  checksums(count: number): void;
  optionParses(count: number): void;
  queueSteps(count: number): void;
  dataSegments(count: number): void;
  acks(count: number): void;
  selectiveAcks(count: number): void;
  idleConnectionBytes(connections: number): number;
}

let compiled: Promise<WebAssembly.Module> | undefined;

/** A fresh instance; compiles the first time. */
export async function benchCore(): Promise<BenchCore> {
  compiled ??= compileCore(fileURLToPath(new URL("../../", import.meta.url)), { entry: "assembly/bench.ts" })
    .then(({ wasm }) => new WebAssembly.Module(wasm));
  return new WebAssembly.Instance(await compiled).exports as unknown as BenchCore;
}
