/**
 * What the shell commands of scripts mean here. Scripts set the scene with a handful of tools; each known use becomes a
 * parameter of the host, or nothing where it only prepares a machine that is not there. All else is refused by name.
 */
import { nearest } from "../scenario/words.ts";
import { ScriptError } from "./error.ts";
import { splitCommands } from "./shell.ts";
import type { RouteSettings } from "../sockets/route.ts";
import type { ShellCommand } from "./syntax.ts";

/** What a command sets. */
export type Setting =
  | { readonly kind: "sysctl"; readonly line: number; readonly name: string; readonly value: string }
  | { readonly kind: "route"; readonly line: number; readonly route: RouteSettings }
  | { readonly kind: "sleep"; readonly line: number; readonly micros: number };

/** What the shell file `defaults.sh` beside scripts stands for. */
const DEFAULTS: Readonly<Record<string, string>> = {
  "net.core.rmem_max": "15728640",
  "net.core.wmem_max": "4194304",
  "net.ipv4.tcp_rmem": "4096 540000 15728640",
  "net.ipv4.tcp_wmem": "4096 262144 4194304",
  "net.ipv4.tcp_timestamps": "1",
  "net.ipv4.tcp_sack": "1",
  "net.ipv4.tcp_dsack": "1",
  "net.ipv4.tcp_fack": "0",
  "net.ipv4.tcp_frto": "2",
  "net.ipv4.tcp_reordering": "3",
  "net.ipv4.tcp_syn_retries": "5",
  "net.ipv4.tcp_synack_retries": "5",
  "net.ipv4.tcp_congestion_control": "cubic",
  "net.ipv4.tcp_slow_start_after_idle": "0",
  "net.ipv4.tcp_early_retrans": "4",
  "net.ipv4.tcp_recovery": "1",
  "net.ipv4.tcp_tso_win_divisor": "3",
  "net.ipv4.tcp_ecn": "0",
  "net.ipv4.tcp_ecn_option": "2",
  "net.ipv4.tcp_pacing_ss_ratio": "200",
  "net.ipv4.tcp_pacing_ca_ratio": "120",
  "net.ipv4.tcp_fastopen": "0x70403",
  "net.ipv4.tcp_fastopen_key": "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4",
  "net.ipv4.tcp_syncookies": "1",
};

/** The settings of `defaults.sh`, as if it stood on `line`. */
export function defaultSettings(line: number): Setting[] {
  return Object.entries(DEFAULTS).map(([name, value]) => ({ kind: "sysctl", line, name, value }));
}

/** What commands set, in order. */
export function settingsOf(file: string, commands: readonly ShellCommand[]): Setting[] {
  const settings: Setting[] = [];
  for (const command of commands) {
    if (isExit(command)) break;
    settings.push(...new CommandReader(file, command).settings());
  }
  return settings;
}

function isExit({ words }: ShellCommand): boolean {
  return words[0] === "exit" || words[0] === "return";
}

type Reader = (command: CommandReader, args: string[]) => Setting[];

/** Without an effect here: they look at the machine, or prepare what there is none of. */
const harmless: Reader = () => [];

const READERS: Record<string, Reader> = {
  "defaults.sh": (command) => defaultSettings(command.line),
  "set_sysctls.py": (command, args) => args.flatMap((arg) => command.procAssignment(arg)),
  sysctl: (command, args) => args.filter((arg) => !/^-[qwenNi]+$/.test(arg)).flatMap((arg) => command.sysctl(arg)),
  echo: (command, args) => command.echo(args.filter((arg) => !/^-[neE]+$/.test(arg)).join(" ")),
  printf: (command, args) => command.echo(args.join(" ").replace(/\\n$/, "")),
  ip: readIp,
  ethtool: readEthtool,
  tc: readTc,
  ifconfig: (command, args) => command.link(args.slice(1)),
  sleep: (command, args) => command.sleep(args[0]),
  sh: readNested,
  bash: readNested,
  source: (command, args) => command.run(args),
  ".": (command, args) => command.run(args),
  sudo: (command, args) => command.run(args),
  python: (command, args) => command.run(args),
  python3: (command, args) => command.run(args),
  cat: harmless,
  cp: harmless,
  true: harmless,
  ":": harmless,
  set: harmless,
  sync: harmless,
  nstat: harmless,
  cd: harmless,
};

class CommandReader {
  readonly file: string;
  readonly line: number;
  readonly words: readonly string[];
  readonly to: readonly string[];

  constructor(file: string, command: ShellCommand) {
    this.file = file;
    this.line = command.line;
    this.words = command.words;
    this.to = command.to;
  }

