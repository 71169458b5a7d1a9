import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { cwnd, inFolder, SCENARIO, start } from "./command.ts";

/** Every file below a folder, as paths relative to it. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
}

test("cwnd run --json: one document on standard output and nothing else anywhere", async () => {
  await inFolder(async (folder) => {
    const outcome = await cwnd(folder, "run", "scenario.json", "--json");
    assert.deepEqual([outcome.status, outcome.stderr], [0, ""]);
    const document = JSON.parse(outcome.stdout);
    assert.equal(document.name, SCENARIO.name);
    assert.equal(document.flows.length, 2);
    assert.match(document.digest, /^[0-9a-f]{16}$/);
    assert.ok(document.aggregate.throughput_bps > 5e6, "the bottleneck of 10 Mbit/s stayed half empty");
    assert.equal(document.series.flows["0"].cwnd.length, document.series.time_s.length);
    assert.deepEqual(filesIn(folder), ["scenario.json"]);
  });
});

test("cwnd run: comments are allowed, and options take the place of fields", async () => {
  const text = `// a comment\n${JSON.stringify(SCENARIO)} /* and another */`;
  await inFolder(async (folder) => {
    const options = ["--seed", "7", "--duration", "1s", "--set", "flows[0].cc=reno", "--set", "flows[0].count=3"];
    const outcome = await cwnd(folder, "run", "scenario.json", "--json", ...options);
    assert.deepEqual([outcome.status, outcome.stderr], [0, ""]);
    const { seed, simulated_s, flows } = JSON.parse(outcome.stdout);
    assert.deepEqual([seed, simulated_s, flows.length, flows[0].cc], ["7", 1, 3, "reno"]);
  }, text);
});

test("cwnd run: the same seed gives the same digest, another seed another", async () => {
  await inFolder(async (folder) => {
    const digest = async (seed: string): Promise<string> => {
      return JSON.parse((await cwnd(folder, "run", "scenario.json", "--json", "--seed", seed)).stdout).digest;
    };
    const first = await digest("1");
    assert.equal(await digest("1"), first);
    assert.notEqual(await digest("2"), first);
  });
});

test("cwnd run: people get tables and charts, without colour in a pipe", async () => {
  await inFolder(async (folder) => {
    const outcome = await cwnd(folder, "run", "scenario.json");
    assert.deepEqual([outcome.status, outcome.stderr], [0, ""]);
    for (const part of [/^two flows$/m, /^cubic 0 /m, /^cubic 1 /m, /^bottleneck /m, /^all 2 flows /m]) {
      assert.match(outcome.stdout, part);
    }
    for (const chart of [/^cwnd \(segments\)/m, /^throughput \([kMG]bit\/s\)/m, /^queue \(packets\)/m]) {
      assert.match(outcome.stdout, chart);
    }
    assert.ok(!outcome.stdout.includes("\x1b"), "an escape sequence in a pipe");
  });
});

test("cwnd run --quiet: says nothing when all is well", async () => {
  await inFolder(async (folder) => {
    assert.deepEqual(await cwnd(folder, "run", "scenario.json", "--quiet"), { status: 0, stdout: "", stderr: "" });
  });
});

test("cwnd run --out: keeps scenario, summary, series and figures, and says where", async () => {
  await inFolder(async (folder) => {
    const outcome = await cwnd(folder, "run", "scenario.json", "--seed", "5", "--out", "a/b");
    assert.equal(outcome.status, 0, outcome.stderr);
    const files = filesIn(join(folder, "a/b"));
    const quantities = ["cwnd", "queue_packets", "srtt_ms", "throughput_bps"];
    assert.deepEqual(files, [
      ...["cwnd", "queue", "rtt", "throughput"].map((name) => `figures/${name}.svg`),
      "scenario.json",
      ...quantities.map((name) => `series/${name}.csv`),
      "summary.json",
    ]);
    for (const file of files) assert.ok(outcome.stdout.includes(`wrote ${join("a/b", file)}\n`), file);

    const document = JSON.parse((await cwnd(folder, "run", "a/b/scenario.json", "--json")).stdout);
    const summary = JSON.parse(readFileSync(join(folder, "a/b/summary.json"), "utf8"));
    assert.equal(summary.digest, document.digest, "the kept scenario does not repeat the run");
    assert.deepEqual([summary.flows, summary.links, summary.aggregate], [
      document.flows,
      document.links,
      document.aggregate,
    ]);

    const [head, ...rows] = readFileSync(join(folder, "a/b/series/cwnd.csv"), "utf8").trimEnd().split("\n");
    assert.equal(head, "time_s,0,1");
    const column = rows.map((row) => Number(row.split(",")[1]));
    assert.deepEqual(column, document.series.flows["0"].cwnd);
    assert.match(readFileSync(join(folder, "a/b/figures/cwnd.svg"), "utf8"), /^<svg [\s\S]*<\/svg>\n$/);
  });
});

test("cwnd run --out: a second run takes the place of the first", async () => {
  await inFolder(async (folder) => {
    for (const seed of ["1", "2"]) {
      assert.equal((await cwnd(folder, "run", "scenario.json", "--quiet", "--seed", seed, "--out", "out")).status, 0);
    }
    assert.equal(JSON.parse(readFileSync(join(folder, "out/summary.json"), "utf8")).seed, "2");
    assert.ok(filesIn(folder).every((name) => !name.endsWith(".tmp")));
  });
});

test("cwnd run --pcap: writes whole pcapng blocks to the end", async () => {
  await inFolder(async (folder) => {
    const outcome = await cwnd(folder, "run", "scenario.json", "--quiet", "--pcap", "captures/packets.pcapng");
    assert.equal(outcome.status, 0, outcome.stderr);
    assert.deepEqual(filesIn(folder), ["captures/packets.pcapng", "scenario.json"]);
    const bytes = readFileSync(join(folder, "captures/packets.pcapng"));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const types = new Map<number, number>();
    for (let at = 0; at < bytes.length;) {
      const length = view.getUint32(at + 4, true);
      types.set(view.getUint32(at, true), (types.get(view.getUint32(at, true)) ?? 0) + 1);
      assert.equal(view.getUint32(at + length - 4, true), length, `the block at ${at} is not whole`);
      at += length;
    }
    assert.equal(view.getUint32(0, true), 0x0a0d0d0a);
    // Two flows at 10 Mbit/s for two seconds: well over a thousand packets pass.
    assert.ok(types.get(6)! > 1000, `${types.get(6)} packets`);
  });
});

test("cwnd run: Ctrl-C prints what was measured so far, marked as partial, keeps the files, and exits 130", async () => {
  await inFolder(async (folder) => {
    const { child, ended } = start(folder, [
      "run",
      "scenario.json",
      "--json",
      "--out",
      "out",
      "--pcap",
      "packets.pcapng",
    ]);
    // A megabyte of headers means that several seconds have been simulated; a day would take minutes.
    await until(() => temporarySize(folder) > 1_000_000);
    child.kill("SIGINT");
    const outcome = await ended;
    assert.deepEqual([outcome.status, outcome.stderr], [130, ""]);
    const document = JSON.parse(outcome.stdout);
    assert.equal(document.partial, true);
    assert.ok(document.simulated_s > 0 && document.simulated_s < 100_000, `${document.simulated_s} s`);
    assert.ok(document.aggregate.throughput_bps > 5e6, `${document.aggregate.throughput_bps} bit/s`);
    assert.equal(JSON.parse(readFileSync(join(folder, "out/summary.json"), "utf8")).partial, true);
    assert.ok(statSync(join(folder, "packets.pcapng")).size > 1_000_000);
    assert.ok(filesIn(folder).every((name) => !name.endsWith(".tmp")));
  }, { ...SCENARIO, duration: "100000s", record: { interval: "10s", series: ["cwnd"] } });
});

/** Size of the capture while it is being written. */
function temporarySize(folder: string): number {
  const name = readdirSync(folder).find((each) => each.startsWith("packets.pcapng."));
  return name === undefined ? 0 : statSync(join(folder, name)).size;
}

async function until(condition: () => boolean): Promise<void> {
  const end_ms = performance.now() + 30_000;
  while (!condition()) {
    assert.ok(performance.now() < end_ms, "waited 30 s in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("cwnd run: a reader that leaves early is no error", async () => {
  await inFolder(async (folder) => {
    const { child, ended } = start(folder, ["run", "scenario.json", "--json", "--set", "record.interval=1ms"]);
    child.stdout!.once("data", () => child.stdout!.destroy());
    const outcome = await ended;
    assert.deepEqual([outcome.status, outcome.stderr], [0, ""]);
  });
});
