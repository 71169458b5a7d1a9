/** Run by `size.ts` in a process of its own: prints the milliseconds from nothing loaded to a scenario ready to run. */
import type { DumbbellSize } from "./lib/dumbbell.ts";

const SIZE: DumbbellSize = { flows: 100, rate_bps: 1e9, duration_s: 10 };

const began = performance.now();
const { Simulation } = await import("../src/mod.ts");
const { dumbbell } = await import("./lib/dumbbell.ts");
const simulation = await Simulation.create(dumbbell(SIZE));
console.log(performance.now() - began);
simulation.close();
