/** TCP options between the words of a script and the bytes of a packet. */
import type { AccEcnField, TcpOption } from "./syntax.ts";

/** Bytes that a TCP header has room for. */
export const OPTIONS_LENGTH_MAX = 40;

const Kind = {
  EOL: 0,
  NOP: 1,
  MSS: 2,
  WSCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMPS: 8,
  MD5: 19,
  FAST_OPEN: 34,
  ACCECN_0: 172,
  ACCECN_1: 174,
  EXPERIMENT: 254,
} as const;

/** RFC 7413 §4.1.1 as it was before it had a kind of its own: the magic number of the experiment. */
const FAST_OPEN_MAGIC = "f989";

/** Bytes of an option on the wire. */
export function optionLength(option: TcpOption): number {
  switch (option.kind) {
    case "nop":
    case "eol":
      return 1;
    case "sackOK":
      return 2;
    case "wscale":
      return 3;
    case "mss":
      return 4;
    case "sack":
      return 2 + 8 * option.blocks.length;
    case "TS":
      return 10;
    case "FOEXP":
      return 4 + option.hex.length / 2;
    case "ECN":
      return 2 + 3 * option.fields.length;
    default:
      return 2 + option.hex.length / 2;
  }
}

/** Options as bytes. */
export function encodeOptions(options: readonly TcpOption[]): Uint8Array {
  return Uint8Array.from(options.flatMap(optionBytes));
}

function optionBytes(option: TcpOption): number[] {
  const length = optionLength(option);
  switch (option.kind) {
    case "nop":
      return [Kind.NOP];
    case "eol":
      return [Kind.EOL];
    case "sackOK":
      return [Kind.SACK_PERMITTED, length];
    case "wscale":
      return [Kind.WSCALE, length, option.value];
    case "mss":
      return [Kind.MSS, length, option.value >> 8, option.value & 255];
    case "sack":
      return [Kind.SACK, length, ...option.blocks.flat().flatMap((edge) => bigEndian(edge, 4))];
    case "TS":
      return [Kind.TIMESTAMPS, length, ...bigEndian(option.val, 4), ...bigEndian(option.ecr, 4)];
    case "FO":
      return [Kind.FAST_OPEN, length, ...hexBytes(option.hex)];
    case "FOEXP":
      return [Kind.EXPERIMENT, length, ...hexBytes(FAST_OPEN_MAGIC + option.hex)];
    case "md5":
      return [Kind.MD5, length, ...hexBytes(option.hex)];
    case "ECN": {
      const kind = option.fields[0]?.name === "e1b" ? Kind.ACCECN_1 : Kind.ACCECN_0;
      return [kind, length, ...option.fields.flatMap((field) => bigEndian(field.value, 3))];
    }
    case "other":
      return [option.number, length, ...hexBytes(option.hex)];
  }
}

/** The options in a header; a complaint if they run over its end. */
export function decodeOptions(bytes: Uint8Array): TcpOption[] | string {
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length;) {
    const kind = bytes[at];
    if (kind === Kind.EOL || kind === Kind.NOP) {
      options.push({ kind: kind === Kind.EOL ? "eol" : "nop" });
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) return `TCP option ${kind} runs over the end of the header`;
    options.push(decodeOption(kind, bytes.subarray(at + 2, at + length)));
    at += length;
  }
  return options;
}

function decodeOption(kind: number, body: Uint8Array): TcpOption {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const hex = hexText(body);
  const other: TcpOption = { kind: "other", number: kind, hex };
  switch (kind) {
    case Kind.MSS:
      return body.length === 2 ? { kind: "mss", value: view.getUint16(0) } : other;
    case Kind.WSCALE:
      return body.length === 1 ? { kind: "wscale", value: body[0] } : other;
    case Kind.SACK_PERMITTED:
      return body.length === 0 ? { kind: "sackOK" } : other;
    case Kind.SACK:
      return body.length > 0 && body.length % 8 === 0 ? { kind: "sack", blocks: sackBlocks(view) } : other;
    case Kind.TIMESTAMPS:
      return body.length === 8 ? { kind: "TS", val: view.getUint32(0), ecr: view.getUint32(4) } : other;
    case Kind.FAST_OPEN:
      return { kind: "FO", hex };
    case Kind.MD5:
      return { kind: "md5", hex };
    case Kind.EXPERIMENT:
      return hex.startsWith(FAST_OPEN_MAGIC) ? { kind: "FOEXP", hex: hex.slice(FAST_OPEN_MAGIC.length) } : other;
    case Kind.ACCECN_0:
      return accEcn(["e0b", "ceb", "e1b"], body) ?? other;
    case Kind.ACCECN_1:
      return accEcn(["e1b", "ceb", "e0b"], body) ?? other;
    default:
      return other;
  }
}

function sackBlocks(view: DataView): [number, number][] {
  return Array.from({ length: view.byteLength / 8 }, (_, index) => {
    return [view.getUint32(index * 8), view.getUint32(index * 8 + 4)];
  });
}

function accEcn(order: AccEcnField[], body: Uint8Array): TcpOption | undefined {
  if (body.length % 3 !== 0 || body.length > 9) return undefined;
  const fields = order.slice(0, body.length / 3).map((name, index) => {
    return { name, value: body[index * 3] << 16 | body[index * 3 + 1] << 8 | body[index * 3 + 2] };
  });
  return { kind: "ECN", fields };
}

/** An option as a script writes it. */
export function optionText(option: TcpOption): string {
  switch (option.kind) {
    case "mss":
    case "wscale":
      return `${option.kind} ${option.value}`;
    case "sack":
      return `sack ${option.blocks.map(([start, end]) => `${start}:${end}`).join(" ")}`;
    case "TS":
      return `TS val ${option.val} ecr ${option.ecr}`;
    case "FO":
    case "FOEXP":
    case "md5":
      return option.hex === "" ? option.kind : `${option.kind} ${option.hex}`;
    case "ECN":
      return ["ECN", ...option.fields.map(({ name, value }) => `${name} ${value}`)].join(" ");
    case "other":
      return `option ${option.number} (${option.hex})`;
    default:
      return option.kind;
  }
}

function bigEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => Math.floor(value / 2 ** (8 * (bytes - 1 - index))) & 255);
}

function hexBytes(hex: string): number[] {
  return (hex.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}

function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
