/** `cwnd packetdrill` as people run it: what it prints, and its exit status. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { assertComplaint, cwnd, inFolder } from "./command.ts";

const PASSING = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = FD\n+0 close(FD) = 0\n";
const FAILING = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1000>
+0 > S. 0:0(0) ack 2 <mss 1460>
`;

function inScripts(work: (folder: string) => Promise<void>): Promise<void> {
  return inFolder(async (folder) => {
    writeFileSync(join(folder, "passing.pkt"), PASSING);
    writeFileSync(join(folder, "failing.pkt"), FAILING);
    writeFileSync(join(folder, "refused.pkt"), "0 conect(3, ..., ...) = 0\n");
    await work(folder);
  });
}

test("packetdrill: scripts that pass", () =>
  inScripts(async (folder) => {
    const outcome = await cwnd(folder, "packetdrill", "passing.pkt", "passing.pkt", "-D", "FD=3");
    assert.deepEqual(outcome, { status: 0, stdout: "2 scripts: 2 passed, 0 failed, 0 refused\n", stderr: "" });
  }));

test("packetdrill: the first mismatch, with the packets before it", () =>
  inScripts(async (folder) => {
    const { status, stdout, stderr } = await cwnd(folder, "packetdrill", "failing.pkt");
    assert.equal(status, 1);
    assert.equal(stdout, "1 script: 0 passed, 1 failed, 0 refused\n");
    const [message, ...packets] = stderr.trimEnd().split("\n");
    assert.match(
      message,
      /^failing\.pkt:5: expected ack 2, got ack 1 \(expected > S\. 0:0\(0\) ack 2 <mss 1460>, got > S\./,
    );
    assert.equal(packets[0], "    0.000000 < S 0:0(0) win 1000 <mss 1000>");
    assert.equal(packets.length, 2);
  }));

test("packetdrill: what is not known is refused, by name and line", () =>
  inScripts(async (folder) => {
    const { status, stderr } = await cwnd(folder, "packetdrill", "refused.pkt", "failing.pkt");
    assert.equal(status, 2);
    assert.equal(stderr.split("\n", 1)[0], 'refused.pkt:1: unknown system call "conect", did you mean "connect"?');
  }));

test("packetdrill: one JSON document, and nothing else", () =>
  inScripts(async (folder) => {
    const { status, stdout, stderr } = await cwnd(folder, "packetdrill", "--json", "failing.pkt", "refused.pkt");
    assert.deepEqual([status, stderr], [2, ""]);
    const document = JSON.parse(stdout);
    assert.deepEqual([document.passed, document.failed, document.refused], [0, 1, 1]);
    const [failed, refused] = document.scripts;
    assert.deepEqual([failed.file, failed.outcome, failed.line], ["failing.pkt", "failed", 5]);
    assert.deepEqual([failed.expected, failed.packets.length], ["ack 2", 2]);
    assert.deepEqual([refused.outcome, refused.line], ["refused", 1]);
  }));

test("packetdrill: options of the language, spelled either way", () =>
  inScripts(async (folder) => {
    for (const option of ["--tolerance_usecs=1", "--tolerance-usecs=1", "--strict-segments", "--strict_segments"]) {
      assert.equal((await cwnd(folder, "packetdrill", "passing.pkt", option, "-D", "FD=3")).status, 0, option);
    }
  }));

test("packetdrill: wrong input", () =>
  inScripts(async (folder) => {
    assertComplaint(await cwnd(folder, "packetdrill", "none.pkt"), 2, /^none\.pkt: no such file or folder$/m);
    assertComplaint(
      await cwnd(folder, "packetdrill", "passing.pkt", "--mtu=x"),
      2,
      /^cwnd packetdrill: --mtu: found "x", expected a whole number/m,
    );
    assertComplaint(
      await cwnd(folder, "packetdrill", "passing.pkt", "-D", "FD"),
      2,
      /define: found "FD", expected NAME=value/,
    );
    assertComplaint(await cwnd(folder, "packetdrill", "passing.pkt", "--tolerence_usecs=1"), 2, /unknown option/);
  }));
