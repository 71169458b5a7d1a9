/** Compares a segment that was sent with the one a script expects, field by field. */
import type { Connection } from "./connection.ts";
import { flagsText, TcpFlag } from "./flags.ts";
import type { Difference } from "./mismatch.ts";
import { ecnText, optionListText, packetText, segmentText, type Shown } from "./notation.ts";
import type { TcpOption, TcpPacket } from "./syntax.ts";
import type { ReadSegment } from "./wire.ts";

/** A segment as it left, perhaps summed up from several. */
export interface Sent {
  readonly segment: ReadSegment;
  /** When the first of them left, and the last; microseconds of the script. */
  readonly at: number;
  readonly until: number;
}

/** What the comparison depends on besides the packets. */
export interface MatchRules {
  readonly tsTickUsecs: number;
  readonly toleranceUsecs: number;
}

/** Flags that may differ between segments that are compared as one. */
const FREE_FLAGS = TcpFlag.FIN | TcpFlag.PSH | TcpFlag.CWR;

/** The first difference, if there is one. What the packet teaches about the mapping is noted in the connection. */
export function compare(
  expected: TcpPacket,
  sent: Sent,
  connection: Connection,
  rules: MatchRules,
): Difference | undefined {
  const { segment } = sent;
  if ((expected.flags & segment.flags & TcpFlag.SYN) !== 0) connection.learnIsn(expected.seq.start, segment.seq);
  const found = headerDifference(expected, segment, connection) ??
    optionsDifference(expected, segment, connection, rules);
  if (found !== undefined) {
    const whole = `expected > ${packetText(expected)}, got > ${segmentText(shownOf(segment, connection))}`;
    return { expected: found.expected, got: `${found.got} (${whole})` };
  }
  connection.sawOutbound((segment.flags & TcpFlag.SYN) !== 0);
  return undefined;
}

/** A live segment in the script's numbers. */
export function shownOf(segment: ReadSegment, connection: Connection | undefined): Shown {
  const { flags, length, ack, win, urg, options, ip } = segment;
  const marked = (ip.tos & 3) === 0 ? undefined : { ecn: ip.tos & 3 };
  return { ip: marked, flags, seq: connection?.toScript(segment.seq) ?? segment.seq, length, ack, win, urg, options };
}

function headerDifference(expected: TcpPacket, segment: ReadSegment, connection: Connection): Difference | undefined {
  if (segment.faults.length > 0) return { expected: "a sound packet", got: segment.faults[0] };
  const { ip } = expected;
  const seq = connection.toScript(segment.seq);
  return differ("seq", expected.seq.start, seq) ??
    differ("length", expected.seq.length, segment.length) ??
    differ("flags", flagsText(expected.flags), flagsText(segment.flags)) ??
    differ("ack", expected.ack, segment.ack) ??
    differ("win", expected.win, segment.win) ??
    differ("urg", expected.urg, segment.urg) ??
    differ("ECN", ip.ecn === undefined ? undefined : ecnText(ip.ecn), ecnText(segment.ip.tos & 3)) ??
    differ("tos", ip.tos, segment.ip.tos) ??
    differ("ttl", ip.ttl, segment.ip.ttl) ??
    differ("flowlabel", ip.flowLabel, segment.ip.flowLabel);
}

/** A field that the script leaves out is not checked. */
function differ(what: string, expected: number | string | undefined, got: number | string): Difference | undefined {
  if (expected === undefined || expected === got) return undefined;
  return { expected: `${what} ${expected}`, got: `${what} ${got}` };
}

function optionsDifference(
  expected: TcpPacket,
  segment: ReadSegment,
  connection: Connection,
  rules: MatchRules,
): Difference | undefined {
  if (expected.options === undefined) return undefined;
  const same = expected.options.length === segment.options.length &&
    expected.options.every((option, index) => sameOption(option, segment.options[index]));
  if (!same) {
    const got = segment.options.map((option) => withScriptTimestamp(option, expected.options!));
    return { expected: `options ${optionListText(expected.options)}`, got: `options ${optionListText(got)}` };
  }
  const [script, live] = [timestampOf(expected.options), timestampOf(segment.options)];
  if (script === undefined || live === undefined) return undefined;
  connection.learnTimestamp(script, live);
  return timestampDifference(script, live, connection, rules);
}

/** In value, but for timestamps: those are of another clock, and an echo depends on what was sent when. */
function sameOption(expected: TcpOption, got: TcpOption): boolean {
  if (expected.kind !== got.kind) return false;
  switch (expected.kind) {
    case "TS":
      return true;
    case "mss":
    case "wscale":
      return expected.value === (got as typeof expected).value;
    default:
      return JSON.stringify(expected) === JSON.stringify(got);
  }
}

/** Timestamps are not what differs, so they are shown as expected. */
function withScriptTimestamp(option: TcpOption, expected: readonly TcpOption[]): TcpOption {
  return option.kind === "TS" ? expected.find(({ kind }) => kind === "TS") ?? option : option;
}

function timestampOf(options: readonly TcpOption[]): number | undefined {
  return options.find((option) => option.kind === "TS")?.val;
}

/** With `--tcp_ts_tick_usecs` the two clocks have to run alike since the first timestamp. */
function timestampDifference(
  script: number,
  live: number,
  connection: Connection,
  rules: MatchRules,
): Difference | undefined {
  if (rules.tsTickUsecs === 0) return undefined;
  const counterpart = connection.expectedScriptTimestamp(live)!;
  const apart = Math.abs((counterpart - script) | 0) * rules.tsTickUsecs;
  if (apart <= Math.max(rules.toleranceUsecs, rules.tsTickUsecs)) return undefined;
  return { expected: `TS val ${script}`, got: `TS val ${counterpart}` };
}

/**
 * Whether `next` continues `sum` as a part of one larger segment: adjacent, no larger than those before, and alike in
 * the fields that a device cutting up one segment would copy.
 */
export function continues(sum: Sent, next: Sent, size: number): boolean {
  const [a, b] = [sum.segment, next.segment];
  return ((a.seq + a.length) >>> 0) === b.seq &&
    b.length > 0 && b.length <= size && a.length % size === 0 &&
    a.ack === b.ack && a.urg === b.urg && a.ip.tos === b.ip.tos && a.ip.ttl === b.ip.ttl &&
    (a.flags & ~FREE_FLAGS) === (b.flags & ~FREE_FLAGS);
}

/** Two adjacent segments as one: sequence number and CWR of the first, all else of the last. */
export function joined(sum: Sent, next: Sent): Sent {
  const [a, b] = [sum.segment, next.segment];
  const flags = (b.flags & ~TcpFlag.CWR) | (a.flags & TcpFlag.CWR);
  const segment = { ...b, seq: a.seq, length: a.length + b.length, flags, faults: [...a.faults, ...b.faults] };
  return { segment, at: sum.at, until: next.until };
}
