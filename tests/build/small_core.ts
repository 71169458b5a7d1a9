/** A core of a few lines, to see what the build makes of one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

/** Its files. */
export const SOURCES = {
  "assembly/trap.ts": `
    export function abort(message: usize, file: usize, line: u32, column: u32): void {
      store<u32>(0, line);
      unreachable();
    }`,
  "assembly/layout/things.ts": `
    export const enum Color { RED, GREEN, BLUE }
    export const enum Bit { LOW = 1, HIGH = 1 << 20 }
    @unmanaged export class Mixed { a: u8; b: u64; c: f64; d: u16; e: u32; }
    @unmanaged export class Longer extends Mixed { g: u32; }`,
  "assembly/index.ts": `
    import { Mixed } from "./layout/things";
    export function checked(x: u32): u32 { assert(x < 10); return changetype<Mixed>(64).e + x; }`,
};

/** A folder with those sources, and any others given, for the length of one test. */
export function project(t: TestContext, changes: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), "cwnd-compile-"));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries({ ...SOURCES, ...changes })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}
