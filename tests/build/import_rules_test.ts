/** Who may import whom: the picture in the design, kept true. */
import assert from "node:assert/strict";
import test from "node:test";
import { importsOf, readSource, type Source, sourcesIn, withoutComments } from "./sources.ts";

// Each part, and the parts whose files it may import besides its own.
const CORE: Record<string, string[]> = {
  layout: [],
  trap: ["layout", "base"],
  base: ["layout"],
  wire: ["base", "layout"],
  qdisc: ["base", "layout"],
  cc: ["base", "layout"],
  tcp: ["cc", "base", "layout"],
  sim: ["tcp", "qdisc", "wire", "base", "layout"],
  stack: ["sim", "tcp", "cc", "wire", "base", "layout"],
  index: ["trap", "stack", "sim", "tcp", "wire", "base", "layout"],
  bench: ["trap", "sim", "tcp", "wire", "cc", "qdisc", "base", "layout"],
};

const HOST: Record<string, string[]> = {
  core: [],
  scenario: ["core"],
  results: ["scenario", "core"],
  trace: ["scenario", "core"],
  packetdrill: ["sockets", "trace", "scenario", "core"],
  sockets: ["core"],
  endpoint: ["sockets", "trace", "scenario", "core"],
  version: [],
  streams: ["core"],
  simulation: ["streams", "version", "trace", "results", "scenario", "core"],
  mod: ["simulation", "streams", "version", "packetdrill", "trace", "results", "scenario", "core"],
  store: ["results"],
  experiment: ["mod", "simulation", "store", "results", "scenario", "core"],
  report: ["store", "results"],
  cli: [
    "mod",
    "simulation",
    "version",
    "experiment",
    "store",
    "report",
    "endpoint",
    "packetdrill",
    "trace",
    "results",
    "scenario",
  ],
  web: ["mod", "simulation", "experiment", "store", "report", "results", "scenario"],
};

/** Parts that may use npm packages and the runtime's own modules; all others run in a browser as they are. */
const WITH_LIBRARIES = ["cli", "endpoint", "report"];

/** Names that only some runtimes have. */
const RUNTIME_GLOBALS = /\b(?:(?:Deno|Bun|process|Buffer)\.\w|require\(|__dirname\b)/;

/** The part of `assembly/` or `src/` that a file belongs to: its folder, or its own name at the top. */
function partOf(path: string): string {
  return path.split("/")[1].replace(/\.ts$/, "");
}

function forbiddenImports(sources: Source[], folder: string, rules: Record<string, string[]>): string[] {
  return sources.flatMap(({ path, imports }) => {
    const part = partOf(path);
    if (!rules[part]) return [`${path}: "${part}" has no row in the table of this test`];
    return imports
      .filter((to) => to.startsWith(folder))
      .filter((to) => partOf(to) !== part && !rules[part].includes(partOf(to)))
      .map((to) => `${path}: "${part}" must not import ${to}`);
  });
}

test("core: each part imports only what the design lets it", () => {
  assert.deepEqual(forbiddenImports(sourcesIn("assembly", ".ts"), "assembly/", CORE), []);
});

test("core: nothing is imported from outside assembly/", () => {
  const outside = sourcesIn("assembly", ".ts")
    .flatMap(({ path, imports }) => imports.map((to) => ({ path, to })))
    .filter(({ to }) => !to.startsWith("assembly/"));
  assert.deepEqual(outside, []);
});

test("host: each part imports only what the design lets it", () => {
  assert.deepEqual(forbiddenImports(sourcesIn("src", ".ts"), "src/", HOST), []);
});

test("host: only src/core loads the wasm", () => {
  const loaders = sourcesIn("src", ".ts").filter(({ imports }) => imports.includes("src/core/wasm.gen.ts"));
  assert.deepEqual(loaders.filter(({ path }) => partOf(path) !== "core").map(({ path }) => path), []);
});

test("host: only the command line, the reports and the wire use libraries or the runtime", () => {
  const found = sourcesIn("src", ".ts")
    .filter(({ path }) => !WITH_LIBRARIES.includes(partOf(path)))
    .flatMap(({ path, imports }) => imports.filter((to) => !to.startsWith("src/")).map((to) => `${path}: ${to}`));
  assert.deepEqual(found, []);
});

test("mod: all that the main entry reaches is plain modules of src/ that name no runtime", () => {
  const reached = reachableFrom("src/mod.ts");
  assert.ok(reached.length > 5, "the walk from src/mod.ts found next to nothing");
  assert.deepEqual(
    reached.flatMap(({ path, imports }) => {
      return imports.filter((to) => !to.startsWith("src/")).map((to) => `${path}: ${to}`);
    }),
    [],
  );
  assert.deepEqual(
    reached.filter(({ text }) => RUNTIME_GLOBALS.test(withoutComments(text))).map(({ path }) => path),
    [],
  );
});

function reachableFrom(entry: string): Source[] {
  const reached = new Map<string, Source>();
  const visit = (path: string) => {
    if (reached.has(path) || !path.startsWith("src/")) return;
    const source = readSource(path);
    reached.set(path, source);
    source.imports.forEach(visit);
  };
  visit(entry);
  return [...reached.values()];
}

test("importsOf: sees every form of import, and none in comments", () => {
  const text = `/** import { no } from "./comment.ts"; */
// import "./line.ts";
import a, { b } from "./a.ts";
import type { C } from "npm:c";
import {
  d,
} from "node:d";
import "./effect.ts";
export * from "../star.ts";
export { e } from "./e.ts";
export const text = "from nowhere";
const lazy = await import("./lazy.ts");
`;
  assert.deepEqual(
    new Set(importsOf(text)),
    new Set(["./a.ts", "npm:c", "node:d", "./effect.ts", "../star.ts", "./e.ts", "./lazy.ts"]),
  );
});

test("forbiddenImports: names the file, the part and what it imported", () => {
  const source = {
    path: "assembly/cc/cubic.ts",
    text: "",
    imports: ["assembly/base/seq", "assembly/tcp/output", "assembly/cc/reno"],
  };
  assert.deepEqual(forbiddenImports([source], "assembly/", CORE), [
    `assembly/cc/cubic.ts: "cc" must not import assembly/tcp/output`,
  ]);
});
