/**
 * One end of one connection, alone in a fresh engine, in a dialogue with the test:
 *
 *     const tcp = await lone();
 *     tcp.opens();
 *     assert.deepEqual(tcp.sends(), ["S 0"]);
 *     tcp.receives({ flags: "SA", ack: 1, mss: 1460 });
 *     assert.deepEqual(tcp.sends(), ["A 1 ack 1"]);
 *
 * Sequence numbers are relative to the ISN of whoever counts with them, so a SYN is 0 and the first byte 1. After
 * every step the core counts its own books again (`checkInvariants`), and nothing that could be done may be left undone
 * (`liveness.ts`).
 */
import assert from "node:assert/strict";
import { Engine, type Field } from "../../src/core/engine.ts";
import {
  Cc,
  EndReason,
  Engine as Root,
  Notify,
  Segment,
  SendFlag,
  State,
  Tcb,
  TcbFlag,
} from "../../src/core/layout.gen.ts";
import { parseTime } from "../../src/scenario/units.ts";
import { neglected } from "./liveness.ts";
import { type Header, putSegment, readSegment } from "./segment.ts";

/** What a user sets before OPEN, and the parameters of the run. */
export interface Settings {
  seed?: bigint;
  cc?: keyof typeof Cc;
  /** `CcOption` bits. */
  ccOptions?: number;
  /** What this end asks for and accepts of explicit congestion notification. */
  /** net.ipv4.tcp_fastopen. */
  fastOpen?: number;
  ecn?: "off" | "on" | "accurate";
  /** net.ipv4.tcp_ecn_option. */
  ecnOption?: number;
  /** What this end offers on its SYN. */
  sack?: boolean;
  timestamps?: boolean;
  windowScaling?: boolean;
  delayedAck?: boolean;
  nagle?: boolean;
  /** The application reads whatever comes at once. */
  reads?: boolean;
  /** The application writes for ever. */
  endless?: boolean;
  /** What this end announces. */
  mss?: number;
  receiveBuffer?: number;
  sendBuffer?: number;
  initialWindow?: number;
  minRto?: string;
  maxRto?: string;
  initialRto?: string;
  /** The smallest RTO bounds the sum, as RFC 6298 has it, and not its variance term, as in Linux. */
  rtoFloorOnSum?: boolean;
  /** `Recovery` bits: none is RFC 6675 and RFC 6582 alone. */
  recovery?: number;
  /** 0 (the default): as arrivals are spaced. */
  delayedAckTimeout?: string;
  /** ACKs of quick-ACK mode at most. */
  quickAcks?: number;
  /** rcv_buf is memory and follows what is read. */
  tunedBuffer?: boolean;
  rmemMax?: number;
  /** Shortest time between two answers to segments that are not acceptable; 0 for no limit. */
  invalidRateLimit?: string;
  challengeAckLimit?: number;
  rfc1337?: boolean;
  finTimeout?: string;
  shrinkWindow?: boolean;
  msl?: string;
  finWait2?: string;
  synRetries?: number;
  dataRetries?: number;
  /** Local and remote address and port. */
  local?: [number, number];
  remote?: [number, number];
  /** The peer's ISN. */
  irs?: number;
  /** The host sends in bursts, as for TSO. */
  tso?: boolean;
  slowStartAfterIdle?: boolean;
  pacing?: boolean;
  /** net.ipv4.tcp_mtu_probing. */
  mtuProbing?: number;
  /** When the dialogue begins. */
  start?: bigint;
}

/** A segment that arrives: what is not given is what a well-behaved peer would send next. */
export type Arriving = Partial<Omit<Header, "ts">> & { ts?: [number, number] | null };

/** A segment that leaves. */
export type Leaving = Header & { at_ms: number };

const DEFAULTS = {
  seed: 1n,
  cc: "RENO",
  ccOptions: 0,
  fastOpen: 0,
  ecn: "off",
  ecnOption: 2,
  sack: false,
  timestamps: false,
  windowScaling: false,
  delayedAck: true,
  nagle: true,
  reads: true,
  endless: false,
  mss: 1460,
  receiveBuffer: 65535,
  sendBuffer: 1 << 22,
  initialWindow: 10,
  minRto: "200ms",
  maxRto: "120s",
  initialRto: "1s",
  rtoFloorOnSum: false,
  recovery: 0,
  delayedAckTimeout: "0s",
  quickAcks: 16,
  tunedBuffer: false,
  rmemMax: 6291456,
  invalidRateLimit: "500ms",
  challengeAckLimit: 0,
  rfc1337: false,
  finTimeout: "60s",
  shrinkWindow: false,
  msl: "60s",
  finWait2: "0s",
  synRetries: 6,
  dataRetries: 15,
  local: [0x0a000001, 49152],
  remote: [0x0a800001, 80],
  irs: 1_000_000,
  tso: false,
  slowStartAfterIdle: true,
  pacing: false,
  mtuProbing: 0,
  start: 1_000_000_000n,
} satisfies Required<Settings>;

