/** For tests inside a network namespace: the engine on one end of a TUN device, the kernel's own sockets on the other. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { setTimeout } from "node:timers";
import { EmulatedPath } from "../../src/endpoint/emulated_path.ts";
import { LiveHost, type LiveHostOptions } from "../../src/endpoint/live_host.ts";
import { patternAt } from "../../src/endpoint/pattern.ts";
import { openTun } from "../../src/endpoint/tun.ts";
import type { PathLink } from "../../src/scenario/types.ts";

/** How to make a wire. */
export interface WireOptions {
  /** What lies in between: the kernel at the left end. */
  link?: PathLink;
  /** Congestion control of the engine's connections, and of the kernel's; cubic when absent. */
  congestionControl?: string;
  kernelCongestionControl?: string;
  sysctls?: LiveHostOptions["sysctls"];
  mtu?: number;
}

/** Both ends of a wire. */
export interface Wire {
  live: LiveHost;
  device: string;
  /** Addresses of the two ends, IPv4 and IPv6. */
  engine: string;
  engine6: string;
  kernel: string;
  kernel6: string;
}

const FIRST_PORT = 7000;
const PIECE_BYTES = 1 << 16;
/** Longer than any test here takes. */
const PATIENCE_MS = 40_000;
let wires = 0;

/** A wire with networks of its own, for as long as `work` lasts. */
export async function withWire<T>(options: WireOptions, work: (wire: Wire) => Promise<T>): Promise<T> {
  const n = ++wires;
  const [port, peerPort] = [FIRST_PORT + 2 * n, FIRST_PORT + 2 * n + 1];
  const wire = {
    device: `cwnd${n}`,
    engine: `10.77.${n}.2`,
    engine6: `fd77:${n}::2`,
    kernel: `10.77.${n}.1`,
    kernel6: `fd77:${n}::1`,
  };
  const { link, congestionControl, sysctls, mtu } = options;
  const live = await LiveHost.open({
    tunnel: { port, peerPort },
    addresses: [wire.engine, wire.engine6],
    congestionControl,
    sysctls,
    mtu,
    path: link && await EmulatedPath.create({ topology: { kind: "path", links: [link] } }),
    seed: BigInt(n),
  });
  const { device: name } = wire;
  const tun = await openTun({
    name,
    port,
    peerPort,
    address: `${wire.kernel}/24`,
    address6: `${wire.kernel6}/64`,
    mtu,
  });
  try {
    // By the route: not every kernel lets a namespace choose its own default
    const control = ["congctl", options.kernelCongestionControl ?? "cubic"];
    checkedRun("ip", "route", "replace", `10.77.${n}.0/24`, "dev", name, "src", wire.kernel, ...control);
    checkedRun(
      "ip",
      "-6",
      "route",
      "replace",
      `fd77:${n}::/64`,
      "dev",
      name,
      "proto",
      "kernel",
      "metric",
      "256",
      ...control,
    );
    return await Promise.race([work({ live, ...wire }), live.failure, tooLong(live)]);
  } finally {
    await live.close();
    await tun.close();
  }
}

/** What hangs is told with the state of the connections. */
function tooLong(live: LiveHost): Promise<never> {
  return new Promise((_, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`nothing for ${PATIENCE_MS} ms: ${JSON.stringify(live.statistics(), null, 1)}`));
    }, PATIENCE_MS);
    timer.unref();
  });
}

/** Sets a parameter of the namespace's kernel. */
export function setKernel(name: string, value: string | number): void {
  writeFileSync(`/proc/sys/${name.replaceAll(".", "/")}`, String(value));
}

/** Runs a program of the kernel's side to its end; what it printed. */
export function runProgram(
  command: string,
  ...args: string[]
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  // Not spawnSync: the engine runs in this very process
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    const outcome = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => outcome.stdout += text);
    child.stderr.setEncoding("utf8").on("data", (text) => outcome.stderr += text);
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, ...outcome }));
  });
}

/** What came of a stream. */
export interface Received {
  bytes: number;
  sha256: string;
}

/** The sum of the first `bytes` of the pattern. */
export function patternSum(bytes: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes;) {
    const piece = patternAt(at, Math.min(PIECE_BYTES, bytes - at));
    hash.update(piece);
    at += piece.length;
  }
  return hash.digest("hex");
}

/** A kernel's connection to the engine. */
export function kernelConnect(host: string, port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

/** A kernel's listener for one connection of the engine. */
export function kernelAccept(host: string): Promise<{ port: number; socket: Promise<net.Socket>; close(): void }> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const socket = new Promise<net.Socket>((resolve) => server.once("connection", resolve));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => {
      resolve({ port: (server.address() as net.AddressInfo).port, socket, close: () => server.close() });
    });
  });
}

/** Sends `bytes` of the pattern and closes that direction; resolves when the kernel has taken all. */
export async function sendPattern(socket: net.Socket, bytes: number): Promise<void> {
  for (let at = 0; at < bytes;) {
    const piece = patternAt(at, Math.min(PIECE_BYTES, bytes - at));
    await new Promise<void>((resolve, reject) => socket.write(piece, (error) => error ? reject(error) : resolve()));
    at += piece.length;
  }
  socket.end();
}

/** Reads to the end. */
export function receiveAll(socket: net.Socket): Promise<Received> {
  const hash = createHash("sha256");
  let bytes = 0;
  return new Promise((resolve, reject) => {
    socket.on("data", (piece) => {
      hash.update(piece);
      bytes += piece.length;
    });
    socket.once("error", reject);
    socket.once("end", () => resolve({ bytes, sha256: hash.digest("hex") }));
    socket.resume();
  });
}

/** Both at once. */
export async function exchange(socket: net.Socket, bytes: number): Promise<Received> {
  const [received] = await Promise.all([receiveAll(socket), sendPattern(socket, bytes)]);
  return received;
}

/** Whether what came is the first `bytes` of the pattern. */
export function assertPattern(received: Received, bytes: number): void {
  assert.deepEqual(received, { bytes, sha256: patternSum(bytes) });
}

function checkedRun(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${stderr}`);
}
