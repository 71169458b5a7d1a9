/** What the npm package says of itself, for both ways of building it. */
import { readFileSync } from "node:fs";

interface DenoConfig {
  name: string;
  version: string;
  license: string;
  exports: Record<string, string>;
}

/** The project's own description: name, version, entries. */
export const config: DenoConfig = JSON.parse(readFileSync(new URL("../deno.json", import.meta.url), "utf8"));

/** The fields of `package.json` that no tool derives from `deno.json`. */
export const packageFields: Record<string, unknown> = {
  description: "A TCP engine and congestion laboratory: packet-level simulation in WebAssembly",
  keywords: ["tcp", "congestion-control", "simulator", "network", "cubic", "cwnd", "wasm", "assemblyscript"],
  engines: { node: ">=20" },
  sideEffects: ["./src/cli/main.js"],
};
