/** Packets of a script: `[ect0] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>`, `icmp unreachable ...`. */
import { readFlags, TcpFlag } from "./flags.ts";
import { ICMP_CODES, ICMP_TYPES } from "./icmp_names.ts";
import type { Scanner } from "./scanner.ts";
import type { AccEcnField, IcmpPacket, IpInfo, SeqRange, TcpOption, TcpPacket } from "./syntax.ts";
import { optionLength, OPTIONS_LENGTH_MAX } from "./tcp_options.ts";

const FLAGS = /[^\s<\[(]+/y;
const HEX = /[0-9a-fA-F]+/y;
const ECN_NAMES: Record<string, number> = { noecn: 0, ect1: 1, ect0: 2, ce: 3 };

/** Reads a packet behind its direction. */
export function parsePacket(scanner: Scanner, inbound: boolean): TcpPacket | IcmpPacket {
  const line = scanner.line;
  const word = scanner.peekWord();
  if (word === "udp" || word === "ipv4" || word === "ipv6" || word === "gre" || word === "mpls") {
    scanner.fail(`unsupported packet "${word}", expected TCP or ICMP without a tunnel`);
  }
  const ip = parseIpInfo(scanner);
  if (scanner.acceptWord("icmp")) {
    if (!inbound) scanner.fail("unsupported outbound ICMP packet", line);
    return parseIcmp(scanner, ip);
  }
  const packet = parseTcp(scanner, ip);
  if (inbound && packet.options === undefined) scanner.fail('"<...>" stands for what is sent, not what arrives', line);
  if (inbound && packet.win === undefined) scanner.fail('an inbound packet needs "win N"', line);
  return packet;
}

function parseIpInfo(scanner: Scanner): IpInfo {
  const close = scanner.accept("[") ? "]" : scanner.accept("(") ? ")" : undefined;
  const ip: { -readonly [K in keyof IpInfo]: IpInfo[K] } = {};
  if (close === undefined) return ip;
  while (!scanner.accept(close)) {
    const line = scanner.line;
    const name = scanner.word();
    if (name === undefined) scanner.fail(`expected IP info such as "ect0", got ${scanner.snippet()}`);
    if (name in ECN_NAMES) ip.ecn = ECN_NAMES[name];
    else if (name === "tos") ip.tos = below(scanner, 256, "a tos byte");
    else if (name === "ttl") ip.ttl = below(scanner, 256, "a ttl");
    else if (name === "flowlabel") ip.flowLabel = below(scanner, 2 ** 20, "a flow label");
    else scanner.unknown("IP info", name, [...Object.keys(ECN_NAMES), "tos", "ttl", "flowlabel"], line);
    scanner.accept(",");
  }
  return ip;
}

function parseTcp(scanner: Scanner, ip: IpInfo): TcpPacket {
  const written = scanner.snippet();
  const text = scanner.token(FLAGS) ?? "";
  const flags = readFlags(text);
  if (flags === undefined || text === "") {
    scanner.fail(text === "" ? `expected TCP flags, got ${written}` : `unknown TCP flags "${text}"`);
  }
  const seq = parseSeq(scanner);
  const ack = scanner.acceptWord("ack") ? below(scanner, 2 ** 32, "an acknowledgment number") : 0;
  const win = scanner.acceptWord("win") ? below(scanner, 65536, "a window") : undefined;
  const urg = scanner.acceptWord("urg") ? below(scanner, 65536, "an urgent pointer") : undefined;
  const options = scanner.accept("<") ? parseOptions(scanner) : [];
  return { kind: "tcp", ip, flags, seq, ack, win, urg, options };
}

function parseSeq(scanner: Scanner): SeqRange {
  const line = scanner.line;
  const start = below(scanner, 2 ** 32, "a sequence number");
  scanner.expect(":");
  const end = below(scanner, 2 ** 32, "a sequence number");
  scanner.expect("(");
  const length = below(scanner, 65536, "a payload length");
  scanner.expect(")");
  if (((end - start) >>> 0) !== length) {
    scanner.fail(`the payload of ${start}:${end} is ${(end - start) >>> 0} bytes, found (${length})`, line);
  }
  return { start, length };
}

function below(scanner: Scanner, limit: number, what: string): number {
  const line = scanner.line;
  const value = scanner.number(what);
  if (value >= limit) scanner.fail(`expected ${what} below ${limit}, got ${value}`, line);
  return value;
}

/** The list behind `<`; `undefined` for `<...>`. */
function parseOptions(scanner: Scanner): TcpOption[] | undefined {
  const line = scanner.line;
  if (scanner.accept("...")) {
    scanner.expect(">");
    return undefined;
  }
  const options: TcpOption[] = [];
  while (!scanner.accept(">")) {
    if (options.length > 0) scanner.expect(",", ' or ">" after a TCP option');
    options.push(parseOption(scanner));
  }
  const length = options.reduce((sum, option) => sum + optionLength(option), 0);
  if (length % 4 !== 0) scanner.fail(`the TCP options are ${length} bytes, expected a multiple of 4`, line);
  if (length > OPTIONS_LENGTH_MAX) {
    scanner.fail(`the TCP options are ${length} bytes, expected at most ${OPTIONS_LENGTH_MAX}`, line);
  }
  return options;
}

const OPTION_READERS: Record<string, (scanner: Scanner) => TcpOption> = {
  mss: (scanner) => ({ kind: "mss", value: below(scanner, 65536, "an MSS") }),
  wscale: (scanner) => ({ kind: "wscale", value: below(scanner, 256, "a window scale") }),
  sackOK: () => ({ kind: "sackOK" }),
  nop: () => ({ kind: "nop" }),
  eol: () => ({ kind: "eol" }),
  sack: parseSack,
  TS: parseTimestamps,
  FO: (scanner) => ({ kind: "FO", hex: hexOf(scanner) }),
  FOEXP: (scanner) => ({ kind: "FOEXP", hex: hexOf(scanner) }),
  md5: (scanner) => ({ kind: "md5", hex: hexOf(scanner) }),
  ECN: parseAccEcn,
};

function parseOption(scanner: Scanner): TcpOption {
  const line = scanner.line;
  const name = scanner.word();
  if (name === undefined) scanner.fail(`expected a TCP option, got ${scanner.snippet()}`);
  if (!Object.hasOwn(OPTION_READERS, name)) scanner.unknown("TCP option", name, Object.keys(OPTION_READERS), line);
  return OPTION_READERS[name](scanner);
}

function parseSack(scanner: Scanner): TcpOption {
  const blocks: [number, number][] = [];
  while (scanner.seesNumber()) {
    const start = below(scanner, 2 ** 32, "a sequence number");
    scanner.expect(":");
    blocks.push([start, below(scanner, 2 ** 32, "a sequence number")]);
  }
  if (blocks.length === 0) scanner.fail(`expected SACK blocks, got ${scanner.snippet()}`);
  return { kind: "sack", blocks };
}

function parseTimestamps(scanner: Scanner): TcpOption {
  scanner.expect("val");
  const val = below(scanner, 2 ** 32, "a timestamp");
  scanner.expect("ecr");
  return { kind: "TS", val, ecr: below(scanner, 2 ** 32, "a timestamp") };
}

/** An even number of hexadecimal digits, or none. */
function hexOf(scanner: Scanner): string {
  const line = scanner.line;
  const hex = (scanner.token(HEX) ?? "").toLowerCase();
  if (hex.length % 2 !== 0) scanner.fail(`expected whole bytes in hexadecimal, got "${hex}"`, line);
  return hex;
}

function parseAccEcn(scanner: Scanner): TcpOption {
  const line = scanner.line;
  const fields: { name: AccEcnField; value: number }[] = [];
  for (let name = scanner.peekWord(); name !== undefined; name = scanner.peekWord()) {
    if (name !== "e0b" && name !== "ceb" && name !== "e1b") {
      scanner.unknown("AccECN counter", name, ["e0b", "ceb", "e1b"]);
    }
    scanner.acceptWord(name);
    fields.push({ name, value: below(scanner, 2 ** 24, "an AccECN counter") });
  }
  // RFC 9768 §3.2.3: the counters run from one ECT to the other, and the tail may be left off
  const order = fields.map((field) => field.name).join(" ");
  if (!"e0b ceb e1b".startsWith(order) && !"e1b ceb e0b".startsWith(order)) {
    scanner.fail(`found AccECN counters "${order}", expected "e0b ceb e1b" or "e1b ceb e0b" or the head of one`, line);
  }
  return { kind: "ECN", fields };
}

function parseIcmp(scanner: Scanner, ip: IpInfo): IcmpPacket {
  const type = nameOrNumber(scanner, "ICMP type", ICMP_TYPES);
  const next = scanner.peekWord();
  const hasCode = scanner.seesNumber() || (next !== undefined && next !== "mtu");
  const code = hasCode ? nameOrNumber(scanner, "ICMP code", ICMP_CODES) : undefined;
  const mtu = scanner.acceptWord("mtu") ? below(scanner, 2 ** 32, "an MTU") : undefined;
  let quoted: SeqRange | undefined;
  if (scanner.accept("[")) {
    quoted = parseSeq(scanner);
    scanner.expect("]");
  }
  return { kind: "icmp", ip, type, code, mtu, quoted };
}

function nameOrNumber(scanner: Scanner, what: string, known: readonly string[]): string | number {
  if (scanner.seesNumber()) return below(scanner, 256, `an ${what}`);
  const line = scanner.line;
  const name = scanner.word();
  if (name === undefined) scanner.fail(`expected an ${what}, got ${scanner.snippet()}`);
  if (!known.includes(name)) scanner.unknown(what, name, known, line);
  return name;
}

/** Whether flags hold a SYN, which counts for one in sequence numbers. */
export function isSyn(flags: number): boolean {
  return (flags & TcpFlag.SYN) !== 0;
}
