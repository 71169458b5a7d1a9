/** `deno task validate`: runs every validation, prints its table and writes it to docs/validation/README.md. */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { VALIDATIONS } from "./all.ts";
import { type Row, table } from "./row.ts";

const PAGE = fileURLToPath(new URL("../../docs/validation/README.md", import.meta.url));
const BEGIN = "<!-- begin of the table: written by deno task validate -->";
const END = "<!-- end of the table -->";

/** The page with the table replaced; all around it is written by hand. */
function withTable(page: string, rows: readonly Row[]): string {
  const [head, tail] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (head < 0 || tail < head) throw new Error(`${PAGE}: the marks around the table are missing`);
  return `${page.slice(0, head)}${BEGIN}\n\n${table(rows)}\n\n${page.slice(tail)}`;
}

/** A validation that did not come to an end is a row too. */
function failed(name: string, error: Error): Row {
  const [id, what] = name.split(": ");
  return { id, source: "", what, published: "", measured: error.message, tolerance: "", ok: false };
}

const rows: Row[] = [];
for (const { name, run } of VALIDATIONS) {
  const began = performance.now();
  rows.push(...await run().catch((error: Error) => [failed(name, error)]));
  if (process.stderr.isTTY) console.error(`${name} (${((performance.now() - began) / 1e3).toFixed(1)} s)`);
}
console.log(table(rows));
writeFileSync(PAGE, withTable(readFileSync(PAGE, "utf8"), rows));
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
