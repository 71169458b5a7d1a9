/** Asks tshark, Wireshark's command line, what it reads in a capture: an oracle that we did not write. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** For `test`'s options: says why when tshark is not installed. CI must have it, so there the tests run and fail. */
export function needsTshark(): { skip: boolean } {
  const missing = spawnSync("tshark", ["--version"]).error !== undefined;
  const skip = missing && !process.env.CI;
  if (skip) console.warn("skipped: tshark is not installed (Debian's package `tshark`)");
  return { skip };
}

/**
 * One row a packet of `capture`, with the fields asked for, as Wireshark names them; checksums are verified. A field
 * that a packet does not have is empty, one that it has several times is joined by commas.
 */
export function tshark(capture: Uint8Array, fields: string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), "cwnd-"));
  try {
    const file = join(folder, "capture.pcapng");
    writeFileSync(file, capture);
    const { error, status, stdout, stderr } = spawnSync("tshark", [
      ...["-r", file, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"],
      ...["-T", "fields", "-E", "separator=;", ...fields.flatMap((field) => ["-e", field])],
    ], { encoding: "utf8", maxBuffer: 1 << 30 });
    if (error) throw error;
    if (status !== 0) throw new Error(`tshark: exit status ${status}: ${stderr.slice(0, 500)}`);
    return stdout.split("\n").slice(0, -1).map((line) => line.split(";"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
