import assert from "node:assert/strict";
import test from "node:test";
import { VERSION } from "../../src/version.ts";
import { cwnd, inFolder } from "./command.ts";

/** One name that each list must have. */
const LISTS = { cc: "cubic", qdisc: "droptail", topology: "dumbbell", workload: "bulk", loss: "bernoulli" };

for (const [what, name] of Object.entries(LISTS)) {
  test(`cwnd list ${what}: names each with its source and parameters, for people and for programs`, async () => {
    await inFolder(async (folder) => {
      const text = await cwnd(folder, "list", what);
      const json = await cwnd(folder, "list", what, "--json");
      assert.deepEqual([text.status, text.stderr, json.status, json.stderr], [0, "", 0, ""]);
      const entries = JSON.parse(json.stdout) as { name: string; source: string; parameters: { name: string }[] }[];
      assert.ok(entries.some((entry) => entry.name === name), `no ${name}`);
      for (const { name, source, parameters } of entries) {
        assert.ok(source.length > 0, `${name} has no source`);
        assert.ok(text.stdout.includes(`${name}  ${source}\n`), `the text lacks ${name}`);
        for (const parameter of parameters) assert.ok(text.stdout.includes(`  ${parameter.name} `), parameter.name);
      }
    });
  });
}

test("cwnd schema: prints the JSON Schema of scenario files", async () => {
  await inFolder(async (folder) => {
    const outcome = await cwnd(folder, "schema");
    assert.deepEqual([outcome.status, outcome.stderr], [0, ""]);
    const schema = JSON.parse(outcome.stdout);
    assert.match(schema.$schema, /^https:\/\/json-schema\.org\//);
    assert.deepEqual(schema.required.sort(), ["flows", "topology"]);
  });
});

test("cwnd --help: shows the verbs on standard output and exits 0", async () => {
  await inFolder(async (folder) => {
    const outcome = await cwnd(folder, "--help");
    assert.deepEqual([outcome.status, outcome.stderr], [0, ""]);
    for (const verb of ["run", "list", "schema"]) assert.match(outcome.stdout, new RegExp(`^  ${verb} `, "m"));
  });
});

test("cwnd run --help: shows the options of the verb", async () => {
  await inFolder(async (folder) => {
    const outcome = await cwnd(folder, "run", "--help");
    assert.equal(outcome.status, 0);
    for (const option of ["set", "seed", "duration", "json", "out", "pcap", "quiet"]) {
      assert.match(outcome.stdout, new RegExp(`^ +--${option}\\b`, "m"));
    }
  });
});

test("cwnd --version: prints the version alone", async () => {
  await inFolder(async (folder) => {
    assert.deepEqual(await cwnd(folder, "--version"), { status: 0, stdout: `${VERSION}\n`, stderr: "" });
  });
});
