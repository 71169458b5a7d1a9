/**
 * `deno task bench:ns3`: the same dumbbell on ns-3 and here, in turn, and the ratio of the two rates. Needs Debian's
 * packages of ns-3 and g++; says which are missing and installs nothing. Not part of the tests.
 */
import { execFile } from "node:child_process";
import { access, mkdir } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { simulate } from "../src/mod.ts";
import { dumbbell, type DumbbellSize, MSS } from "./lib/dumbbell.ts";
import { median } from "./lib/measurement.ts";
import { number } from "./lib/table.ts";

const run = promisify(execFile);

/** A file of each Debian package that the build needs. */
const NEEDED: Record<string, string> = {
  "g++": "/usr/bin/g++",
  "libns3-dev": "/usr/include/ns3/core-module.h",
  "libgsl-dev": "/usr/include/gsl/gsl_version.h",
};
// In the order of linking.
const MODULES = ["applications", "nix-vector-routing", "point-to-point", "internet", "network", "core"];
const SOURCE = fileURLToPath(new URL("peers/ns3/dumbbell.cc", import.meta.url));
const BINARY = fileURLToPath(new URL("../build/out/ns3-dumbbell", import.meta.url));

// Short, because ns-3 delivers some 15,000 segments a second.
const SIZES: DumbbellSize[] = [
  { flows: 10, rate_bps: 100e6, duration_s: 10 },
  { flows: 100, rate_bps: 1e9, duration_s: 1 },
];

// The size that takes ns-3 seconds takes us a tenth of one: the median is that of compiled code, as ns-3 is.
const OUR_RUNS = 9;

/** What `dumbbell.cc` prints. */
interface PeerResult {
  segments_per_wall_s: number;
  goodput_bps: number;
}

async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, file] of Object.entries(NEEDED)) await access(file).catch(() => missing.push(name));
  return missing;
}

async function buildPeer(): Promise<void> {
  await mkdir(new URL("../build/out/", import.meta.url), { recursive: true });
  const libraries = MODULES.map((name) => `-lns3-${name}`);
  await run("g++", ["-std=c++17", "-O3", SOURCE, "-o", BINARY, ...libraries]);
}

async function runPeer({ flows, rate_bps, duration_s }: DumbbellSize): Promise<PeerResult> {
  const { stdout } = await run(BINARY, [`--flows=${flows}`, `--rate=${rate_bps}`, `--seconds=${duration_s}`]);
  return JSON.parse(stdout);
}

async function compare(size: DumbbellSize): Promise<void> {
  const peer = await runPeer(size);
  const rates: number[] = [];
  let goodput_bps = 0;
  for (let i = 0; i < OUR_RUNS; i++) {
    const { aggregate, simulated_s, wall_s } = await simulate(dumbbell(size));
    // In order and full-sized, as PacketSink counts them over there.
    rates.push(aggregate.goodput_bps * simulated_s / 8 / MSS / wall_s);
    goodput_bps = aggregate.goodput_bps;
  }
  console.log(`${size.flows} flows, ${size.rate_bps / 1e6} Mbit/s, ${size.duration_s} s simulated`);
  console.log(`  ns-3  ${number(peer.segments_per_wall_s)} segments/s, goodput ${goodput(peer.goodput_bps)}`);
  console.log(`  cwnd  ${number(median(rates))} segments/s, goodput ${goodput(goodput_bps)}`);
  console.log(`  ratio ${number(median(rates) / peer.segments_per_wall_s)}`);
}

function goodput(rate_bps: number): string {
  return `${number(rate_bps / 1e6)} Mbit/s`;
}

const missing = await missingPackages();
if (missing.length > 0) {
  console.error(`ns-3 cannot be built here, Debian packages are missing: apt-get install ${missing.join(" ")}`);
  process.exitCode = 1;
} else {
  await buildPeer();
  for (const size of SIZES) await compare(size);
}
