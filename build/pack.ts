/**
 * `deno task pack`: builds the npm package, `build/out/cwnd-cwnd-VERSION.tgz`. `deno pack` does the work; it knows no
 * commands and packs more than is needed, so `package.json` gets their entries here.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { config, packageFields } from "./package.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT = join(ROOT, "build/out");

/** Builds the package and returns the tarball's path. */
export function pack(): string {
  const work = mkdtempSync(join(tmpdir(), "cwnd-pack-"));
  try {
    // Source maps would carry the paths of the machine that built the package.
    run(ROOT, process.execPath, "pack", "--allow-dirty", "--no-source-maps", "--output", join(work, "packed.tgz"));
    run(work, "tar", "-xzf", "packed.tgz");
    const manifest = join(work, "package/package.json");
    writeFileSync(manifest, JSON.stringify(withCommand(JSON.parse(readFileSync(manifest, "utf8"))), null, 2) + "\n");
    const [{ filename }] = JSON.parse(run(join(work, "package"), "npm", "pack", "--json", "--pack-destination", OUT));
    return join(OUT, filename);
  } finally {
    rmSync(work, { recursive: true });
  }
}

function withCommand(manifest: Record<string, unknown>): Record<string, unknown> {
  const { name, version, ...rest } = manifest;
  const bin = { cwnd: config.exports["./cli"].replace(/\.ts$/, ".js") };
  // `deno pack` adds sources that no entry reaches, as they are.
  const files = ["src/**/*.js", "src/**/*.d.ts", "CHANGELOG.md"];
  return { name, version, ...packageFields, bin, files, ...rest };
}

/** Runs a program; what it complains of is shown only when it fails. */
function run(folder: string, program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

if (import.meta.main) console.log(pack());
