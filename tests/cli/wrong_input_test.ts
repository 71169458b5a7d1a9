import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { assertComplaint, cwnd, inFolder, SCENARIO } from "./command.ts";

/** The command, what it prints, by what it is about. */
const COMMANDS: Record<string, [args: string[], message: RegExp]> = {
  "no verb": [[], /^cwnd: no verb found, expected one of run, attach, list, packetdrill, schema$/m],
  "an unknown verb with a near one": [["rnu"], /^cwnd: unknown verb "rnu", did you mean "run"\?$/m],
  "a verb of a later version": [["sweep", "x.json"], /^cwnd: unknown verb "sweep", expected one of run, /],
  "an unknown option": [
    ["run", "scenario.json", "--sead", "1"],
    /^cwnd run: unknown option "--sead", did you mean "--seed"\?$/m,
  ],
  "an option without its value": [
    ["run", "scenario.json", "--seed"],
    /^cwnd run: option "--seed <S>" argument missing$/m,
  ],
  "no file": [["run"], /^cwnd run: missing required argument "FILE"$/m],
  "two files": [
    ["run", "scenario.json", "b.json"],
    /^cwnd run: too many arguments for "run", expected 1 argument but got 2/,
  ],
  "a file that is not there": [["run", "missing.json"], /^missing\.json: cannot be read: no such file or folder$/m],
  "a folder as the file": [["run", "folder"], /^folder: cannot be read: is a folder, expected a file$/m],
  "--set of an unknown field": [["run", "scenario.json", "--set", "topology.kindd=path"], /^--set: .*kindd.*"kind"/],
  "--set without a value": [["run", "scenario.json", "--set", "seed"], /^--set: .*"seed".*path=value/],
  "--duration without a known unit": [["run", "scenario.json", "--duration", "3parsecs"], /^--duration: .*"3parsecs"/],
  "a duration of a thousand years": [["run", "scenario.json", "--duration", "31536000000s"], /^--duration: /],
  "--out that is a file": [["run", "scenario.json", "--out", "file"], /^--out: file is a file, expected a folder$/m],
  "--out below a file": [["run", "scenario.json", "--out", "file/out"], /^--out: file is a file, expected a folder$/m],
  "--pcap that is a folder": [
    ["run", "scenario.json", "--pcap", "folder"],
    /^--pcap: folder is a folder, expected a file$/m,
  ],
  "an unknown option before the verb": [["--verbose"], /^cwnd: unknown option "--verbose"$/m],
  "an unknown list": [["list", "qdsic"], /^cwnd list: unknown list "qdsic", did you mean "qdisc"\?$/m],
  "nothing to attach to": [["attach"], /^cwnd attach: no --udp found, expected --udp PORT, /],
  "one end of a tunnel": [["attach", "--udp", "9000"], /^cwnd attach: no --peer found, expected --peer PORT, /],
  "nothing to do once attached": [
    ["attach", "--udp", "9000", "--peer", "9001"],
    /^cwnd attach: neither --listen nor --connect found, expected /,
  ],
  "two services at once": [
    ["attach", "--udp", "9000", "--peer", "9001", "--listen", "80", "--echo", "--sink"],
    /^cwnd attach: more than one of the services found, expected one of --respond http, --echo, /,
  ],
  "a port that is none": [
    ["attach", "--udp", "90000", "--peer", "9001"],
    /^--udp: found "90000", expected a port from 1 to 65535$/m,
  ],
  "bytes that are none": [
    ["attach", "--udp", "9000", "--peer", "9001", "--listen", "80", "--source", "much"],
    /^--source: found "much", expected a size such as /,
  ],
  "an end that is none": [
    ["attach", "--udp", "9000", "--peer", "9001", "--connect", "fd77::1:80", "--sink"],
    /^--connect: found "fd77::1:80", expected HOST:PORT such as /,
  ],
  "a parameter that the host does not have": [
    ["attach", "--udp", "9000", "--peer", "9001", "--listen", "80", "--sink", "--sysctl", "net.ipv4.tcp_sakc=0"],
    /^cwnd attach: sysctl "net\.ipv4\.tcp_sakc": not a parameter that this host has$/m,
  ],
  "an address that is none": [
    ["attach", "--udp", "9000", "--peer", "9001", "--listen", "80", "--sink", "--address", "10.77.0"],
    /^--address: found "10\.77\.0", expected an IPv4 address$/m,
  ],
  "links that are none": [
    ["attach", "--udp", "9000", "--peer", "9001", "--listen", "80", "--sink", "--link", "missing.json"],
    /^missing\.json: cannot be read: no such file or folder$/m,
  ],
  "no list": [["list"], /^cwnd list: missing required argument "WHAT"$/m],
};

for (const [what, [args, message]] of Object.entries(COMMANDS)) {
  test(`cwnd: ${what} is one line, exit 2, and nothing is written`, async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, "folder"));
      writeFileSync(join(folder, "file"), "kept");
      assertComplaint(await cwnd(folder, ...args), 2, message);
      assert.deepEqual(readdirSync(folder).sort(), ["file", "folder", "scenario.json"]);
      assert.deepEqual(readdirSync(join(folder, "folder")), []);
    });
  });
}

/** The scenario, what `cwnd run` prints, by what is wrong with it. */
const SCENARIOS: Record<string, [scenario: unknown, message: RegExp]> = {
  "a file that is not JSON": [
    '{\n  "seed": "1"\n  "flows": []\n}',
    /^scenario\.json:3:3: not JSON: found "flows", expected ","$/m,
  ],
  "an empty file": ["", /^scenario\.json:1:1: not JSON: found the end of the file, expected a value$/m],
  "a list": ["[]", /^scenario\.json: /],
  "a null": ["null", /^scenario\.json: /],
  "an unknown congestion control": [
    { ...SCENARIO, flows: [{ cc: "cubik" }] },
    /^scenario\.json: flows\[0\]\.cc: unknown congestion control "cubik", did you mean "cubic"\?$/m,
  ],
  "an unknown field": [{ ...SCENARIO, durration: "1s" }, /^scenario\.json: .*durration.*"duration"/],
  "zero flows": [{ ...SCENARIO, flows: [{ count: 0 }] }, /^scenario\.json: flows\[0\]\.count: /],
  "no flows": [{ ...SCENARIO, flows: [] }, /^scenario\.json: flows: /],
};

for (const [what, [scenario, message]] of Object.entries(SCENARIOS)) {
  test(`cwnd run: ${what} is one line with the file's name, exit 2, and nothing is written`, async () => {
    await inFolder(async (folder) => {
      const outcome = await cwnd(folder, "run", "scenario.json", "--json", "--out", "out", "--pcap", "packets.pcapng");
      assertComplaint(outcome, 2, message);
      assert.deepEqual(readdirSync(folder), ["scenario.json"]);
    }, scenario);
  });
}
