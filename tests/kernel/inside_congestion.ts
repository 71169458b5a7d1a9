/** The kernel's congestion controls into our receiver, and ours into the kernel's, over a link that they have to share. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { sink, source } from "../../src/endpoint/session.ts";
import type { PathLink } from "../../src/scenario/types.ts";
import { assertPattern, kernelAccept, kernelConnect, receiveAll, runProgram, sendPattern, withWire } from "./wire.ts";

const BYTES = 6_000_000;
const LINK: PathLink = { rate: "40Mbps", delay: "10ms", queue: { kind: "droptail", limit: "1bdp" } };
/** Payload that the link carries in a second. */
const GOODPUT = 40e6 / 8 * 1448 / 1500;
/** Slow start, its overshoot and the repair take their share of so short a transfer, and so does a busy machine. */
const SHARE_MIN = 0.3;

const available = readFileSync("/proc/sys/net/ipv4/tcp_available_congestion_control", "utf8").trim().split(" ");

for (const name of ["cubic", "reno", "bbr"]) {
  const missing = !available.includes(name);
  if (missing) console.warn(`skipped: this kernel has no ${name}, only ${available.join(", ")}`);

  test(`Linux's ${name} fills the link into the engine's receiver`, { skip: missing }, async () => {
    await withWire({ link: LINK, kernelCongestionControl: name }, async ({ live, engine }) => {
      live.listen(9, () => sink(true));
      const start = performance.now();
      const socket = await kernelConnect(engine, 9);
      const sent = sendPattern(socket, BYTES);
      const { stdout } = await runProgram("ss", "-tin", "dst", engine);
      assert.match(stdout, new RegExp(`\\b${name}\\b`));
      await sent;
      await receiveAll(socket);
      const seconds = (performance.now() - start) / 1000;
      const [{ bytes_received, sha256, error }] = live.statistics().connections;
      assert.equal(error, null);
      assertPattern({ bytes: bytes_received, sha256: sha256! }, BYTES);
      assert.ok(BYTES / seconds > SHARE_MIN * GOODPUT, `${Math.round(BYTES * 8 / seconds / 1e6)} Mbit/s of 40`);
    });
  });
}

for (const name of ["cubic", "reno"]) {
  test(`the engine's ${name} fills the link into Linux's receiver`, async () => {
    await withWire({ link: LINK, congestionControl: name }, async ({ live, kernel }) => {
      const server = await kernelAccept(kernel);
      const start = performance.now();
      const over = live.connect(kernel, server.port, () => source(BYTES, false));
      const socket = await server.socket;
      assertPattern(await receiveAll(socket), BYTES);
      const seconds = (performance.now() - start) / 1000;
      socket.end();
      assert.equal((await over).error, null);
      assert.ok(BYTES / seconds > SHARE_MIN * GOODPUT, `${Math.round(BYTES * 8 / seconds / 1e6)} Mbit/s of 40`);
      server.close();
    });
  });
}
