/** What the engine and the kernel agree on, as tshark sees it on the device. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { http } from "../../src/endpoint/http.ts";
import { patternAt } from "../../src/endpoint/pattern.ts";
import { echo, source } from "../../src/endpoint/session.ts";
import { AF_INET, Errno, MessageFlag, Shutdown, SOCK_NONBLOCK, SOCK_STREAM } from "../../src/sockets/constants.ts";
import { tshark } from "../trace/tshark.ts";
import {
  assertPattern,
  exchange,
  kernelAccept,
  kernelConnect,
  patternSum,
  receiveAll,
  runProgram,
  setKernel,
  type Wire,
  type WireOptions,
  withWire,
} from "./wire.ts";

/** What Wireshark calls the fields that are asked for below. */
const FIELDS = {
  source: "ip.src",
  flags: "tcp.flags",
  ecn: "ip.dsfield.ecn",
  length: "tcp.len",
  mss: "tcp.options.mss_val",
  wscale: "tcp.options.wscale.shift",
  sackPermitted: "tcp.options.sack_perm",
  timestamp: "tcp.options.timestamp.tsval",
  sackCount: "tcp.options.sack.count",
  sackEdges: "tcp.options.sack_le",
  ack: "tcp.ack",
  cookie: "tcp.options.tfo.cookie",
  cookieRequest: "tcp.options.tfo.request",
  badChecksum: "tcp.checksum.status",
  sentAgain: "tcp.analysis.retransmission",
} as const;

type Packet = Record<keyof typeof FIELDS, string>;

const FIN = 1;
const SYN = 2;
const ACK = 16;
const ECE = 64;
const CWR = 128;

/** The TCP packets on the device while `work` lasts. */
async function captured(wire: Wire, work: () => Promise<unknown>): Promise<Packet[]> {
  const folder = mkdtempSync(join(tmpdir(), "cwnd-"));
  const file = join(folder, "packets.pcapng");
  const child = spawn("tshark", ["-i", wire.device, "-w", file, "-f", "tcp"], { stdio: ["ignore", "ignore", "pipe"] });
  await new Promise<void>((ready) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => text.includes("Capturing on") && ready());
  });
  // It says so a little before it does so
  await pause(500);
  await work();
  await pause(300);
  child.kill("SIGINT");
  await once(child, "close");
  const rows = tshark(readFileSync(file), Object.values(FIELDS));
  rmSync(folder, { recursive: true });
  const names = Object.keys(FIELDS) as (keyof typeof FIELDS)[];
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])) as Packet);
}

function flags(packet: Packet): number {
  return Number(packet.flags);
}

function handshake(packets: Packet[]): { syn: Packet; synAck: Packet } {
  const syn = packets.find((packet) => (flags(packet) & (SYN | ACK)) === SYN);
  const synAck = packets.find((packet) => (flags(packet) & (SYN | ACK)) === (SYN | ACK));
  assert.ok(syn && synAck, "no handshake was captured");
  return { syn, synAck };
}

/** Bytes to the engine's echo and back. */
async function kernelAsClient({ live, engine }: Wire, bytes: number): Promise<void> {
  live.listen(7, echo);
  assertPattern(await exchange(await kernelConnect(engine, 7), bytes), bytes);
}

/** Bytes from the engine to a kernel's socket, and as many back. */
async function kernelAsServer({ live, kernel }: Wire, bytes: number): Promise<void> {
  const server = await kernelAccept(kernel);
  const over = live.connect(kernel, server.port, () => source(bytes, false));
  assertPattern(await exchange(await server.socket, bytes), bytes);
  assert.equal((await over).error, null);
  server.close();
}

const ROLES = { client: kernelAsClient, server: kernelAsServer };

function capturedIn(role: keyof typeof ROLES, options: WireOptions = {}, bytes = 100_000): Promise<Packet[]> {
  return withWire(options, (wire) => captured(wire, () => ROLES[role](wire, bytes)));
}

for (const role of ["client", "server"] as const) {
  test(`Linux as ${role}: MSS, SACK, timestamps and window scale are agreed on, and every checksum is right`, async () => {
    const packets = await capturedIn(role);
    const { syn, synAck } = handshake(packets);
    for (const packet of [syn, synAck]) {
      assert.equal(packet.mss, "1460");
      assert.notEqual(packet.wscale, "");
      assert.notEqual(packet.sackPermitted, "");
      assert.notEqual(packet.timestamp, "");
    }
    const later = packets.filter((packet) => (flags(packet) & SYN) === 0);
    assert.ok(later.length > 100);
    assert.ok(later.every(({ timestamp }) => timestamp !== ""), "a segment without a timestamp");
    const ours = packets.filter(({ source: from }) => from.endsWith(".2"));
    assert.ok(ours.length > 50);
    // 1: good. The kernel leaves its own to a device that is not there
    assert.ok(ours.every(({ badChecksum }) => badChecksum === "1"), "a checksum of ours is wrong");
  });

  test(`Linux as ${role}: what Linux does not offer is not used`, async () => {
    setKernel("net.ipv4.tcp_timestamps", 0);
    setKernel("net.ipv4.tcp_window_scaling", 0);
    setKernel("net.ipv4.tcp_sack", 0);
    try {
      const packets = await capturedIn(role);
      const { synAck } = handshake(packets);
      assert.deepEqual([synAck.wscale, synAck.sackPermitted, synAck.timestamp], ["", "", ""]);
      const later = packets.filter((packet) => (flags(packet) & SYN) === 0);
      assert.ok(later.every(({ timestamp, sackCount }) => timestamp === "" && sackCount === ""));
    } finally {
      for (const name of ["timestamps", "window_scaling", "sack"]) setKernel(`net.ipv4.tcp_${name}`, 1);
    }
  });

  test(`Linux as ${role}: ECN is agreed on, data is ECT(0) both ways, ACKs are not`, async () => {
    setKernel("net.ipv4.tcp_ecn", 1);
    try {
      const packets = await capturedIn(role, { sysctls: { "net.ipv4.tcp_ecn": 1 } });
      const { syn, synAck } = handshake(packets);
      assert.equal(flags(syn) & (ECE | CWR), ECE | CWR);
      assert.equal(flags(synAck) & (ECE | CWR), ECE);
      for (const end of [".1", ".2"]) {
        const sent = packets.filter((packet) => packet.source.endsWith(end) && (flags(packet) & (SYN | FIN)) === 0);
        // RFC 3168 §6.1.5: what is sent again is not
        const data = sent.filter(({ length, sentAgain }) => length !== "0" && sentAgain === "");
        assert.ok(data.length > 10 && data.every(({ ecn }) => ecn === "2"), `data from ${end} is not all ECT(0)`);
        assert.ok(sent.filter(({ length }) => length === "0").every(({ ecn }) => ecn === "0"), `an ACK of ${end} is`);
      }
    } finally {
      setKernel("net.ipv4.tcp_ecn", 2);
    }
  });
}