const NEVER = 2n ** 64n - 1n;

/** Allocates a control block and fills it in as a user would before OPEN. */
export function makeTcb(engine: Engine, settings: Settings): number {
  const s = { ...DEFAULTS, ...settings };
  const tcb = engine.exports.allocate(Tcb.size);
  const ecn = { off: 0, on: TcbFlag.OFFER_ECN, accurate: TcbFlag.OFFER_ACCECN }[s.ecn];
  const flags = ecn | (s.timestamps ? TcbFlag.OFFER_TIMESTAMPS : 0) | (s.sack ? TcbFlag.OFFER_SACK : 0) |
    (s.windowScaling ? TcbFlag.OFFER_WINDOW_SCALING : 0) | (s.delayedAck ? TcbFlag.DELAYED_ACK : 0) |
    (s.nagle ? 0 : TcbFlag.NODELAY) | (s.reads ? TcbFlag.READS_AT_ONCE : 0) |
    (s.endless ? TcbFlag.WRITES_FOR_EVER : 0) | (s.tunedBuffer ? TcbFlag.TUNED_BUFFER : 0);
  engine.set(tcb, Tcb.flags, flags);
  engine.set(tcb, Tcb.cc, Cc[s.cc]);
  engine.set(tcb, Tcb.cc_priv7, s.ccOptions);
  engine.set(tcb, Tcb.rcv_mss, s.mss);
  engine.set(tcb, Tcb.rcv_buf, s.receiveBuffer);
  engine.set(tcb, Tcb.snd_buf, s.sendBuffer);
  engine.set(tcb, Tcb.rto_min_us, parseTime(s.minRto) / 1e3);
  engine.set(tcb, Tcb.initial_cwnd, s.initialWindow);
  engine.set(tcb, Tcb.local_addr, s.local[0]);
  engine.set(tcb, Tcb.local_port, s.local[1]);
  engine.set(tcb, Tcb.remote_addr, s.remote[0]);
  engine.set(tcb, Tcb.remote_port, s.remote[1]);
  return tcb;
}

/** Starts a run and sets its parameters. */
export function startRun(engine: Engine, settings: Settings): void {
  const s = { ...DEFAULTS, ...settings };
  engine.exports.init(s.seed);
  engine.set(engine.root, Root.fastopen, s.fastOpen);
  engine.set(engine.root, Root.ecn_option, s.ecnOption);
  engine.set(engine.root, Root.msl_ms, parseTime(s.msl) / 1e6);
  engine.set(engine.root, Root.rto_max_us, parseTime(s.maxRto) / 1e3);
  engine.set(engine.root, Root.rto_initial_us, parseTime(s.initialRto) / 1e3);
  engine.set(engine.root, Root.rto_floor_on_sum, s.rtoFloorOnSum ? 1 : 0);
  engine.set(engine.root, Root.recovery, s.recovery);
  engine.set(engine.root, Root.reordering, 3);
  engine.set(engine.root, Root.delayed_ack_us, parseTime(s.delayedAckTimeout) / 1e3);
  engine.set(engine.root, Root.quick_acks, s.quickAcks);
  engine.set(engine.root, Root.rmem_max, s.rmemMax);
  engine.set(engine.root, Root.moderate_rcvbuf, 1);
  engine.set(engine.root, Root.shrink_window, s.shrinkWindow ? 1 : 0);
  engine.set(engine.root, Root.invalid_ratelimit_ms, parseTime(s.invalidRateLimit) / 1e6);
  engine.set(engine.root, Root.challenge_ack_limit, s.challengeAckLimit);
  engine.set(engine.root, Root.rfc1337, s.rfc1337 ? 1 : 0);
  engine.set(engine.root, Root.fin_timeout_ms, parseTime(s.finTimeout) / 1e6);
  engine.set(engine.root, Root.fin_wait_2_ms, parseTime(s.finWait2) / 1e6);
  engine.set(engine.root, Root.syn_retries, s.synRetries);
  engine.set(engine.root, Root.synack_retries, s.synRetries);
  engine.set(engine.root, Root.data_retries, s.dataRetries);
  engine.set(engine.root, Root.tso_bytes_max, s.tso ? 65215 : 0);
  engine.set(engine.root, Root.slow_start_after_idle, s.slowStartAfterIdle ? 1 : 0);
  engine.set(engine.root, Root.pacing, s.pacing ? 1 : 0);
  engine.set(engine.root, Root.mtu_probing, s.mtuProbing);
}

