/**
 * The system calls of scripts: how arguments become a call of the host, and what else than the result is compared. A
 * call is prepared before the script runs, so that one with the wrong arguments is refused by its line.
 */
import { addressOf, Args, ArgumentError, iovecLength, type Struct } from "./args.ts";
import type { Pending, PollFd, ScriptAddress, ScriptHost } from "./host.ts";
import type { Difference } from "./mismatch.ts";
import { errnoName, symbol } from "./symbols.ts";
import type { Expression } from "./syntax.ts";

/** A finished call. */
export interface Done {
  /** As the host returned it: -errno for an error. */
  readonly result: number;
  /** What the call wrote into its arguments, where that is not as the script says. */
  readonly difference?: Difference;
  /** The result is a new descriptor, for the script's own number. */
  readonly opens?: boolean;
}

/** What a call needs of the script's run. */
export interface CallContext {
  readonly host: ScriptHost;
  /** The live descriptor for the script's number. */
  fd(scripted: number): number;
  /** The script's number for a live descriptor. */
  scriptedFd(live: number): number;
  readonly family: number;
  readonly local: ScriptAddress;
  readonly remote: ScriptAddress;
  /** The socket under test changes. */
  onBind(fd: number, port: number): void;
  onListen(fd: number): void;
  onConnect(fd: number, remotePort: number): void;
  onAccept(fd: number, peer: ScriptAddress | undefined): void;
  onClose(fd: number): void;
}

/** A call with its arguments read, ready to be made. */
export type PreparedCall = (context: CallContext) => Done | Pending<Done>;

/** Reads the arguments; an `ArgumentError` says what is wrong with them. */
export function prepareCall(name: string, args: readonly Expression[]): PreparedCall {
  return CALLS[name](args);
}

/** Whether an answer is that of a call that still blocks. */
export function isPending<T>(answer: T | Pending<T>): answer is Pending<T> {
  return typeof answer === "object" && answer !== null && "retry" in answer;
}

/** Applies `change` to what a call returns, now or when it no longer blocks. */
function map<T>(answer: T | Pending<T>, change: (value: T) => Done): Done | Pending<Done> {
  if (!isPending(answer)) return change(answer);
  return { retry: () => map(answer.retry(), change), deadlineNs: answer.deadlineNs };
}

const FASTOPEN = symbol("MSG_FASTOPEN")!;
const PEEK = symbol("MSG_PEEK")!;
const EFAULT = -symbol("EFAULT")!;

const CALLS: Record<string, (items: readonly Expression[]) => PreparedCall> = {
  socket: (items) => {
    const args = new Args(items, 3);
    const [type, protocol] = [args.number(1), args.numberOr(2, 0)];
    return ({ host, family }) => ({ result: host.socket(args.numberOr(0, family), type, protocol), opens: true });
  },
  bind: (items) => {
    const args = new Args(items, 3);
    const fd = args.number(0);
    addressOf(args.at(1), { address: "", port: 0 }, "argument 2");
    return (context) => {
      const address = args.address(1, context.local);
      const result = context.host.bind(context.fd(fd), address);
      if (result === 0) context.onBind(context.fd(fd), address.port);
      return { result };
    };
  },
  listen: (items) => {
    const args = new Args(items, 2);
    const [fd, backlog] = [args.number(0), args.number(1)];
    return (context) => {
      const result = context.host.listen(context.fd(fd), backlog);
      if (result === 0) context.onListen(context.fd(fd));
      return { result };
    };
  },
  accept: (items) => accept(new Args(items, 3), 0),
  accept4: (items) => {
    const args = new Args(items, 4);
    return accept(args, args.number(3));
  },
  connect: (items) => {
    const args = new Args(items, 3);
    const fd = args.number(0);
    addressOf(args.at(1), { address: "", port: 0 }, "argument 2");
    return (context) => {
      const address = args.address(1, context.remote);
      context.onConnect(context.fd(fd), address.port);
      return map(context.host.connect(context.fd(fd), address), (result) => ({ result }));
    };
  },
  read: (items) => reading(new Args(items, 3), (args) => [args.number(2), 0]),
  readv: (items) => reading(new Args(items, 3), (args) => [args.iovec(1), 0]),
  recv: (items) => reading(new Args(items, 4), (args) => [args.number(2), args.number(3)]),
  recvfrom: (items) => reading(new Args(items, 6), (args) => [args.number(2), args.number(3)]),
  recvmsg: receiveMessage,
  write: (items) => writing(new Args(items, 3), (args) => [args.buffer(1), 0]),
  writev: (items) => writing(new Args(items, 3), (args) => [args.iovec(1), 0]),
  send: (items) => writing(new Args(items, 4), (args) => [args.buffer(1), args.number(3)]),
  sendto: (items) => {
    const args = new Args(items, 6);
    return writing(args, () => [args.buffer(1), args.number(3)], args.at(4));
  },
  sendmsg: (items) => {
    const args = new Args(items, 3);
    const message = messageOf(args.struct(1));
    return writing(args, () => [message.length, args.number(2)], message.name);
  },
  shutdown: (items) => {
    const args = new Args(items, 2);
    const [fd, how] = [args.number(0), args.number(1)];
    return (context) => ({ result: context.host.shutdown(context.fd(fd), how) });
  },
  close: (items) => {
    const fd = new Args(items, 1).number(0);
    return (context) => {
      const live = context.fd(fd);
      return map(context.host.close(live), (result) => {
        if (result === 0) context.onClose(live);
        return { result };
      });
    };
  },
  getsockopt: getOption,
  setsockopt: (items) => {
    const args = new Args(items, 5);
    const [fd, level, name, setting] = [args.number(0), args.number(1), args.number(2), args.setting(3)];
    return (context) => ({ result: context.host.setsockopt(context.fd(fd), level, name, setting) });
  },
  fcntl: (items) => {
    const args = new Args(items, 2, 3);
    const [fd, command, argument] = [args.number(0), args.number(1), args.numberOr(2, 0)];
    return (context) => ({ result: context.host.fcntl(context.fd(fd), command, argument) });
  },
  ioctl: (items) => {
    const args = new Args(items, 3);
    const [fd, request, expected] = [args.number(0), args.number(1), args.at(2)];
    if (expected.kind !== "any") args.number(2);
    return (context) => {
      const { result, value } = context.host.ioctl(context.fd(fd), request);
      const difference = result < 0 ? undefined : numberDifference("value", expected, Number(value ?? 0));
      return { result, difference };
    };
  },
  poll,
  epoll_create: (items) => {
    const args = new Args(items, 1);
    args.number(0);
    return ({ host }) => ({ result: host.epollCreate(), opens: true });
  },
  epoll_create1: (items) => {
    const args = new Args(items, 1);
    const flags = args.number(0);
    return ({ host }) => ({ result: host.epollCreate(flags), opens: true });
  },
  epoll_ctl: controlEpoll,
  epoll_wait: waitEpoll,
};

