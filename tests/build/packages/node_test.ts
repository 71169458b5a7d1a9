/** The project's own tests, run by the newest Node on the packed package instead of the sources. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { after } from "node:test";
import { readSource, type Source, sourcesIn } from "../sources.ts";
import { Project, ROOT, RUNTIMES } from "./project.ts";

const project = new Project();
after(() => project.remove());

// Sends every import of a file in src/ to the same file of the installed package.
const REDIRECT = `
  import { registerHooks } from "node:module";
  import { pathToFileURL } from "node:url";
  const sources = pathToFileURL(${JSON.stringify(join(ROOT, "src/"))}).href;
  const installed = pathToFileURL(${JSON.stringify(join(project.folder, "node_modules/@cwnd/cwnd/src/"))}).href;
  registerHooks({
    resolve(specifier, context, next) {
      const url = specifier.startsWith(".") ? new URL(specifier, context.parentURL).href : specifier;
      if (url.startsWith(sources)) return next(url.replace(sources, installed).replace(/\\.ts$/, ".js"), context);
      const found = next(specifier, context);
      // No package.json stands above the tests to say so.
      return found.url.endsWith(".ts") ? { ...found, format: "module-typescript" } : found;
    },
  });
`;

/** Whether a test, and the helpers it imports, need no more than the package and Node. */
function isPortable({ text, imports }: Source, seen: Set<string> = new Set()): boolean {
  if (/\b(?:Deno\b|execPath|src\/cli\/main\.ts)/.test(text)) return false;
  return imports.every((to) => {
    if (to.startsWith("src/") || to.startsWith("node:") || seen.has(to)) return true;
    seen.add(to);
    return to.startsWith("tests/") && isPortable(readSource(to), seen);
  });
}

test("tests: those that need only the package pass on it under the newest Node", () => {
  const portable = sourcesIn("tests", "_test.ts")
    .filter(({ path }) => !path.startsWith("tests/build/"))
    .filter((source) => isPortable(source));
  assert.ok(portable.length >= 5, `only ${portable.length} tests are portable`);
  const redirect = project.write("redirect.js", REDIRECT);
  const output = reportOf(portable.map(({ path }) => join(ROOT, path)), redirect);
  assert.match(output, /^# fail 0$/m, failuresIn(output));
  const [, passed] = /^# pass (\d+)$/m.exec(output)!;
  assert.ok(Number(passed) >= portable.length, output);
});

function failuresIn(report: string): string {
  return report.replace(/^(# Subtest: .*|ok .*(\n +---[^]*?\n +\.\.\.)?)\n/gm, "");
}

/** What Node's test runner prints of some tests, whether they pass or fail. */
function reportOf(tests: string[], redirect: string): string {
  try {
    const options = ["--import", redirect, "--test", "--test-reporter=tap"];
    return project.run(...RUNTIMES["the newest Node"], ...options, ...tests);
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
