/** Runs a prepared script against a host, in the host's virtual time: the events in turn, up to the first mismatch. */
import { type Done, isPending, resultText } from "./calls.ts";
import { type CodeValue, runCode } from "./code.ts";
import { ScriptError } from "./error.ts";
import type { Pending, ScriptHost } from "./host.ts";
import { compare, type Sent, shownOf } from "./match.ts";
import { MismatchError } from "./mismatch.ts";
import { packetText, secondsText, segmentText } from "./notation.ts";
import { Outbound } from "./outbound.ts";
import type { Setting } from "./preamble.ts";
import type { PreparedEvent, PreparedScript } from "./prepare.ts";
import { Sockets } from "./sockets.ts";
import { inboundPacket } from "./inbound.ts";
import type { IcmpPacket, Relation, Statement, SystemCall, TcpPacket } from "./syntax.ts";
import { PATIENCE, PATIENCE_ANY, type Scheduled, timeDifference, Timeline } from "./timeline.ts";
import { addressBytes, decodeSegment, sameAddress } from "./wire.ts";

/** How a script ended. */
export interface RunOutcome {
  /** Where and what the host did otherwise than the script says; nothing if it passed. */
  readonly mismatch?: MismatchError;
  /** Packets up to the end, with their times, in the notation of scripts. */
  readonly packets: readonly string[];
  /** What code printed, and what went wrong but does not count. */
  readonly notes: readonly string[];
  /** Simulated seconds. */
  readonly simulated_s: number;
}

/** How to run. */
export interface RunOptions {
  /** Packets that nothing in the script expects fail it even if they come after the last outbound line. */
  readonly strictEnd?: boolean;
}

/** The script's clock starts here, so that no clock of the host's stands near zero. */
const START_NS = 10_000_000_000n;
/** How long a call that should return at once is given, as a script would hang in it. */
const PATIENCE_CALL = 60_000_000;

/** Runs a script on a host of its own. */
export function runScript(script: PreparedScript, host: ScriptHost, options: RunOptions = {}): RunOutcome {
  return new Run(script, host, options).outcome();
}

interface Blocked {
  readonly event: PreparedEvent;
  readonly call: SystemCall;
  readonly scheduled: Scheduled;
  pending: Pending<Done>;
}

interface Snapshot {
  readonly statements: readonly Statement[];
  readonly info: Readonly<Record<string, number>> | undefined;
  readonly line: number;
}

class Run {
  readonly #script: PreparedScript;
  readonly #host: ScriptHost;
  readonly #options: RunOptions;
  readonly #timeline: Timeline;
  readonly #outbound = new Outbound();
  readonly #sockets: Sockets;
  /** Rendered at the end, when it is known how the numbers map. */
  readonly #packets: (() => string)[] = [];
  readonly #notes: string[] = [];
  readonly #snapshots: Snapshot[] = [];
  #blocked: Blocked | undefined;
  /** Line of the event under way. */
  #line = 1;

  constructor(script: PreparedScript, host: ScriptHost, options: RunOptions) {
    this.#script = script;
    this.#host = host;
    this.#options = options;
    this.#timeline = new Timeline(script.config);
    this.#sockets = new Sockets(script.config, host, this.#outbound);
  }

