/** `cwnd packetdrill`: runs packetdrill scripts against the engine in virtual time, and shows the first mismatch of each. */
import { readFileSync } from "node:fs";
import process from "node:process";
import { defaultConfig, OPTION_NAMES, OptionError, readDefine, setOption } from "../packetdrill/config.ts";
import { drill, type ScriptReport } from "../packetdrill/drill.ts";
import { engineHost } from "../packetdrill/engine_host.ts";
import type { Overrides } from "../packetdrill/prepare.ts";
import { VERSION } from "../version.ts";
import { DONE, FAILED, systemReason, UsageError, WRONG } from "./errors.ts";
import { print } from "./terminal.ts";

/** What may follow `cwnd packetdrill FILE...`. */
export interface PacketdrillOptions {
  /** `NAME=value`: words of the script to replace. */
  D: string[];
  /** Print one JSON document. */
  json?: boolean;
  /** Print every packet of every script. */
  verbose?: boolean;
  /** Packets left over at the end fail a script. */
  strictEnd?: boolean;
  /** Options of the script language, by their names in camel case. */
  [name: string]: unknown;
}

/** Options of the language that the command line takes too; those it has another way to say are left out. */
export const LANGUAGE_OPTIONS: readonly string[] = OPTION_NAMES.filter((name) => name !== "define");

/** Packets shown before a mismatch. */
const PACKETS_AROUND = 8;

/** Runs the verb and returns the exit status. */
export async function packetdrill(files: string[], options: PacketdrillOptions): Promise<number> {
  const overrides = overridesOf(options);
  const texts = files.map((file) => [file, readScript(file)] as const);
  const reports: ScriptReport[] = [];
  for (const [file, text] of texts) {
    const report = await drill(file, text, engineHost, overrides, { strictEnd: options.strictEnd });
    reports.push(report);
    if (!options.json) complain(report, options.verbose === true);
  }
  if (options.json) await print([`${JSON.stringify(documentOf(reports), null, 2)}\n`]);
  else await print([`${summary(reports)}\n`]);
  if (count(reports, "refused") > 0) return WRONG;
  return count(reports, "failed") > 0 ? FAILED : DONE;
}

/** What the command line adds to every script, checked ahead of all of them. */
function overridesOf(options: PacketdrillOptions): Overrides {
  try {
    const defines = new Map(options.D.map(readDefine));
    const given = LANGUAGE_OPTIONS.flatMap((name) => {
      const value = options[camelCase(name)];
      if (value === undefined) return [];
      return [[name, value === true ? undefined : String(value)] as const];
    });
    for (const [name, value] of given) setOption(defaultConfig(), name, value);
    return { defines, options: given };
  } catch (error) {
    throw error instanceof OptionError ? new UsageError(`cwnd packetdrill: ${error.message}`) : error;
  }
}

function camelCase(name: string): string {
  return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

function readScript(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file}: ${systemReason(error)}`);
  }
}

/** A script that did not pass, on standard error: one line, and the packets that led there. */
function complain(report: ScriptReport, verbose: boolean): void {
  const shown = report.outcome !== "passed" || verbose || report.notes.length > 0;
  if (!shown) return;
  const lines = report.notes.map((note) => `${note}\n`);
  if (report.message !== undefined) lines.push(`${report.message}\n`);
  const packets = verbose ? report.packets : report.outcome === "failed" ? report.packets.slice(-PACKETS_AROUND) : [];
  process.stderr.write([...lines, ...packets.map((packet) => `    ${packet}\n`)].join(""));
}

function count(reports: readonly ScriptReport[], outcome: ScriptReport["outcome"]): number {
  return reports.filter((report) => report.outcome === outcome).length;
}

function summary(reports: readonly ScriptReport[]): string {
  const parts = (["passed", "failed", "refused"] as const).map((outcome) => `${count(reports, outcome)} ${outcome}`);
  return `${reports.length} ${reports.length === 1 ? "script" : "scripts"}: ${parts.join(", ")}`;
}

/** What `--json` prints. */
function documentOf(reports: readonly ScriptReport[]): unknown {
  return {
    version: VERSION,
    passed: count(reports, "passed"),
    failed: count(reports, "failed"),
    refused: count(reports, "refused"),
    scripts: reports,
  };
}