  settings(): Setting[] {
    const settings = this.run([...this.words]);
    const writer = /^(?:echo|printf)$/.test(this.words[0]);
    if (this.to.length > 0 && !writer) this.fail(`unsupported redirection of "${this.words[0]}" to ${this.to[0]}`);
    return settings;
  }

  /** Runs words as a command: a path counts by its last part. */
  run(words: string[]): Setting[] {
    const [path = "", ...args] = words;
    const name = path.split("/").at(-1)!;
    if (!Object.hasOwn(READERS, name)) {
      const near = nearest(name, Object.keys(READERS));
      this.fail(`unknown shell command "${path}"${near === undefined ? "" : `, did you mean "${near}"?`}`);
    }
    return READERS[name](this, args);
  }

  /** `name=value`; a name alone reads the parameter, which has no effect. */
  sysctl(assignment: string): Setting[] {
    if (assignment.startsWith("-")) this.fail(`unsupported option "${assignment}" of sysctl`);
    const equals = assignment.indexOf("=");
    if (equals < 0) return [];
    const name = assignment.slice(0, equals).trim().replaceAll("/", ".");
    return [{ kind: "sysctl", line: this.line, name, value: assignment.slice(equals + 1).trim() }];
  }

  /** `/proc/sys/net/ipv4/tcp_x=value`, or a path of another script, which stands for itself. */
  procAssignment(assignment: string): Setting[] {
    if (!assignment.includes("=")) {
      return /\.(?:sh|py)$/.test(assignment) ? this.run([assignment]) : this.notProc(assignment);
    }
    const found = /^\/proc\/sys\/([^=]+)=([\s\S]*)$/.exec(assignment);
    if (found === null) this.notProc(assignment);
    return [{ kind: "sysctl", line: this.line, name: found[1].replaceAll("/", "."), value: found[2].trim() }];
  }

  notProc(found: string): never {
    this.fail(`set_sysctls.py: found "${found}", expected /proc/sys/NAME=value`);
  }

  echo(value: string): Setting[] {
    return this.to.map((path) => {
      const name = /^\/proc\/sys\/(.+)$/.exec(path)?.[1].replaceAll("/", ".");
      if (name === undefined) this.fail(`unsupported redirection to ${path}`);
      return { kind: "sysctl", line: this.line, name, value };
    });
  }

  sleep(text = ""): Setting[] {
    const found = /^(\d+\.?\d*|\.\d+)s?$/.exec(text);
    if (found === null) this.fail(`sleep: found "${text}", expected seconds`);
    return [{ kind: "sleep", line: this.line, micros: Math.round(Number(found[1]) * 1e6) }];
  }

  /** Settings of a network device: only its MTU matters. */
  link(args: string[]): Setting[] {
    const at = args.indexOf("mtu");
    if (at >= 0) return this.route({ mtu: this.number("mtu", args[at + 1]) });
    const known = ["up", "down", "dev", "txqueuelen", "qlen", "gso_max_size", "gso_max_segs", "multicast", "on", "off"];
    const wrong = args.find((arg) => !known.includes(arg) && !/^(?:tun\d*|lo|eth\d+|\d+)$/.test(arg));
    if (wrong !== undefined) this.fail(`unsupported setting "${wrong}" of a network device`);
    const segments = args.find((arg) => arg.startsWith("gso_max"));
    if (segments !== undefined) this.fail(`unsupported setting "${segments}" of a network device`);
    return [];
  }

  route(route: RouteSettings): Setting[] {
    return [{ kind: "route", line: this.line, route }];
  }

  number(name: string, text = ""): number {
    if (!/^\d+$/.test(text)) this.fail(`${name}: found "${text}", expected a whole number`);
    return Number(text);
  }

  fail(reason: string): never {
    throw new ScriptError(this.file, this.line, reason);
  }
}

/** `sh -c "..."`, `sh file`. */
function readNested(command: CommandReader, args: string[]): Setting[] {
  const rest = args.filter((arg) => !/^-[exu]+$/.test(arg));
  if (rest[0] !== "-c") return command.run(rest);
  return settingsOf(command.file, splitCommands(command.file, rest[1] ?? "", command.line));
}