  outcome(): RunOutcome {
    const mismatch = this.#mismatchOf(() => this.#runAll());
    const packets = this.#packets.map((render) => render());
    return { mismatch, packets, notes: this.#notes, simulated_s: this.#now / 1e6 };
  }

  #mismatchOf(work: () => void): MismatchError | undefined {
    try {
      work();
      return undefined;
    } catch (error) {
      if (error instanceof MismatchError) return error;
      if (error instanceof ScriptError || !(error instanceof Error)) throw error;
      // A trap of the engine ends this script, not those behind it
      return new MismatchError(this.#line, { expected: "an engine that goes on", got: error.message });
    }
  }

  #runAll(): void {
    const { config, init, events } = this.#script;
    const route = { mtu: config.mtu, ...config.mss === undefined ? {} : { advmss: config.mss } };
    if (config.mtu !== 1500 || config.mss !== undefined) this.#apply([{ kind: "route", line: 1, route }], false);
    this.#apply(init, false);
    this.#host.runBefore(START_NS);
    for (const event of events) this.#runEvent(event);
    this.#settleBlocked();
    if (this.#options.strictEnd) this.#refuseLeftovers();
    this.#runCode();
  }

  /** Microseconds since the start of the script. */
  get #now(): number {
    return Math.max(0, Number((this.#host.now - START_NS) / 1000n));
  }

  #runEvent(prepared: PreparedEvent): void {
    const { event } = prepared;
    this.#line = event.line;
    const { action } = event;
    if (action.kind === "call" && action.returnsAt !== undefined) this.#settleBlocked();
    const scheduled = this.#timeline.schedule(event, this.#now);
    if (action.kind === "outbound") {
      return this.#tolerate("packet", () => this.#expect(action.packet, scheduled, event.line));
    }
    this.#advance(scheduled.at);
    switch (action.kind) {
      case "inbound":
        return this.#inject(action.packet, event.line);
      case "call":
        return this.#tolerate("syscall", () => this.#call(prepared, action.call, scheduled));
      case "shell":
        return this.#apply(prepared.settings!, true);
      case "code": {
        const fd = this.#sockets.fdUnderTest;
        const info = fd === undefined ? undefined : this.#tcpInfo(fd);
        this.#snapshots.push({ statements: action.statements, info, line: event.line });
      }
    }
  }

  /** What `--non_fatal` names is noted, and the script goes on. */
  #tolerate(kind: string, work: () => void): void {
    if (!this.#script.config.nonFatal.has(kind)) return work();
    const mismatch = this.#mismatchOf(work);
    if (mismatch !== undefined) this.#notes.push(`${this.#script.file}:${mismatch.line}: ${mismatch.message}`);
  }

  // Time

  /** Runs the host up to a time, not including what is due at it: what the script does then comes first. */
  #advance(at: number): void {
    const target = START_NS + BigInt(at) * 1000n;
    // A blocked call has to see each change at its own time
    while (this.#blocked !== undefined && this.#stepBefore(target));
    if (this.#host.now < target) this.#host.runBefore(target);
    this.#collect();
  }

  /** One event of the host's, if it comes before `target`. */
  #stepBefore(target: bigint): boolean {
    const next = this.#nextNs();
    if (next === undefined || next >= target) return false;
    // An estimate may lie behind the clock; a microsecond on, it is not met again
    this.#host.run(next > this.#host.now ? next : this.#host.now + 1000n);
    this.#collect();
    return true;
  }

  /** When the host, or a call that blocks, may have news. */
  #nextNs(): bigint | undefined {
    const [timer, deadline] = [this.#host.nextEventNs(), this.#blocked?.pending.deadlineNs];
    if (timer === undefined || deadline === undefined) return timer ?? deadline;
    return timer < deadline ? timer : deadline;
  }

  /** Takes what the host has sent, and tries a blocked call again. */
  #collect(): void {
    for (const { timeNs, packet } of this.#host.output()) {
      const at = Math.max(0, Number((timeNs - START_NS) / 1000n));
      const segment = decodeSegment(packet);
      if (typeof segment === "string") {
        this.#packets.push(() => `${secondsText(at)} > ${segment}, not TCP`);
        continue;
      }
      if (!sameAddress(segment.ip.dst, addressBytes(this.#script.config.remoteIp))) continue;
      this.#outbound.push(segment, at);
      const connection = this.#outbound.current;
      this.#packets.push(() => `${secondsText(at)} > ${segmentText(shownOf(segment, connection))}`);
    }
    const blocked = this.#blocked;
    if (blocked === undefined) return;
    const answer = blocked.pending.retry();
    if (isPending(answer)) blocked.pending = answer;
    else {
      this.#blocked = undefined;
      this.#returned(blocked, answer);
    }
  }

  // Packets

  #inject(packet: TcpPacket | IcmpPacket, line: number): void {
    const connection = this.#sockets.forInbound(packet);
    const bytes = inboundPacket(packet, connection, this.#script.config, (missing) => {
      throw new MismatchError(line, { expected: `a packet sent before with TS val ${missing}`, got: "none" });
    });
    const at = this.#now;
    this.#packets.push(() => `${secondsText(at)} < ${packetText(packet)}`);
    this.#host.input(bytes);
    this.#collect();
  }

  #expect(packet: TcpPacket, scheduled: Scheduled, line: number): void {
    const deadline = scheduled.any ? this.#now + PATIENCE_ANY : scheduled.until + PATIENCE;
    const more = (): boolean => this.#awaitPacket(deadline);
    if (!more()) throw new MismatchError(line, { expected: `> ${packetText(packet)}`, got: "no packet" });
    const sent = this.#outbound.take(packet, this.#script.config.strictSegments, more);
    const connection = this.#sockets.forOutbound(sent);
    if (connection === undefined) {
      const text = segmentText(shownOf(sent.segment, undefined));
      throw new MismatchError(line, { expected: `> ${packetText(packet)}`, got: `> ${text} of no connection` });
    }
    const difference = compare(packet, sent, connection, this.#script.config) ??
      timeDifference(scheduled, sent.at, sent.until);
    if (difference !== undefined) throw new MismatchError(line, difference);
  }

  /** Runs the host until a packet waits; false if none has come by the deadline. */
  #awaitPacket(deadline: number): boolean {
    const target = START_NS + BigInt(deadline) * 1000n;
    this.#collect();
    while (this.#outbound.peek() === undefined) {
      if (this.#stepBefore(target)) continue;
      if (this.#host.now < target) this.#host.run(target);
      this.#collect();
      return this.#outbound.peek() !== undefined;
    }
    return true;
  }

  #refuseLeftovers(): void {
    const left = this.#outbound.peek();
    if (left === undefined) return;
    const got = this.#describe(left);
    throw new MismatchError(this.#script.events.at(-1)!.event.line, { expected: "no more packets", got });
  }

  #describe(sent: Sent): string {
    return `> ${segmentText(shownOf(sent.segment, this.#outbound.current))} at ${secondsText(sent.at)}`;
  }

  // System calls

  #call(prepared: PreparedEvent, call: SystemCall, scheduled: Scheduled): void {
    const line = prepared.event.line;
    const late = timeDifference(scheduled, this.#now);
    if (late !== undefined) {
      throw new MismatchError(line, { expected: `${call.text} at ${late.expected}`, got: late.got });
    }
    const answer = prepared.call!(this.#sockets);
    const blocked = { event: prepared, call, scheduled };
    if (!isPending(answer)) this.#returned(blocked, answer);
    else {
      this.#blocked = { ...blocked, pending: answer };
      // A script hangs in a call that blocks without being marked so; what it does next comes when the call returns
      if (this.#returnsAt(blocked) === undefined) this.#settleBlocked();
    }
    this.#collect();
  }

  /** When a call that is marked as blocking should return. */
  #returnsAt({ event, scheduled }: Pick<Blocked, "event" | "scheduled">): number | undefined {
    const { action } = event.event;
    if (action.kind !== "call" || action.returnsAt === undefined) return undefined;
    return scheduled.base + action.returnsAt;
  }

  /** Waits until the call that blocks has returned. */
  #settleBlocked(): void {
    const blocked = this.#blocked;
    if (blocked === undefined) return;
    const deadline = (this.#returnsAt(blocked) ?? this.#now - PATIENCE + PATIENCE_CALL) + PATIENCE;
    const target = START_NS + BigInt(deadline) * 1000n;
    while (this.#blocked !== undefined && this.#stepBefore(target));
    if (this.#blocked === undefined) return;
    if (this.#host.now < target) this.#host.run(target);
    this.#collect();
    if (this.#blocked === undefined) return;
    this.#blocked = undefined;
    const expected = `${blocked.call.text} ${expectedResult(blocked.call)}`;
    throw new MismatchError(blocked.event.event.line, { expected, got: "a call that blocks" });
  }

  #returned(blocked: Omit<Blocked, "pending">, done: Done): void {
    const { call, event } = blocked;
    const line = event.event.line;
    if (isWrong(call, done.result)) {
      const expected = `${call.text} ${expectedResult(call)}`;
      throw new MismatchError(line, { expected, got: resultText(done.result) });
    }
    if (done.opens && done.result >= 0 && call.result.kind === "number") {
      this.#sockets.learnFd(call.result.value, done.result);
    }
    if (done.difference !== undefined) {
      const expected = `${call.text} with ${done.difference.expected}`;
      throw new MismatchError(line, { expected, got: done.difference.got });
    }
    const returnsAt = this.#returnsAt(blocked);
    if (returnsAt === undefined) return;
    const tolerance = Math.max(
      blocked.scheduled.tolerance,
      this.#timeline.toleranceOf(returnsAt - blocked.scheduled.at),
    );
    const late = timeDifference({ ...blocked.scheduled, at: returnsAt, until: returnsAt, tolerance }, this.#now);
    if (late !== undefined) {
      throw new MismatchError(line, { expected: `${call.text} to return at ${late.expected}`, got: late.got });
    }
  }

  // Commands and code

  #apply(settings: readonly Setting[], timed: boolean): void {
    for (const setting of settings) {
      try {
        if (setting.kind === "sysctl") this.#host.sysctl(setting.name, setting.value);
        else if (setting.kind === "route") this.#host.route(setting.route);
        else if (timed) this.#advance(this.#now + setting.micros);
      } catch (error) {
        if (error instanceof MismatchError || !(error instanceof Error)) throw error;
        throw new ScriptError(this.#script.file, setting.line, error.message);
      }
    }
    this.#collect();
  }

  #tcpInfo(fd: number): Record<string, number> | undefined {
    const info = this.#host.tcpInfo(fd);
    if (typeof info === "number") return undefined;
    return Object.fromEntries(Object.entries(info).map(([name, value]) => [name, Number(value)]));
  }

  /** All code runs at the end, each block on what TCP_INFO was at its time. */
  #runCode(): void {
    const variables = new Map<string, CodeValue>();
    for (const { statements, info, line } of this.#snapshots) {
      if (info === undefined) throw new MismatchError(line, { expected: "a socket to read TCP_INFO of", got: "none" });
      for (const note of this.#evaluate(statements, info, variables, line)) {
        if (note.kind === "failed") throw new MismatchError(note.line, note);
        this.#notes.push(note.text);
      }
    }
  }

  #evaluate(
    statements: readonly Statement[],
    info: Readonly<Record<string, number>>,
    variables: Map<string, CodeValue>,
    line: number,
  ): ReturnType<typeof runCode> {
    try {
      return runCode(statements, info, variables);
    } catch (error) {
      throw new ScriptError(this.#script.file, line, error instanceof Error ? error.message : String(error));
    }
  }
}

function expectedResult({ relation, result, errno }: SystemCall): string {
  const value = result.kind === "number" ? result.text : "...";
  return `${relation} ${value}${errno === undefined ? "" : ` ${errno}`}`;
}

/** Whether a result is not what a call should return. */
function isWrong({ relation, result, errno, name }: SystemCall, got: number): boolean {
  if (result.kind !== "number") return false;
  if (errno !== undefined) return resultText(got) !== `-1 ${canonical(errno)}`;
  // Linux hands out other numbers than the script: any descriptor will do
  if (OPENERS.has(name) && relation === "=" && result.value >= 0) return got < 0;
  const value = got < 0 ? -1 : got;
  return !RELATIONS[relation](value, result.value);
}

const OPENERS: ReadonlySet<string> = new Set(["socket", "accept", "accept4", "epoll_create", "epoll_create1"]);

const RELATIONS: Record<Relation, (a: number, b: number) => boolean> = {
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
};

/** Two names of one error are one. */
function canonical(errno: string): string {
  const same: Record<string, string> = { EWOULDBLOCK: "EAGAIN", ENOTSUP: "EOPNOTSUPP" };
  return same[errno] ?? errno;
}
