/** `profile.ts [flows] [runs]`: one size of the dumbbell again and again, for a profiler; `bench/README.md` says how. */
import process from "node:process";
import { simulate } from "../src/mod.ts";
import { dumbbell } from "./lib/dumbbell.ts";
import { number } from "./lib/table.ts";
import { SIZES } from "./throughput.ts";

const [flows = "100", runs = "5"] = process.argv.slice(2);
const size = SIZES.find((size) => size.flows === Number(flows));
if (size) {
  for (let i = 0; i < Number(runs); i++) {
    const { segments_per_wall_s, segments_delivered, events, wall_s } = await simulate(dumbbell(size));
    console.log(
      `${number(segments_per_wall_s)} segments/s, ${number(1e9 / segments_per_wall_s)} ns/segment, ` +
        `${number(events / segments_delivered)} events/segment, ${number(wall_s * 1e9 / events)} ns/event`,
    );
  }
} else {
  console.error(`profile.ts: no dumbbell of "${flows}" flows, expected one of ${SIZES.map(({ flows }) => flows)}`);
  process.exitCode = 2;
}
