/** What the documents name is there: links, files, folders, tasks. */
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path/posix";
import { test } from "node:test";
import { sourcesIn } from "../build/sources.ts";
import { blocksOf, filesNamedIn, linkResolves, linksOf, readDocument, ROOT, rowsOf } from "./markdown.ts";

const DOCUMENTS = sourcesIn("", ".md");
/** Written by builds and runs, or by users. */
const MADE = /^(build\/out|out|bench\/results)\/|\.gen\.ts$|^(scenario|result|deno)\.json$/;
/** Folders that ARCHITECTURE.md leaves out of its paths. */
const BASES = ["", "assembly", "src"];

const everyFile = sourcesIn("", "").map(({ path }) => path);

test("documents: every link leads somewhere", () => {
  const dead = DOCUMENTS.flatMap(({ path, text }) =>
    linksOf(text).filter((link) => !linkResolves(path, link)).map((link) => `${path}: ${link}`)
  );
  assert.deepEqual(dead, []);
});

test("documents: every file that is named exists", () => {
  // Beside its neighbours a file is named without its folder.
  const exists = (name: string): boolean =>
    existsSync(join(ROOT, name)) || everyFile.some((path) => `/${path}`.includes(`/${name}`));
  const missing = DOCUMENTS.flatMap(({ path, text }) =>
    filesNamedIn(text).filter((name) => !MADE.test(name) && !exists(name)).map((name) => `${path}: ${name}`)
  );
  assert.deepEqual(missing, []);
});

test("ARCHITECTURE.md: names files from the root, or from assembly/ or src/", () => {
  const named = filesNamedIn(readDocument("ARCHITECTURE.md")).filter((name) => !MADE.test(name));
  assert.ok(named.length > 50, "found next to no files");
  const missing = named.filter((name) => !BASES.some((base) => existsSync(join(ROOT, base, name))));
  assert.deepEqual(missing, []);
});

test("ARCHITECTURE.md: leaves out no part of the core and the host", () => {
  const text = readDocument("ARCHITECTURE.md");
  const parts = [...sourcesIn("assembly", ".ts"), ...sourcesIn("src", ".ts")].map(({ path }) => path.split("/"))
    .filter(({ length }) => length > 2).map(([, part]) => part);
  assert.deepEqual([...new Set(parts)].filter((part) => !text.includes(`${part}/`)), []);
});

test("ARCHITECTURE.md: the functions and fields of the walk are where it says", () => {
  const steps = readDocument("ARCHITECTURE.md").split(/^## /m).find((part) => part.startsWith("The way of an ACK"))!
    .split(/^\d+\. /m).slice(1);
  assert.equal(steps.length, 10);
  const source = (name: string): string => readDocument(name.startsWith("src/") ? name : `assembly/${name}`);
  const lost = steps.flatMap((step, i) => {
    const code = [...step.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    const text = code.filter((name) => /^\w+\/\w+\.ts$/.test(name)).map(source).join("\n");
    return code.map((name) => name.split(".").at(-1)!).filter((name) => /^[a-z]\w+$/i.test(name) && name !== "ts")
      .filter((name) => !text.includes(name)).map((name) => `step ${i + 1}: ${name}`);
  });
  assert.deepEqual(lost, []);
});

test("documents: every task that is named exists", () => {
  const { tasks } = JSON.parse(readDocument("deno.json"));
  const unknown = DOCUMENTS.flatMap(({ path, text }) =>
    [...text.matchAll(/(?:deno(?:@[\d.]+)?|`) ?task ([a-z:0-9-]+)/g)].map(([, task]) => task)
      .filter((task) => tasks[task] === undefined).map((task) => `${path}: ${task}`)
  );
  assert.deepEqual(unknown, []);
});

test("docs/adr: records are numbered from 1 without a gap, each under its number", () => {
  const records = DOCUMENTS.filter(({ path }) => path.startsWith("docs/adr/")).sort((a, b) => a.path < b.path ? -1 : 1);
  records.forEach(({ path, text }, i) => {
    assert.match(path, new RegExp(`^docs/adr/${String(i + 1).padStart(4, "0")}-[a-z0-9-]+\\.md$`));
    assert.ok(text.startsWith(`# ${i + 1}. `), `${path} has another number in its title`);
  });
});

test("docs/linux.md: names the socket options that have no effect, all of them and no other", () => {
  const options = readDocument("src/sockets/options.ts");
  const idle = [...options.matchAll(/Option\.(\w+)\]: remember\(/g)].map(([, name]) => name);
  const [, listed] = /kept and told, without effect: ([^]*?)\. Not there/.exec(readDocument("docs/linux.md"))!;
  assert.ok(idle.length > 0, "found none");
  assert.deepEqual([...listed.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort(), idle.sort());
});

test("README.md: its measured numbers are those of bench/README.md", () => {
  const measured = rowsOf(readDocument("bench/README.md"));
  const rows = rowsOf(readDocument("README.md")).filter(([name]) => /flows|connection|^start|^the wasm/.test(name));
  assert.ok(rows.length > 10, "found next to no numbers");
  const other = rows.filter((row) => !measured.some((cells) => row.every((cell, i) => cell === cells[i])));
  assert.deepEqual(other, []);
});

test("README.md: the picture is an SVG, and small", () => {
  const pictures = linksOf(readDocument("README.md")).filter((link) => link.endsWith(".svg"));
  assert.equal(pictures.length, 1);
  assert.match(readDocument(pictures[0]), /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" /);
  assert.ok(statSync(join(ROOT, pictures[0])).size < 200_000);
});

test("README.md: opens with the two commands, as they are typed", () => {
  assert.equal(
    blocksOf(readDocument("README.md"), "sh")[0],
    "npx -y deno@2.9.6 task demo\nnpx -y deno@2.9.6 task test\n",
  );
});
