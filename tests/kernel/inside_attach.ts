/** `cwnd attach` as people use it: one command, a device, and curl. */
import assert from "node:assert/strict";
import process from "node:process";
import test from "node:test";
import { assertComplaint, inFolder, type Running, start } from "../cli/command.ts";
import { assertPattern, kernelAccept, patternSum, receiveAll, runProgram, sendPattern } from "./wire.ts";

const TUNNEL = ["attach", "--udp", "9000", "--tun", "cwnd0"];
const LOSSY = {
  topology: {
    kind: "path",
    links: [{
      name: "dsl",
      rate: "20Mbps",
      delay: "20ms",
      queue: { kind: "droptail", limit: "1bdp" },
      loss: { kind: "bernoulli", p: 0.01 },
      reverse: { loss: { kind: "bernoulli", p: 0.01 } },
    }],
  },
};

/** Resolves with what it says when it can be reached. */
function greeted({ child, ended }: Running): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr!.on("data", (text: string) => {
      said += text;
      if (said.includes("in UDP datagrams")) resolve(said);
    });
    ended.then(({ stderr }) => reject(new Error(`ended: ${stderr}`)));
  });
}

test("cwnd attach --respond http: curl through a lossy link, and Ctrl-C prints the statistics", async () => {
  await inFolder(async (folder) => {
    const service = ["--listen", "80", "--respond", "http", "--link", "scenario.json", "--json"];
    const running = start(folder, [...TUNNEL, ...service]);
    const said = await greeted(running);
    assert.match(said, /^10\.77\.0\.2 and fd77::2 in UDP datagrams, 127\.0\.0\.1:9000 from and to 127\.0\.0\.1:9001$/m);
    assert.match(said, /^then: curl http:\/\/10\.77\.0\.2:80\/$/m);

    const format = ["-o", "-", "-sS", "--max-time", "20", "-w", "%{stderr}%{time_connect}"];
    const page = await runProgram("curl", ...format, "http://10.77.0.2/");
    assert.equal(page.status, 0, page.stderr);
    assert.match(page.stdout, /^tcpi_state 1$/m);
    assert.ok(Number(page.stderr) > 0.04, `connected within ${page.stderr} s over a round trip of 40 ms`);
    const large = await runProgram("sh", "-c", `curl -sS --max-time 20 "http://[fd77::2]/bytes/1000000" | sha256sum`);
    assert.equal(large.stdout.split(" ")[0], patternSum(1_000_000));

    // Not child.kill: under Deno the child would seem to have died of the signal
    process.kill(running.child.pid!, "SIGINT");
    const { status, stdout } = await running.ended;
    assert.equal(status, 0);
    const { wire, links, connections } = JSON.parse(stdout);
    assert.ok(wire.packetsIn > 100 && wire.packetsOut > 700);
    assert.deepEqual(links.map(({ id }: { id: string }) => id), ["dsl", "dsl:reverse"]);
    assert.ok(links[1].drops.loss > 0);
    assert.deepEqual(connections.map(({ peer, error }: { peer: string; error: null }) => [peer.split(":")[0], error]), [
      ["10.77.0.1", null],
      ["[fd77", null],
    ]);
    assert.ok(connections[1].info.tcpi_total_retrans > 0);
  }, LOSSY);
});

test("cwnd attach --connect: ends with its connection, for people in words", async () => {
  await inFolder(async (folder) => {
    const server = await kernelAccept("0.0.0.0");
    const service = ["--source", "300KB", "--connect", `10.77.0.1:${server.port}`, "--checksum", "--cc", "reno"];
    const running = start(folder, [...TUNNEL, ...service]);
    const socket = await server.socket;
    const [received] = await Promise.all([receiveAll(socket), sendPattern(socket, 1000)]);
    assertPattern(received, 300_000);
    const { status, stdout } = await running.ended;
    assert.equal(status, 0);
    assert.match(stdout, /^10\.77\.0\.1:\d+: 1000 bytes \(.*\) in, 300000 bytes \(.*\) out, .*, closed$/m);
    server.close();
  });
});

test("cwnd attach --connect to nobody: says why and exits with 1", async () => {
  await inFolder(async (folder) => {
    const running = start(folder, [...TUNNEL, "--sink", "--connect", "10.77.0.1:4"]);
    const { status, stdout } = await running.ended;
    assert.equal(status, 1);
    assert.match(stdout, /^10\.77\.0\.1:4: .*, ECONNREFUSED$/m);
  });
});

test("cwnd attach --duration: without a device it prints the commands that make one", async () => {
  await inFolder(async (folder) => {
    const service = ["--udp", "9000", "--peer", "9001", "--listen", "9", "--sink", "--duration", "300ms"];
    const { status, stderr } = await start(folder, ["attach", ...service]).ended;
    assert.equal(status, 0);
    assert.match(
      stderr,
      /^ {2}socat -b 65535 TUN:10\.77\.0\.1\/24,up,iff-no-pi,tun-name=cwnd0 UDP-DATAGRAM:127\.0\.0\.1:9000,bind=127\.0\.0\.1:9001,/m,
    );
    assert.match(stderr, /^ {2}ip -6 address add fd77::1\/64 dev cwnd0 nodad$/m);
  });
});

test("cwnd attach: a device that cannot be made is one line and exit 1", async () => {
  await inFolder(async (folder) => {
    const service = ["--listen", "9", "--sink", "--tun", "lo"];
    assertComplaint(await start(folder, ["attach", "--udp", "9000", ...service]).ended, 1, /^--tun: socat: .*$/m);
  });
});
