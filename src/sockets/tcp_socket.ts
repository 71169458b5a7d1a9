/** One TCP socket as its user sees it: Linux's calls, their errnos and when each is due, over a connection of the core. */
import {
  EndReason,
  Engine as Root,
  FastOpenSysctl,
  SendFlag,
  Socket as SocketLayout,
  State,
  Tcb,
  TcbFlag,
} from "../core/layout.gen.ts";
import { familyOf, formatAddress, parseAddress, type SocketAddress } from "./address.ts";
import { AF_INET6, Errno, MessageFlag } from "./constants.ts";
import type { CoreHost } from "./core_host.ts";
import { type Pending, untilAnswered } from "./pending.ts";

/** What a reading call returns: bytes read or -errno, the bytes, and flags of the message. */
export interface Received {
  /** Bytes read, 0 at the end of the stream, or -errno. */
  result: number;
  /** Absent for a virtual stream. */
  data?: Uint8Array;
  /** `msg_flags`: MSG_TRUNC, MSG_OOB. */
  flags?: number;
  /** The peer, where it is told. */
  address?: SocketAddress;
}

/** `struct linger`. */
export interface LingerValue {
  /** 0: close does not wait. */
  onoff: number;
  /** Seconds to wait; 0 resets the connection. */
  linger: number;
}

const RECEIVE = 1;
const SEND = 2;
const BOTH = RECEIVE | SEND;
const NS_PER_S = 1_000_000_000n;

/** How far CONNECT has come, apart from TCP's state: `struct socket`'s `state` in Linux. */
type Progress = "unconnected" | "connecting" | "connected";

/** A socket. */
export class TcpSocket {
  /** Address of the core's `Socket`. */
  readonly at: number;
  readonly family: number;
  nonBlocking = false;
  /** TCP_FASTOPEN_CONNECT */
  fastOpenConnect = false;
  linger: LingerValue = { onoff: 0, linger: 0 };
  receiveLowWater = 1;
  receiveTimeoutNs = 0n;
  sendTimeoutNs = 0n;
  /** How often something has happened to it that a poller may want to know. */
  generation = 0;
  /** Options without effect on what is sent, by level and name: what was set is what is read. */
  readonly remembered: Map<string, number> = new Map<string, number>();
  readonly #core: CoreHost;
  #progress: Progress;
  #deferred = false;
  #shutdown = 0;
  /** `sk_err`: told once. */
  #error = 0;
  /** The connection's end has been turned into an error. */
  #endHeard = false;

  /** A fresh socket at `at`, or an accepted one, which is connected. */
  constructor(core: CoreHost, at: number, family: number, connected: boolean) {
    this.#core = core;
    this.at = at;
    this.family = family;
    this.#progress = connected ? "connected" : "unconnected";
  }

  /** Takes over what the user has set on the listener that it was accepted from; the core's part was copied there. */
  inherit(listener: TcpSocket): void {
    this.linger = { ...listener.linger };
    this.receiveLowWater = listener.receiveLowWater;
    this.receiveTimeoutNs = listener.receiveTimeoutNs;
    this.sendTimeoutNs = listener.sendTimeoutNs;
    for (const [name, value] of listener.remembered) this.remembered.set(name, value);
  }

  /** State of RFC 9293 §3.3.2. */
  get state(): number {
    return this.#core.tcb(this.at, Tcb.state);
  }

  get isListening(): boolean {
    return this.state === State.LISTEN;
  }