function accept(args: Args, flags: number): PreparedCall {
  const fd = args.number(0);
  return (context) =>
    map(context.host.accept(context.fd(fd), flags), ({ result, address }) => {
      if (result >= 0) context.onAccept(result, address);
      return { result, opens: true };
    });
}

/** `shape` says how many bytes to read, and the flags. */
function reading(args: Args, shape: (args: Args) => [number, number]): PreparedCall {
  const fd = args.number(0);
  const [length, flags] = shape(args);
  // Nothing can be read to a null pointer, and nothing is taken off the queue for it
  const nowhere = args.isNull(1);
  return (context) =>
    map(context.host.read(context.fd(fd), length, nowhere ? flags | PEEK : flags), ({ result }) => {
      return { result: nowhere && result > 0 ? EFAULT : result };
    });
}

function receiveMessage(items: readonly Expression[]): PreparedCall {
  const args = new Args(items, 3);
  const [fd, flags] = [args.number(0), args.number(2)];
  const { length, flags: expected } = messageOf(args.struct(1));
  return (context) =>
    map(context.host.read(context.fd(fd), length, flags), ({ result, flags: got = 0 }) => {
      return { result, difference: result < 0 ? undefined : numberDifference("msg_flags", expected, got) };
    });
}

interface Message {
  readonly name: Expression;
  readonly length: number;
  readonly flags: Expression;
}

function messageOf(struct: Struct): Message {
  struct.only("msg_name", "msg_namelen", "msg_iov", "msg_iovlen", "msg_flags", "msg_control", "msg_controllen");
  const control = struct.get("msg_control");
  if (control.kind !== "any" && !(control.kind === "list" && control.items.length === 0)) {
    throw new ArgumentError("msg_control: unsupported control messages");
  }
  return {
    name: struct.get("msg_name"),
    length: iovecLength(struct.get("msg_iov"), "msg_iov"),
    flags: struct.get("msg_flags"),
  };
}

/** `shape` gives the bytes and the flags; `to` is where MSG_FASTOPEN connects to. */
function writing(args: Args, shape: (args: Args) => [Uint8Array | number, number], to?: Expression): PreparedCall {
  const fd = args.number(0);
  const [data, flags] = shape(args);
  const opens = to !== undefined && (flags & FASTOPEN) !== 0;
  const nowhere = args.isNull(1) && data !== 0;
  if (opens && to.kind === "struct") addressOf(to, { address: "", port: 0 }, "the address");
  return (context) => {
    const address = opens
      ? addressOf(to.kind === "struct" ? to : { kind: "any" }, context.remote, "the address")
      : undefined;
    if (address !== undefined) context.onConnect(context.fd(fd), address.port);
    // What cannot be read from is as little as nothing: a socket that may be written to says what is wrong
    if (nowhere) return map(context.host.write(context.fd(fd), 0, flags), (result) => ({ result: result || EFAULT }));
    return map(context.host.write(context.fd(fd), data, flags, address), (result) => ({ result }));
  };
}

