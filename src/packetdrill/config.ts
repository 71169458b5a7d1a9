/** The options of a script and of the command line, and what they set. */
import { anyOf, nearest } from "../scenario/words.ts";

/** Which addresses a script runs on. */
export type IpVersion = "ipv4" | "ipv6" | "ipv4-mapped-ipv6";

/** Everything that options set. */
export interface Config {
  ipVersion: IpVersion;
  localIp: string;
  remoteIp: string;
  /** Port that `bind` of `...` takes. */
  bindPort: number;
  /** Port that `connect` to `...` goes to. */
  connectPort: number;
  mtu: number;
  /** The route's MSS (`advmss`), if it is not left to the MTU. */
  mss?: number;
  toleranceUsecs: number;
  /** Of the time since the event before. */
  tolerancePercent: number;
  /** One tick of outbound TS val in microseconds; 0 leaves the values unchecked. */
  tsTickUsecs: number;
  strictSegments: boolean;
  /** Shell files that run before the script. */
  initScripts: string[];
  /** Failing code blocks or packets are noted and the script goes on. */
  nonFatal: ReadonlySet<string>;
}

const ADDRESSES = {
  ipv4: ["192.168.0.1", "192.0.2.1"],
  "ipv4-mapped-ipv6": ["192.168.0.1", "192.0.2.1"],
  ipv6: ["fd3d:a0b:17d6::1", "fd3d:fa7b:d17d::1"],
} as const;

/** What holds if no option says otherwise. */
export function defaultConfig(): Config {
  return {
    ipVersion: "ipv4",
    localIp: "",
    remoteIp: "",
    bindPort: 8080,
    connectPort: 8080,
    mtu: 1500,
    toleranceUsecs: 4000,
    tolerancePercent: 12.5,
    tsTickUsecs: 0,
    strictSegments: false,
    initScripts: [],
    nonFatal: new Set(),
  };
}

/** Fills in the addresses that nobody gave. */
export function finishConfig(config: Config): Config {
  const [localIp, remoteIp] = ADDRESSES[config.ipVersion];
  return { ...config, localIp: config.localIp || localIp, remoteIp: config.remoteIp || remoteIp };
}

/** What is wrong with an option, without the place where it stands. */
export class OptionError extends Error {
  /** Tells it from other errors. */
  override name = "OptionError";
}

type Setter = (config: Config, value: string | undefined) => void;

/** Names with `_`; `-` in their place is understood too. */
const OPTIONS: Record<string, Setter> = {
  ip_version: (config, value) => {
    if (value === undefined || !(value in ADDRESSES)) {
      throw new OptionError(`found "${value ?? ""}", expected ${anyOf(Object.keys(ADDRESSES))}`);
    }
    config.ipVersion = value as IpVersion;
  },
  local_ip: (config, value) => config.localIp = text(value),
  remote_ip: (config, value) => config.remoteIp = text(value),
  // There is no network between the two hosts whose gateway or mask could matter
  gateway_ip: (_, value) => text(value),
  netmask_ip: (_, value) => text(value),
  bind_port: (config, value) => config.bindPort = whole(value, 65535),
  connect_port: (config, value) => config.connectPort = whole(value, 65535),
  mtu: (config, value) => config.mtu = whole(value, 65535),
  mss: (config, value) => config.mss = whole(value, 65535),
  // Speed of the virtual device as ethtool would report it; no rule of TCP asks for it
  speed: (_, value) => whole(value),
  tolerance_usecs: (config, value) => config.toleranceUsecs = whole(value),
  tolerance_percent: (config, value) => config.tolerancePercent = decimal(value),
  tcp_ts_tick_usecs: (config, value) => config.tsTickUsecs = whole(value),
  strict_segments: (config, value) => config.strictSegments = flag(value),
  init_scripts: (config, value) => config.initScripts.push(...text(value).split(",")),
  non_fatal: (config, value) => {
    const kinds = text(value).split(",");
    const wrong = kinds.find((kind) => kind !== "packet" && kind !== "syscall");
    if (wrong !== undefined) throw new OptionError(`found "${wrong}", expected "packet" or "syscall"`);
    config.nonFatal = new Set(kinds);
  },
  // Code blocks are evaluated here, whatever would have run them
  code_command: (_, value) => text(value),
  code_format: (_, value) => {
    if (value !== "python") throw new OptionError(`found "${value ?? ""}", expected "python"`);
  },
  code_sockopt: (_, value) => {
    if (value !== "" && value !== "TCP_INFO") throw new OptionError(`found "${value ?? ""}", expected "TCP_INFO"`);
  },
  // Sends are never freed early: there is no other kind of buffer
  send_omit_free: (_, value) => flag(value),
};

/** Handled while the text is read, by word. */
export const DEFINE = "define";

/** Names of all options, for the command line's help. */
export const OPTION_NAMES: readonly string[] = [...Object.keys(OPTIONS), DEFINE];

/** Sets one option; an `OptionError` says what is wrong with it. */
export function setOption(config: Config, name: string, value: string | undefined): void {
  const key = name.replaceAll("-", "_");
  if (key === DEFINE) return;
  if (key.startsWith("wire_")) throw new OptionError(`unsupported option "--${name}": scripts run without a wire`);
  if (!Object.hasOwn(OPTIONS, key)) {
    const near = nearest(key, OPTION_NAMES);
    throw new OptionError(`unknown option "--${name}"${near === undefined ? "" : `, did you mean "--${near}"?`}`);
  }
  try {
    OPTIONS[key](config, value);
  } catch (error) {
    throw error instanceof OptionError ? new OptionError(`--${name}: ${error.message}`) : error;
  }
}

/** `NAME=value` of `-D` and `--define`. */
export function readDefine(text: string | undefined): [string, string] {
  const found = /^([A-Za-z_][A-Za-z0-9_]*)=([^\n]*)$/.exec(text ?? "");
  if (found === null) throw new OptionError(`define: found "${text ?? ""}", expected NAME=value`);
  return [found[1], found[2]];
}

function text(value: string | undefined): string {
  if (!value) throw new OptionError("found nothing, expected a value");
  return value;
}

function whole(value: string | undefined, max = Number.MAX_SAFE_INTEGER): number {
  const number = Number(value);
  if (!/^\d+$/.test(value ?? "") || number > max) {
    throw new OptionError(`found "${value ?? ""}", expected a whole number${max > 65535 ? "" : ` up to ${max}`}`);
  }
  return number;
}

function decimal(value: string | undefined): number {
  if (!/^\d+(\.\d+)?$/.test(value ?? "")) throw new OptionError(`found "${value ?? ""}", expected a number`);
  return Number(value);
}

function flag(value: string | undefined): boolean {
  if (value === undefined || value === "1" || value === "true") return true;
  if (value === "0" || value === "false") return false;
  throw new OptionError(`found "${value}", expected 0 or 1`);
}
