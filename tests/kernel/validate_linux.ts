/**
 * `deno task validate:linux`: one link, once with the kernel's sender over it in real time and once with ours in
 * simulation; prints how they compare and writes it to docs/validation/linux.md. Needs what the tests beside it need.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Session, sink } from "../../src/endpoint/session.ts";
import { simulate } from "../../src/mod.ts";
import type { Loss, PathLink } from "../../src/scenario/types.ts";
import { kernelConnect, receiveAll, runProgram, sendPattern, withWire } from "./wire.ts";

const PAGE = fileURLToPath(new URL("../../docs/validation/linux.md", import.meta.url));
const BEGIN = "<!-- begin of the tables: written by deno task validate:linux -->";
const END = "<!-- end of the tables -->";

const BYTES = 10_000_000;
const SAMPLE_MS = 50;
/** The kernel's runs are in real time, and no two are alike: the one in the middle, by its time, is shown. */
const RUNS = 3;
/** Instants at which windows are set side by side. */
const INSTANTS_S = [0.2, 0.4, 0.6, 0.8, 1, 1.5, 2, 2.5, 3, 3.5, 4];

const BASE_RTT_MS = 40;
const LINK: PathLink = { rate: "20Mbps", delay: "20ms", queue: { kind: "droptail", limit: "1bdp" } };
const LOSSES: Record<string, Loss | undefined> = {
  "the queue's own": undefined,
  "packets 30, 500, 2000": { kind: "list", packets: [30, 500, 2000] },
  "packets 300 to 309, 3000": {
    kind: "list",
    packets: [...Array.from({ length: 10 }, (_, i) => 300 + i), 3000],
  },
};

/** A sample a row of each column; time from the SYN. */
interface Outcome {
  completion_s: number;
  retransmits: number;
  time_s: number[];
  cwnd: number[];
  srtt_ms: number[];
}

function retransmitted(): number {
  const [names, values] = readFileSync("/proc/net/snmp", "utf8").split("\n").filter((line) => line.startsWith("Tcp:"));
  return Number(values.split(" ")[names.split(" ").indexOf("RetransSegs")]);
}

/** A sink that knows when the connection was there and when all had come. */
function timedSink(): { session: Session; begun_ms: () => number; ended_ms: () => number } {
  const reader = sink(false);
  let begun = 0;
  let ended = 0;
  const session: Session = {
    turn(stream) {
      begun ||= performance.now();
      const end = reader.turn(stream);
      if (end === "done") ended = performance.now();
      return end;
    },
  };
  return { session, begun_ms: () => begun, ended_ms: () => ended };
}

/**
 * The kernel's sender into the engine's receiver, timed there: the SYN left one and a half base round trips before the
 * connection is accepted, and the last ACK takes half of one.
 */
function kernelRun(cc: string, link: PathLink): Promise<Outcome> {
  return withWire({ link, kernelCongestionControl: cc }, async ({ live, engine }) => {
    const { session, begun_ms, ended_ms } = timedSink();
    live.listen(9, () => session);
    const before = retransmitted();
    const samples: { at_ms: number; cwnd: number; srtt_ms: number }[] = [];
    let done = false;
    const sampled = (async (): Promise<void> => {
      while (!done) {
        const { stdout } = await runProgram("ss", "-tinH", "dst", engine);
        const [cwnd, srtt] = [/\bcwnd:(\d+)/, / rtt:([\d.]+)/].map((field) => field.exec(stdout)?.[1]);
        if (cwnd && srtt) samples.push({ at_ms: performance.now(), cwnd: Number(cwnd), srtt_ms: Number(srtt) });
        await pause(SAMPLE_MS);
      }
    })();
    const socket = await kernelConnect(engine, 9);
    await Promise.all([sendPattern(socket, BYTES), receiveAll(socket)]);
    const retransmits = retransmitted() - before;
    done = true;
    await sampled;
    const syn_ms = begun_ms() - 1.5 * BASE_RTT_MS;
    return {
      completion_s: (ended_ms() + 0.5 * BASE_RTT_MS - syn_ms) / 1000,
      retransmits,
      time_s: samples.map(({ at_ms }) => (at_ms - syn_ms) / 1000),
      cwnd: samples.map(({ cwnd }) => cwnd),
      srtt_ms: samples.map(({ srtt_ms }) => srtt_ms),
    };
  });
}

