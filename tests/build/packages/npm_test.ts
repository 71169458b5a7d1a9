/** The npm package as its users meet it: installed from the tarball into an empty project, under every runtime. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { importsOf } from "../sources.ts";
import { DENO, Project, ROOT, RUNTIMES } from "./project.ts";

const project = new Project();
const installed = join(project.folder, "node_modules/@cwnd/cwnd");
const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
after(() => project.remove());

// Losses, reordering and both controllers: whatever could differ between two runtimes has a chance to.
const scenario = project.write(
  "scenario.json",
  JSON.stringify({
    duration: "5s",
    topology: {
      kind: "dumbbell",
      bottleneck: {
        rate: "20Mbps",
        delay: "5ms",
        queue: { kind: "droptail", limit: "1bdp" },
        loss: { kind: "bernoulli", p: 0.002 },
      },
      access: { rate: "1Gbps", delay: "2ms" },
    },
    flows: [{ name: "cubic", count: 5, cc: "cubic", stagger: "100ms" }, { name: "reno", count: 5, cc: "reno" }],
    record: { interval: "100ms", series: ["cwnd", "srtt"] },
  }),
);
const IMPORT = `
  import { simulate } from "@cwnd/cwnd";
  import { readFileSync } from "node:fs";
  const result = await simulate(JSON.parse(readFileSync(${JSON.stringify(scenario)}, "utf8")));
  console.log(result.digest);
`;

const ENTRIES = `
  import { AF_INET, Host, SOCK_STREAM } from "@cwnd/cwnd/sockets";
  import { drill } from "@cwnd/cwnd/packetdrill";
  import { echo, EmulatedPath, LiveHost } from "@cwnd/cwnd/endpoint";
  const report = await drill("a.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
  const host = await Host.create();
  const path = await EmulatedPath.create({ topology: { kind: "path", links: [{ rate: "1Mbps", delay: "1ms" }] } });
  const live = await LiveHost.open({ tunnel: { port: 7200, peerPort: 7201 }, addresses: ["10.77.0.2", "fd77::2"], path });
  live.listen(7, echo);
  console.log(report.outcome, host.socket(AF_INET, SOCK_STREAM), live.statistics().links.length);
  await live.close();
`;

/** What a run prints, without what the machine decides. */
function outcome(json: string): Record<string, unknown> {
  const { wall_s, segments_per_wall_s, ...simulated } = JSON.parse(json);
  assert.ok(wall_s > 0 && segments_per_wall_s > 0);
  return simulated;
}

const expected = outcome(project.run(...DENO, join(ROOT, "src/cli/main.ts"), "run", scenario, "--json"));

test("npm package: the scenario that is compared is one worth comparing", () => {
  assert.match(expected.digest as string, /^[0-9a-f]{16}$/);
  assert.ok(expected.segments_delivered as number > 5000);
  const flows = expected.flows as { retransmits: number }[];
  assert.ok(flows.every(({ retransmits }) => retransmits > 0));
});

test("npm package: installs without scripts of its own or of what it depends on", () => {
  assert.equal(manifest.scripts, undefined);
  const lock = JSON.parse(readFileSync(join(project.folder, "package-lock.json"), "utf8"));
  const withScripts = Object.entries<{ hasInstallScript?: boolean }>(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript);
  assert.deepEqual(withScripts, []);
});

test("npm package: every file that package.json names is there", () => {
  const named = [manifest.main, manifest.types, ...Object.values(manifest.bin), ...Object.values(manifest.exports)]
    .flatMap((entry) => typeof entry === "string" ? [entry] : Object.values(entry)) as string[];
  assert.ok(named.length >= 9);
  assert.deepEqual(named.filter((name) => !existsSync(join(installed, name))), []);
});

test("npm package: carries the licence, the changelog and nothing but JavaScript, types and documents", () => {
  const files = project.run("tar", "-tzf", project.tarball).trim().split("\n").map((name) =>
    name.slice("package/".length)
  );
  for (const name of ["LICENSE", "README.md", "CHANGELOG.md"]) assert.ok(files.includes(name), name);
  assert.deepEqual(files.filter((name) => !/^(src\/.*\.(js|d\.ts)|package\.json|LICENSE|\w+\.md)$/.test(name)), []);
});

for (const entry of ["src/mod.js", "src/sockets/mod.js", "src/packetdrill/mod.js"]) {
  test(`npm package: ${entry} pulls in no dependency`, () => {
    const pending = [entry];
    const reached = new Set<string>();
    for (const name of pending) {
      if (reached.has(name)) continue;
      reached.add(name);
      for (const specifier of importsOf(readFileSync(join(installed, name), "utf8"))) {
        assert.match(specifier, /^\.\.?\//, `${name} imports ${specifier}`);
        pending.push(join(name, "..", specifier));
      }
    }
    assert.ok(reached.size > 5, `the walk from ${entry} found next to nothing`);
  });
}

test("npm package: TypeScript checks a program against its types", () => {
  project.run("npm", "install", "--ignore-scripts", "--no-save", "typescript@5.9.3");
  project.write(
    "right.ts",
    `import { simulate } from "@cwnd/cwnd";
    const result = await simulate({
      topology: { kind: "dumbbell", bottleneck: { rate: "1Mbps", delay: "1ms" }, access: { rate: "1Gbps", delay: "1ms" } },
      flows: [{ count: 2, cc: "cubic" }],
    });
    const jain: number = result.aggregate.jain;
    console.log(jain, result.flows[0].cwnd_mean.toFixed(1));
  `,
  );
  project.write(
    "wrong.ts",
    `import { simulate } from "@cwnd/cwnd";\nconst jain: string = (await simulate({ flows: 3 })).jain;\n`,
  );
  const tsc: [string, ...string[]] = [
    "npx",
    "tsc",
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2022",
  ];
  project.run(...tsc, "--lib", "es2022,dom", "right.ts");
  assert.throws(() => project.run(...tsc, "--lib", "es2022,dom", "wrong.ts"), ({ stdout }) => {
    assert.match(stdout, /Type 'number' is not assignable/);
    assert.match(stdout, /Property 'jain' does not exist/);
    return true;
  });
});

test("npm package: the command is on the project's path and says what it wants", () => {
  assert.throws(() => project.run("npx", "--no-install", "cwnd", "fly"), ({ status, stderr }) => {
    assert.equal(status, 2);
    assert.match(stderr, /^cwnd: unknown verb "fly"/m);
    return true;
  });
});

for (const [name, runtime] of Object.entries(RUNTIMES)) {
  test(`npm package: the command gives under ${name} what Deno gives from source, bit for bit`, () => {
    const json = project.run(...runtime, join(installed, manifest.bin.cwnd), "run", scenario, "--json");
    assert.deepEqual(outcome(json), expected);
  });

  test(`npm package: simulate, imported under ${name}, gives the same digest`, () => {
    assert.equal(project.run(...runtime, project.write("import.js", IMPORT)).trim(), expected.digest);
  });

  test(`npm package: sockets, scripts and the endpoint, imported under ${name}, do their work`, () => {
    assert.equal(project.run(...runtime, project.write("entries.js", ENTRIES)).trim(), "passed 3 2");
  });
}
