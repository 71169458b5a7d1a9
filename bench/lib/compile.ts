/** Compiles `assembly/bench.ts` the way the build compiles the core. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const OUT_FILE = "bench.wasm";
// As in build/compile.ts; the second entry brings in the trap that --use names.
const OPTIONS = [
  "--optimizeLevel",
  "3",
  "--shrinkLevel",
  "0",
  "--converge",
  "--runtime",
  "stub",
  "--use",
  "abort=assembly/trap/abort",
];

/** The wasm of the pieces. */
export async function compileBench(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const stderr: string[] = [];
  const { error } = await asc.main([
    "assembly/bench.ts",
    "assembly/trap.ts",
    "--baseDir",
    ROOT,
    "--outFile",
    OUT_FILE,
    ...OPTIONS,
  ], {
    stderr: { write: (text: string | Uint8Array) => void stderr.push(text.toString()) },
    readFile: (name: string, baseDir: string) => readFile(join(baseDir, name), "utf8").catch(() => null),
    writeFile: (name: string, contents: string | Uint8Array) => {
      if (name === OUT_FILE) wasm = contents as Uint8Array<ArrayBuffer>;
    },
  });
  if (error || !wasm) throw new Error(stderr.join("").trimEnd());
  return wasm;
}