/** Takes what TCP wants to send off the engine's list. */
export function drain(engine: Engine, take: (segment: number) => void): void {
  let at = engine.get(engine.root, Root.out_head);
  engine.set(engine.root, Root.out_head, 0);
  while (at !== 0) {
    const next = engine.get(at, Segment.next);
    take(at);
    engine.exports.giveSegment(at);
    at = next;
  }
}

/** One end, alone. */
export class Tcp {
  readonly engine: Engine;
  readonly tcb: number;
  readonly irs: number;
  readonly #start: bigint;
  #now: bigint;
  #sent: Leaving[] = [];
  #tsval = 0;
  /** When the owner's one alarm goes off. */
  #armed = NEVER;

  constructor(engine: Engine, settings: Settings) {
    this.engine = engine;
    startRun(engine, settings);
    this.tcb = makeTcb(engine, settings);
    this.irs = settings.irs ?? DEFAULTS.irs;
    this.#start = settings.start ?? DEFAULTS.start;
    this.#now = this.#start;
  }

  // ---- The user's calls

  opens(): void {
    this.#step(() => this.engine.exports.openActive(this.tcb, this.#now));
  }

  /** An active OPEN by RFC 7413, with that much written before the SYN leaves. */
  opensFast(bytes: number): void {
    this.#step(() => {
      const { exports } = this.engine;
      exports.openFast(this.tcb, this.#now);
      exports.sendBytes(this.tcb, bytes, this.#now);
      exports.sendOpeningSyn(this.tcb, this.#now);
    });
  }

  /** The right cookie of a listener that offers Fast Open. */
  cookie: bigint | null = null;

  listens(): void {
    this.#step(() => this.engine.exports.openPassive(this.tcb));
  }

  /** How many bytes were taken. */
  writes(bytes: number): number {
    return this.#step(() => this.engine.exports.sendBytes(this.tcb, bytes, this.#now));
  }

  /** MSG_MORE: more follows at once. */
  writesMore(bytes: number): number {
    return this.#step(() => this.engine.exports.sendMessage(this.tcb, bytes, SendFlag.MORE, this.#now));
  }

  /** MSG_OOB: the last byte is urgent. */
  writesUrgent(bytes: number): number {
    return this.#step(() => this.engine.exports.sendMessage(this.tcb, bytes, SendFlag.URGENT, this.#now));
  }

  urgentInline(): void {
    this.#step(() => this.engine.exports.setUrgentInline(this.tcb, true));
  }

  corks(on: boolean): void {
    this.#step(() => this.engine.exports.setCork(this.tcb, on, this.#now));
  }

  noDelay(on: boolean): void {
    this.#step(() => this.engine.exports.setNoDelay(this.tcb, on, this.#now));
  }

  /** SO_KEEPALIVE with TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT. */
  keepsAlive(idle_s: number, interval_s: number, probes: number): void {
    this.#step(() => this.engine.exports.setKeepalive(this.tcb, true, idle_s, interval_s, probes, this.#now));
  }

  /** ICMP: a packet was too long. */
  pathTakes(mtu: number): void {
    this.#step(() => this.engine.exports.pathMtuReduced(this.tcb, mtu, this.#now));
  }

  userTimeout(ms: number): void {
    this.#step(() => this.engine.exports.setUserTimeout(this.tcb, ms));
  }

  /** How many bytes were given. */
  reads(bytes: number): number {
    return this.#step(() => this.engine.exports.receiveBytes(this.tcb, bytes, this.#now));
  }

  closes(): void {
    this.#step(() => this.engine.exports.closeConnection(this.tcb, this.#now));
  }

  /** TCP_QUICKACK. */
  quickAcks(value: number): void {
    this.#step(() => this.engine.exports.setQuickAcks(this.tcb, value, this.#now));
  }

  /** SO_RCVBUF, in memory as Linux counts it. */
  setsReceiveBuffer(bytes: number): void {
    this.#step(() => this.engine.exports.setReceiveBuffer(this.tcb, bytes));
  }

  /** The application closes its socket: it writes and reads no more. */
  leaves(): void {
    this.#step(() => {
      this.engine.exports.closeConnection(this.tcb, this.#now);
      this.engine.exports.closeReceiving(this.tcb, this.#now);
    });
  }

  aborts(): void {
    this.#step(() => this.engine.exports.abortConnection(this.tcb, this.#now));
  }

  // ---- The network

  receives(arriving: Arriving = {}): void {
    const header = this.#complete(arriving);
    this.#step(() => {
      const segment = putSegment(this.engine, header);
      if (this.cookie !== null && this.state === "LISTEN") {
        this.engine.exports.fastOpenSyn(this.tcb, segment, this.cookie, 1);
      }
      this.engine.exports.segmentArrives(this.tcb, segment, this.#now);
      this.engine.exports.giveSegment(segment);
    });
  }

