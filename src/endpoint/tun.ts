/**
 * A TUN device whose packets come and go through a UDP tunnel: Debian's `socat` does it, and `ip` sets what `socat`
 * cannot. Needs Linux, and privileges over the network namespace.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";

/** The device and the tunnel behind it. */
export interface TunOptions {
  /** Name of the device. */
  name: string;
  /** UDP port of the engine. */
  port: number;
  /** UDP port of `socat`. */
  peerPort: number;
  /** The kernel's own address on the device, with the length of its network: `10.77.0.1/24`. */
  address: string;
  /** The same for IPv6: `fd77::1/64`. */
  address6?: string;
  /** Largest packet in bytes; 1500 when absent. */
  mtu?: number;
}

/** A device that is there. */
export interface Tun {
  /** Takes the device away. */
  close(): Promise<void>;
}

const PACKET_BYTES_MAX = 65535;
/** Room for packets that wait for the other process, when the machine grants it. */
const SOCKET_BUFFER_BYTES = 4 << 20;
const PATIENCE_MS = 5000;

/** `socat` and its arguments, for people to type and for `openTun`. */
export function socatCommand({ name, port, peerPort, address }: TunOptions): string[] {
  const buffers = `rcvbuf=${SOCKET_BUFFER_BYTES},sndbuf=${SOCKET_BUFFER_BYTES}`;
  return [
    "socat",
    ...["-b", String(PACKET_BYTES_MAX)],
    `TUN:${address},up,iff-no-pi,tun-name=${name}`,
    `UDP-DATAGRAM:127.0.0.1:${port},bind=127.0.0.1:${peerPort},${buffers}`,
  ];
}

/** The commands that follow `socat`, for what only `ip` can set. */
export function ipCommands({ name, address6, mtu }: TunOptions): string[][] {
  const commands: string[][] = [];
  if (mtu !== undefined) commands.push(["ip", "link", "set", "dev", name, "mtu", String(mtu)]);
  if (address6 !== undefined) commands.push(["ip", "-6", "address", "add", address6, "dev", name, "nodad"]);
  return commands;
}

/** Makes the device. Refuses with one line when `socat` or `ip` is missing or not allowed to. */
export async function openTun(options: TunOptions): Promise<Tun> {
  const [command, ...rest] = socatCommand(options);
  // Two levels of notices: the second says when it is ready
  const child = spawn(command, ["-d", "-d", ...rest], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const close = (): Promise<void> => {
    child.kill();
    return ended;
  };
  try {
    await ready(child);
    for (const [name, ...args] of ipCommands(options)) configure(name, args);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error("socat: the device did not come up in time")), PATIENCE_MS);
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      if (error === undefined) resolve();
      else reject(error);
    };
    child.once("error", ({ message }) => settle(new Error(`socat: cannot be started: ${message}`)));
    child.once("close", () => settle(new Error(`socat: ${lastError(said)}`)));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      if (said.length < PACKET_BYTES_MAX) said += text;
      if (said.includes("starting data transfer loop")) settle();
    });
  });
}

/** `2026/... socat[7] E open("/dev/net/tun", ...): Operation not permitted` without what is before the message. */
function lastError(said: string): string {
  const errors = said.split("\n").filter((line) => / [EF] /.test(line));
  return errors.at(-1)?.replace(/^.*? [EF] /, "") ?? "ended at once";
}

function configure(command: string, args: string[]): void {
  const { error, status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (error) throw new Error(`${command}: cannot be started: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr.trim()}`);
}