  /** Which directions are closed for the user: bit 0 receiving, bit 1 sending. */
  get shutdownBits(): number {
    let bits = this.#shutdown;
    if (this.#progress !== "unconnected") {
      if (this.#has(TcbFlag.FIN_RECEIVED)) bits |= RECEIVE;
      const state = this.state;
      if (state === State.TIME_WAIT || (state === State.CLOSED && this.#isOver)) bits |= BOTH;
    }
    return bits;
  }

  get canReceive(): boolean {
    return (this.shutdownBits & RECEIVE) === 0;
  }

  get canSend(): boolean {
    return (this.shutdownBits & SEND) === 0;
  }

  /** Bytes that a read would give now. */
  get readable(): number {
    return this.#core.engine.exports.socketReadable(this.at) >>> 0;
  }

  get #isOver(): boolean {
    return this.#core.tcb(this.at, Tcb.end_reason) !== EndReason.NONE;
  }

  #has(flag: number): boolean {
    return (this.#core.tcb(this.at, Tcb.flags) & flag) !== 0;
  }

  /** The handshake is not over, and this end may not speak yet: one that was accepted early may (RFC 7413). */
  get isOpening(): boolean {
    const state = this.state;
    return state === State.SYN_SENT || (state === State.SYN_RECEIVED && this.#progress !== "connected");
  }

  /** The error that waits for the user; stays. */
  get pendingError(): number {
    this.#hearEnd();
    return this.#error;
  }

  /** The error that waits for the user, told once: SO_ERROR. */
  takeError(): number {
    const error = this.pendingError;
    this.#error = 0;
    return error;
  }

  /** The connection's end, once it is there, becomes an error, once. */
  #hearEnd(): void {
    if (this.#endHeard || this.#progress === "unconnected") return;
    const reason = this.#core.tcb(this.at, Tcb.end_reason);
    if (reason === EndReason.NONE) return;
    this.#endHeard = true;
    this.#error = this.#errorOf(reason);
  }

  #errorOf(reason: number): number {
    const told = this.#core.socket(this.at, SocketLayout.error);
    switch (reason) {
      case EndReason.RESET:
        return this.#wasClosedByPeer ? Errno.EPIPE : Errno.ECONNRESET;
      case EndReason.REFUSED:
        return told || Errno.ECONNREFUSED;
      case EndReason.TIMED_OUT:
        return told || this.#core.socket(this.at, SocketLayout.soft_error) || Errno.ETIMEDOUT;
      default:
        return told;
    }
  }

  /** CLOSE_WAIT, or was it at the end. */
  get #wasClosedByPeer(): boolean {
    return this.#has(TcbFlag.FIN_RECEIVED) && !this.#has(TcbFlag.FIN_QUEUED);
  }

  // ---- Opening

  /** -errno or 0. */
  bind({ address, port }: SocketAddress): number {
    if (familyOf(address) === AF_INET6 && this.family !== AF_INET6) return -Errno.EAFNOSUPPORT;
    const { hi, lo } = parseAddress(address);
    return 0 - this.#core.call((core) => core.socketBind(this.at, hi, lo, port));
  }

  listen(backlog: number): number {
    if (this.#progress !== "unconnected") return -Errno.EINVAL;
    return 0 - this.#core.call((core) => core.socketListen(this.at, backlog >>> 0));
  }

  connect(to: SocketAddress, dontWait = false): number | Pending<number> {
    switch (this.#progress) {
      case "connected":
        return -Errno.EISCONN;
      case "connecting":
        if (this.isOpening && (this.nonBlocking || dontWait)) return -Errno.EALREADY;
        return this.#waitForConnection(dontWait);
      case "unconnected":
        if (this.state !== State.CLOSED) return -Errno.EISCONN;
        return this.#beginConnection(to, dontWait);
    }
  }

  #beginConnection({ address, port }: SocketAddress, dontWait: boolean): number | Pending<number> {
    if (familyOf(address) === AF_INET6 && this.family !== AF_INET6) return -Errno.EAFNOSUPPORT;
    if (this.fastOpenConnect) return this.#beginFast({ address, port }, dontWait);
    const { hi, lo } = parseAddress(address);
    const refused = this.#core.call((core) => core.socketConnect(this.at, hi, lo, port));
    if (refused !== 0) return -refused;
    this.#begins();
    if (this.nonBlocking || dontWait) return -Errno.EINPROGRESS;
    return this.#waitForConnection(false);
  }

  /** TCP_FASTOPEN_CONNECT: with a cookie at hand the SYN waits for the first write, else it asks for one. */
  #beginFast(to: SocketAddress, dontWait: boolean): number | Pending<number> {
    const refused = this.#openFast(to);
    if (refused !== 0) return refused;
    if (this.#core.call((core) => core.socketFastRoom(this.at)) !== 0) {
      this.#deferred = true;
      return 0;
    }
    this.#core.call((core) => core.socketSendSyn(this.at));
    return this.nonBlocking || dontWait ? -Errno.EINPROGRESS : this.#waitForConnection(false);
  }

  /** CONNECT has returned, its SYN waits for data. */
  get isDeferred(): boolean {
    return this.#deferred;
  }