  /** What has left since it was last asked, in one line a segment. */
  sends(): string[] {
    return this.segments().map(describe);
  }

  /** What has left since it was last asked, with windows and options. */
  segments(): Leaving[] {
    return this.#sent.splice(0);
  }

  // ---- Time

  /** Milliseconds since the dialogue began. */
  get now_ms(): number {
    return Number(this.#now - this.#start) / 1e6;
  }

  /** The clock, nanoseconds. */
  get now(): bigint {
    return this.#now;
  }

  /** Time passes up to `time` after the beginning; what is due on the way happens when it is due. */
  at(time: string): void {
    this.#until(this.#start + BigInt(parseTime(time)));
  }

  /** Time passes. */
  passes(time: string): void {
    this.#until(this.#now + BigInt(parseTime(time)));
  }

  /** Time passes until the next deadline, which happens; false when there is none. */
  passesToNextDeadline(): boolean {
    while (this.#armed !== NEVER) if (this.#alarm()) return true;
    return false;
  }

  #until(time: bigint): void {
    while (this.#armed <= time) this.#alarm();
    this.#now = time;
  }

  /** The one armed alarm goes off, as in assembly/sim/host.ts: deadlines may have moved later meanwhile. */
  #alarm(): boolean {
    if (this.#armed > this.#now) this.#now = this.#armed;
    this.#armed = this.#earliest();
    if (this.#armed > this.#now) return false;
    this.#armed = NEVER;
    this.#step(() => {
      this.engine.exports.timersExpired(this.tcb, this.#now);
      this.#earliest();
      this.set(Tcb.timer_moved, 1);
    });
    return true;
  }

  #earliest(): bigint {
    return BigInt.asUintN(64, this.engine.exports.timersEarliest(this.tcb));
  }

  // ---- What can be seen

  get state(): string {
    return nameOf(State, this.get(Tcb.state));
  }

  get endReason(): string {
    return nameOf(EndReason, this.get(Tcb.end_reason));
  }

  get(field: Field): number {
    return this.engine.get(this.tcb, field);
  }

  set(field: Field, value: number): void {
    this.engine.set(this.tcb, field, value);
  }

  /** A field of its `Receiver`. */
  rx(field: Field): number {
    return this.engine.get(this.get(Tcb.rx), field);
  }

  /** A field of the run's root. */
  root(field: Field): number {
    return this.engine.get(this.engine.root, field);
  }

  has(flag: number): boolean {
    return (this.get(Tcb.flags) & flag) !== 0;
  }

  /** What the application is told since it was last asked. */
  notifications(): string[] {
    const bits = this.get(Tcb.notify);
    this.set(Tcb.notify, 0);
    return Object.entries(Notify).filter(([, bit]) => bits & bit).map(([name]) => name);
  }

  /** SND.NXT, SND.UNA and RCV.NXT, relative. */
  get sndNxt(): number {
    return this.get(Tcb.snd_nxt) - this.get(Tcb.iss) >>> 0;
  }

  get sndUna(): number {
    return this.get(Tcb.snd_una) - this.get(Tcb.iss) >>> 0;
  }

  get rcvNxt(): number {
    return this.get(Tcb.rcv_nxt) - this.irs >>> 0;
  }

  /** Does something and undoes it. */
  tries<T>(action: () => T): T {
    const memory = this.engine.snapshot();
    const now = this.#now;
    const [tsval, armed] = [this.#tsval, this.#armed];
    try {
      return action();
    } finally {
      this.engine.restore(memory);
      this.#now = now;
      this.#tsval = tsval;
      this.#armed = armed;
      this.#sent = [];
    }
  }

  #complete(arriving: Arriving): Header {
    const iss = this.get(Tcb.iss);
    const opening = this.get(Tcb.state) <= State.SYN_SENT;
    const { flags = "A", seq = opening ? 0 : this.rcvNxt, len = 0, wnd = 65535, ts, sack, ...rest } = arriving;
    const ack = arriving.ack ?? (flags.includes("A") ? this.sndNxt : 0);
    const header: Header = {
      ...rest,
      flags,
      seq: seq + this.irs,
      ack: flags.includes("A") ? ack + iss : 0,
      len,
      wnd,
    };
    if (sack !== undefined) header.sack = sack.map(([start, end]) => [start + iss, end + iss]);
    if (ts) header.ts = [ts[0], ts[1] + iss];
    else if (ts === undefined && !opening && this.has(TcbFlag.TIMESTAMPS)) {
      header.ts = [Math.floor(this.now_ms), this.#tsval + iss];
    }
    return header;
  }

  #step<T>(action: () => T): T {
    try {
      const result = action();
      drain(this.engine, (at) => this.#sent.push(this.#leaving(readSegment(this.engine, at))));
      if (this.get(Tcb.timer_moved)) {
        this.set(Tcb.timer_moved, 0);
        this.#armed = this.engine.getBig(this.tcb, Tcb.timer_min);
      }
      this.engine.exports.checkInvariants(this.tcb);
      assert.equal(neglected(this.engine, this.tcb), null);
      return result;
    } catch (error) {
      throw this.engine.explain(error);
    }
  }

  #leaving(header: Header): Leaving {
    const iss = this.get(Tcb.iss);
    // A refusal counts from the sequence numbers of what it refuses
    const relative: Leaving = { ...header, seq: header.seq - iss >>> 0, at_ms: this.now_ms };
    if (header.flags.includes("A")) relative.ack = header.ack - this.irs >>> 0;
    if (header.sack) relative.sack = header.sack.map(([s, e]) => [s - this.irs >>> 0, e - this.irs >>> 0]);
    if (header.ts) {
      this.#tsval = header.ts[0] - iss >>> 0;
      relative.ts = [this.#tsval, header.ts[1]];
    }
    return relative;
  }
}

/** A control block that was never opened. */
export async function lone(settings: Settings = {}): Promise<Tcp> {
  return new Tcp(await Engine.load(), settings);
}

/** One that has opened actively; the peer offers what this end does, and 100 ms lie between SYN and SYN-ACK. */
export async function connected(settings: Settings = {}, peer: Arriving = {}): Promise<Tcp> {
  const tcp = await lone(settings);
  tcp.opens();
  tcp.passes("100ms");
  tcp.receives({ flags: "SA", ...peerOffers(settings), ...peer });
  tcp.segments();
  return tcp;
}

/** One that a peer has connected to. */
export async function accepted(settings: Settings = {}, peer: Arriving = {}): Promise<Tcp> {
  const tcp = await lone(settings);
  tcp.listens();
  tcp.receives({ flags: "S", ...peerOffers(settings), ...peer });
  tcp.passes("100ms");
  tcp.receives();
  tcp.segments();
  return tcp;
}

function peerOffers({ sack, timestamps, windowScaling, mss }: Settings): Arriving {
  return {
    mss: mss ?? DEFAULTS.mss,
    ...(sack ? { sackPermitted: true } : {}),
    ...(timestamps ? { ts: [0, 0] } : {}),
    ...(windowScaling ? { wscale: 7 } : {}),
  };
}

/** `FLAGS seq[:end] [ack n] [sack a-b ...]`. */
export function describe({ flags, seq, ack, len, sack }: Header): string {
  const range = len > 0 ? `${seq}:${seq + len}` : `${seq}`;
  const acknowledges = flags.includes("A") ? ` ack ${ack}` : "";
  const blocks = sack ? ` sack ${sack.map(([start, end]) => `${start}-${end}`).join(" ")}` : "";
  return `${flags} ${range}${acknowledges}${blocks}`;
}

function nameOf(names: Record<string, number>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? `${value}`;
}
