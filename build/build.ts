/**
 * `deno task build`: compiles the core and writes what the host takes from it.
 *
 *     assembly/**  ->  build/out/cwnd.wasm        the core, for runtimes that compile modules ahead
 *                      src/core/wasm.gen.ts       the same wasm, inlined
 *                      src/core/layout.gen.ts     offsets and enum values
 *
 * Compiles only when a source or an output is not what it was at the last build. `deno task build --names` leaves the
 * names of functions in the wasm, for profilers.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUTPUTS = {
  wasm: "build/out/cwnd.wasm",
  layout: "src/core/layout.gen.ts",
  inlined: "src/core/wasm.gen.ts",
};
const STAMP = "build/out/stamp";
/** Runs the core, so it is loaded when there is one. */
const PROFILE = "build/profile.ts";

/** Brings the outputs under `root` up to date; says whether it had to compile. */
export async function build(root: string = ROOT, names: boolean = false): Promise<boolean> {
  const sources = await hashSources(root, names);
  if (await contents(root, STAMP) === sources + await hashOutputs(root)) return false;
  // Imported here because loading the compiler takes longer than finding out that it is not needed.
  const { compileCore } = await import("./compile.ts");
  const { emitWasm } = await import("./inline.ts");
  const core = await compileCore(root, { names });
  if (core.warnings) console.error(core.warnings);
  await write(root, OUTPUTS.wasm, core.wasm);
  await write(root, OUTPUTS.layout, core.layout);
  await write(root, OUTPUTS.inlined, emitWasm(core.wasm));
  await hint(root, core.wasm);
  // The sources were hashed before compiling: what changed meanwhile is compiled the next time.
  await write(root, STAMP, sources + await hashOutputs(root));
  return true;
}

/** Counts with the core that was just written which branches are rare, and writes it again with hints at them. */
async function hint(root: string, wasm: Uint8Array): Promise<void> {
  const script = join(root, PROFILE);
  if (!existsSync(script)) return;
  const { profile } = await import(pathToFileURL(script).href) as typeof import("./profile.ts");
  const { addHints } = await import("./branch_hints.ts");
  const { emitWasm } = await import("./inline.ts");
  const hinted = addHints(wasm, await profile(wasm));
  await write(root, OUTPUTS.wasm, hinted);
  await write(root, OUTPUTS.inlined, emitWasm(hinted));
}

async function hashSources(root: string, names: boolean): Promise<string> {
  const files = [...await listFiles(root, "assembly"), ...await listFiles(root, "build"), "deno.json"];
  return await hash(root, files.filter((name) => !name.startsWith("build/out/")).sort()) + (names ? "names\n" : "");
}

function hashOutputs(root: string): Promise<string> {
  return hash(root, Object.values(OUTPUTS));
}

async function hash(root: string, files: string[]): Promise<string> {
  const sum = createHash("sha256");
  for (const name of files) sum.update(`${name}\0${await contents(root, name)}\0`);
  return sum.digest("hex") + "\n";
}

async function listFiles(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

async function contents(root: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(root, name), "latin1");
  } catch {
    return undefined;
  }
}

/** Written aside and renamed, so that nobody who reads at the same time sees half a file. */
async function write(root: string, name: string, data: string | Uint8Array): Promise<void> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, data);
  await rename(`${path}.${process.pid}`, path);
}

if (import.meta.main) {
  const begin = performance.now();
  try {
    if (await build(ROOT, process.argv.includes("--names"))) {
      const size = (await readFile(join(ROOT, OUTPUTS.wasm))).length;
      console.error(`core compiled: ${size} bytes of wasm in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "CompileError") throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
