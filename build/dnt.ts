/**
 * Builds the npm package with `@deno/dnt`, as ESM and CommonJS, into `build/out/npm`: for release machines, which can
 * reach JSR. Run it with `deno run -A build/dnt.ts` after `deno task build`.
 */
import { copyFile, rm } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { config, packageFields } from "./package.ts";

// Not a literal in the import below: the machines that check types and lint cannot resolve it.
const DNT = "jsr:@deno/dnt@^0.42.1";
const OUT = "build/out/npm";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
const { build } = await import(DNT);
await rm(OUT, { recursive: true, force: true });
await build({
  entryPoints: Object.entries(config.exports).map(([name, path]) =>
    name === "./cli" ? { kind: "bin", name: "cwnd", path } : { name, path }
  ),
  outDir: OUT,
  importMap: "deno.json",
  shims: {},
  scriptModule: "cjs",
  compilerOptions: { lib: ["ESNext", "DOM", "DOM.Iterable"], target: "ES2022" },
  // The tests have run on the sources and on the package of `deno pack`.
  test: false,
  package: { name: config.name, version: config.version, license: config.license, ...packageFields },
  async postBuild(): Promise<void> {
    for (const name of ["LICENSE", "README.md", "CHANGELOG.md"]) await copyFile(name, `${OUT}/${name}`);
  },
});
