/** How large it is and how fast it is there: many connections, an idle one, the start, the wasm. */
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { coreWasm } from "../src/core/wasm.gen.ts";
import { simulate } from "../src/mod.ts";
import { benchCore } from "./lib/bench_core.ts";
import { dumbbell, MSS } from "./lib/dumbbell.ts";
import { type Measurement, ofSamples } from "./lib/measurement.ts";

const MIB = 2 ** 20;
// So many that what the core takes for itself does not show.
const IDLE_CONNECTIONS = 10_000;

/** `flows` connections in one engine, and how many of them are established and have delivered data. */
export async function measureManyFlows(flows: number): Promise<Measurement[]> {
  // All start within a second. A receive window of 14 segments fills the path (8) and most of the queue (8) and loses
  // nothing, so that a connection that is not established, or has delivered nothing, is not the network's doing.
  const { flows: ends, memory_bytes, wall_s } = await simulate(dumbbell({
    flows,
    rate_bps: flows * 1e6,
    duration_s: 2,
    rtt_s: 0.1,
    stagger_s: 1 / flows,
    receive_buffer: 14 * MSS,
  }));
  const alive = ends.filter(({ state, bytes_acked }) => state === "ESTABLISHED" && bytes_acked > 0).length;
  const what = `${flows.toLocaleString("en")} flows in one engine`;
  return [
    {
      name: `${what}: established and sending`,
      value: alive,
      unit: "flows",
      must: flows,
      note: `${wall_s.toFixed(1)} s`,
    },
    { name: `${what}: memory`, value: memory_bytes / MIB, unit: "MiB", must: 1536, better: "lower" },
  ];
}

/** What a connection costs that is established and has nothing to send, over links that all share. */
export async function measureIdleConnection(): Promise<Measurement> {
  return {
    name: "an idle established connection, both ends",
    value: (await benchCore()).idleConnectionBytes(IDLE_CONNECTIONS),
    unit: "bytes",
    must: 1024,
    aim: 768,
    better: "lower",
    note: "with flow, routes and event",
  };
}

/** From the first import to a dumbbell of 100 flows that is ready to run, each time in a new process. */
export async function measureStart(runs: number): Promise<Measurement> {
  const child = fileURLToPath(new URL("start_child.ts", import.meta.url));
  const samples: number[] = [];
  // The first process fills the runtime's cache of transpiled sources, as an installation does, and is not counted.
  for (let i = 0; i <= runs; i++) {
    const { stdout } = await promisify(execFile)(process.execPath, ["run", "-A", child]);
    if (i > 0) samples.push(Number(stdout));
  }
  return ofSamples(samples, {
    name: "start: load, compile, build 100 flows",
    unit: "ms",
    must: 50,
    aim: 20,
    better: "lower",
  });
}

/** The optimized wasm. */
export function measureWasm(): Measurement {
  return { name: "the wasm", value: coreWasm().length / 1024, unit: "KiB", must: 128, aim: 64, better: "lower" };
}
