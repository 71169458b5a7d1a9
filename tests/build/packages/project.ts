/** An empty project with the packed package installed, as a user's would be. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { pack } from "../../../build/pack.ts";

/** The root of this repository. */
export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));

/** A program and its first arguments, ready for a script. */
export type Runtime = [program: string, ...args: string[]];

/** The runtimes that the package is for; the newest Node and Bun come from npm. */
export const RUNTIMES: Record<string, Runtime> = {
  "Node on the path": ["node"],
  "the newest Node": ["npx", "-y", "-p", "node@latest", "node"],
  Bun: ["npx", "-y", "-p", "bun@latest", "bun"],
};

/** Deno, running from source. */
export const DENO: Runtime = [process.execPath, "run", "-A"];

export class Project {
  readonly tarball: string = pack();
  readonly folder: string = mkdtempSync(join(tmpdir(), "cwnd-project-"));

  constructor() {
    this.write("package.json", JSON.stringify({ name: "project", version: "1.0.0", private: true, type: "module" }));
    // An install script would fail the installation's promise silently, so none may run at all.
    this.run("npm", "install", "--ignore-scripts", this.tarball);
  }

  /** Puts a file into the project and returns its path. */
  write(name: string, text: string): string {
    writeFileSync(join(this.folder, name), text);
    return join(this.folder, name);
  }

  /** Runs a program in the project and returns what it prints; throws with its complaints when it fails. */
  run(...[program, ...args]: Runtime): string {
    return execFileSync(program, args, {
      cwd: this.folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 256 * 2 ** 20,
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