  #begins(): void {
    this.#progress = "connecting";
    this.#shutdown = 0;
    this.#error = 0;
    this.#endHeard = false;
  }

  #waitForConnection(dontWait: boolean): number | Pending<number> {
    const deadline = this.#deadline(this.sendTimeoutNs);
    return untilAnswered(() => {
      if (this.isOpening) {
        if (dontWait) return -Errno.EAGAIN;
        return this.#isPast(deadline) ? -Errno.EINPROGRESS : undefined;
      }
      if (this.state === State.CLOSED) {
        const error = this.takeError() || Errno.ECONNABORTED;
        this.#progress = "unconnected";
        return -error;
      }
      this.#progress = "connected";
      return 0;
    }, deadline);
  }

  #deadline(timeoutNs: bigint): bigint | undefined {
    return timeoutNs === 0n ? undefined : this.#core.now + timeoutNs;
  }

  #isPast(deadline: bigint | undefined): boolean {
    return deadline !== undefined && this.#core.now >= deadline;
  }

  /** Asks again and again for an answer, which has to be given once SO_RCVTIMEO is over: `late`. */
  whileReceiving<T>(answer: (late: boolean) => T | undefined): T | Pending<T> {
    const deadline = this.#deadline(this.receiveTimeoutNs);
    return untilAnswered<T>(() => answer(this.#isPast(deadline)), deadline);
  }

  // ---- Writing

  /** Writes bytes, or that many zeros; how many were taken, or -errno. Waits until all are when it may. */
  write(data: Uint8Array | number, flags: number): number | Pending<number> {
    return this.#deferred ? this.#writeFirst(data, flags) : this.#write(data, flags, 0);
  }

  /** MSG_FASTOPEN, RFC 7413: opens a connection, and writes; on its SYN, as much as fits, if the peer's cookie is known. */
  writeFast(data: Uint8Array | number, flags: number, to: SocketAddress): number | Pending<number> {
    if (!this.#fastOpenIsOn) return -Errno.EOPNOTSUPP;
    if (this.#deferred) return this.#writeFirst(data, flags);
    if (this.#progress !== "unconnected") return this.#progress === "connected" ? -Errno.EISCONN : -Errno.EALREADY;
    return this.#openFast(to) || this.#writeFirst(data, flags);
  }

  get #fastOpenIsOn(): boolean {
    return (this.#core.root(Root.fastopen) & FastOpenSysctl.CLIENT) !== 0;
  }

  /** Everything of an active OPEN but the SYN; -errno or 0. */
  #openFast(to: SocketAddress): number {
    if (familyOf(to.address) === AF_INET6 && this.family !== AF_INET6) return -Errno.EAFNOSUPPORT;
    const { hi, lo } = parseAddress(to.address);
    const refused = this.#core.call((core) => core.socketConnectFast(this.at, hi, lo, to.port));
    if (refused !== 0) return 0 - refused;
    this.#begins();
    return 0;
  }

  /** The first data of a connection, whose SYN has not left. */
  #writeFirst(data: Uint8Array | number, flags: number): number | Pending<number> {
    this.#deferred = false;
    const length = typeof data === "number" ? data : data.length;
    const room = this.#core.call((core) => core.socketFastRoom(this.at)) >>> 0;
    const taken = room === 0 ? 0 : this.#put(data, 0, Math.min(room, length), flags);
    this.#core.call((core) => core.socketSendSyn(this.at));
    if (this.nonBlocking || flags & MessageFlag.MSG_DONTWAIT) return taken || -Errno.EINPROGRESS;
    return this.#write(data, flags, taken);
  }

  #write(data: Uint8Array | number, flags: number, begun: number): number | Pending<number> {
    const length = typeof data === "number" ? data : data.length;
    const mayWait = !this.nonBlocking && (flags & MessageFlag.MSG_DONTWAIT) === 0;
    const deadline = this.#deadline(this.sendTimeoutNs);
    let taken = begun;
    return untilAnswered(() => {
      const wait = mayWait && !this.#isPast(deadline);
      if (this.isOpening) return wait ? undefined : taken || -Errno.EAGAIN;
      if (this.pendingError !== 0 || !this.canSend || !this.#isConnected) {
        return taken || -(this.takeError() || Errno.EPIPE);
      }
      taken += this.#put(data, taken, length, flags);
      if (taken === length) return taken;
      return wait ? undefined : taken || -Errno.EAGAIN;
    }, deadline);
  }

  get #isConnected(): boolean {
    const state = this.state;
    const early = state === State.SYN_RECEIVED && this.#progress === "connected";
    return early || state === State.ESTABLISHED || state === State.CLOSE_WAIT;
  }

  /** Hands over what the send buffer takes of `data` from `from`; how much it was. */
  #put(data: Uint8Array | number, from: number, length: number, flags: number): number {
    const more = flags & MessageFlag.MSG_MORE ? SendFlag.MORE : 0;
    const urgent = flags & MessageFlag.MSG_OOB ? SendFlag.URGENT : 0;
    if (!this.#has(TcbFlag.REAL_BYTES)) {
      return this.#core.call((core) => core.socketWrite(this.at, 0, length - from, more | urgent)) >>> 0;
    }
    const { scratch, scratchBytes, engine } = this.#core;
    let at = from;
    while (at < length) {
      const part = Math.min(length - at, scratchBytes);
      if (typeof data === "number") engine.bytes(scratch, part).fill(0);
      else engine.bytes(scratch, part).set(data.subarray(at, at + part));
      // A write that takes several rounds is one write
      const how = at + part < length ? SendFlag.MORE : more | urgent;
      const taken = this.#core.call((core) => core.socketWrite(this.at, scratch, part, how)) >>> 0;
      at += taken;
      if (taken < part) break;
    }
    return at - from;
  }

  // ---- Reading

  /** Reads up to `length` bytes; 0 at the end of the stream, or -errno. Waits for the first when it may. */
  read(length: number, flags: number): Received | Pending<Received> {
    if (flags & MessageFlag.MSG_OOB) return this.#readUrgent(length, flags);
    if (length === 0 && flags === 0) return { result: 0 };
    const mayWait = !this.nonBlocking && (flags & MessageFlag.MSG_DONTWAIT) === 0;
    const all = (flags & MessageFlag.MSG_WAITALL) !== 0;
    const target = Math.max(1, all ? length : Math.min(this.receiveLowWater, length));
    const deadline = this.#deadline(this.receiveTimeoutNs);
    return untilAnswered<Received>(() => {
      if (this.isListening) return { result: -Errno.ENOTCONN };
      const wait = mayWait && !this.#isPast(deadline);
      const ready = this.readable;
      const enough = ready >= target || (ready > 0 && (!wait || this.#readsNoMore));
      if (enough) return this.#get(Math.min(ready, length), flags);
      // Linux SOCK_DONE: behind the end of the stream there is no error to read
      if (this.#has(TcbFlag.FIN_RECEIVED)) return { result: 0 };
      const error = this.takeError();
      if (error !== 0) return { result: -error };
      if (!this.canReceive) return { result: 0 };
      if (this.state === State.CLOSED) return { result: -Errno.ENOTCONN };
      return wait ? undefined : { result: -Errno.EAGAIN };
    }, deadline);
  }

  /** The urgent byte by itself, RFC 6093 §2. */
  #readUrgent(length: number, flags: number): Received {
    const peek = flags & MessageFlag.MSG_PEEK ? 1 : 0;
    const byte = this.#core.call((core) => core.socketReadUrgent(this.at, peek));
    // Behind the end nothing more can come
    if (byte === -Errno.EAGAIN && !this.canReceive) return { result: 0 };
    if (byte < 0) return { result: byte };
    if (length === 0) return { result: 0, flags: MessageFlag.MSG_OOB | MessageFlag.MSG_TRUNC };
    return { result: 1, data: Uint8Array.of(byte), flags: MessageFlag.MSG_OOB };
  }

  get #readsNoMore(): boolean {
    return !this.canReceive || this.pendingError !== 0 || this.state === State.CLOSED;
  }

  #get(length: number, flags: number): Received {
    const peek = flags & MessageFlag.MSG_PEEK ? 1 : 0;
    const real = this.#has(TcbFlag.REAL_BYTES);
    if (!real) {
      const result = this.#core.call((core) => core.socketRead(this.at, 0, length, peek)) >>> 0;
      return { result, flags: 0 };
    }
    const { scratch, scratchBytes, engine } = this.#core;
    // What is only looked at stays where it is: one room's worth
    const data = new Uint8Array(peek ? Math.min(length, scratchBytes) : length);
    let at = 0;
    while (at < data.length) {
      const part = Math.min(data.length - at, scratchBytes);
      const count = this.#core.call((core) => core.socketRead(this.at, scratch, part, peek)) >>> 0;
      data.set(engine.bytes(scratch, count), at);
      at += count;
      if (count < part) break;
    }
    if (flags & MessageFlag.MSG_TRUNC) return { result: at, flags: 0 };
    return { result: at, data: data.subarray(0, at), flags: 0 };
  }

  // ---- Closing

  shutdown(how: number): number {
    const bits = how + 1;
    if ((bits & ~BOTH) !== 0 || bits <= 0) return -Errno.EINVAL;
    const state = this.state;
    if (state === State.LISTEN) {
      if (bits & RECEIVE) this.#core.call((core) => core.socketUnlisten(this.at));
      return 0;
    }
    if (state === State.SYN_SENT) {
      this.#core.call((core) => core.socketAbort(this.at));
      this.#progress = "unconnected";
      this.#endHeard = true;
      return 0;
    }
    const refused = state === State.CLOSED || state === State.TIME_WAIT ? -Errno.ENOTCONN : 0;
    this.#shutdown |= bits;
    if (refused !== 0) return refused;
    if (bits & RECEIVE) this.#core.setFlag(this.at, TcbFlag.RECEIVE_SHUTDOWN, true);
    if (bits & SEND) this.#core.call((core) => core.socketFinish(this.at));
    return 0;
  }

  /** Lets go of the connection, with a reset when SO_LINGER asks for it. Waits for its end when SO_LINGER says so. */
  close(): number | Pending<number> {
    const reset = this.linger.onoff !== 0 && this.linger.linger === 0;
    const waits = this.linger.onoff !== 0 && this.linger.linger > 0 && !this.nonBlocking;
    if (!waits || this.isListening || this.readable > 0) {
      this.#core.call((core) => core.socketClose(this.at, reset ? 1 : 0));
      return 0;
    }
    this.#core.call((core) => core.socketFinish(this.at));
    const deadline = this.#core.now + BigInt(this.linger.linger) * NS_PER_S;
    return untilAnswered(() => {
      const state = this.state;
      const waiting = state === State.FIN_WAIT_1 || state === State.CLOSING || state === State.LAST_ACK;
      if (waiting && this.#core.now < deadline) return undefined;
      this.#core.call((core) => core.socketClose(this.at, 0));
      return 0;
    }, deadline);
  }

  // ---- Names

  get localAddress(): SocketAddress {
    return this.#address(SocketLayout.local_hi, SocketLayout.local_lo, SocketLayout.local_port);
  }

  /** Undefined unless connected. */
  get remoteAddress(): SocketAddress | undefined {
    if (this.#progress === "unconnected") return undefined;
    return this.#address(SocketLayout.remote_hi, SocketLayout.remote_lo, SocketLayout.remote_port);
  }

  #address(hi: { offset: number; type: string }, lo: typeof hi, port: typeof hi): SocketAddress {
    const { engine } = this.#core;
    const words = { hi: engine.getBig(this.at, hi), lo: engine.getBig(this.at, lo) };
    return { address: formatAddress(words, this.family), port: engine.get(this.at, port) };
  }

  /** Bytes written that the peer has not acknowledged, a FIN among them; `unsent`: that have not left. */
  queued(unsent: boolean): number {
    if (this.isOpening) return 0;
    const core = this.#core;
    const fin = this.#has(TcbFlag.FIN_QUEUED) ? 1 : 0;
    const end = core.tcb(this.at, Tcb.write_seq) + fin;
    return (end - core.tcb(this.at, unsent ? Tcb.snd_nxt : Tcb.snd_una)) >>> 0;
  }

  /** Whether SO_REUSEADDR or SO_REUSEPORT is set: a bit of `SocketFlag`. */
  reuses(bit: number): boolean {
    return (this.#core.socket(this.at, SocketLayout.flags) & bit) !== 0;
  }

  /** Sets it, or takes it back. */
  setReuse(bit: number, on: boolean): void {
    const flags = this.#core.socket(this.at, SocketLayout.flags);
    this.#core.call((core) => core.socketReuse(this.at, on ? flags | bit : flags & ~bit));
  }
}