test("SACK and DSACK: the engine reports holes and doubles, and Linux reports them to the engine", async () => {
  const both = { loss: { kind: "bernoulli", p: 0.03 }, duplicate: { p: 0.05 } } as const;
  const link = { rate: "100Mbps", delay: "2ms", ...both, reverse: both };
  for (const role of ["client", "server"] as const) {
    const packets = await capturedIn(role, { link }, 1_000_000);
    for (const end of [".1", ".2"]) {
      const sacks = packets.filter((packet) => packet.source.endsWith(end) && packet.sackCount !== "");
      // RFC 2883 §4: a first block that the cumulative ACK covers
      const doubles = sacks.filter(({ sackEdges, ack }) => Number(sackEdges.split(",")[0]) < Number(ack));
      assert.ok(
        sacks.length > doubles.length && doubles.length > 0,
        `${end}: ${sacks.length} SACKs, ${doubles.length} DSACKs`,
      );
    }
  }
});

/** TCP Fast Open for every client and every listener, as Linux numbers it. */
const FAST_OPEN = 0x403;

test("TCP Fast Open, Linux as client: a cookie first, then data in the SYN, acknowledged by the SYN-ACK", async () => {
  setKernel("net.ipv4.tcp_fastopen", FAST_OPEN);
  await withWire({ sysctls: { "net.ipv4.tcp_fastopen": FAST_OPEN } }, async (wire) => {
    wire.live.listen(80, http);
    const packets = await captured(wire, async () => {
      for (let i = 0; i < 2; i++) {
        const url = `http://${wire.engine}/bytes/5000`;
        const { stdout } = await runProgram("sh", "-c", `curl -sS --tcp-fastopen --max-time 5 ${url} | sha256sum`);
        assert.equal(stdout.split(" ")[0], patternSum(5000));
      }
    });
    const opening = packets.filter((packet) => (flags(packet) & SYN) !== 0);
    assert.equal(opening.length, 4);
    const [asks, grants, uses, takes] = opening;
    assert.deepEqual([asks.length, asks.cookie], ["0", ""]);
    assert.notEqual(asks.cookieRequest, "");
    assert.match(grants.cookie, /^[0-9a-f]{8,32}$/);
    assert.deepEqual([uses.cookie, takes.ack], [grants.cookie, String(Number(uses.length) + 1)]);
    assert.ok(Number(uses.length) > 0);
  });
});

test("TCP Fast Open, Linux as server: the engine asks for a cookie, and its next SYN carries data", async () => {
  setKernel("net.ipv4.tcp_fastopen", FAST_OPEN);
  await withWire({ sysctls: { "net.ipv4.tcp_fastopen": FAST_OPEN } }, async (wire) => {
    const { host } = wire.live;
    const packets = await captured(wire, async () => {
      for (let i = 0; i < 2; i++) {
        const server = await kernelAccept(wire.kernel);
        const fd = host.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
        const to = { address: wire.kernel, port: server.port };
        wire.live.sync();
        const sent = host.write(fd, patternAt(0, 100), MessageFlag.MSG_FASTOPEN, to);
        assert.ok(sent === (i === 0 ? -Errno.EINPROGRESS : 100), `write: ${sent}`);
        wire.live.poke();
        await pause(100);
        wire.live.sync();
        if (i === 0) assert.equal(host.write(fd, patternAt(0, 100)), 100);
        host.shutdown(fd, Shutdown.SHUT_WR);
        wire.live.poke();
        const socket = await server.socket;
        assertPattern(await receiveAll(socket), 100);
        socket.end();
        await pause(50);
        server.close();
        wire.live.sync();
        host.close(fd);
      }
    });
    const opening = packets.filter((packet) => (flags(packet) & SYN) !== 0);
    assert.equal(opening.length, 4);
    const [asks, grants, uses, takes] = opening;
    assert.notEqual(asks.cookieRequest, "");
    assert.match(grants.cookie, /^[0-9a-f]{8,32}$/);
    assert.deepEqual([uses.cookie, uses.length, takes.ack], [grants.cookie, "100", "101"]);
  });
});
