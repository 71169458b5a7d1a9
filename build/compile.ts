/** Compiles `assembly/index.ts` to wasm with the AssemblyScript compiler, and reads the memory layout on the way. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as assemblyscript from "assemblyscript";
import asc from "assemblyscript/asc";
import binaryen from "assemblyscript/binaryen";
import { Transform } from "assemblyscript/transform";
import {
  type ElementKinds,
  emitLayout,
  LAYOUT_FOLDER,
  LAYOUT_SECTION,
  layoutHash,
  type Program,
  readLayout,
} from "./layout.ts";

/** What a compilation yields. */
export interface Core {
  wasm: Uint8Array<ArrayBuffer>;
  /** Text of `src/core/layout.gen.ts`. */
  layout: string;
  /** What the compiler had to say all the same, ready to print. */
  warnings: string;
}

/** The compiler's diagnostics, ready to print. */
export class CompileError extends Error {
  override name = "CompileError";
}

// A second entry that only exists in memory: it makes `abort` and every file of the layout part of the program, also
// those that no code imports, and adds nothing to the module.
const SIDE_ENTRY = "build/side_entry.ts";
// A `const enum` in the compiler's types, an object at run time.
const ELEMENT_KINDS = (assemblyscript as unknown as { ElementKind: ElementKinds }).ElementKind;
const OUT_FILE = "cwnd.wasm";

// What the checks for tests would say takes a twentieth of the wasm. Whoever reads where one failed finds it there.
const INVARIANTS = "/invariants.ts";
const MESSAGE = /,\s*"[^"]*"(?=,?\s*\);)/g;

const OPTIONS = [
  ["--outFile", OUT_FILE],
  ["--optimizeLevel", "3"],
  // The second pass inlines, below; inlining here as well makes the wasm a fifth larger and no faster.
  ["--shrinkLevel", "1"],
  // The default runtime would add a garbage collector, and with it mutable globals.
  ["--runtime", "stub"],
  // Keeps the import section empty: the default `env.abort` is an import.
  ["--use", "abort=assembly/trap/abort"],
  ["--maximumMemory", "65536"],
  // A pointer of this core is 32 bits wide: conversions that 64-bit memory would have to make explicit are fine.
  ["--disableWarning", "201"],
  "--noColors",
].flat();

/** What to compile, and how. */
export interface CompileOptions {
  /** Another module made of the core's sources, for benchmarks. */
  entry?: string;
  /** Leaves the names of functions in the wasm, for profilers. */
  names?: boolean;
}

/** Compiles the core that stands under `root`; throws {@linkcode CompileError} with the compiler's own words. */
export async function compileCore(root: string, options: CompileOptions = {}): Promise<Core> {
  let wasm = new Uint8Array();
  const stderr: string[] = [];
  let layout = "";

  class ReadLayout extends Transform {
    override afterCompile(module: Parameters<NonNullable<Transform["afterCompile"]>>[0]): void {
      const description = readLayout(this.program as unknown as Program, ELEMENT_KINDS);
      layout = emitLayout(description);
      module.addCustomSection(LAYOUT_SECTION, new TextEncoder().encode(layoutHash(description)));
    }
  }
  const { error } = await asc.main([
    options.entry ?? "assembly/index.ts",
    SIDE_ENTRY,
    ...OPTIONS,
    ...options.names ? ["--debug"] : [],
    ...["--baseDir", root],
  ], {
    stderr: { write: (text: string | Uint8Array) => void stderr.push(text.toString()) },
    readFile: readSource,
    writeFile: (_name: string, contents: string | Uint8Array) => void (wasm = contents as Uint8Array<ArrayBuffer>),
    transforms: [ReadLayout as unknown as Transform], // A constructor is what the compiler takes, whatever its types say.
  });
  const diagnostics = stderr.join("").trimEnd();
  if (error) throw new CompileError(diagnostics);
  return { wasm: inlineMore(wasm, options.names ?? false), layout, warnings: diagnostics };
}

/**
 * Optimizes once more, and inlines what has a single caller whatever its size: the compiler stops at 200 instructions.
 * The path of a segment is many functions with one caller each, so this gains a tenth of the speed, and makes the wasm
 * smaller.
 */
function inlineMore(wasm: Uint8Array, names: boolean): Uint8Array<ArrayBuffer> {
  const module = binaryen.readBinary(wasm);
  try {
    const { MutableGlobals, SignExt, NontrappingFPToInt, BulkMemory, BulkMemoryOpt } = binaryen.Features;
    module.setFeatures(MutableGlobals | SignExt | NontrappingFPToInt | BulkMemory | BulkMemoryOpt);
    binaryen.setOptimizeLevel(3);
    binaryen.setShrinkLevel(0);
    binaryen.setDebugInfo(names);
    binaryen.setAlwaysInlineMaxSize(12);
    binaryen.setFlexibleInlineMaxSize(45);
    binaryen.setOneCallerInlineMaxSize(2000);
    binaryen.setAllowInliningFunctionsWithLoops(true);
    module.optimize();
    return new Uint8Array(module.emitBinary());
  } finally {
    module.dispose();
  }
}

async function readSource(name: string, baseDir: string): Promise<string | null> {
  if (name === SIDE_ENTRY) return await sideEntry(baseDir);
  try {
    const source = await readFile(join(baseDir, name), "utf8");
    return name.endsWith(INVARIANTS) ? source.replace(MESSAGE, (message) => message.replace(/\S/g, " ")) : source;
  } catch {
    return null; // The compiler tries several names for one import.
  }
}

async function sideEntry(root: string): Promise<string> {
  const files = (await readdir(join(root, LAYOUT_FOLDER))).filter((name) => name.endsWith(".ts")).sort();
  const modules = ["assembly/trap", ...files.map((name) => LAYOUT_FOLDER + name.slice(0, -3))];
  return modules.map((name) => `import "../${name}";\n`).join("");
}
