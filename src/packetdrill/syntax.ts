/** A script as the parser understood it: the tree that the runner walks, in the script's own numbers. */

/** Where an event stands in time; all in microseconds. */
export type EventTime =
  /** From the start of the script. */
  | { readonly kind: "absolute"; readonly at: number; readonly until?: number }
  /** From the time of the event before. */
  | { readonly kind: "relative"; readonly at: number; readonly until?: number }
  /** Whenever it comes. */
  | { readonly kind: "any" };

/** What a script says about the IP header; what it leaves out is not checked. */
export interface IpInfo {
  /** The two ECN bits. */
  readonly ecn?: number;
  /** The whole byte. */
  readonly tos?: number;
  /** Time to live, hop limit. */
  readonly ttl?: number;
  /** IPv6 flow label. */
  readonly flowLabel?: number;
}

/** TCP options by the names of the language. Hexadecimal texts are in lower case. */
export type TcpOption =
  | { readonly kind: "mss"; readonly value: number }
  | { readonly kind: "wscale"; readonly value: number }
  | { readonly kind: "sackOK" | "nop" | "eol" }
  | { readonly kind: "sack"; readonly blocks: readonly (readonly [number, number])[] }
  | { readonly kind: "TS"; readonly val: number; readonly ecr: number }
  | { readonly kind: "FO" | "FOEXP" | "md5"; readonly hex: string }
  /** AccECN counters in their order on the wire. */
  | { readonly kind: "ECN"; readonly fields: readonly { readonly name: AccEcnField; readonly value: number }[] }
  /** On the wire, but without a name in the language. */
  | { readonly kind: "other"; readonly number: number; readonly hex: string };

/** A counter of the AccECN option. */
export type AccEcnField = "e0b" | "ceb" | "e1b";

/** `1:1001(1000)`. */
export interface SeqRange {
  /** First sequence number, relative to the ISN. */
  readonly start: number;
  /** Bytes of payload. */
  readonly length: number;
}

/** A TCP segment of a script. */
export interface TcpPacket {
  readonly kind: "tcp";
  readonly ip: IpInfo;
  /** Bits as on the wire, AE (0x100) included. */
  readonly flags: number;
  readonly seq: SeqRange;
  readonly ack: number;
  /** The raw field. */
  readonly win?: number;
  readonly urg?: number;
  /** `undefined`: `<...>`, anything. */
  readonly options?: readonly TcpOption[];
}

/** An ICMP message of a script about a segment of the connection. */
export interface IcmpPacket {
  readonly kind: "icmp";
  readonly ip: IpInfo;
  readonly type: string | number;
  readonly code?: string | number;
  readonly mtu?: number;
  /** The segment that it quotes. */
  readonly quoted?: SeqRange;
}

/** An argument or result of a system call. */
export type Expression =
  | { readonly kind: "any" }
  | { readonly kind: "number"; readonly value: number; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "struct"; readonly fields: readonly StructField[] }
  /** `htons(8080)`, `inet_addr("192.0.2.1")`. */
  | { readonly kind: "apply"; readonly name: string; readonly args: readonly Expression[] };

/** One member of a struct; `msg_iov(2)=...` has a count. */
export interface StructField {
  readonly name?: string;
  readonly count?: Expression;
  readonly value: Expression;
}

/** How a result is compared. */
export type Relation = "=" | "!=" | ">=" | "<=" | ">" | "<";

/** A system call and what it should return. */
export interface SystemCall {
  readonly name: string;
  readonly args: readonly Expression[];
  readonly relation: Relation;
  readonly result: Expression;
  /** Name of the error that a result of -1 comes with. */
  readonly errno?: string;
  /** The call as written, for messages. */
  readonly text: string;
}

/** What happens. */
export type Action =
  | { readonly kind: "inbound"; readonly packet: TcpPacket | IcmpPacket }
  | { readonly kind: "outbound"; readonly packet: TcpPacket }
  /** `returnsAt`: a blocking call, microseconds on the same base as the event's time. */
  | { readonly kind: "call"; readonly call: SystemCall; readonly returnsAt?: number }
  | { readonly kind: "shell"; readonly commands: readonly ShellCommand[] }
  | { readonly kind: "code"; readonly statements: readonly Statement[] };

/** One event of a script. */
export interface Event {
  readonly line: number;
  readonly time: EventTime;
  readonly action: Action;
}

/** One simple command of a shell text: its words, and where its output goes. */
export interface ShellCommand {
  readonly line: number;
  readonly words: readonly string[];
  /** Files that output is redirected to; those that throw it away are left out. */
  readonly to: readonly string[];
}

/** A statement of a code block. */
export type Statement =
  | { readonly kind: "assert"; readonly line: number; readonly text: string; readonly test: Code }
  | { readonly kind: "assign"; readonly line: number; readonly name: string; readonly value: Code }
  | { readonly kind: "print"; readonly line: number; readonly values: readonly Code[] };

/** An expression of a code block. */
export type Code =
  | { readonly kind: "value"; readonly value: number | string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly op: string; readonly of: Code }
  | { readonly kind: "binary"; readonly op: string; readonly left: Code; readonly right: Code }
  /** `a <= b <= c`: each neighbouring pair must hold. */
  | {
    readonly kind: "compare";
    readonly first: Code;
    readonly rest: readonly { readonly op: string; readonly value: Code }[];
  }
  | { readonly kind: "apply"; readonly name: string; readonly args: readonly Code[] };

/** A whole script. */
export interface Script {
  readonly file: string;
  /** Options at the head of the script, in order. */
  readonly options: readonly ScriptOption[];
  readonly init: readonly ShellCommand[];
  readonly events: readonly Event[];
}

/** `--name=value` at the head of a script. */
export interface ScriptOption {
  readonly line: number;
  readonly name: string;
  readonly value?: string;
}
