/** On what the numbers were measured: they mean nothing without it. */
import { cpus, loadavg, totalmem } from "node:os";
import process from "node:process";

/** The machine and the runtime, as stored with the results. */
export interface Machine {
  cpu: string;
  cores: number;
  memory_gib: number;
  runtime: string;
  v8: string;
  /** Processes that wanted to run over the last minute, before the benchmarks began. */
  load: number;
}

/** Describes this machine. */
export function machine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? "unknown",
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    runtime: process.versions.deno ? `deno ${process.versions.deno}` : `node ${process.versions.node}`,
    v8: process.versions.v8,
    load: loadavg()[0],
  };
}