function getOption(items: readonly Expression[]): PreparedCall {
  const args = new Args(items, 5);
  const [fd, level, name, expected] = [args.number(0), args.number(1), args.number(2), args.at(3)];
  const wanted = expected.kind === "any" || isOpen(expected) ? undefined : args.setting(3);
  return (context) => {
    const { result, value } = context.host.getsockopt(context.fd(fd), level, name);
    if (result < 0 || wanted === undefined || JSON.stringify(wanted) === JSON.stringify(value)) return { result };
    return {
      result,
      difference: { expected: `value ${JSON.stringify(wanted)}`, got: `value ${JSON.stringify(value)}` },
    };
  };
}

/** `[...]` */
function isOpen(expression: Expression): boolean {
  return expression.kind === "list" && expression.items.length === 1 && expression.items[0].kind === "any";
}

function poll(items: readonly Expression[]): PreparedCall {
  const args = new Args(items, 3);
  const entries = args.structs(0).map((struct) => {
    struct.only("fd", "events", "revents");
    return { fd: struct.number("fd"), events: struct.number("events"), revents: struct.get("revents") };
  });
  const timeout = args.number(2);
  return (context) => {
    const fds: PollFd[] = entries.map(({ fd, events }) => ({ fd: context.fd(fd), events, revents: 0 }));
    return map(context.host.poll(fds, timeout), (result) => {
      const differences = entries.map(({ revents }, at) =>
        numberDifference(`revents[${at}]`, revents, fds[at].revents)
      );
      return { result, difference: differences.find((difference) => difference !== undefined) };
    });
  };
}

function controlEpoll(items: readonly Expression[]): PreparedCall {
  const args = new Args(items, 4);
  const [epfd, op, fd] = [args.number(0), args.number(1), args.number(2)];
  const event = args.at(3).kind === "struct" ? args.struct(3).only("events", "fd", "ptr", "u32", "u64") : undefined;
  const events = event?.optional("events") ?? 0;
  const data = dataOf(event);
  return (context) => {
    const handed = data?.isFd ? context.fd(data.value) : data?.value ?? context.fd(fd);
    return { result: context.host.epollCtl(context.fd(epfd), op, context.fd(fd), events, handed) };
  };
}

/** What `epoll_wait` is to hand back; a descriptor is the script's. */
function dataOf(event: Struct | undefined): { value: number; isFd: boolean } | undefined {
  const fd = event?.optional("fd");
  if (fd !== undefined) return { value: fd, isFd: true };
  const value = event?.optional("u32") ?? event?.optional("u64") ?? event?.optional("ptr");
  return value === undefined ? undefined : { value, isFd: false };
}

function waitEpoll(items: readonly Expression[]): PreparedCall {
  const args = new Args(items, 4);
  const epfd = args.number(0);
  const [max, timeout] = [args.number(2), args.number(3)];
  const expected = args.at(1).kind === "any" ? [] : args.structs(1).map((struct) => {
    struct.only("events", "fd", "ptr", "u32", "u64");
    return { events: struct.get("events"), data: dataOf(struct) };
  });
  return (context) =>
    map(context.host.epollWait(context.fd(epfd), max, timeout), ({ result, events = [] }) => {
      const differences = expected.slice(0, Math.max(result, 0)).flatMap(({ events: wanted, data }, at) => [
        numberDifference(`events[${at}]`, wanted, events[at]?.events ?? 0),
        data === undefined ? undefined : dataDifference(context, at, data, events[at]?.data ?? -1),
      ]);
      return { result, difference: differences.find((difference) => difference !== undefined) };
    });
}

function dataDifference(
  context: CallContext,
  at: number,
  expected: { value: number; isFd: boolean },
  got: number,
): Difference | undefined {
  const value = expected.isFd ? context.scriptedFd(got) : got;
  if (value === expected.value) return undefined;
  return { expected: `data[${at}] ${expected.value}`, got: `data[${at}] ${value}` };
}

/** Compares a number with what a script expects: `...` is anything. */
function numberDifference(what: string, expected: Expression, got: number): Difference | undefined {
  const wanted = expected.kind === "list" ? expected.items[0] : expected;
  if (wanted?.kind !== "number" || (wanted.value >>> 0) === (got >>> 0)) return undefined;
  return { expected: `${what} ${wanted.text}`, got: `${what} ${hexIfNamed(wanted.text, got)}` };
}

/** Flags read better in hexadecimal. */
function hexIfNamed(text: string, value: number): string {
  return /^-?\d+$/.test(text) ? `${value}` : `0x${(value >>> 0).toString(16)}`;
}

/** A result as a script would write it. */
export function resultText(result: number): string {
  return result < 0 ? `-1 ${errnoName(-result)}` : `${result}`;
}
