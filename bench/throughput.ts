/** Whole dumbbells: delivered segments per second of wall time, beside the yardstick, and what one segment costs. */
import { simulate } from "../src/mod.ts";
import { dumbbell, type DumbbellSize, MSS } from "./lib/dumbbell.ts";
import { type Measurement, median, ofSamples } from "./lib/measurement.ts";
import { loadYardstick, type Yardstick } from "./lib/yardstick.ts";

/** One run: its rate, and what a delivered segment cost. */
interface Run {
  segments_per_s: number;
  events_per_segment: number;
}

/** What is run beside the yardstick. */
export const SIZES: DumbbellSize[] = [
  { flows: 10, rate_bps: 100e6, duration_s: 100 },
  { flows: 100, rate_bps: 1e9, duration_s: 10 },
  { flows: 1000, rate_bps: 1e9, duration_s: 10 },
];

// A flow of the large one starts each 0.1 ms, so that all have started after a second.
const LARGE: DumbbellSize = { flows: 10_000, rate_bps: 10e9, duration_s: 5, rtt_s: 0.1, stagger_s: 0.0001 };

/** Runs every size `runs` times, the yardstick and ours in turn; durations are multiplied by `scale`. */
export async function measureThroughput(runs: number, scale: number): Promise<Measurement[]> {
  const yardstick = await loadYardstick();
  const rows: Measurement[] = [];
  for (const size of SIZES) rows.push(...await besideYardstick(yardstick, scaled(size, scale), runs));
  return [...rows, await largeAgainstThousand(runs, scale)];
}

/** At least five round trips, or nothing would be delivered. */
function scaled(size: DumbbellSize, scale: number): DumbbellSize {
  return { ...size, duration_s: Math.max(size.duration_s * scale, 5 * (size.rtt_s ?? 0.02)) };
}

async function besideYardstick(yardstick: Yardstick | null, size: DumbbellSize, runs: number): Promise<Measurement[]> {
  const theirs: number[] = [];
  const ours: Run[] = [];
  for (let i = 0; i < runs; i++) {
    if (yardstick) theirs.push(yardstick(size));
    ours.push(await run(size));
  }
  const rates = ours.map(({ segments_per_s }) => segments_per_s);
  const what = `dumbbell, ${size.flows} flows`;
  const asked = { must: 0.5, aim: 0.8 };
  return [
    ofSamples(rates, { name: what, unit: "segments/s" }),
    ofSamples(ours.map(({ events_per_segment }) => events_per_segment), {
      name: `${what}: cost`,
      unit: "events/segment",
    }),
    ofSamples(rates.map((rate) => 1e9 / rate), { name: `${what}: cost`, unit: "ns/segment" }),
    yardstick
      ? ofSamples(theirs, { name: `${what}: yardstick`, unit: "segments/s" })
      : { name: `${what}: yardstick`, value: null, unit: "segments/s", note: "no ../shared/yardstick here" },
    {
      name: `${what}: over the yardstick`,
      value: yardstick && median(rates) / median(theirs),
      unit: "",
      ...asked,
      note: yardstick ? "medians of interleaved runs" : "no ../shared/yardstick here",
    },
  ];
}

async function largeAgainstThousand(runs: number, scale: number): Promise<Measurement> {
  const large: number[] = [];
  const thousand: number[] = [];
  for (let i = 0; i < runs; i++) {
    thousand.push((await run(scaled(SIZES[2], scale))).segments_per_s);
    large.push((await run(scaled(LARGE, scale))).segments_per_s);
  }
  return {
    name: `${LARGE.flows.toLocaleString("en")} flows at 10 Gbit/s, 100 ms: over 1000 flows`,
    value: median(large) / median(thousand),
    unit: "",
    samples: large.map((rate, i) => rate / thousand[i]),
    must: 0.5,
    aim: 1,
    note: `${Math.round(median(large)).toLocaleString("en")} segments/s`,
  };
}

/** Counts what the yardstick counts: full segments delivered in order. */
async function run(size: DumbbellSize): Promise<Run> {
  const { aggregate, simulated_s, wall_s, events } = await simulate(dumbbell(size));
  const segments = aggregate.goodput_bps * simulated_s / 8 / MSS;
  return { segments_per_s: segments / wall_s, events_per_segment: events / segments };
}