function readIp(command: CommandReader, args: string[]): Setting[] {
  const words = args.filter((arg) => !/^-(?:[46osd]|family|netns)$/.test(arg));
  const [object = "", verb = "", ...rest] = words;
  if (/^(?:tcp_metrics|tcpmetrics|tcp_m)$/.test(object)) {
    if (/^(?:flush|delete|del|show)$/.test(verb)) return [];
    command.fail(`unsupported "ip ${object} ${verb}"`);
  }
  if (/^r(?:o|ou|out|oute)?$/.test(object)) return readRoute(command, verb, rest);
  if (object === "link" || object === "l") {
    if (verb === "show" || verb === "") return [];
    if (verb !== "set") command.fail(`unsupported "ip ${object} ${verb}"`);
    return command.link(rest);
  }
  if ((object === "addr" || object === "address" || object === "a") && (verb === "show" || verb === "")) return [];
  return command.fail(`unsupported "${["ip", ...words].join(" ")}"`);
}

/** Words of a route that say where it leads, each with the word behind it. */
const ROUTE_PLACES = ["dev", "via", "proto", "scope", "src", "table", "metric", "default", "type"];

function readRoute(command: CommandReader, verb: string, args: string[]): Setting[] {
  if (/^(?:show|list|get|flush|)$/.test(verb)) return [];
  if (/^(?:del|delete)$/.test(verb)) return [];
  if (!/^(?:add|change|replace|append|prepend)$/.test(verb)) command.fail(`unsupported "ip route ${verb}"`);
  const route: RouteSettings = {};
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    const value = args[at + 1] === "lock" ? args[++at + 1] : args[at + 1];
    if (word === "mtu" || word === "advmss" || word === "initcwnd" || word === "initrwnd" || word === "window") {
      route[word] = command.number(`ip route: ${word}`, value);
    } else if (word === "quickack") route.quickack = command.number("ip route: quickack", value) !== 0;
    else if (word === "rto_min") route.rto_min_ms = milliseconds(command, value);
    else if (word === "features") {
      if (value !== "ecn") command.fail(`ip route: unsupported feature "${value ?? ""}"`);
      route.ecn = true;
    } else if (word === "default" || word === "local" || word === "unicast" || /^[0-9a-f.:]+(?:\/\d+)?$/i.test(word)) {
      continue;
    } else if (!ROUTE_PLACES.includes(word)) command.fail(`ip route: unsupported "${word}"`);
    at++;
  }
  return Object.keys(route).length === 0 ? [] : command.route(route);
}

function milliseconds(command: CommandReader, text = ""): number {
  const found = /^(\d+)(ms|s)?$/.exec(text);
  if (found === null) command.fail(`ip route: rto_min: found "${text}", expected a time such as 5ms`);
  return Number(found[1]) * (found[2] === "s" ? 1000 : 1);
}

/** Offloads: segments are compared by their sum, so who cuts them does not matter. */
const OFFLOADS = ["tso", "gso", "gro", "lro", "tx", "rx", "sg", "ufo", "rxvlan", "txvlan", "ntuple", "rxhash"];
const OFFLOAD_LONG =
  /^(?:tcp-segmentation-offload|generic-(?:segmentation|receive)-offload|scatter-gather|tx-[a-z0-9-]+|rx-[a-z0-9-]+|large-receive-offload)$/;

function readEthtool(command: CommandReader, args: string[]): Setting[] {
  const [option = "", , ...rest] = args;
  if (option === "-k" || option === "--show-features") return [];
  if (option !== "-K" && option !== "--offload" && option !== "--features") {
    command.fail(`ethtool: unsupported option "${option}"`);
  }
  for (let at = 0; at < rest.length; at += 2) {
    if (!OFFLOADS.includes(rest[at]) && !OFFLOAD_LONG.test(rest[at])) {
      command.fail(`ethtool: unknown offload "${rest[at]}"`);
    }
    if (rest[at + 1] !== "on" && rest[at + 1] !== "off") {
      command.fail(`ethtool: ${rest[at]}: found "${rest[at + 1] ?? ""}", expected on or off`);
    }
  }
  return [];
}

/** Disciplines that hand packets on as they come. */
const PLAIN_QDISCS = ["pfifo", "pfifo_fast", "bfifo", "fq_codel", "noqueue", "mq"];

function readTc(command: CommandReader, args: string[]): Setting[] {
  const [object = "", verb = "", ...rest] = args.filter((arg) => !/^-[a-z]+$/.test(arg));
  if (object !== "qdisc") command.fail(`unsupported "tc ${object}"`);
  if (verb === "show" || verb === "del" || verb === "delete") return [];
  const kind = rest.find((word, at) =>
    !["dev", "root", "handle", "parent"].includes(word) && !["dev", "handle", "parent"].includes(rest[at - 1])
  );
  if (kind === "fq") return command.route({ pacing: true });
  if (kind === undefined || !PLAIN_QDISCS.includes(kind)) {
    command.fail(`unsupported "tc qdisc ${verb}" of "${kind ?? ""}"`);
  }
  return [];
}