/** Our sender in simulation. */
async function simulatedRun(cc: string, link: PathLink): Promise<Outcome> {
  const { flows: [flow], series } = await simulate({
    topology: { kind: "path", links: [link] },
    flows: [{ cc, bytes: BYTES }],
    duration: "60s",
    record: { interval: `${SAMPLE_MS}ms`, series: ["cwnd", "srtt"] },
  });
  const completion_s = flow.fct_s!;
  const count = series!.time_s.findIndex((time) => time > completion_s);
  return {
    completion_s,
    retransmits: flow.retransmits,
    time_s: [...series!.time_s].slice(0, count),
    cwnd: [...series!.flows["0"].cwnd!].slice(0, count),
    srtt_ms: [...series!.flows["0"].srtt_ms!].slice(0, count),
  };
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function summary(what: string, { completion_s, retransmits, cwnd, srtt_ms }: Outcome): string {
  const windows = [mean(cwnd).toFixed(1), Math.max(...cwnd)];
  const cells = [what, completion_s.toFixed(2), retransmits, ...windows, mean(srtt_ms).toFixed(1)];
  return `| ${cells.join(" | ")} |`;
}

/** The window at an instant: the latest sample before it. */
function windowAt({ time_s, cwnd }: Outcome, instant: number): string {
  const after = time_s.findIndex((time) => time > instant);
  return after > 0 ? String(Math.round(cwnd[after - 1])) : "";
}

async function tables(): Promise<string> {
  const totals = [
    "| cc | losses | sender | completion (s) | sent again | mean cwnd | largest cwnd | mean srtt (ms) |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
  ];
  const windows = [
    `| cc | losses | sender | ${INSTANTS_S.map((instant) => `${instant} s`).join(" | ")} |`,
    `| --- | --- | --- |${" --- |".repeat(INSTANTS_S.length)}`,
  ];
  for (const cc of ["cubic", "reno"]) {
    for (const [losses, loss] of Object.entries(LOSSES)) {
      const link = { ...LINK, loss };
      const runs: Outcome[] = [];
      for (let i = 0; i < RUNS; i++) runs.push(await kernelRun(cc, link));
      const kernel = runs.sort((a, b) => a.completion_s - b.completion_s)[RUNS >> 1];
      const ours = await simulatedRun(cc, link);
      for (const [sender, outcome] of [["Linux", kernel], ["cwnd", ours]] as const) {
        totals.push(summary(`${cc} | ${losses} | ${sender}`, outcome));
        const row = INSTANTS_S.map((instant) => windowAt(outcome, instant));
        windows.push(`| ${cc} | ${losses} | ${sender} | ${row.join(" | ")} |`);
      }
    }
  }
  const heading = `Linux ${release()}, the middle one of ${RUNS} runs; cwnd in segments.`;
  return [heading, totals.join("\n"), "The window in time:", windows.join("\n")].join("\n\n");
}

if (process.argv.includes("--inside")) {
  const text = await tables();
  console.log(text);
  const page = readFileSync(PAGE, "utf8");
  const [head, tail] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (head < 0 || tail < head) throw new Error(`${PAGE}: the marks around the tables are missing`);
  writeFileSync(PAGE, `${page.slice(0, head)}${BEGIN}\n\n${text}\n\n${page.slice(tail)}`);
  process.exit();
} else {
  const script = `ip link set lo up && exec "$0" "$@"`;
  const self = [process.execPath, "run", "-A", fileURLToPath(import.meta.url), "--inside"];
  const { status } = spawnSync("unshare", ["--net", "sh", "-c", script, ...self], { stdio: "inherit" });
  process.exitCode = status ?? 1;
}
