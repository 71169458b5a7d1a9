/** What may follow `cwnd attach`, from words to values. */
import { isIP } from "node:net";
import { Complaint } from "../scenario/error.ts";
import { parseBytes, parseTime } from "../scenario/units.ts";
import { UsageError } from "./errors.ts";

/** The options as the command line gives them. */
export interface AttachOptions {
  /** UDP port of this end. */
  udp?: string;
  /** UDP port of the other end. */
  peer?: string;
  /** Name of a TUN device to make. */
  tun?: string;
  /** Own IPv4 address. */
  address: string;
  /** Own IPv6 address. */
  address6: string;
  /** Largest packet. */
  mtu?: string;
  /** TCP port to listen on. */
  listen?: string;
  /** HOST:PORT to connect to. */
  connect?: string;
  /** Protocol of the answers. */
  respond?: string;
  echo?: boolean;
  sink?: boolean;
  /** true without a number of bytes. */
  source?: string | boolean;
  /** Scenario file whose links lie in between. */
  link?: string;
  /** Congestion control. */
  cc?: string;
  /** NAME=VALUE. */
  sysctl: string[];
  checksum?: boolean;
  duration?: string;
  json?: boolean;
}

/** What connections do. */
export type Service =
  | { kind: "http" | "echo" | "sink" }
  /** Infinity for no end. */
  | { kind: "source"; bytes: number };

/** The options, checked. */
export interface AttachPlan {
  port: number;
  peerPort: number;
  tun: string | undefined;
  address: string;
  address6: string;
  mtu: number | undefined;
  listen: number | undefined;
  connect: { address: string; port: number } | undefined;
  service: Service;
  link: string | undefined;
  cc: string | undefined;
  sysctls: [name: string, value: string][];
  checksum: boolean;
  durationNs: number | undefined;
  json: boolean;
}

/** The smallest MTU that IPv6 allows, RFC 8200 §5, and the largest that an IPv4 packet and a datagram can fill. */
const MTU_MIN = 1280;
const MTU_MAX = 65_000;
const DEVICE_NAME = /^[A-Za-z0-9_.-]{1,15}$/;

/** Checks what belongs together and reads every value; throws a `UsageError` that names the option. */
export function attachPlan(options: AttachOptions): AttachPlan {
  if (options.udp === undefined) wrong("no --udp found, expected --udp PORT, the UDP port of this end of the tunnel");
  const port = readPort("--udp", options.udp);
  if (options.peer === undefined && options.tun === undefined) {
    wrong("no --peer found, expected --peer PORT, the UDP port of the other end, or --tun NAME");
  }
  const listen = options.listen === undefined ? undefined : readPort("--listen", options.listen);
  const connect = options.connect === undefined ? undefined : readEnd(options.connect);
  if (listen === undefined && connect === undefined) {
    wrong("neither --listen nor --connect found, expected --listen PORT, --connect HOST:PORT, or both");
  }
  if (options.tun !== undefined && !DEVICE_NAME.test(options.tun)) {
    throw new UsageError(`--tun: found ${quote(options.tun)}, expected a device name of at most 15 characters`);
  }
  return {
    port,
    peerPort: options.peer === undefined ? port + 1 : readPort("--peer", options.peer),
    tun: options.tun,
    address: readAddress("--address", options.address, 4),
    address6: readAddress("--address6", options.address6, 6),
    mtu: options.mtu === undefined ? undefined : readInteger("--mtu", options.mtu, MTU_MIN, MTU_MAX, "a packet size"),
    listen,
    connect,
    service: readService(options),
    link: options.link,
    cc: options.cc,
    sysctls: options.sysctl.map(readSysctl),
    checksum: options.checksum === true,
    durationNs: options.duration === undefined
      ? undefined
      : asQuantity("--duration", () => parseTime(options.duration!, "--duration")),
    json: options.json === true,
  };
}

function readService({ respond, echo, sink, source }: AttachOptions): Service {
  if (respond !== undefined && respond !== "http") {
    throw new UsageError(`--respond: found ${quote(respond)}, expected "http"`);
  }
  const named = [respond !== undefined, echo === true, sink === true, source !== undefined];
  if (named.filter(Boolean).length !== 1) {
    const found = named.some(Boolean) ? "more than one" : "none";
    wrong(`${found} of the services found, expected one of --respond http, --echo, --sink, --source [BYTES]`);
  }
  if (source === undefined) return { kind: respond !== undefined ? "http" : echo ? "echo" : "sink" };
  if (source === true) return { kind: "source", bytes: Infinity };
  return { kind: "source", bytes: asQuantity("--source", () => parseBytes(source, "--source")) };
}

function readPort(option: string, text: string): number {
  return readInteger(option, text, 1, 65_535, "a port");
}

function readInteger(option: string, text: string, min: number, max: number, noun: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new UsageError(`${option}: found ${quote(text)}, expected ${noun} from ${min} to ${max}`);
}

function readAddress(option: string, text: string, version: number): string {
  if (isIP(text) === version) return text;
  throw new UsageError(`${option}: found ${quote(text)}, expected an IPv${version} address`);
}

/** `10.77.0.1:80`, `[fd77::1]:80`. */
function readEnd(text: string): { address: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || isIP(address) === 0) {
    throw new UsageError(`--connect: found ${quote(text)}, expected HOST:PORT such as 10.77.0.1:80 or [fd77::1]:80`);
  }
  return { address, port: readPort("--connect", port) };
}

function readSysctl(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--sysctl: found ${quote(text)}, expected NAME=VALUE such as net.ipv4.tcp_sack=0`);
}

function asQuantity(option: string, read: () => number): number {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new UsageError(`${option}: found ${error.found}, expected ${error.expected}`);
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function wrong(problem: string): never {
  throw new UsageError(`cwnd attach: ${problem}`);
}
