/**
 * Formats `assembly/`, or says with `--check` what is not formatted. `deno fmt` silently deletes top-level decorators
 * such as `@inline`, so this folder is left to prettier with AssemblyScript's plugin.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as assemblyscript from "assemblyscript-prettier";
import * as prettier from "prettier";

const FOLDER = fileURLToPath(new URL("../assembly/", import.meta.url));

async function format(text: string): Promise<string> {
  const formatted = await prettier.format(text, {
    parser: "typescript",
    plugins: [assemblyscript.default],
    printWidth: 120,
  });
  // The plugin puts a blank line of its own before a decorated function that has no comment.
  return formatted.replace(/\n{3,}/g, "\n\n");
}

const check = process.argv.includes("--check");
for (const name of (await readdir(FOLDER, { recursive: true })).filter((name) => name.endsWith(".ts")).sort()) {
  const before = await readFile(join(FOLDER, name), "utf8");
  const after = await format(before);
  if (after === before) continue;
  if (!check) await writeFile(join(FOLDER, name), after);
  else {
    console.error(`assembly/${name}: not formatted, run "deno task fmt"`);
    process.exitCode = 1;
  }
}
